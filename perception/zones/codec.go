package zones

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// errCodec is what a reader ends with; Restore and DecodeCheckpoint say where.
var errCodec = errors.New("not what was written")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writer makes bytes; docs/format/zones.md says which.
type writer struct{ b []byte }

func (w *writer) byte(v byte)     { w.b = append(w.b, v) }
func (w *writer) uint(v uint64)   { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)     { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) text(s string)   { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) small(v float32) { w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(v)) }
func (w *writer) large(v float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v)) }

// sum ends the bytes with their checksum.
func (w *writer) sum() []byte {
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b, castagnoli))
}

// reader takes bytes apart. After the first thing that is not right bad is true
// and everything it returns is zero.
type reader struct {
	b   []byte
	bad bool
}

// checked returns a reader of data without its checksum.
func checked(data []byte) *reader {
	n := len(data) - 4
	if n < 0 || crc32.Checksum(data[:n], castagnoli) != binary.LittleEndian.Uint32(data[n:]) {
		return &reader{bad: true}
	}
	return &reader{b: data[:n]}
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

// take returns the next n bytes, or nil.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count returns a number of things of which each takes least bytes at least, so
// that no length makes us allocate what was never written.
func (r *reader) count(most, least int) int {
	v := r.uint()
	if v > uint64(most) || v*uint64(least) > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) text(most int) string { return string(r.take(r.count(most, 1))) }

func (r *reader) small() float32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail()
		return 0
	}
	return v
}

// part returns a number of 0..1.
func (r *reader) part() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if !(v >= 0 && v <= 1) {
		r.fail()
		return 0
	}
	return v
}
