package playback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"
)

// Clip is a file that exists only as it is read: tables in memory, and media
// in the segment files. It is not for concurrent use.
type Clip struct {
	Start   int64         // UTC ms at which players begin
	Covered time.Duration // how long it plays
	Gaps    []Gap         // what is missing of the range asked for, ascending
	ETag    string        // names the bytes; with its quotes

	ctx     context.Context // an io.Reader has no other way to end early
	src     Source
	rows    []Row
	leases  []func()
	head    []byte
	extents []extent
	size    int64 // of everything
	pos     int64
	file    File // open, of row opened
	opened  int
}

// extent is a stretch of a segment file, or of memory, in the clip.
type extent struct {
	at   int64  // in the clip's media
	mem  []byte // the bytes themselves, or nil
	row  int    // index into rows
	off  int64  // in the file
	size int64
}

// lease adds r to the rows that extents come from.
func (c *Clip) lease(src Source, r Row) {
	c.rows = append(c.rows, r)
	c.leases = append(c.leases, src.Lease(r))
}

// media returns how many bytes of media there are.
func (c *Clip) media() int64 {
	if n := len(c.extents); n > 0 {
		return c.extents[n-1].at + c.extents[n-1].size
	}
	return 0
}

// append adds size bytes at off of the last row's file to the media.
func (c *Clip) append(off, size int64) {
	row := len(c.rows) - 1
	if n := len(c.extents); n > 0 {
		if last := &c.extents[n-1]; last.mem == nil && last.row == row && last.off+last.size == off {
			last.size += size
			return
		}
	}
	c.extents = append(c.extents, extent{at: c.media(), row: row, off: off, size: size})
}

// insert adds bytes that stand in no file to the media.
func (c *Clip) insert(p []byte) {
	c.extents = append(c.extents, extent{at: c.media(), mem: p, size: int64(len(p))})
}

// Size returns the length in bytes.
func (c *Clip) Size() int64 { return c.size }

// Seek implements io.Seeker.
func (c *Clip) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.pos
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, errors.New("seek clip: no such position")
	}
	c.pos = offset
	return offset, nil
}

// Read implements io.Reader. It returns the context's error once that ends,
// and io.ErrUnexpectedEOF if a file is shorter than it was.
func (c *Clip) Read(p []byte) (n int, err error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	for n < len(p) && c.pos < c.size {
		m, err := c.piece(p[n:])
		n += m
		c.pos += int64(m)
		if err != nil {
			return n, err
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// piece reads at pos, out of one place.
func (c *Clip) piece(p []byte) (int, error) {
	if c.pos < int64(len(c.head)) {
		return copy(p, c.head[c.pos:]), nil
	}
	at := c.pos - int64(len(c.head))
	i := sort.Search(len(c.extents), func(i int) bool { return c.extents[i].at > at }) - 1
	e := c.extents[i]
	if e.mem != nil {
		return copy(p, e.mem[at-e.at:]), nil
	}
	if err := c.open(e.row); err != nil {
		c.src.Unreadable(c.rows[e.row]) // whoever asks again is served elsewhere, if it is there
		return 0, err
	}
	p = p[:min(int64(len(p)), e.at+e.size-at)]
	n, err := c.file.ReadAt(p, e.off+at-e.at)
	if n == len(p) {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.src.Unreadable(c.rows[e.row])
	return n, fmt.Errorf("read segment %s of %s: %w", c.rows[e.row].ID, c.rows[e.row].Camera, err)
}

// open makes the file of row the open one.
func (c *Clip) open(row int) error {
	if c.file != nil && c.opened == row {
		return nil
	}
	c.shut()
	f, err := c.src.Open(c.rows[row])
	if err != nil {
		return fmt.Errorf("open segment %s of %s: %w", c.rows[row].ID, c.rows[row].Camera, err)
	}
	c.file, c.opened = f, row
	return nil
}

func (c *Clip) shut() {
	if c.file != nil {
		_ = c.file.Close() // it was only read
		c.file = nil
	}
}

// Close ends the leases. Closing twice is not an error.
func (c *Clip) Close() error {
	c.shut()
	c.release()
	return nil
}

func (c *Clip) release() {
	for _, release := range c.leases {
		release()
	}
	c.leases = nil
}
