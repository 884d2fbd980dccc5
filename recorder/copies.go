package recorder

import (
	"cmp"
	"context"
	"sync"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// copies keeps a camera's main stream on disk once: on the volume of its
// choice while that is there, else on another, and nowhere while there is
// none. A camera with a mirror has two of them, which never share a volume.
type copies struct {
	c      *camera
	mirror bool

	mu     sync.Mutex
	writer *segment.Writer // nil while there is no volume
	on     *present        // where writer writes
	none   bool            // there was no volume to be chosen
	rate   meterReading

	// Of the writers before, since the camera was started.
	bytes    int64
	segments int64
	dropped  uint64
	left     int64 // UTC ms: where their footage ended; 0 = there were none
	counted  *media.Run
	seq      uint32 // of the next segment of counted
}

// run records until ctx is done. It moves whenever the volume goes, or a
// better one comes: the new writer begins with the last key frame, so what is
// lost is what the old volume did not make durable.
func (k *copies) run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := k.c.r.bays.next()
		p := k.choose()
		k.lack(p == nil)
		if p == nil {
			k.c.update()
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		k.writeTo(ctx, p)
	}
	return context.Cause(ctx)
}

// writeTo records to p until ctx is done or another choice is better.
func (k *copies) writeTo(ctx context.Context, p *present) {
	w := k.c.newWriter(p, k)
	k.set(w, p)
	moveCtx, move := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			changed := k.c.r.bays.next()
			if k.choose() != p {
				move()
				return
			}
			select {
			case <-moveCtx.Done():
				return
			case <-changed:
			}
		}
	})
	_ = w.Run(moveCtx) // it ends with its context alone
	move()
	watch.Wait()
	k.set(nil, nil)
	k.c.update()
}

// reset forgets what an earlier run of the camera left.
func (k *copies) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes, k.segments, k.dropped, k.left, k.rate, k.none = 0, 0, 0, 0, meterReading{}, false
}

func (k *copies) set(w *segment.Writer, p *present) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writer != nil {
		s := k.writer.State()
		k.bytes += s.Bytes
		k.segments += s.Segments
		k.dropped += s.Dropped
		// Where it ended: what the volume did not keep of that was told by the
		// writer itself.
		k.left = cmp.Or(s.MissingAt, s.LastSample, k.left)
		if s.Counted != nil {
			k.counted, k.seq = s.Counted, s.Seq
		}
	}
	k.writer, k.on = w, p
	if !k.mirror || p == nil {
		k.c.r.bays.notify() // the mirror must keep off the volume of the first; and who waits for a volume to be left
	}
}

// lack notes whether there is a volume for this copy.
func (k *copies) lack(none bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.none = none
}

// lacks reports whether there is no volume for this copy.
func (k *copies) lacks() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.none
}

// current returns the writer at work and its volume; nil if there is none.
func (k *copies) current() (*segment.Writer, *present) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writer, k.on
}

// sample takes a reading for the rate.
func (k *copies) sample(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	bytes := k.bytes
	if k.writer != nil {
		bytes += k.writer.State().Bytes
	}
	k.rate.sample(bytes, now)
}

// figures sums up what the copy did since the camera was started.
func (k *copies) figures() (s segment.State, bytesPerSecond int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writer != nil {
		s = k.writer.State()
	}
	s.LastSample = max(s.LastSample, k.left)
	s.Segments += k.segments
	s.Dropped += k.dropped
	return s, int64(k.rate.rate)
}

// choose returns where this copy belongs at present, or nil.
func (k *copies) choose() *present {
	cfg := k.c.config()
	_, on := k.current()
	if k.mirror {
		p := k.c.r.bays.named(cfg.Mirror)
		if p == nil || p.departed() || p == k.c.main.place() {
			return nil // a copy beside the first protects nothing
		}
		return p
	}
	return k.c.r.bays.choose(cfg.Volume, cfg.Mirror, on)
}

// place returns the volume this copy is on, or nil.
func (k *copies) place() *present {
	_, on := k.current()
	return on
}

// numbering returns where the next writer goes on counting segments.
func (k *copies) numbering() (*media.Run, uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counted, k.seq
}

// newWriter builds the writer of a copy of the camera's main stream.
func (c *camera) newWriter(p *present, k *copies) *segment.Writer {
	r, cfg := c.r, c.config()
	last, missing := c.lastEnd(cfg.ID, k)
	run, seq := k.numbering()
	return segment.New(segment.Options{
		Camera: cfg.ID, Hub: c.hubs[media.Main], Volume: p.volume, Primed: true,
		Target: r.o.Segment, Ordinal: c.ordinal, Run: run, Seq: seq, LastEnd: last, Missing: missing,
		Opened: func(segment.Open) { c.update() },
		Closed: func(s segment.Closed) { p.indexSegment(s) },
		Gap:    func(start, end int64, why segment.GapReason) { c.lost(start, end, why, k) },
		Log:    r.o.Log.With("volume", p.bay.o.Name), Now: r.o.Clock.Now,
	})
}

// lastEnd returns where the newest known footage of the camera ends, and why
// there is none since.
func (c *camera) lastEnd(id string, k *copies) (int64, segment.GapReason) {
	k.mu.Lock()
	left := k.left
	k.mu.Unlock()
	_, last, ok := c.r.bounds(id)
	switch {
	case left > 0:
		return max(last, left), segment.Disk // a volume went
	case !ok:
		return 0, segment.None
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ran && !c.recorded {
		return last, segment.Disabled
	}
	return last, segment.Restart
}

// indexSegment gives a closed segment its row. It is called by the volume's
// writer and does no I/O: rows wait for the next commit.
func (p *present) indexSegment(s segment.Closed) {
	r := p.bay.r
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
	r.holds.closed(p, row) // before the row can be seen, and moved: see present.restamp
	if err := p.index.Add(row); err != nil {
		// The file is whole and on disk; recovery finds it.
		r.o.Log.Error("segment not indexed", "file", s.Name.Path(), "err", err)
	}
	if !s.Trusted {
		p.untrusted.Store(true)
	}
	r.changes.notify()
}

// lost tells of footage that is missing for a reason of ours; what a camera
// does is told by its state.
func (c *camera) lost(start, end int64, why segment.GapReason, k *copies) {
	if why != segment.Overload && why != segment.Disk && why != segment.Clock {
		return
	}
	payload := map[string]any{
		"reason": why.String(), "start": time.UnixMilli(start).UTC(), "end": time.UnixMilli(end).UTC(),
		"seconds": float64(end-start) / 1000,
	}
	if k.mirror {
		payload["mirror"] = true
	}
	c.r.emit("recording_gap", Warning, c.id, payload)
}
