package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/playback"
	"vedette/recorder/segment"
	"vedette/recorder/volume"
)

// librarySource is what playback reads through.
type librarySource struct{ r *Recorder }

// segmentID names a segment in the API, the same while it is open and after.
func (s librarySource) segmentID(start int64) string {
	return strconv.FormatInt(start, 10) + "-" + s.r.volume.ID()[:8]
}

// parseSegmentID returns the start, UTC ms, that a segment's id names; ok is
// false if id is none of this volume.
func (r *Recorder) parseSegmentID(id string) (start int64, ok bool) {
	ms, vol, found := strings.Cut(id, "-")
	start, err := strconv.ParseInt(ms, 10, 64)
	return start, found && err == nil && start >= 0 && vol == r.volume.ID()[:8]
}

func (s librarySource) closed(row index.Row, held bool) playback.Row {
	return playback.Row{
		ID: s.segmentID(row.Start), Camera: row.Camera, Start: row.Start, End: row.End(), Bytes: row.Bytes, Seq: row.Seq,
		Codec: row.Codec, Width: int(row.Width), Height: int(row.Height), Gap: segment.GapReason(row.Gap), Held: held,
	}
}

// open returns the segments of a camera that have no row yet, oldest first.
func (s librarySource) open(id string) []playback.Row {
	c, err := s.r.get(id)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	w := c.writer
	c.mu.Unlock()
	if w == nil {
		return nil
	}
	var out []playback.Row
	for _, o := range w.Open() {
		if o.End <= o.Name.Start { // nothing to read yet
			continue
		}
		out = append(out, playback.Row{
			ID: s.segmentID(o.Name.Start), Camera: id, Start: o.Name.Start, End: o.End, Bytes: o.Bytes, Seq: o.Name.Seq,
			Codec: o.Codec, Width: int(o.Width), Height: int(o.Height), Gap: o.Gap, Open: true,
		})
	}
	return out
}

// Rows implements playback.Source.
func (s librarySource) Rows(ctx context.Context, id string, from, to int64) ([]playback.Row, error) {
	// Open ones are read first: a segment that closes in between is then seen
	// twice, and dropped once, but never missed.
	open := s.open(id)
	var out []playback.Row
	err := s.r.index.Range(id, from, to, func(row index.Row, held bool) bool {
		out = append(out, s.closed(row, held))
		return ctx.Err() == nil
	})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	for _, o := range open {
		known := slices.ContainsFunc(out, func(r playback.Row) bool { return r.Start == o.Start && r.Seq == o.Seq })
		if !known && o.Start < to && o.End > from {
			out = append(out, o)
		}
	}
	// Open segments come last unless the wall clock stepped back.
	slices.SortStableFunc(out, func(a, b playback.Row) int { return cmp.Compare(a.Start, b.Start) })
	return out, nil
}

// Next implements playback.Source.
func (s librarySource) Next(_ context.Context, id string, t int64) (r playback.Row, ok bool, err error) {
	open := s.open(id)
	err = s.r.index.Range(id, t, 1<<62, func(row index.Row, held bool) bool {
		if ok = row.Start >= t; ok {
			r = s.closed(row, held)
		}
		return !ok
	})
	if err != nil {
		return r, false, fmt.Errorf("read index: %w", err)
	}
	for _, o := range open {
		if !ok && o.Start >= t {
			return o, true, nil
		}
	}
	return r, ok, nil
}

// First implements playback.Source.
func (s librarySource) First(_ context.Context, id string) (int64, bool, error) {
	if first, _, ok := s.r.index.Bounds(id); ok {
		return first, true, nil
	}
	if open := s.open(id); len(open) > 0 {
		return open[0].Start, true, nil
	}
	return 0, false, nil
}

// Missing implements playback.Source.
func (s librarySource) Missing(id string) (segment.GapReason, bool) {
	c, err := s.r.get(id)
	if err != nil {
		return segment.None, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writer == nil {
		return segment.Disabled, true
	}
	w := c.writer.State()
	if w.Writing {
		return segment.None, false
	}
	main := c.states[media.Main].Phase
	if away := main == ingest.Offline || main == ingest.Faulty; away && (w.Missing == segment.None || w.Missing == segment.Restart) {
		return segment.Camera, true // nothing came since we started
	}
	return w.Missing, true
}

// Lease implements playback.Source.
func (s librarySource) Lease(r playback.Row) (release func()) {
	return s.r.leases.take(segmentKey{r.Camera, r.Start})
}

// Open implements playback.Source. A row that was read while its segment was
// open finds the file under its closed name too.
func (s librarySource) Open(r playback.Row) (playback.File, error) {
	n := volume.Name{Camera: r.Camera, Start: r.Start, Seq: r.Seq, Open: r.Open}
	if !r.Open {
		n.Duration, n.Bytes = r.End-r.Start, r.Bytes
	}
	h, err := s.r.volume.FS().Open(n.Path())
	if !errors.Is(err, fs.ErrNotExist) || !r.Open {
		return h, err
	}
	// Between the rename and the row the directory alone knows the name.
	entries, err := s.r.volume.FS().ReadDir(n.Dir())
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		found, err := volume.ParseName(n.Dir() + "/" + e.Name())
		if err == nil && !found.Open && found.Start == n.Start && found.Seq == n.Seq {
			return s.r.volume.FS().Open(found.Path())
		}
	}
	return nil, fmt.Errorf("segment %s: %w", r.ID, fs.ErrNotExist)
}

// Now implements playback.Source.
func (s librarySource) Now() time.Time { return s.r.o.Clock.Now() }
