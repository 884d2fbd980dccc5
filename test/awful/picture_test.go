package awful

import "math/rand/v2"

// bits writes an H.264 bit stream (ITU-T H.264, 7.2 and 9.1).
type bits struct {
	b []byte
	n int
}

func (w *bits) u(n int, v uint) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bits) ue(v uint) {
	n := 0
	for (v+1)>>(n+1) != 0 {
		n++
	}
	w.u(n, 0)
	w.u(n+1, v+1)
}

// coding is how a camera codes its pictures.
type coding struct {
	width, height uint // in macroblocks
	fields        bool // interlaced
}

var plain = coding{width: 40, height: 22}

// sps returns a sequence parameter set: main profile, picture order by type 0
// with 8 bits.
func (c coding) sps() []byte {
	w := &bits{b: []byte{0x67, 77, 0, 40}, n: 32}
	w.ue(0) // id
	w.ue(0) // 4 bits of frame number
	w.ue(0) // picture order by type 0
	w.ue(4) // in 8 bits
	w.ue(4) // reference frames
	w.u(1, 0)
	w.ue(c.width - 1)
	if c.fields {
		w.ue(c.height/2 - 1)
		w.u(2, 0) // fields, not mixed in a frame
	} else {
		w.ue(c.height - 1)
		w.u(1, 1)
	}
	w.u(1, 1) // direct 8x8
	w.u(1, 0) // no cropping
	w.u(1, 0) // no VUI
	w.u(1, 1)
	return w.b
}

func pps() []byte { return []byte{0x68, 0xee, 0x3c, 0x80} }

// slice is one slice of a picture.
type slice struct {
	key    bool
	b      bool // nothing refers to it
	first  uint // macroblock
	order  uint // picture order count
	field  int  // 1 top, 2 bottom, of an interlaced coding
	number uint // frame number
	size   int  // bytes
}

func (c coding) slice(s slice) []byte {
	w := &bits{b: []byte{0x41}, n: 8}
	switch {
	case s.key:
		w.b[0] = 0x65
	case s.b:
		w.b[0] = 0x01
	}
	w.ue(s.first)
	w.ue(map[bool]uint{true: 7, false: 5}[s.key])
	w.ue(0)
	w.u(4, s.number)
	if c.fields {
		w.u(1, min(uint(s.field), 1))
		if s.field > 0 {
			w.u(1, uint(s.field-1))
		}
	}
	if s.key {
		w.ue(0)
	}
	w.u(8, s.order)
	return append(w.b, noise(s.size-len(w.b))...)
}

// noise returns n bytes that hold no start code.
func noise(n int) []byte {
	b := make([]byte, max(n, 0))
	for i := 0; i < n; i += copy(b[i:], hiss) {
	}
	return b
}

var hiss = func() []byte {
	b := make([]byte, 1<<16)
	for i := range b {
		b[i] = byte(rand.Uint32()) | 0x41
	}
	return b
}()

// packets splits NAL units into RTP payloads of at most size bytes (RFC 6184).
func packets(size int, nals ...[]byte) (list [][]byte) {
	for _, nal := range nals {
		if len(nal) <= size {
			list = append(list, nal)
			continue
		}
		head, start := nal[0], byte(0x80)
		for rest := nal[1:]; len(rest) > 0; start = 0 {
			n := min(len(rest), size-2)
			end := byte(0)
			if n == len(rest) {
				end = 0x40
			}
			list = append(list, append([]byte{head&0xe0 | 28, start | end | head&0x1f}, rest[:n]...))
			rest = rest[n:]
		}
	}
	return list
}
