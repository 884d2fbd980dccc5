package events

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Since returns at most limit events with a number greater than seq that f
// selects, in ascending order; nil if there are none. Readers share the
// payloads and must not change them.
func (l *Log) Since(seq uint64, limit int, f Filter) ([]Event, error) {
	if limit <= 0 || seq == math.MaxUint64 {
		return nil, nil
	}
	// Memory first: what is committed after this look is then on disk, and
	// nothing is seen twice because the disk is read up to where memory begins.
	tail, complete := l.tail(seq)
	var found []Event
	for !complete && len(found) < limit {
		chunk, err := l.chunkAfter(seq, before(tail), limit-len(found), f)
		if err != nil {
			return nil, fmt.Errorf("read events after %d: %w", seq, err)
		}
		found = append(found, chunk.events...)
		seq, complete = chunk.last, chunk.end
	}
	for i := range tail {
		if len(found) < limit && f.match(&tail[i]) {
			found = append(found, tail[i])
		}
	}
	return found, nil
}

// Latest returns the newest events that f selects, at most n, in ascending
// order. Readers share the payloads and must not change them.
func (l *Log) Latest(n int, f Filter) ([]Event, error) {
	if n <= 0 {
		return nil, nil
	}
	tail, complete := l.tail(0)
	var found []Event // newest first
	for _, e := range slices.Backward(tail) {
		if len(found) < n && f.match(&e) {
			found = append(found, e)
		}
	}
	below := before(tail)
	for !complete && len(found) < n {
		chunk, err := l.chunkBefore(below, n-len(found), f)
		if err != nil {
			return nil, fmt.Errorf("read the latest events: %w", err)
		}
		found = append(found, chunk.events...)
		below, complete = chunk.last, chunk.end
	}
	slices.Reverse(found)
	return found, nil
}

// tail returns the events in memory with a number greater than seq, and
// whether that is all there are.
func (l *Log) tail(seq uint64) (tail []Event, complete bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mem := l.recent
	if len(l.pending) > len(mem) {
		mem = l.pending
	}
	i, _ := slices.BinarySearchFunc(mem, seq+1, func(r record, s uint64) int { return cmp.Compare(r.event.Seq, s) })
	for _, r := range mem[i:] {
		tail = append(tail, r.event)
	}
	// Numbers are only ever handed out upwards: if the memory holds an event
	// at or below seq, everything above seq is in it too.
	complete = i > 0 || l.stored == 0 && len(mem) == len(l.pending)
	return tail, complete
}

// before returns the number at which the part of the log that is in memory
// begins.
func before(tail []Event) uint64 {
	if len(tail) == 0 {
		return math.MaxUint64
	}
	return tail[0].Seq
}

// chunk is what one short read transaction found.
type chunk struct {
	events []Event
	last   uint64 // where to go on
	end    bool   // nothing more in this direction
	seen   int    // rows looked at
}

// take looks at one row and reports whether the transaction goes on.
func (c *chunk) take(k, v []byte, limit int, f Filter) bool {
	if v == nil || len(k) != 8 {
		return true // storm's metadata
	}
	if c.seen == scanBatch || len(c.events) == limit {
		c.end = false
		return false
	}
	c.seen++
	c.last = binary.BigEndian.Uint64(k)
	if e, ok := decode(k, v); ok && f.match(&e) {
		c.events = append(c.events, e)
	}
	return true
}

// chunkAfter reads rows with seq < number < below, upwards.
func (l *Log) chunkAfter(seq, below uint64, limit int, f Filter) (chunk, error) {
	out := chunk{last: seq, end: true}
	end := key(below)
	err := l.view(func(c *bolt.Cursor) {
		for k, v := c.Seek(key(seq + 1)); k != nil; k, v = c.Next() {
			if bytes.Compare(k, end) >= 0 || !out.take(k, v, limit, f) {
				return
			}
		}
	})
	return out, err
}

// chunkBefore reads rows with number < below, downwards.
func (l *Log) chunkBefore(below uint64, limit int, f Filter) (chunk, error) {
	out := chunk{last: below, end: true}
	err := l.view(func(c *bolt.Cursor) {
		step := c.Prev
		if k, _ := c.Seek(key(below)); k == nil {
			step = c.Last // below is beyond the end
		}
		k, v := step()
		for ; k != nil && out.take(k, v, limit, f); k, v = c.Prev() {
		}
	})
	return out, err
}

// Subscription follows the log from a number on. It reads the log itself, so
// however slow its reader, it needs no queue of its own and leaves nothing
// out, except events that were pruned meanwhile. One goroutine uses it.
type Subscription struct {
	log    *Log
	after  uint64
	filter Filter
}

// Subscribe returns a subscription to the events with a number greater than
// after; use Last to begin with what comes next.
func (l *Log) Subscribe(after uint64, f Filter) *Subscription {
	return &Subscription{log: l, after: after, filter: f}
}

// Last returns the highest number given so far, or 0.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.recent); n > 0 {
		return l.recent[n-1].event.Seq
	}
	return 0
}

// Changed returns a channel that is closed when the next events come, or become
// durable.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready
}

// Next waits until there are events and returns at most limit of them. It
// returns ctx's error if that ends first.
func (s *Subscription) Next(ctx context.Context, limit int) ([]Event, error) {
	for {
		changed := s.log.Changed()
		last := s.log.Last()
		found, err := s.log.Since(s.after, limit, s.filter)
		if err != nil {
			return nil, err
		}
		if n := len(found); n > 0 {
			s.after = found[n-1].Seq
			return found, nil
		}
		// Nothing up to last is for this reader: do not read it again.
		s.after = max(s.after, last)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}
