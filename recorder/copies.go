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
	seq      uint32            // of the next segment of counted
	from     int64             // where footage of counted goes on without a seam; 0 = nowhere
	idle     segment.GapReason // why nothing was recorded since; None: it was, or was wanted
	was      *present          // where it was written when nobody wanted it any more
	began    time.Time         // of the demand that the last writer was made for
}

// run records until ctx is done, whenever that is wanted. It moves whenever the
// volume goes, or a better one comes: the new writer begins with the last key
// frame, so what is lost is what the old volume did not make durable.
func (k *copies) run(ctx context.Context) error {
	for ctx.Err() == nil {
		asked, changed := k.c.demand.changes.next(), k.c.r.bays.next()
		if wants, _ := k.c.demand.now(); !wants.on {
			k.rest(wants.idle)
			k.c.update()
			select {
			case <-ctx.Done():
			case <-asked:
			}
			continue
		}
		p := k.choose()
		k.lack(p == nil)
		if p == nil {
			k.c.update()
			select {
			case <-ctx.Done():
			case <-changed:
			case <-asked:
			}
			continue
		}
		k.writeTo(ctx, p)
	}
	return context.Cause(ctx)
}

// writeTo records to p until ctx is done, nobody wants it any more or another
// choice is better.
func (k *copies) writeTo(ctx context.Context, p *present) {
	w := k.c.newWriter(p, k)
	k.set(w, p)
	k.follow() // it may have changed meanwhile
	moveCtx, move := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		k.watch(moveCtx, w, p)
		move()
	})
	_ = w.Run(moveCtx) // it ends with its context, or is told to
	move()
	watch.Wait()
	k.set(nil, nil)
	k.c.update()
}

// finishLimit is how long a recording that nobody wants any more goes on until
// a key frame comes, which it ends with.
const finishLimit = 30 * time.Second

// watch returns once w must stop at once: ctx is done, or another volume than p
// is a better choice. A recording that nobody wants any more it has end with the
// next key frame.
func (k *copies) watch(ctx context.Context, w *segment.Writer, p *present) {
	var limit <-chan time.Time
	for {
		asked, changed := k.c.demand.changes.next(), k.c.r.bays.next()
		if k.choose() != p {
			return
		}
		switch wants, since := k.c.demand.now(); {
		case !wants.on && limit == nil:
			limit = time.After(finishLimit)
			w.Finish()
		case wants.on && limit != nil && w.GoOn():
			limit = nil
			k.serve(since)
		}
		select {
		case <-ctx.Done():
			return
		case <-limit:
			return
		case <-asked:
		case <-changed:
		}
	}
}

// rest notes that nobody wants anything recorded, and what to say of that.
func (k *copies) rest(idle segment.GapReason) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle, k.none = idle, false
}

// serve notes that the writer at work is for the demand that began then too.
func (k *copies) serve(since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.began = since
}

// reset forgets what an earlier run of the camera left.
func (k *copies) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes, k.segments, k.dropped, k.left, k.rate, k.none = 0, 0, 0, 0, meterReading{}, false
	k.from, k.idle, k.was = 0, segment.None, nil
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
		k.from, k.was = s.From, k.on
		if s.LastSample > 0 {
			k.idle = segment.None
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
	if on == nil {
		on = k.before()
	}
	if k.mirror {
		p := k.c.r.bays.named(cfg.Mirror)
		if p == nil || p.departed() || p == k.c.main.place() {
			return nil // a copy beside the first protects nothing
		}
		return p
	}
	return k.c.r.bays.choose(cfg.Volume, cfg.Mirror, on)
}

// before returns the volume that this copy was on last, if it is still there:
// a recording that comes and goes need not choose anew each time.
func (k *copies) before() *present {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.was != nil && k.was.departed() {
		k.was = nil
	}
	return k.was
}

// place returns the volume this copy is on, or nil.
func (k *copies) place() *present {
	_, on := k.current()
	return on
}

// follows has the next writer go on where the one before ended: it counts on,
// and begins as far in the past as what it is for wants. That is the pre-roll
// before the demand, for the first writer of each; for one that goes on for
// another, the last key frame.
func (k *copies) follows(o *segment.Options, preroll time.Duration) {
	wants, since := k.c.demand.now()
	o.Why = wants.why
	k.mu.Lock()
	defer k.mu.Unlock()
	o.Run, o.Seq, o.From = k.counted, k.seq, k.from
	if !since.Equal(k.began) && preroll > 0 {
		o.Past = preroll + time.Since(since)
	}
	k.began = since
}

// newWriter builds the writer of a copy of the camera's main stream.
func (c *camera) newWriter(p *present, k *copies) *segment.Writer {
	r, cfg := c.r, c.config()
	last, missing := c.lastEnd(cfg.ID, k)
	o := segment.Options{
		Camera: cfg.ID, Hub: c.hubs[media.Main], Volume: p.volume, Primed: true,
		Target: r.o.Segment, Ordinal: c.ordinal, LastEnd: last, Missing: missing,
		Opened: func(segment.Open) { c.update() },
		Closed: func(s segment.Closed) { p.indexSegment(s) },
		Gap:    func(start, end int64, why segment.GapReason) { c.lost(start, end, why, k) },
		Log:    r.o.Log.With("volume", p.bay.o.Name), Now: r.o.Clock.Now,
	}
	k.follows(&o, cfg.preroll())
	return segment.New(o)
}

// lastEnd returns where the newest known footage of the camera ends, and why
// there is none since.
func (c *camera) lastEnd(id string, k *copies) (int64, segment.GapReason) {
	k.mu.Lock()
	left, idle := k.left, k.idle
	k.mu.Unlock()
	_, last, ok := c.r.bounds(id)
	switch {
	case idle != segment.None && (ok || left > 0):
		return max(last, left), idle
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
	flags |= index.ForWhy(byte(s.Why))
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
