package fmp4

import (
	"math/bits"
	"sync"
)

// Buffers come in powers of two, so that one of any class fits every part
// that needs it, and a part under way holds little more than it has media.
const (
	minShift = 14 // 16 KiB
	maxShift = 22 // 4 MiB; larger samples get memory of their own
)

// buffer holds samples of one track. Its capacity is that of its class,
// unless a sample was larger than announced.
type buffer struct{ b []byte }

var (
	buffers [maxShift - minShift + 1]sync.Pool // of *buffer, by class
	parts   sync.Pool                          // of *Part
)

// newBuffer returns an empty buffer with room for at least size bytes.
func newBuffer(size int) *buffer {
	shift := max(bits.Len(uint(max(size, 1)-1)), minShift)
	if shift > maxShift {
		return &buffer{make([]byte, 0, size)}
	}
	if v, ok := buffers[shift-minShift].Get().(*buffer); ok {
		return v
	}
	return &buffer{make([]byte, 0, 1<<shift)}
}

// release gives b back to its class. Memory of an odd size is left to the
// collector.
func (b *buffer) release() {
	shift := bits.Len(uint(cap(b.b))) - 1
	if shift < minShift || shift > maxShift || cap(b.b) != 1<<shift {
		return
	}
	b.b = b.b[:0]
	buffers[shift-minShift].Put(b)
}
