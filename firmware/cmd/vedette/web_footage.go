package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"vedette/recorder"
	"vedette/web/api"
)

func at(ms int64) api.Timestamp { return api.Timestamp(time.UnixMilli(ms).UTC()) }

// footageError maps what can be wrong with a question about footage.
func footageError(err error) error {
	switch {
	case errors.Is(err, recorder.ErrTooLong):
		return &api.FieldError{Name: "to", Message: "The range is longer than is handed out at once."}
	case errors.Is(err, recorder.ErrRange):
		return &api.FieldError{Name: "to", Message: "The range must end after it begins."}
	case errors.Is(err, fs.ErrNotExist): // swept since it was found
		return api.ErrNotFound
	}
	return apiError(err)
}

func gapViews(gaps []recorder.Gap) []api.Gap {
	out := make([]api.Gap, len(gaps))
	for i, g := range gaps {
		out[i] = api.Gap{Start: at(g.Start), End: at(g.End), Reason: g.Reason.String()}
	}
	return out
}

func (a apiRecorder) Timeline(ctx context.Context, id string, from, to time.Time) (api.Timeline, error) {
	t, err := a.r.Timeline(ctx, id, from, to)
	if err != nil {
		return api.Timeline{}, footageError(err)
	}
	out := api.Timeline{Ranges: make([]api.Range, len(t.Ranges)), Gaps: gapViews(t.Gaps)}
	for i, s := range t.Ranges {
		out.Ranges[i] = api.Range{Start: at(s.Start), End: at(s.End), Why: s.Why}
	}
	return out, nil
}

func (a apiRecorder) Segments(ctx context.Context, id string, from, to time.Time, limit int) ([]api.Segment, error) {
	rows, err := a.r.Segments(ctx, id, from, to, limit)
	if err != nil {
		return nil, footageError(err)
	}
	out := make([]api.Segment, len(rows))
	for i, s := range rows {
		out[i] = api.Segment{
			ID: s.ID, Start: at(s.Start), End: at(s.End), Duration: s.End - s.Start, Bytes: s.Bytes, Codec: s.Codec.String(),
			Width: s.Width, Height: s.Height, Held: s.Held, Open: s.Open, Volume: s.Volume, Why: s.Why,
		}
	}
	return out, nil
}

func (a apiRecorder) GOPs(ctx context.Context, id string, from, to time.Time) (api.GOPIndex, error) {
	x, err := a.r.GOPs(ctx, id, from, to)
	if err != nil {
		return api.GOPIndex{}, footageError(err)
	}
	out := api.GOPIndex{
		Inits: make([]api.GOPInit, len(x.Inits)), Segments: make([]api.GOPSegment, len(x.Segments)), Gaps: make([]api.GOPGap, len(x.Gaps)),
	}
	for i, v := range x.Inits {
		out.Inits[i] = api.GOPInit(v)
	}
	for i, s := range x.Segments {
		gops := make([][4]int64, len(s.GOPs))
		for j, g := range s.GOPs {
			gops[j] = [4]int64{g.Offset, g.Size, g.Start, g.Duration}
		}
		out.Segments[i] = api.GOPSegment{ID: s.ID, Init: s.Init, InitSize: s.InitSize, Start: s.Start, End: s.End, Open: s.Open, GOPs: gops}
	}
	for i, g := range x.Gaps {
		out.Gaps[i] = api.GOPGap{Start: g.Start, End: g.End, Reason: g.Reason.String()}
	}
	return out, nil
}

func (a apiRecorder) HLS(ctx context.Context, id string, from, to time.Time) ([]byte, error) {
	list, err := a.r.HLS(ctx, id, from, to, func(s recorder.Segment) string { return "../segments/" + s.ID + "/media.mp4" })
	return list, footageError(err)
}

func (a apiRecorder) Clip(ctx context.Context, id string, from, to time.Time) (*api.Media, error) {
	ctx, end, err := a.exports.begin(ctx)
	if err != nil {
		return nil, err
	}
	m, err := clipMedia(a.r.Clip(ctx, id, from, to))
	if err != nil {
		end()
		return nil, err
	}
	m.Closer = closing{m.Closer, end}
	return m, nil
}

func (a apiRecorder) Snapshot(ctx context.Context, id string, t time.Time) (*api.Media, error) {
	return clipMedia(a.r.Snapshot(ctx, id, t))
}

func clipMedia(c *recorder.Clip, err error) (*api.Media, error) {
	if err != nil {
		return nil, footageError(err)
	}
	return &api.Media{
		Content: c, Closer: c, ETag: c.ETag, Start: time.UnixMilli(c.Start).UTC(),
		Covered: c.Covered, Gaps: gapViews(c.Gaps),
	}, nil
}

func (a apiRecorder) SegmentMedia(ctx context.Context, id, segment string) (*api.Media, error) {
	f, err := a.r.SegmentFile(ctx, id, segment)
	if err != nil {
		return nil, footageError(err)
	}
	m := &api.Media{Content: io.ReadSeeker(f.SectionReader), Closer: f, Start: time.UnixMilli(f.Start).UTC()}
	if !f.Open {
		m.ETag = `"` + f.ID + `"`
	}
	return m, nil
}
