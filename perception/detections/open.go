package detections

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// badSuffix is of files that were chunks once and cannot be read as such. They go
// with the chunks of their time.
const badSuffix = ".bad"

// found is a file that is named like a chunk.
type found struct {
	number uint64
	header header
	sound  bool // header is
	size   int64
}

// openStore reads what is in dir and puts it in order. Whatever is visible after
// that is durable, even if an earlier run did not get as far as to make it so.
func openStore(dir folder, o Options) (*store, error) {
	s := newStore(dir, o)
	all, err := s.list()
	if err != nil {
		return nil, err
	}
	// Newest first: each header says where the records of the chunk before end.
	var after *header
	for _, f := range all {
		s.number = max(s.number, f.number)
		if after != nil && f.header.id != s.id || !f.sound {
			if err := s.discard(f); err != nil {
				return nil, err
			}
			continue
		}
		if after == nil {
			s.id = f.header.id
		}
		c, err := s.load(f, after)
		if err != nil {
			return nil, fmt.Errorf("chunk %s: %w", chunkName(f.number), err)
		}
		if c != nil {
			s.chunks = append(s.chunks, c)
			after = &c.header
		}
	}
	slices.Reverse(s.chunks)
	s.next = max(1, uint64(max(0, o.Now().UnixMilli()))<<8)
	for _, c := range s.chunks {
		s.next = max(s.next, c.last+1, c.next)
	}
	if len(s.chunks) == 0 {
		return s, s.found()
	}
	return s, nil
}

// found makes the first chunk of a new store.
func (s *store) found() error {
	if _, err := rand.Read(s.id[:]); err != nil {
		return err
	}
	c, f, err := s.begin()
	if err != nil {
		return err
	}
	s.chunks, s.open, s.file = []*chunk{c}, c, f
	return nil
}

// list returns the chunks in the directory, newest first.
func (s *store) list() ([]found, error) {
	names, err := s.dir.list()
	if err != nil {
		return nil, err
	}
	var all []found
	for _, name := range names {
		n, ok := chunkNumber(name)
		if !ok {
			continue
		}
		f, err := s.look(n)
		if err != nil {
			return nil, fmt.Errorf("chunk %s: %w", name, err)
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b found) int {
		if a.number < b.number {
			return 1
		}
		return -1
	})
	return all, nil
}

func (s *store) look(number uint64) (found, error) {
	f, err := s.dir.open(chunkName(number), false)
	if err != nil {
		return found{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	e := found{number: number}
	if e.size, err = f.Size(); err != nil || e.size < headerBytes {
		return e, err
	}
	p := make([]byte, headerBytes)
	if err := readAt(f, p, 0); err != nil {
		return e, err
	}
	e.header, e.sound = decodeHeader(p)
	e.sound = e.sound && e.header.number == number
	return e, nil
}

// discard sees to a file that is no chunk of this store: one that never held a
// record is what a power cut left, and goes; others are set aside.
func (s *store) discard(e found) error {
	f, err := s.dir.open(chunkName(e.number), false)
	if err != nil {
		return err
	}
	c := chunk{end: min(e.size, headerBytes+prefixBytes+maxPayload)}
	_, rerr := c.readRecord(f, headerBytes)
	if err := f.Close(); err != nil {
		return err
	}
	if errors.Is(rerr, errRecord) {
		return s.dir.remove(chunkName(e.number))
	}
	return s.setAside(e.number, errors.New("it does not belong to these detections"))
}

// setAside keeps a file that cannot be used, under another name.
func (s *store) setAside(number uint64, why error) error {
	name := chunkName(number)
	s.log.Warn("a chunk of detections is set aside", "name", name, "err", why)
	return s.dir.rename(name, name+badSuffix)
}

// load returns the chunk in a file, with a footer if it had none; nil if it holds
// nothing that was ever visible, or cannot be read. after is the header of the
// next one.
func (s *store) load(e found, after *header) (*chunk, error) {
	name := chunkName(e.number)
	f, err := s.dir.open(name, true)
	if err != nil {
		return nil, err
	}
	c, whole, err := readFooter(f, e.header, e.size)
	if whole && err == nil {
		return c, f.Close()
	}
	limit := e.size
	switch {
	case after == nil || after.before > e.number:
	case after.before < e.number:
		return nil, errors.Join(f.Close(), s.dir.remove(name))
	default:
		limit = min(limit, int64(after.beforeEnd))
	}
	if err == nil {
		c, err = s.scan(f, e.header, limit)
	}
	if err != nil {
		// One bad sector must not take all the others along.
		return nil, errors.Join(f.Close(), s.setAside(e.number, err))
	}
	if err := rewrite(f, c.end); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s.finish(c, f)
}

// scan reads the records of a chunk without a footer, up to limit or to what is
// torn.
func (s *store) scan(f file, h header, limit int64) (*chunk, error) {
	c := &chunk{header: h, end: headerBytes, size: limit, live: map[uint64]uint32{}}
	next := h.next
	buf := make([]byte, 0, 1<<20)
	for c.end < limit {
		buf = buf[:min(int64(cap(buf)), limit-c.end)]
		if err := readAt(f, buf, c.end); err != nil {
			return nil, err
		}
		for rest := buf; ; {
			r, short, ok := nextRecord(rest)
			if short && c.end+int64(len(rest)) < limit {
				if len(rest) == len(buf) {
					buf = make([]byte, 0, prefixBytes+maxPayload)
				}
				break
			}
			k, known := keysOf(r.payload)
			if !ok || !r.whole() || !known || r.seq < next {
				return c, nil
			}
			head := k.head()
			c.note(head, s.id.fingerprint(head), r.seq, r.bytes())
			next = r.seq + 1
			rest = rest[r.bytes():]
		}
	}
	return c, nil
}

// rewrite writes what is in f up to end over itself: it may have been read from
// memory alone, and after a sync that failed the kernel does not know that.
func rewrite(f file, end int64) error {
	buf := make([]byte, min(end, 1<<20))
	for at := int64(0); at < end; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), end-at)]
		if err := readAt(f, buf, at); err != nil {
			return err
		}
		if _, err := f.WriteAt(buf, at); err != nil {
			return err
		}
	}
	return nil
}

// removeChunk removes a chunk, and what was set aside before it was made.
func (s *store) removeChunk(number uint64) {
	err := s.dir.remove(chunkName(number))
	names, lerr := s.dir.list()
	for _, name := range names {
		if n, ok := chunkNumber(strings.TrimSuffix(name, badSuffix)); ok && n < number && name != chunkName(n) {
			lerr = errors.Join(lerr, s.dir.remove(name))
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, lerr, s.dir.sync()); err != nil {
		s.log.Warn("detections that are to go", "chunk", chunkName(number), "err", err)
	}
}
