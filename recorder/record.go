package recorder

import (
	"time"

	"vedette/recorder/index"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// newWriter builds the writer of a camera's main stream. c.mu is held.
func (c *camera) newWriter(cfg Camera) *segment.Writer {
	r := c.r
	last, missing := c.lastEnd(cfg.ID)
	return segment.New(segment.Options{
		Camera: cfg.ID, Hub: c.hubs[media.Main], Volume: r.volume,
		Target: r.o.Segment, Ordinal: c.ordinal, LastEnd: last, Missing: missing,
		Opened: func(segment.Open) { c.update() },
		Closed: func(s segment.Closed) { r.indexSegment(s) },
		Gap:    func(start, end int64, why segment.GapReason) { c.lost(start, end, why) },
		Log:    r.o.Log, Now: r.o.Clock.Now,
	})
}

// lastEnd returns where the newest known footage ends, and why there is none
// since.
func (c *camera) lastEnd(id string) (int64, segment.GapReason) {
	_, last, ok := c.r.index.Bounds(id)
	switch {
	case !ok:
		return 0, segment.None
	case c.ran && !c.recorded:
		return last, segment.Disabled
	}
	return last, segment.Restart
}

// indexSegment gives a closed segment its row. It is called by the volume's
// writer and does no I/O: rows wait for the next commit.
func (r *Recorder) indexSegment(s segment.Closed) {
	var flags index.Flags
	if s.Trusted {
		flags |= index.Trusted
	}
	if s.Audio {
		flags |= index.Audio
	}
	row := index.Row{
		Start: s.Name.Start, Duration: uint32(s.Name.Duration), Bytes: s.Name.Bytes, Seq: s.Name.Seq, Camera: s.Name.Camera,
		Codec: s.Codec, Width: s.Width, Height: s.Height, Gap: byte(s.Gap), Flags: flags,
	}
	if err := r.index.Add(row); err != nil {
		// The file is whole and on disk; the next start finds it.
		r.o.Log.Error("segment not indexed", "file", s.Name.Path(), "err", err)
	}
	r.holds.closed(row)
	r.changes.notify()
}

// lost tells of footage that is missing for a reason of ours; what a camera
// does is told by its state.
func (c *camera) lost(start, end int64, why segment.GapReason) {
	if why != segment.Overload && why != segment.Disk && why != segment.Clock {
		return
	}
	c.r.emit("recording_gap", Warning, c.config().ID, map[string]any{
		"reason": why.String(), "start": time.UnixMilli(start).UTC(), "end": time.UnixMilli(end).UTC(),
		"seconds": float64(end-start) / 1000,
	})
}
