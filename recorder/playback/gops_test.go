package playback

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

func TestEveryGOPPlaysByItself(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
	x, err := New(s).GOPs(t.Context(), "door", start+5000, start+11_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Inits) != 1 || !strings.Contains(x.Inits[0].MIME, "avc1.") || !strings.Contains(x.Inits[0].MIME, "mp4a.40.2") || x.Inits[0].VideoOnly {
		t.Errorf("inits %+v, want one of H.264 and AAC", x.Inits)
	}
	if len(x.Segments) != 2 || len(x.Gaps) != 0 {
		t.Fatalf("%d segments and gaps %v, want 2 and none", len(x.Segments), x.Gaps)
	}
	for _, seg := range x.Segments {
		raw, err := os.ReadFile(s.path(seg.Row))
		if err != nil {
			t.Fatal(err)
		}
		next, at := seg.InitSize, seg.Start
		for i, g := range seg.GOPs {
			if g.Offset != next || g.Start != at {
				t.Errorf("GOP %d begins at byte %d, time %d; want %d, %d", i, g.Offset, g.Start, next, at)
			}
			next, at = g.Offset+g.Size, g.Start+g.Duration
			file := save(t, append(slices.Clone(raw[:seg.InitSize]), raw[g.Offset:next]...))
			if said := fmp4test.Warnings(t, file); said != "" && i == 0 {
				t.Errorf("GOP %d: players complain:\n%s", i, said)
			}
			if got := fmp4test.Frames(t, file); got < 40 {
				t.Errorf("GOP %d has %d pictures that can be decoded", i, got)
			}
		}
		if next != seg.Bytes || at != seg.End || len(seg.GOPs) != 2 {
			t.Errorf("%d GOPs end at byte %d, time %d; want 2, %d, %d", len(seg.GOPs), next, at, seg.Bytes, seg.End)
		}
	}
	s.idle(t)
}

func TestGOPsNameAudioThatBrowsersDoNotPlayAndGaps(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC}, segment.None)
	s.record(t, fmp4test.Options{Audio: media.PCMA, RunStart: fmp4test.Start + 9_000_000}, segment.Disk)
	x, err := New(s).GOPs(t.Context(), "door", start, start+20_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Inits) != 2 || !x.Inits[1].VideoOnly || strings.Contains(x.Inits[1].MIME, ",") || x.Segments[1].Init != 1 {
		t.Errorf("inits %+v, want the second video alone", x.Inits)
	}
	if want := []Gap{{Span{start + 4000, start + 9000}, segment.Disk}}; !slices.Equal(x.Gaps, want) {
		t.Errorf("gaps %v, want %v", x.Gaps, want)
	}
}

func TestTheOpenSegmentGrowsInTheIndex(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{}, segment.None)
	whole := s.rows[0]
	l := New(s)
	all, err := l.parts(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	l = New(s)
	r := &s.rows[0]
	r.Open = true
	for i, p := range all.parts {
		r.Bytes, r.End = p.End(), start+(p.DTS+p.Duration)/90
		x, err := l.GOPs(t.Context(), "door", start, start+60_000)
		if err != nil {
			t.Fatal(err)
		}
		g := x.Segments[0].GOPs
		if last := g[len(g)-1]; last.Offset+last.Size != p.End() || last.Start+last.Duration != r.End {
			t.Errorf("after part %d the index ends at byte %d, time %d; want %d, %d", i, last.Offset+last.Size, last.Start+last.Duration, p.End(), r.End)
		}
	}
	r.Open, r.Bytes = false, whole.Bytes // closed under the same id
	opened := s.opened
	if _, err := l.GOPs(t.Context(), "door", start, start+60_000); err != nil || s.opened != opened {
		t.Errorf("a segment that was read to its end was opened again (err %v)", err)
	}
	s.idle(t)
}

func TestAnOpenSegmentWithoutAPartIsNoDamage(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Seconds: 8}, segment.None)
	r := &s.rows[1]
	r.Open, r.End, r.Bytes = true, r.Start+1, 700
	x, err := New(s).GOPs(t.Context(), "door", start, start+60_000)
	if err != nil || len(x.Segments) != 1 || len(x.Gaps) != 0 {
		t.Errorf("GOPs = %d segments, gaps %v, %v; want the closed segment alone", len(x.Segments), x.Gaps, err)
	}
}

func TestTooLongARangeIsRefused(t *testing.T) {
	l := New(newShelf(t))
	if _, err := l.GOPs(t.Context(), "door", 0, maxGOPs+1); !errors.Is(err, ErrTooLong) {
		t.Errorf("GOPs = %v, want ErrTooLong", err)
	}
	if _, err := l.HLS(t.Context(), "door", 0, maxGOPs+1, nil); !errors.Is(err, ErrTooLong) {
		t.Errorf("HLS = %v, want ErrTooLong", err)
	}
}

func TestTheCacheForgetsTheLeastUsed(t *testing.T) {
	c := newCache(2)
	a := c.get("a")
	c.get("b")
	if c.get("a") != a {
		t.Error("a was forgotten while there was room")
	}
	c.get("c")
	if c.get("a") != a {
		t.Error("a was forgotten, though b is older")
	}
	if len(c.entries) != 2 || c.order.Len() != 2 {
		t.Errorf("%d entries, want 2", len(c.entries))
	}
}
