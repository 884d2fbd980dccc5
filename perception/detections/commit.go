package detections

import (
	"context"
	"math"
	"slices"
	"time"
)

// commit is one round of the writer: a group of batches that share a sync.
type commit struct {
	l      *Log
	s      *store
	fresh  []*waiting          // whose records are in s.buf
	same   map[uint64]*waiting // of this group, by fingerprint
	twins  []*waiting          // that repeat one of this group
	err    error               // nothing more is written in this round
	giveUp error
}

// commit makes a group of batches durable and answers those who wait for them. It
// returns an error if the disk is to be given up.
func (l *Log) commit(s *store, group []*waiting) error {
	if len(group) == 0 {
		return nil
	}
	c := commit{l: l, s: s, same: map[uint64]*waiting{}}
	s.buf = s.buf[:0]
	for _, w := range group {
		c.add(w)
	}
	c.flush()
	for _, w := range c.twins {
		if w.twin.err != nil {
			l.answer([]*waiting{w}, w.twin.err)
			continue
		}
		l.repeat(w, w.twin.seq)
	}
	l.tidy(s)
	return c.giveUp
}

// add puts w into the buffer, or answers it.
func (c *commit) add(w *waiting) {
	if c.err == nil && c.known(w) {
		return
	}
	if c.err == nil && !c.room(w) {
		c.flush()
		if c.err == nil {
			c.rotate()
		}
	}
	if c.err != nil {
		c.l.answer([]*waiting{w}, c.err)
		return
	}
	w.seq = c.s.next
	c.s.next++
	c.s.buf = appendRecord(c.s.buf, w, w.seq)
	c.fresh = append(c.fresh, w)
	if w.head.frame != "" {
		c.same[w.print] = w
	}
}

// known sees to w if its frame was reported already.
func (c *commit) known(w *waiting) bool {
	if w.head.frame == "" {
		return false
	}
	w.print = c.s.id.fingerprint(w.head)
	if first := c.same[w.print]; first != nil && first.head.camera == w.head.camera &&
		first.head.taskType == w.head.taskType && first.head.frame == w.head.frame {
		w.twin = first
		c.twins = append(c.twins, w)
		return true
	}
	seq, found := c.s.lookup(w.head, w.print)
	if found {
		c.l.repeat(w, seq)
	}
	return found
}

func (c *commit) room(w *waiting) bool {
	return c.s.open != nil && !c.s.stale() && c.s.fits(c.fresh, w)
}

// rotate begins a chunk, unless the disk was full a moment ago.
func (c *commit) rotate() {
	if c.err = c.s.paused(); c.err == nil {
		c.fail(c.l.rotate(c.s))
	}
}

// fail ends the round if err is not nil.
func (c *commit) fail(err error) {
	if err != nil {
		c.err = err
		c.giveUp = c.s.failed(err)
	}
}

// flush writes the buffer and shows its batches.
func (c *commit) flush() {
	if len(c.fresh) == 0 {
		return
	}
	err := c.s.write()
	if err != nil {
		c.s.forsake()
		c.fail(err)
	} else {
		c.s.failures, c.s.sick = 0, false
		c.l.show(c.s, c.fresh)
	}
	c.l.answer(c.fresh, err)
	c.s.buf, c.fresh = c.s.buf[:0], nil
	if cap(c.s.buf) > 4<<20 {
		c.s.buf = nil // a rare burst is not kept for ever
	}
}

// show makes batches that are durable visible.
func (l *Log) show(s *store, group []*waiting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range group {
		s.open.note(w.head, w.print, w.seq, recordBytes(w))
		l.count.Detections += uint64(w.n)
	}
	l.count.Batches += uint64(len(group))
	l.count.Commits++
	l.announce()
}

// answer tells those who wait that err is what became of their batches.
func (l *Log) answer(group []*waiting, err error) {
	if err != nil {
		l.mu.Lock()
		l.count.Failed += uint64(len(group))
		l.mu.Unlock()
	}
	for _, w := range group {
		w.err = err
		close(w.done)
	}
}

// repeat answers w as a duplicate of the batch seq.
func (l *Log) repeat(w *waiting, seq uint64) {
	l.mu.Lock()
	l.count.Duplicates++
	l.mu.Unlock()
	w.seq, w.duplicate = seq, true
	close(w.done)
}

// rotate begins a chunk; the one that was open gets its footer by tidy. What is
// over the bounds then goes.
func (l *Log) rotate(s *store) error {
	next, f, err := s.begin()
	if err != nil {
		return err
	}
	l.retire(s)
	l.mu.Lock()
	s.chunks = append(slices.Clone(s.chunks), next)
	l.mu.Unlock()
	s.open, s.file = next, f
	for _, c := range slices.Clone(s.chunks) {
		if c.rows == 0 && c != next {
			l.drop(s, c, "") // the new header says that it holds nothing
		}
	}
	for len(s.chunks) > 1 && (s.bytes() > s.o.MaxBytes || len(s.chunks) > maxChunks) {
		l.drop(s, s.chunks[0], "size")
	}
	return nil
}

// retire ends the open chunk, if there is one.
func (l *Log) retire(s *store) {
	if s.open != nil {
		s.full = append(s.full, closing{s.open, s.file})
		s.open, s.file = nil, nil
	}
}

// tidy gives retired chunks their footers. One that the disk does not take stays
// as it is: the next Attach writes it.
func (l *Log) tidy(s *store) {
	for _, r := range s.full {
		closed, err := s.finish(r.chunk, r.file)
		if err != nil {
			s.log.Warn("detections", "err", err)
			continue
		}
		l.mu.Lock()
		s.chunks = slices.Clone(s.chunks)
		for i, c := range s.chunks {
			if c == r.chunk {
				s.chunks[i] = closed
			}
		}
		l.mu.Unlock()
	}
	s.full = nil
}

// drop removes a chunk that is not open. A file that does not go is found by the
// next Attach.
func (l *Log) drop(s *store, c *chunk, why string) {
	l.mu.Lock()
	s.chunks = slices.DeleteFunc(slices.Clone(s.chunks), func(o *chunk) bool { return o == c })
	l.mu.Unlock()
	s.full = slices.DeleteFunc(s.full, func(r closing) bool {
		if r.chunk == c {
			_ = r.file.Close() // it is being removed
		}
		return r.chunk == c
	})
	s.removeChunk(c.number)
	first, last := c.first, c.last
	if s.o.Keep != nil {
		first = max(first, s.o.Keep()+1)
	}
	if c.rows > 0 && first <= last && s.o.Dropped != nil {
		s.o.Dropped(first, last, why)
	}
}

// plausible is 2020-01-01 in UTC ms. What came earlier was stamped by a clock that
// had not been set: its age is not known.
const plausible = 1577836800000

// prune is a wish to drop what is old.
type prune struct {
	before int64 // UTC ms
	limit  int
	done   chan int
}

// PruneBefore drops whole chunks whose batches were all received before that
// time, oldest first, until they held limit batches together, and returns how many
// they held. What was received before the clock was set goes by size alone.
// While nothing is attached there is nothing to drop.
func (l *Log) PruneBefore(ctx context.Context, before time.Time, limit int) (int, error) {
	p := prune{before.UnixMilli(), limit, make(chan int, 1)}
	for {
		l.mu.Lock()
		away, changed := l.store == nil, l.changed
		l.mu.Unlock()
		if away || limit <= 0 {
			return 0, nil
		}
		select {
		case l.prune <- p:
			return <-p.done, nil
		case <-changed:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// pruneNow is PruneBefore in the goroutine that may.
func (l *Log) pruneNow(s *store, p prune) (rows int) {
	old := func(c *chunk) bool {
		return c.rows > 0 && c.received[1] >= plausible && c.received[1] < p.before
	}
	if old(s.chunks[len(s.chunks)-1]) {
		// A store is never without a chunk: its id is in there.
		if err := l.rotate(s); err != nil {
			s.log.Warn("detections that are old stay", "err", err)
		}
		l.tidy(s)
	}
	loose := false // the chunk before has no footer: the next header says where it ends
	newest := s.chunks[len(s.chunks)-1]
	for _, c := range slices.Clone(s.chunks) {
		if rows >= p.limit || c == newest {
			break
		}
		if old(c) && !loose {
			rows += int(min(c.rows, math.MaxInt32))
			l.drop(s, c, "age")
		}
		loose = c.live != nil
	}
	return rows
}
