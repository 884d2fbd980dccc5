package detections

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
)

// readBytes is how many bytes of records one call of Since returns at most, but
// for the first.
const readBytes = 4 << 20

// view returns what readers may look at, and the folder that it is in.
func (l *Log) view() (*store, []*chunk, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return nil, nil, ErrAway
	}
	chunks := make([]*chunk, len(l.store.chunks))
	for i, c := range l.store.chunks {
		chunks[i] = c.snapshot()
	}
	return l.store, chunks, nil
}

// Since returns batches with numbers above after, ascending, at most limit; fewer
// if they are large. Nil means that there are none yet. It returns ErrAway while
// nothing is attached. A batch that the disk damaged is left out.
func (l *Log) Since(after uint64, limit int) ([]Batch, error) {
	s, chunks, err := l.view()
	if err != nil {
		return nil, err
	}
	var found []Batch
	bytes, enough := 0, false
	for _, c := range chunks {
		if c.rows == 0 || c.last <= after {
			continue
		}
		err := s.walk(c, after, func(r record) (bool, error) {
			if enough = len(found) >= limit || len(found) > 0 && bytes+r.bytes() > readBytes; enough {
				return false, nil
			}
			b, err := decode(r.seq, r.payload)
			if err != nil {
				return true, err
			}
			bytes += r.bytes()
			found = append(found, b)
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("read detections after %d: %w", after, err)
		}
		if enough || len(found) >= limit {
			break
		}
	}
	return found, nil
}

// walk calls visit for the records of c above after until it returns false. What
// is damaged is passed over, up to the next mark.
func (s *store) walk(c *chunk, after uint64, visit func(record) (bool, error)) error {
	f, err := s.dir.open(chunkName(c.number), false)
	if err != nil {
		return ignoreGone(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	from := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].seq > after })
	var buf []byte
	for i := max(from-1, 0); i < len(c.marks); i++ {
		if buf, err = s.readBlock(f, c, i, buf); err != nil {
			return err
		}
		on, err := s.records(c, buf, func(r record) (bool, error) {
			if r.seq <= after {
				return true, nil
			}
			return visit(r)
		})
		if err != nil || !on {
			return err
		}
	}
	return nil
}

// readBlock returns the records from mark i to the next, in buf if that is large
// enough.
func (s *store) readBlock(f file, c *chunk, i int, buf []byte) ([]byte, error) {
	from, to := c.block(i)
	if int64(cap(buf)) < to-from {
		buf = make([]byte, to-from)
	}
	buf = buf[:to-from]
	return buf, readAt(f, buf, from)
}

// records calls visit for the records in a block until it returns false, and
// returns what it returned. What visit finds damaged ends the block too.
func (s *store) records(c *chunk, block []byte, visit func(record) (bool, error)) (on bool, err error) {
	for len(block) > 0 {
		r, _, ok := nextRecord(block)
		if ok && r.seq >= c.first && r.seq <= c.last {
			if ok = r.whole(); ok {
				on, err = visit(r)
				ok = err == nil
				if ok && !on {
					return false, nil
				}
			}
		} else {
			ok = false
		}
		if !ok {
			s.log.Warn("detections are damaged", "chunk", chunkName(c.number), "after", r.seq)
			return true, nil
		}
		block = block[r.bytes():]
	}
	return true, nil
}

// ignoreGone returns err, unless a chunk was dropped while somebody was about to
// read it.
func ignoreGone(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrClosed):
		return ErrAway // since the reader began
	}
	return err
}
