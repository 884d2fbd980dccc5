package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueBytes is how much media may wait for one viewer beyond what it was
	// primed with; more is thrown away up to the next key frame.
	queueBytes = 4 << 20
	// maxAgainBytes is the largest GOP that is sent again to a viewer who
	// asks for a key frame.
	maxAgainBytes = 2 << 20
	// againEvery is the least time between two such repetitions.
	againEvery = 2 * time.Second
	// paceBytes of a backlog are sent at once; then comes a pause of
	// paceEvery, so that the receiver's socket buffer does not overflow:
	// 32 KiB every millisecond is 260 Mb/s.
	paceBytes = 32 << 10
	paceEvery = time.Millisecond
)

// counters are the server's figures, added to by every viewer.
type counters struct {
	packets, bytes, dropped, resent, again atomic.Uint64
}

// viewer is the queue between a feed and one session. The feed pushes, the
// goroutine in serve sends; neither waits for the other.
type viewer struct {
	count *counters
	ready chan struct{} // 1 element: something waits, or the end

	mu      sync.Mutex
	queue   []*batch
	bytes   int
	limit   int
	waiting bool // dropping video until a key frame
	ended   bool
	primed  time.Time // when the queue was last filled from the GOP
}

func newViewer(c *counters) *viewer {
	return &viewer{count: c, ready: make(chan struct{}, 1), limit: queueBytes, waiting: true}
}

// prime replaces the queue by the packets since the last key frame. again
// leaves out the sound, which was heard before.
func (v *viewer) prime(gop []*batch, again bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue, v.bytes = make([]*batch, 0, len(gop)+16), 0
	for _, b := range gop {
		if !again || !b.audio {
			v.queue = append(v.queue, b)
			v.bytes += len(b.data)
		}
	}
	v.limit = queueBytes + v.bytes
	v.waiting = len(v.queue) == 0
	v.primed = time.Now()
	v.signal()
}

// push adds b, or drops it when the viewer is too slow.
func (v *viewer) push(b *batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting && b.key {
		v.waiting = false
	}
	if v.bytes+len(b.data) > v.limit {
		v.count.dropped.Add(uint64(len(v.queue)))
		clear(v.queue)
		v.queue, v.bytes, v.limit = v.queue[:0], 0, queueBytes
		v.waiting = !b.key
	}
	if v.waiting && !b.audio {
		v.count.dropped.Add(1)
		return
	}
	v.queue = append(v.queue, b)
	v.bytes += len(b.data)
	v.signal()
}

func (v *viewer) signal() {
	select {
	case v.ready <- struct{}{}:
	default:
	}
}

// end lets serve return once the queue is empty.
func (v *viewer) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
	v.signal()
}

// next returns the oldest waiting batch and whether more wait.
func (v *viewer) next() (b *batch, more, ended bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.queue) == 0 {
		return nil, false, v.ended
	}
	b, v.queue[0] = v.queue[0], nil
	v.queue = v.queue[1:]
	v.bytes -= len(b.data)
	return b, len(v.queue) > 0, false
}

// mayRepeat reports whether the viewer may be primed again at t.
func (v *viewer) mayRepeat(t time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return t.Sub(v.primed) >= againEvery
}

// serve sends until ctx is done or the feed has ended. A backlog is paced.
func (v *viewer) serve(ctx context.Context, send func(*batch)) {
	burst := 0
	for {
		b, more, ended := v.next()
		if b != nil {
			send(b)
			if burst += len(b.data); more && burst >= paceBytes {
				burst = 0
				if !sleep(ctx, paceEvery) {
					return
				}
			}
			continue
		}
		burst = 0
		if ended {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-v.ready:
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
