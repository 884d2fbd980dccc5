package detections

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// A footer follows the records of a closed chunk: a prefix that no record has, a
// body, the table of frames, and a trailer that says where it all begins.
const (
	footerMark   = 0xFFFFFFFF
	footerPrefix = 12
	trailerBytes = 16
	trailerMagic = "VDETEND\x01"
	markBytes    = 40
	frameBytes   = 12
	fixedBytes   = 128 // of a footer without cameras, marks, filter and table; it takes less
)

// footerBound is what the footer of c takes at most after some more rows, with
// records of so many bytes and names of cameras of so many.
func (c *chunk) footerBound(rows int, records, names int64, filterLimit int) int64 {
	n := int(c.rows) + rows
	for _, s := range c.cameras {
		names += int64(len(s)) + 4
	}
	marks := int64(len(c.marks)) + records/blockBytes + 1
	return fixedBytes + names + marks*markBytes + int64(filterBytes(n, filterLimit)) + int64(n)*frameBytes
}

// closing returns c as it is when it is closed, and its footer.
func (c *chunk) closing(filterLimit int) (*chunk, []byte) {
	closed := *c
	closed.live = nil
	fingerprints := make([]uint64, 0, len(c.live))
	for v := range c.live {
		fingerprints = append(fingerprints, v)
	}
	slices.Sort(fingerprints)
	closed.frames = uint32(len(fingerprints))
	closed.filter = make(filter, filterBytes(len(fingerprints), filterLimit))
	for _, v := range fingerprints {
		closed.filter.add(v)
	}
	body := closed.encodeBody()
	p := binary.LittleEndian.AppendUint32(nil, footerMark)
	p = binary.LittleEndian.AppendUint32(p, crc32.Checksum(body, castagnoli()))
	p = binary.LittleEndian.AppendUint32(p, uint32(len(body)))
	p = append(p, body...)
	closed.table = c.end + int64(len(p))
	for _, v := range fingerprints {
		p = binary.BigEndian.AppendUint64(p, v)
		p = binary.LittleEndian.AppendUint32(p, c.live[v])
	}
	p = append(p, trailerMagic...)
	p = binary.LittleEndian.AppendUint32(p, uint32(c.end))
	p = binary.LittleEndian.AppendUint32(p, crc32.Checksum(p[len(p)-12:], castagnoli()))
	closed.size = c.end + int64(len(p))
	return &closed, p
}

func (c *chunk) encodeBody() []byte {
	p := append(make([]byte, 0, 4<<10+len(c.filter)), c.id[:]...)
	u64 := func(vs ...uint64) {
		for _, v := range vs {
			p = binary.LittleEndian.AppendUint64(p, v)
		}
	}
	u64(c.number, c.rows, c.first, c.last)
	u64(uint64(c.received[0]), uint64(c.received[1]), uint64(c.times[0]), uint64(c.times[1]))
	p = binary.AppendUvarint(p, uint64(len(c.cameras)))
	for _, s := range c.cameras {
		p = appendText(p, s)
	}
	p = binary.AppendUvarint(p, uint64(len(c.marks)))
	for i := range c.marks {
		m := &c.marks[i]
		u64(m.seq, uint64(m.at), uint64(m.times[0]), uint64(m.times[1]), m.cameras)
	}
	p = binary.AppendUvarint(p, uint64(c.frames))
	return appendText(p, string(c.filter))
}

// trailer returns where the footer begins, and false if there is none.
func trailer(p []byte) (end int64, ok bool) {
	if len(p) != trailerBytes || string(p[:8]) != trailerMagic ||
		binary.LittleEndian.Uint32(p[12:]) != crc32.Checksum(p[:12], castagnoli()) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint32(p[8:])), true
}

// readFooter returns the chunk that h begins, as its footer says; false if it has
// none that is whole.
func readFooter(f file, h header, size int64) (*chunk, bool, error) {
	if size < headerBytes+footerPrefix+trailerBytes {
		return nil, false, nil
	}
	p := make([]byte, trailerBytes)
	if err := readAt(f, p, size-trailerBytes); err != nil {
		return nil, false, err
	}
	end, ok := trailer(p)
	if !ok || end < headerBytes || end > size-trailerBytes-footerPrefix {
		return nil, false, nil
	}
	p = p[:footerPrefix]
	if err := readAt(f, p, end); err != nil {
		return nil, false, err
	}
	n := int64(binary.LittleEndian.Uint32(p[8:]))
	if binary.LittleEndian.Uint32(p) != footerMark || n > size-trailerBytes-footerPrefix-end {
		return nil, false, nil
	}
	body := make([]byte, n)
	if err := readAt(f, body, end+footerPrefix); err != nil {
		return nil, false, err
	}
	if crc32.Checksum(body, castagnoli()) != binary.LittleEndian.Uint32(p[4:]) {
		return nil, false, nil
	}
	c, err := decodeBody(body, h, end)
	if err != nil {
		return nil, false, nil // whole, but not ours: the records say the same
	}
	c.size, c.table = size, end+footerPrefix+n
	return c, c.table+int64(c.frames)*frameBytes == size-trailerBytes, nil
}

// decodeBody takes the body of a footer apart; end is where it begins.
func decodeBody(p []byte, h header, end int64) (*chunk, error) {
	r := reader{data: p}
	var id storeID
	copy(id[:], r.take(uint64(len(id))))
	c := &chunk{header: h, end: end}
	number := r.uint64()
	c.rows, c.first, c.last = r.uint64(), r.uint64(), r.uint64()
	c.received = span{int64(r.uint64()), int64(r.uint64())}
	c.times = span{int64(r.uint64()), int64(r.uint64())}
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		c.cameras = append(c.cameras, r.text())
	}
	n := r.uvarint()
	if n > uint64(len(r.data))/markBytes {
		return nil, fmt.Errorf("footer of chunk %d: %w", h.number, errRecord)
	}
	c.marks = make([]mark, n)
	at := int64(headerBytes)
	for i := range c.marks {
		m := mark{r.uint64(), int64(r.uint64()), span{int64(r.uint64()), int64(r.uint64())}, r.uint64()}
		if m.at < at || m.at >= end || i > 0 && m.at == at || m.seq < c.first || m.seq > c.last || i > 0 && m.seq <= c.marks[i-1].seq {
			r.bad = true
		}
		c.marks[i], at = m, m.at
	}
	frames := r.uvarint()
	c.filter = slices.Clone(filter(r.bytes()))
	c.frames = uint32(frames)
	pow := len(c.filter) >= 8 && len(c.filter)&(len(c.filter)-1) == 0
	if r.bad || len(r.data) > 0 || !pow || id != h.id || number != h.number || frames > 1<<31 || (c.rows == 0) != (n == 0) ||
		n > 0 && c.marks[0].at != headerBytes || c.first > c.last {
		return nil, fmt.Errorf("footer of chunk %d: %w", h.number, errRecord)
	}
	return c, nil
}

// find returns the offset at which the record of a frame with that fingerprint is.
func (c *chunk) find(f file, fingerprint uint64) (at int64, found bool, err error) {
	var p [frameBytes]byte
	lo, hi := int64(0), int64(c.frames)
	for lo < hi {
		mid := (lo + hi) / 2
		if err := readAt(f, p[:], c.table+mid*frameBytes); err != nil {
			return 0, false, err
		}
		switch v := binary.BigEndian.Uint64(p[:]); {
		case v == fingerprint:
			return int64(binary.LittleEndian.Uint32(p[8:])), true, nil
		case v < fingerprint:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false, nil
}
