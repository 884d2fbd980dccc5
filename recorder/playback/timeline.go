package playback

import (
	"context"
	"fmt"

	"vedette/recorder/segment"
)

// Timeline is what there is of a camera in a range, and what is missing.
type Timeline struct {
	Ranges []Range
	Gaps   []Gap
}

// Range is a stretch of footage that was recorded for the same.
type Range struct {
	Span
	Why string // as of a Row
}

// Timeline returns the footage of camera in [from, to), neighbours joined that
// were recorded for the same, and the gaps in it. There is no gap before the first footage ever, nor in
// the future.
func (l *Library) Timeline(ctx context.Context, camera string, from, to int64) (Timeline, error) {
	if from >= to {
		return Timeline{}, ErrRange
	}
	rows, err := l.src.Rows(ctx, camera, from, to)
	if err != nil {
		return Timeline{}, fmt.Errorf("timeline of %s: %w", camera, err)
	}
	tail, err := l.tail(ctx, camera, rows, from, to)
	if err != nil {
		return Timeline{}, fmt.Errorf("timeline of %s: %w", camera, err)
	}
	return timeline(rows, from, to, tail), nil
}

// tail is what is known of the times around the rows of a range.
type tail struct {
	began int64             // when footage of the camera begins; after the range if there is none before its end
	now   int64             // where the past ends
	why   segment.GapReason // why footage is missing after the last row
	known bool              // whether anything is missing there
}

func (l *Library) tail(ctx context.Context, camera string, rows []Row, from, to int64) (t tail, err error) {
	t.began, t.now = to, l.src.Now().UnixMilli()
	if len(rows) > 0 && rows[0].Start <= from {
		t.began = from
	} else if first, ok, err := l.src.First(ctx, camera); err != nil {
		return t, err
	} else if ok {
		t.began = first
	}
	if len(rows) > 0 && rows[len(rows)-1].End >= to {
		return t, nil
	}
	next, ok, err := l.src.Next(ctx, camera, to)
	if err != nil {
		return t, err
	}
	if ok {
		t.why, t.known = next.Gap, true
		return t, nil
	}
	t.why, t.known = l.src.Missing(camera)
	return t, nil
}

// timeline joins rows, which are ascending and overlap [from, to).
func timeline(rows []Row, from, to int64, t tail) Timeline {
	var out Timeline
	end := max(from, t.began) // of the footage so far
	for _, r := range rows {
		if r.Start-end > gapShortest {
			out.Gaps = append(out.Gaps, Gap{Span{end, r.Start}, r.Gap})
		}
		s := Range{Span{max(r.Start, from), min(max(r.End, r.Start), to)}, r.Why}
		n := len(out.Ranges)
		near := n > 0 && s.Start-out.Ranges[n-1].End <= gapShortest
		if near && out.Ranges[n-1].Why != s.Why { // side by side, and not one over the other
			s.Start, near = max(s.Start, out.Ranges[n-1].End), false
		}
		if near {
			out.Ranges[n-1].End = max(out.Ranges[n-1].End, s.End)
		} else if s.End > s.Start {
			out.Ranges = append(out.Ranges, s)
		}
		end = max(end, s.End)
	}
	if until := min(to, t.now); t.known && until-end > gapShortest {
		out.Gaps = append(out.Gaps, Gap{Span{end, until}, t.why})
	}
	return out
}

// Gaps returns the gaps of camera in [from, to), as Timeline does.
func (l *Library) Gaps(ctx context.Context, camera string, from, to int64) ([]Gap, error) {
	t, err := l.Timeline(ctx, camera, from, to)
	return t.Gaps, err
}

// Segments returns the segments of camera that overlap [from, to), at most
// limit of them (all, if limit is 0). next is the from to go on with, or 0
// when there is no more. What the index does not know of a segment is read
// from its file; a file that cannot be read leaves it unknown.
func (l *Library) Segments(ctx context.Context, camera string, from, to int64, limit int) (rows []Row, next int64, err error) {
	if from >= to {
		return nil, 0, ErrRange
	}
	if rows, err = l.src.Rows(ctx, camera, from, to); err != nil {
		return nil, 0, fmt.Errorf("segments of %s: %w", camera, err)
	}
	if limit > 0 && len(rows) > limit {
		// Rows that overlap from may begin before it, but the one after the
		// limit begins where the last one ends, or later.
		next = max(rows[limit].Start, from+1)
		rows = rows[:limit]
	}
	for i := range rows {
		r := &rows[i]
		if r.Codec != 0 && r.Width != 0 {
			continue
		}
		info, err := l.header(ctx, *r)
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if err != nil {
			continue // the list does not depend on every file being whole
		}
		t := info.video()
		r.Codec, r.Width, r.Height = t.Codec, t.Width, t.Height
	}
	return rows, next, nil
}
