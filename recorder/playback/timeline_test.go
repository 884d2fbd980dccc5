package playback

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// rowsAt returns a shelf with rows and the time it is, in ms.
func rowsAt(now int64, rows ...Row) *shelf {
	for i := range rows {
		rows[i].Camera = "door"
	}
	return &shelf{now: time.UnixMilli(now), rows: rows}
}

func row(start, end int64, gap segment.GapReason) Row { return Row{Start: start, End: end, Gap: gap} }

func TestTimelineJoinsNeighboursAndNamesGaps(t *testing.T) {
	const now = 100_000
	tests := []struct {
		name     string
		rows     []Row
		missing  segment.GapReason
		absent   bool
		from, to int64
		ranges   []Span
		gaps     []Gap
	}{
		{"nothing ever", nil, segment.Camera, true, 0, 50_000, nil, nil},
		{"neighbours are one range", []Row{row(10_000, 20_000, 0), row(20_000, 30_000, 0)}, 0, false, 0, 90_000,
			[]Span{{10_000, 30_000}}, nil},
		{"a hole of half a second is none", []Row{row(10_000, 20_000, 0), row(20_500, 30_000, segment.Camera)}, 0, false, 0, 90_000,
			[]Span{{10_000, 30_000}}, nil},
		{"a longer hole is a gap with the reason of what follows", []Row{row(10_000, 20_000, 0), row(20_501, 30_000, segment.Overload)}, 0, false, 0, 90_000,
			[]Span{{10_000, 20_000}, {20_501, 30_000}}, []Gap{{Span{20_000, 20_501}, segment.Overload}}},
		{"no gap before the first footage", []Row{row(10_000, 20_000, segment.Restart)}, 0, false, 0, 15_000,
			[]Span{{10_000, 15_000}}, nil},
		{"the end of a camera that is down is a gap up to now", []Row{row(10_000, 20_000, 0)}, segment.Camera, true, 0, 200_000,
			[]Span{{10_000, 20_000}}, []Gap{{Span{20_000, now}, segment.Camera}}},
		{"the end of a camera that records is none", []Row{row(10_000, 20_000, 0)}, segment.Camera, false, 0, 200_000,
			[]Span{{10_000, 20_000}}, nil},
		{"the future is no gap", []Row{row(10_000, 20_000, 0)}, segment.Camera, true, 150_000, 200_000, nil, nil},
		{"a range inside a hole is a gap", []Row{row(10_000, 20_000, 0), row(60_000, 70_000, segment.Disk)}, 0, false, 30_000, 40_000,
			nil, []Gap{{Span{30_000, 40_000}, segment.Disk}}},
		{"a range before everything is empty", []Row{row(60_000, 70_000, segment.Disk)}, 0, false, 30_000, 40_000, nil, nil},
		{"a range that begins in a hole", []Row{row(10_000, 20_000, 0), row(60_000, 70_000, segment.Disk)}, 0, false, 30_000, 65_000,
			[]Span{{60_000, 65_000}}, []Gap{{Span{30_000, 60_000}, segment.Disk}}},
		{"a range that ends in a hole", []Row{row(10_000, 20_000, 0), row(60_000, 70_000, segment.Clock)}, 0, false, 15_000, 40_000,
			[]Span{{15_000, 20_000}}, []Gap{{Span{20_000, 40_000}, segment.Clock}}},
		{"a range inside a segment", []Row{row(10_000, 20_000, 0)}, segment.Camera, true, 12_000, 13_000, []Span{{12_000, 13_000}}, nil},
		{"overlapping segments count once", []Row{row(10_000, 20_000, 0), row(15_000, 17_000, 0), row(20_000, 21_000, 0)}, 0, false, 0, 90_000,
			[]Span{{10_000, 21_000}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rowsAt(now, tt.rows...)
			s.missing, s.absent = tt.missing, tt.absent
			got, err := New(s).Timeline(t.Context(), "door", tt.from, tt.to)
			if err != nil || !slices.EqualFunc(got.Ranges, tt.ranges, func(r Range, s Span) bool { return r == Range{Span: s} }) || !slices.Equal(got.Gaps, tt.gaps) {
				t.Errorf("Timeline = %v, %v, want ranges %v, gaps %v", got, err, tt.ranges, tt.gaps)
			}
		})
	}
}

func TestTimelineKeepsApartWhatWasRecordedForOtherReasons(t *testing.T) {
	why := func(r Row, why string) Row { r.Why = why; return r }
	tests := []struct {
		name string
		rows []Row
		want []Range
	}{
		{"the same reason is one range", []Row{why(row(10_000, 20_000, 0), "event"), why(row(20_000, 30_000, 0), "event")},
			[]Range{{Span{10_000, 30_000}, "event"}}},
		{"another one begins another range", []Row{why(row(10_000, 20_000, 0), "schedule"), why(row(20_000, 30_000, 0), "event"), row(30_000, 40_000, 0)},
			[]Range{{Span{10_000, 20_000}, "schedule"}, {Span{20_000, 30_000}, "event"}, {Span{30_000, 40_000}, ""}}},
		{"ranges do not lie over each other", []Row{why(row(10_000, 20_000, 0), "schedule"), why(row(18_000, 30_000, 0), "event")},
			[]Range{{Span{10_000, 20_000}, "schedule"}, {Span{20_000, 30_000}, "event"}}},
		{"what lies inside of another one adds nothing", []Row{why(row(10_000, 20_000, 0), "schedule"), why(row(12_000, 18_000, 0), "event")},
			[]Range{{Span{10_000, 20_000}, "schedule"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := New(rowsAt(100_000, tt.rows...)).Timeline(t.Context(), "door", 0, 90_000)
			if err != nil || !slices.Equal(got.Ranges, tt.want) || len(got.Gaps) > 0 {
				t.Errorf("Timeline = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestSegmentsComeInPages(t *testing.T) {
	s := rowsAt(100_000, row(10_000, 20_000, 0), row(20_000, 30_000, 0), row(30_000, 40_000, 0))
	for i := range s.rows {
		s.rows[i].Codec, s.rows[i].Width = media.H264, 320
	}
	var got []int64
	from, pages := int64(15_000), 0
	for {
		rows, next, err := New(s).Segments(t.Context(), "door", from, 90_000, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, r.Start)
		}
		if pages++; next == 0 {
			break
		}
		from = next
	}
	if !slices.Equal(got, []int64{10_000, 20_000, 30_000}) || pages != 2 {
		t.Errorf("%d pages gave %v, want each segment once in 2", pages, got)
	}
}

func TestSegmentsReadFromTheFileWhatTheIndexDoesNotKnow(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Codec: media.H265, Seconds: 8}, segment.None)
	for i := range s.rows {
		s.rows[i].Codec, s.rows[i].Width, s.rows[i].Height = 0, 0, 0
	}
	if err := os.Truncate(s.path(s.rows[1]), 100); err != nil {
		t.Fatal(err)
	}
	l := New(s)
	for range 2 {
		rows, _, err := l.Segments(t.Context(), "door", start, start+8000, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 2 || rows[0].Codec != media.H265 || rows[0].Width != 320 || rows[0].Height != 180 || rows[1].Codec != 0 {
			t.Errorf("segments %+v, want H.265 of 320x180 and one not known", rows)
		}
	}
	if s.opened != 3 { // the damaged one is tried again
		t.Errorf("%d files opened, want 3", s.opened)
	}
	s.idle(t)
}

// brokenIndex fails as an index does whose disk is gone.
type brokenIndex struct{ *shelf }

var errIndex = errors.New("input/output error")

func (brokenIndex) Rows(context.Context, string, int64, int64) ([]Row, error) { return nil, errIndex }

func TestAnIndexThatFailsIsReported(t *testing.T) {
	l := New(brokenIndex{newShelf(t)})
	ctx := t.Context()
	calls := map[string]func() error{
		"Timeline": func() error { _, err := l.Timeline(ctx, "door", 0, 1); return err },
		"Segments": func() error { _, _, err := l.Segments(ctx, "door", 0, 1, 0); return err },
		"GOPs":     func() error { _, err := l.GOPs(ctx, "door", 0, 1); return err },
		"Clip":     func() error { _, err := l.Clip(ctx, "door", 0, 1); return err },
		"HLS":      func() error { _, err := l.HLS(ctx, "door", 0, 1, nil); return err },
		"Snapshot": func() error { _, err := l.Snapshot(ctx, "door", 0); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, errIndex) {
			t.Errorf("%s = %v, want the index's error", name, err)
		}
	}
}
