// Package hub fans the access units of one stream out to its readers. It owns
// the bounded queue of every reader, the cache of the last group of pictures,
// and the pre-roll: the groups before it, for recordings that begin in the
// past. It never blocks the camera: a reader that falls behind loses
// units, counted, and goes on at the next key frame.
package hub

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vedette/recorder/media"
)

// ErrClosed is returned by a reader that was closed.
var ErrClosed = errors.New("hub reader closed")

// Options bounds the cache of a hub.
type Options struct {
	// CacheBytes caps the last-GOP cache and the pre-roll together, in bytes of
	// memory; a longer GOP is not cached at all. 0 means 6 MiB: a GOP of 11 s at
	// 4 Mb/s.
	CacheBytes int
}

// Hub is the fan-out of one stream. All methods may be called concurrently.
type Hub struct {
	hurried atomic.Int32 // readers that want every unit at once

	mu       sync.Mutex
	readers  map[*Reader]struct{}
	closed   bool
	most     int // bytes of cache and pre-roll
	standard int // of most, by Options
	run      *media.Run
	runReady chan struct{} // closed and replaced when run changes
	cache    gop           // since the last random access point
	preroll  time.Duration // kept before cache; 0 = nothing
	past     []gop         // whole groups before cache, oldest first
	pastSize int           // bytes in past
}

// gop is a group of pictures with the sound that came with it.
type gop struct {
	units []*media.AccessUnit
	bytes int
}

// New returns a hub without readers.
func New(o Options) *Hub {
	if o.CacheBytes == 0 {
		o.CacheBytes = 6 << 20
	}
	return &Hub{most: o.CacheBytes, standard: o.CacheBytes, readers: map[*Reader]struct{}{}, runReady: make(chan struct{})}
}

// Publish hands u to every reader. It never blocks. u must not be changed
// afterwards.
func (h *Hub) Publish(u *media.AccessUnit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setRun(u.Run)
	h.remember(u)
	for r := range h.readers {
		r.push(u)
	}
}

// EndRun tells every reader that the current run is over, and forgets the
// cache. It does nothing when no run is under way.
func (h *Hub) EndRun() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		return
	}
	h.setRun(nil)
	h.forget()
	for r := range h.readers {
		r.end()
	}
}

func (h *Hub) setRun(run *media.Run) {
	if h.run == run {
		return
	}
	h.run = run
	close(h.runReady)
	h.runReady = make(chan struct{})
}

// remember keeps the units since the last random access point, unless they
// outgrow the cache, and the groups before it as long as the pre-roll asks.
func (h *Hub) remember(u *media.AccessUnit) {
	video := u.Run.Video()
	if u.Random && (u.Track == video || video < 0) {
		if h.preroll > 0 && len(h.cache.units) > 0 {
			h.past = append(h.past, h.cache)
			h.pastSize += h.cache.bytes
		}
		h.cache = gop{units: make([]*media.AccessUnit, 0, max(cap(h.cache.units), 64))}
	} else if len(h.cache.units) == 0 {
		return
	}
	if h.cache.bytes += u.Footprint(); h.cache.bytes > h.most {
		h.forget()
		return
	}
	h.cache.units = append(h.cache.units, u)
	h.trim(u.Received)
}

// trim drops the groups that the pre-roll does not reach back to at now, and
// the oldest ones beyond the cap. h.mu is held.
func (h *Hub) trim(now time.Time) {
	for len(h.past) > 0 {
		next := h.cache
		if len(h.past) > 1 {
			next = h.past[1]
		}
		if h.pastSize+h.cache.bytes <= h.most && now.Sub(next.units[0].Received) < h.preroll {
			return
		}
		h.pastSize -= h.past[0].bytes
		h.past[0] = gop{} // the array behind must not keep it alive
		h.past = h.past[1:]
	}
	h.past = nil
}

// forget empties cache and pre-roll. h.mu is held.
func (h *Hub) forget() {
	h.cache, h.past, h.pastSize = gop{}, nil, 0
}

// SetPreroll has the hub keep at least the last d before now, in whole groups
// of pictures, as far as Options.CacheBytes reaches; 0 keeps the last group
// alone. It takes effect at the next unit.
func (h *Hub) SetPreroll(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.preroll = max(d, 0)
}

// SetCacheBytes changes Options.CacheBytes, but not below what New was told.
func (h *Hub) SetCacheBytes(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most = max(n, h.standard)
}

// Hurried reports whether a reader wants every unit at once: one that skips to
// the newest. Otherwise units may be published in batches.
func (h *Hub) Hurried() bool { return h.hurried.Load() > 0 }

// Close ends every reader, now and later: the stream will not come back.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	readers := slices.Collect(maps.Keys(h.readers))
	h.forget()
	h.mu.Unlock()
	for _, r := range readers {
		r.Close()
	}
}

// Run returns the run under way, or nil.
func (h *Hub) Run() *media.Run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

// WaitRun returns the run under way, waiting for one if there is none. It
// returns ctx's error if ctx ends first.
func (h *Hub) WaitRun(ctx context.Context) (*media.Run, error) {
	for {
		h.mu.Lock()
		run, ready := h.run, h.runReady
		h.mu.Unlock()
		if run != nil {
			return run, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ready:
		}
	}
}

// CachedGOP returns the units since the last key frame, oldest first; nil if
// there is none or it was too large. The caller must not change the units.
func (h *Hub) CachedGOP() []*media.AccessUnit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*media.AccessUnit(nil), h.cache.units...)
}

// Overflow says what a full queue costs its reader.
type Overflow uint8

const (
	// KeepOldest refuses new units until there is room again and a key frame
	// comes: for a recording, which loses the middle and never the beginning.
	KeepOldest Overflow = iota
	// SkipToNewest empties the queue and goes on at the next key frame: for a
	// viewer, who wants now.
	SkipToNewest
)

// ReaderOptions bounds one reader.
type ReaderOptions struct {
	QueueBytes int      // most bytes of memory waiting; 0 means 4.5 MiB
	Overflow   Overflow // what happens beyond that
	Primed     bool     // begin with the cached GOP
	// Past has a primed reader begin this much earlier, at the key frame before
	// that moment, as far as the pre-roll reaches.
	Past time.Duration
}

// Subscribe adds a reader. It sees every unit published from now on, after
// the cached ones if it asked to be primed: these come on top of its queue.
func (h *Hub) Subscribe(o ReaderOptions) *Reader {
	if o.QueueBytes == 0 {
		o.QueueBytes = 4608 << 10
	}
	r := &Reader{hub: h, limit: o.QueueBytes, overflow: o.Overflow, ready: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.Primed {
		h.prime(r, o.Past)
	}
	if r.closed = h.closed; !h.closed {
		h.readers[r] = struct{}{}
		if o.Overflow == SkipToNewest {
			h.hurried.Add(1)
		}
	}
	return r
}

// prime fills the queue of a new reader from the cache. h.mu is held.
func (h *Hub) prime(r *Reader, past time.Duration) {
	groups := append(slices.Clone(h.past), h.cache)
	if n := len(h.cache.units); n > 0 {
		from := h.cache.units[n-1].Received.Add(-past)
		for len(groups) > 1 && !groups[1].units[0].Received.After(from) {
			groups = groups[1:]
		}
	}
	for _, g := range groups {
		r.primed += g.bytes
		for _, u := range g.units {
			r.push(u)
		}
	}
	if len(r.queue) > 0 {
		r.queue[0].Primed = len(r.queue)
	}
}

// Item is one thing a reader sees: a unit, or the end of a run (Unit nil).
type Item struct {
	Unit *media.AccessUnit
	// Gap says that units were dropped between the item before and this one.
	Gap bool
	// Primed, on the first item of a primed reader, counts the cached units
	// that the queue began with.
	Primed int
}

// Reader is one consumer's bounded queue. One goroutine reads it; Close may
// be called from any.
type Reader struct {
	hub      *Hub
	limit    int
	overflow Overflow
	ready    chan struct{}

	mu      sync.Mutex
	queue   []Item
	bytes   int
	primed  int  // of bytes, from the cache: on top of limit until they are read
	waiting bool // dropping until the next key frame
	gap     bool // the next item comes after a drop
	dropped uint64
	closed  bool
}

func (r *Reader) push(u *media.AccessUnit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if r.waiting {
		video := u.Run.Video()
		if r.full(u) || !u.Random || (video >= 0 && u.Track != video) {
			r.dropped++
			return
		}
		r.waiting = false
	} else if r.bytes > 0 && r.full(u) {
		r.dropped++
		r.waiting, r.gap = true, true
		if r.overflow == SkipToNewest {
			r.discard()
		}
		return
	}
	r.queue = append(r.queue, Item{Unit: u, Gap: r.gap})
	r.gap = false
	r.bytes += u.Footprint()
	r.signal()
}

// full reports whether u would be too much. r.mu is held.
func (r *Reader) full(u *media.AccessUnit) bool {
	return r.bytes+u.Footprint() > r.limit+r.primed
}

// discard drops the queued units; ends of runs stay.
func (r *Reader) discard() {
	kept := r.queue[:0]
	for _, it := range r.queue {
		if it.Unit == nil {
			kept = append(kept, it)
		} else {
			r.dropped++
		}
	}
	clear(r.queue[len(kept):])
	r.queue, r.bytes, r.primed = kept, 0, 0
}

func (r *Reader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.queue); r.closed || n > 0 && r.queue[n-1].Unit == nil {
		return
	}
	r.queue = append(r.queue, Item{Gap: r.gap})
	r.gap, r.waiting = false, false
	r.signal()
}

func (r *Reader) signal() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// Ready is sent to when Take may have something to give. A spurious wake-up
// is possible.
func (r *Reader) Ready() <-chan struct{} { return r.ready }

// Take moves everything that waits to dst and returns it. It does not block;
// it returns dst unchanged if nothing waits, and ErrClosed after Close.
func (r *Reader) Take(dst []Item) ([]Item, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return dst, ErrClosed
	}
	dst = append(dst, r.queue...)
	clear(r.queue)
	r.queue, r.bytes, r.primed = r.queue[:0], 0, 0
	return dst, nil
}

// Next waits for one item. It returns ctx's error or ErrClosed.
func (r *Reader) Next(ctx context.Context) (Item, error) {
	for {
		it, ok, err := r.pop()
		if ok || err != nil {
			return it, err
		}
		select {
		case <-ctx.Done():
			return Item{}, ctx.Err()
		case <-r.ready:
		}
	}
}

func (r *Reader) pop() (Item, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Item{}, false, ErrClosed
	}
	if len(r.queue) == 0 {
		return Item{}, false, nil
	}
	it := r.queue[0]
	r.queue[0] = Item{}
	r.queue = r.queue[1:]
	if it.Unit != nil {
		r.bytes -= it.Unit.Footprint()
		r.primed = max(0, r.primed-it.Unit.Footprint()) // they are the first to be read
	}
	return it, true, nil
}

// Dropped returns how many units this reader lost to a full queue.
func (r *Reader) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Close removes the reader and wakes whoever waits for it. Closing twice is
// not an error.
func (r *Reader) Close() {
	r.hub.mu.Lock()
	if _, reads := r.hub.readers[r]; reads && r.overflow == SkipToNewest {
		r.hub.hurried.Add(-1)
	}
	delete(r.hub.readers, r)
	r.hub.mu.Unlock()
	r.mu.Lock()
	r.closed, r.queue, r.bytes = true, nil, 0
	r.mu.Unlock()
	r.signal()
}
