package detections

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

const (
	headerBytes = 64
	magic       = "VEDDET\x00\x01"
	suffix      = ".det"
	// blockBytes is how far marks are apart at least: what a reader reads at once.
	blockBytes = 32 << 10
)

// storeID tells one store from another.
type storeID [16]byte

func (id storeID) String() string { return hex.EncodeToString(id[:]) }

// header is the beginning of a chunk.
type header struct {
	id     storeID
	number uint64
	// before is the number of the chunk with batches that this one follows, and
	// beforeEnd where its records end, whatever lies behind; 0 if there is none. Chunks
	// with numbers in between hold nothing that was ever visible.
	before, beforeEnd uint64
	next              uint64 // no batch in here has a smaller number
	created           int64  // UTC ms
}

func (h *header) encode() []byte {
	p := make([]byte, 0, headerBytes)
	p = append(append(p, magic...), h.id[:]...)
	for _, v := range [...]uint64{h.number, h.before, h.next, uint64(h.created)} {
		p = binary.LittleEndian.AppendUint64(p, v)
	}
	p = binary.LittleEndian.AppendUint32(p, uint32(h.beforeEnd))
	return binary.LittleEndian.AppendUint32(p, crc32.Checksum(p, castagnoli()))
}

func decodeHeader(p []byte) (h header, ok bool) {
	if len(p) < headerBytes || string(p[:8]) != magic ||
		binary.LittleEndian.Uint32(p[60:]) != crc32.Checksum(p[:60], castagnoli()) {
		return h, false
	}
	copy(h.id[:], p[8:])
	u := func(at int) uint64 { return binary.LittleEndian.Uint64(p[at:]) }
	h.number, h.before, h.next, h.created = u(24), u(32), u(40), int64(u(48))
	h.beforeEnd = uint64(binary.LittleEndian.Uint32(p[56:]))
	return h, true
}

func chunkName(number uint64) string { return fmt.Sprintf("%08d%s", number, suffix) }

// chunkNumber returns false for what is no chunk's name.
func chunkNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && chunkName(n) == name
}

// mark says what is in the records from an offset to the next mark, or the end.
type mark struct {
	seq     uint64 // of the first record
	at      int64
	times   span
	cameras uint64 // bit i%64 is set if camera i of the chunk is there
}

// span is from the least to the greatest of some values; zero for none.
type span [2]int64

func (s *span) add(v int64, first bool) {
	if first {
		*s = span{v, v}
		return
	}
	s[0], s[1] = min(s[0], v), max(s[1], v)
}

// chunk is a file of the log and what is known of it. One that is closed is
// never changed again.
type chunk struct {
	header
	rows        uint64
	first, last uint64 // numbers of batches; 0 if rows is 0
	received    span
	times       span
	cameras     []string
	marks       []mark
	end         int64 // of the records; what is behind it is nothing
	size        int64 // of the file

	// The frames that have an id, by fingerprint: at what offset their record is
	// (live), or the filter and the place of the sorted table in the file. A chunk
	// has the one or the other.
	live   map[uint64]uint32
	filter filter
	table  int64
	frames uint32
}

// note takes account of a record at the end of c.
func (c *chunk) note(h head, fingerprint uint64, seq uint64, bytes int) {
	camera := slices.Index(c.cameras, h.camera)
	if camera < 0 {
		camera = len(c.cameras)
		c.cameras = append(c.cameras, h.camera)
	}
	if n := len(c.marks); n == 0 || c.end-c.marks[n-1].at >= blockBytes {
		c.marks = append(c.marks, mark{seq: seq, at: c.end, times: span{h.time, h.time}})
	}
	m := &c.marks[len(c.marks)-1]
	m.times.add(h.time, false)
	m.cameras |= 1 << (camera % 64)
	c.received.add(h.received, c.rows == 0)
	c.times.add(h.time, c.rows == 0)
	if c.rows == 0 {
		c.first = seq
	}
	c.last = seq
	c.rows++
	if h.frame != "" {
		c.live[fingerprint] = uint32(c.end)
	}
	c.end += int64(bytes)
}

// snapshot returns c for readers, who look at it without a lock.
func (c *chunk) snapshot() *chunk {
	if c.live == nil {
		return c
	}
	s := *c
	s.live, s.marks = nil, slices.Clone(c.marks)
	return &s
}

// block returns where the records of mark i are.
func (c *chunk) block(i int) (from, to int64) {
	if i+1 < len(c.marks) {
		return c.marks[i].at, c.marks[i+1].at
	}
	return c.marks[i].at, c.end
}

// fingerprint is of a frame. It depends on the store, so that nobody can make two
// that are alike; whoever finds one looks at the record.
func (id storeID) fingerprint(h head) uint64 {
	p := make([]byte, 0, 160)
	p = append(p, id[:]...)
	p = appendText(p, h.camera)
	p = appendText(p, h.taskType)
	p = append(p, h.frame...)
	sum := sha256.Sum256(p)
	return binary.LittleEndian.Uint64(sum[:])
}

func (h head) sameFrame(k keys) bool {
	return h.camera == string(k.camera) && h.taskType == string(k.taskType) && h.frame == string(k.frame)
}

// readRecord returns the record of c at offset at.
func (c *chunk) readRecord(f file, at int64) (record, error) {
	buf := make([]byte, min(1024, max(c.end-at, 0)))
	for {
		if err := readAt(f, buf, at); err != nil {
			return record{}, err
		}
		r, short, ok := nextRecord(buf)
		switch {
		case ok && r.whole():
			return r, nil
		case !short || int64(len(buf)) >= c.end-at:
			return record{}, errRecord
		}
		buf = make([]byte, min(prefixBytes+maxPayload, c.end-at))
	}
}

// readAt fills p.
func readAt(f file, p []byte, at int64) error {
	n, err := f.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil {
		err = errors.New("short read")
	}
	return err
}
