package fmp4

import "encoding/binary"

// boxes appends ISO BMFF boxes to b.
type boxes struct{ b []byte }

func (w *boxes) u8(v uint8)     { w.b = append(w.b, v) }
func (w *boxes) u16(v uint16)   { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *boxes) u32(v uint32)   { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64)   { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *boxes) str(s string)   { w.b = append(w.b, s...) }
func (w *boxes) bytes(p []byte) { w.b = append(w.b, p...) }

// zero appends n zero bytes.
func (w *boxes) zero(n int) {
	for range n {
		w.b = append(w.b, 0)
	}
}

// open begins a box and returns where, for close.
func (w *boxes) open(typ string) int {
	at := len(w.b)
	w.u32(0)
	w.str(typ)
	return at
}

// full begins a box with version and flags.
func (w *boxes) full(typ string, version uint8, flags uint32) int {
	at := w.open(typ)
	w.u32(uint32(version)<<24 | flags)
	return at
}

// close writes the size of the box that began at.
func (w *boxes) close(at int) {
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

// matrix appends the unity transformation matrix.
func (w *boxes) matrix() {
	for _, v := range [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000} {
		w.u32(v)
	}
}
