package detections

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"slices"
	"syscall"
	"time"
)

const (
	// stepBytes is how far ahead of the records zeros are written: the file system
	// notes new blocks once a step, and a commit in between writes data alone.
	stepBytes = 256 << 10
	// maxFailures is how often in a row a disk may refuse before it is given up.
	maxFailures = 3
	// maxLoose is how many chunks may wait in memory for a footer that the disk
	// did not take.
	maxLoose = 4
	// maxRows bounds what a chunk has in memory until it is closed.
	maxRows = 1 << 17
	// maxChunks bounds what many short runs leave.
	maxChunks = 4096
	// fullPause is how long nothing is tried after a disk was full.
	fullPause = time.Second
)

// closing is a chunk that is to get its footer.
type closing struct {
	chunk *chunk
	file  file
}

// store is an attached directory. Attach's goroutine alone changes it; what
// others look at, it changes with the log's mutex held.
type store struct {
	dir    folder
	o      Options
	log    *slog.Logger
	id     storeID
	filter int // bytes that the filter of a chunk takes at most

	chunks []*chunk // by number; the last one may be open
	number uint64   // of the newest chunk, whatever became of it
	next   uint64   // number of the next batch

	open   *chunk // in chunks; nil: the next batch begins one
	file   file   // of open
	zeroed int64  // offset up to which the blocks of open are written
	full   []closing

	buf      []byte // records that are not written yet
	failures int    // in a row
	sick     bool   // the last write failed, and the log says so
	pause    time.Time
	lack     error // why nothing is tried before pause
}

func newStore(dir folder, o Options) *store {
	limit := uint64(memory / max(o.MaxBytes/o.ChunkBytes, 1))
	return &store{dir: dir, o: o, log: o.Log, filter: max(8, 1<<bits.Len64(limit)>>1)}
}

// room is the largest record that a chunk holds.
func (s *store) room() int64 {
	return s.o.ChunkBytes - headerBytes - fixedBytes - 512 - markBytes - frameBytes - 8
}

func (s *store) bytes() (n int64) {
	for _, c := range s.chunks {
		n += c.size
	}
	return n
}

// fits reports whether the open chunk has room for a batch behind those in group,
// and for its footer after that.
func (s *store) fits(group []*waiting, w *waiting) bool {
	records, names := int64(len(s.buf)+recordBytes(w)), int64(len(w.head.camera))+4
	for _, g := range group {
		names += int64(len(g.head.camera)) + 4
	}
	return s.open.rows+uint64(len(group)) < maxRows &&
		s.open.end+records+s.open.footerBound(len(group)+1, records, names, s.filter) <= s.o.ChunkBytes
}

// begin makes a chunk. Its name and header are durable when it returns.
func (s *store) begin() (*chunk, file, error) {
	s.number++
	h := header{id: s.id, number: s.number, next: s.next, created: s.o.Now().UnixMilli()}
	for _, c := range s.chunks {
		if c.rows > 0 {
			h.before, h.beforeEnd = c.number, uint64(c.end)
		}
	}
	name := chunkName(h.number)
	f, err := s.dir.create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("begin chunk: %w", err)
	}
	err = s.prepare(f, h)
	if err == nil {
		err = s.dir.sync()
	}
	if err != nil {
		// If it stays, the next header says that it holds nothing.
		return nil, nil, errors.Join(fmt.Errorf("begin chunk %s: %w", name, err), f.Close(), s.dir.remove(name))
	}
	return &chunk{header: h, end: headerBytes, size: s.o.ChunkBytes, live: map[uint64]uint32{}}, f, nil
}

func (s *store) prepare(f file, h header) error {
	if err := f.Allocate(s.o.ChunkBytes); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	first := make([]byte, min(stepBytes, s.o.ChunkBytes))
	copy(first, h.encode())
	if _, err := f.WriteAt(first, 0); err != nil {
		return err
	}
	s.zeroed = int64(len(first))
	return f.Sync()
}

// write makes the records in s.buf durable.
func (s *store) write() error {
	end := s.open.end + int64(len(s.buf))
	if end > s.zeroed {
		step := min((end+stepBytes-1)/stepBytes*stepBytes, max(s.o.ChunkBytes, end))
		s.buf = append(s.buf, make([]byte, step-end)...)
		end = step
	}
	if _, err := s.file.WriteAt(s.buf, s.open.end); err != nil {
		return fmt.Errorf("write detections: %w", err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync detections: %w", err)
	}
	s.zeroed = max(s.zeroed, end)
	return nil
}

// finish closes c: its footer is written behind the records. f is closed.
func (s *store) finish(c *chunk, f file) (*chunk, error) {
	closed, footer := c.closing(s.filter)
	_, err := f.WriteAt(footer, c.end)
	if err == nil {
		err = f.Truncate(closed.size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("close chunk %s: %w", chunkName(c.number), err)
	}
	return closed, nil
}

// forsake leaves the open chunk as it is, without another sync: what is durable
// in it stays readable.
func (s *store) forsake() {
	if s.open == nil {
		return
	}
	_ = s.file.Close() // it cannot lose what was synced, and nothing else counts
	s.open, s.file = nil, nil
}

// full reports whether err says that there is no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// failed takes note of a write that went wrong, and returns an error if the disk
// is to be given up.
func (s *store) failed(err error) error {
	if full(err) {
		s.pause, s.lack = s.o.Now().Add(fullPause), err
	} else {
		s.failures++
	}
	loose := 0
	for _, c := range s.chunks {
		if c.live != nil {
			loose++
		}
	}
	if s.failures >= maxFailures || loose > maxLoose {
		return err
	}
	if !s.sick {
		s.log.Warn("detections were not written; a new chunk is begun", "err", err)
	}
	s.sick = true
	return nil
}

// paused returns what the disk said if it was full a moment ago.
func (s *store) paused() error {
	if left := s.pause.Sub(s.o.Now()); left > 0 && left <= fullPause {
		return s.lack
	}
	return nil
}

// stale reports whether the open chunk has been open for long enough.
func (s *store) stale() bool {
	age := time.Duration(s.o.Now().UnixMilli()-s.open.created) * time.Millisecond
	return age > s.o.ChunkAge || age < -s.o.ChunkAge
}

// lookup returns the number of the batch of that frame, if there is one.
func (s *store) lookup(h head, fingerprint uint64) (uint64, bool) {
	for _, c := range slices.Backward(s.chunks) {
		seq, found, err := s.lookupIn(c, h, fingerprint)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("detections cannot be searched for a frame", "chunk", chunkName(c.number), "err", err)
		}
		if found {
			return seq, true
		}
	}
	return 0, false
}

func (s *store) lookupIn(c *chunk, h head, fingerprint uint64) (seq uint64, found bool, err error) {
	at, known := uint32(0), c.live == nil && c.filter.has(fingerprint)
	if c.live != nil {
		at, known = c.live[fingerprint]
	}
	if !known {
		return 0, false, nil
	}
	f := s.file
	if c != s.open {
		if f, err = s.dir.open(chunkName(c.number), false); err != nil {
			return 0, false, err
		}
		defer func() { _ = f.Close() }() // it was only read
	}
	offset := int64(at)
	if c.live == nil {
		if offset, found, err = c.find(f, fingerprint); err != nil || !found {
			return 0, false, err
		}
	}
	r, err := c.readRecord(f, offset)
	if err != nil {
		return 0, false, err
	}
	k, ok := keysOf(r.payload)
	return r.seq, ok && h.sameFrame(k), nil
}
