package live

import (
	"encoding/binary"

	"vedette/recorder/media"
)

// MaxPayload is the largest RTP payload in bytes. With the RTP header (12),
// the playout-delay extension (8) and the authentication tag (16) a UDP
// payload stays at or below 1,200 bytes, which passes every network that
// carries IPv6 (1,280 less headers).
const MaxPayload = 1200 - 12 - 8 - 16

// batch is one access unit as RTP payloads: made once, shared by every
// viewer, immutable.
type batch struct {
	data  []byte
	ends  []int  // payload i is data[ends[i-1]:ends[i]]
	ts    uint32 // RTP timestamp on the feed's time line
	ntp   int64  // UTC µs of ts
	audio bool
	key   bool // decoding can start here
}

func (b *batch) payload(i int) []byte {
	if i == 0 {
		return b.data[:b.ends[0]]
	}
	return b.data[b.ends[i-1]:b.ends[i]]
}

// packetiser turns access units into payloads. It is not for concurrent use.
type packetiser struct {
	max    int    // bytes in a payload
	sample []byte // scratch
	nals   [][]byte
}

// video returns the payloads of a video unit, parameter sets in front of a
// random access point; ends is nil if the unit holds no NAL unit.
func (p *packetiser) video(u *media.AccessUnit) (data []byte, ends []int) {
	track := &u.Run.Tracks[u.Track]
	p.sample = u.AppendSample(p.sample[:0])
	p.nals = p.nals[:0]
	if u.Random {
		for _, set := range [][]byte{track.VPS, track.SPS, track.PPS} {
			if len(set) > 0 {
				p.nals = append(p.nals, set)
			}
		}
	}
	media.SplitSample(p.sample, func(nal []byte) bool {
		p.nals = append(p.nals, nal)
		return true
	})
	f := formats(track.Codec)
	// A fragment repeats 3 bytes at most, and so does an aggregate's unit.
	data = make([]byte, 0, len(p.sample)+len(p.sample)/p.max*4+len(track.VPS)+len(track.SPS)+len(track.PPS)+64)
	for i := 0; i < len(p.nals); {
		if len(p.nals[i]) > p.max {
			data, ends = f.fragment(data, ends, p.nals[i], p.max)
			i++
			continue
		}
		n := f.fitting(p.nals[i:], p.max)
		if n == 1 {
			data = append(data, p.nals[i]...)
		} else {
			data = f.aggregate(data, p.nals[i:i+n])
		}
		ends = append(ends, len(data))
		i += n
	}
	return data, ends
}

// format is what differs between RFC 6184 and RFC 7798.
type format struct {
	header            int  // bytes of a NAL header
	aggregateType, fu byte // types of the aggregation and the fragmentation packet
}

func formats(c media.Codec) format {
	if c == media.H265 {
		return format{header: 2, aggregateType: 48, fu: 49}
	}
	return format{header: 1, aggregateType: 24, fu: 28}
}

// fitting returns how many of nals go together into one payload: at least 1.
func (f format) fitting(nals [][]byte, limit int) int {
	total := f.header
	for i, nal := range nals {
		if len(nal) < f.header {
			return max(i, 1)
		}
		if total += 2 + len(nal); total > limit {
			return max(i, 1)
		}
	}
	return len(nals)
}

// aggregate appends a STAP-A (RFC 6184, 5.7.1) or an AP (RFC 7798, 4.4.2).
func (f format) aggregate(dst []byte, nals [][]byte) []byte {
	head := len(dst)
	dst = append(dst, nals[0][:f.header]...)
	for _, nal := range nals {
		if f.header == 1 {
			// F is the union, NRI the greatest of all.
			dst[head] = dst[head]&0x80 | nal[0]&0x80 | max(dst[head]&0x60, nal[0]&0x60)
		} else {
			// F is the union; layer id and temporal id the lowest of all.
			dst[head] |= nal[0] & 0x80
			layer := min(uint16(dst[head]&1)<<5|uint16(dst[head+1])>>3, uint16(nal[0]&1)<<5|uint16(nal[1])>>3)
			tid := min(dst[head+1]&7, nal[1]&7)
			dst[head], dst[head+1] = dst[head]&0x80|byte(layer>>5), byte(layer<<3)|tid
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(nal)))
		dst = append(dst, nal...)
	}
	if f.header == 1 {
		dst[head] |= f.aggregateType
	} else {
		dst[head] |= f.aggregateType << 1
	}
	return dst
}

// fragment appends nal as FU-A (RFC 6184, 5.8) or FU (RFC 7798, 4.4.3) of
// equal size, the last possibly shorter: packets of one size can be handed to
// the kernel in one call.
func (f format) fragment(dst []byte, ends []int, nal []byte, limit int) ([]byte, []int) {
	head, body := nal[:f.header], nal[f.header:]
	room := limit - f.header - 1
	pieces := (len(body) + room - 1) / room
	size := (len(body) + pieces - 1) / pieces
	var typ byte
	if f.header == 1 {
		typ = head[0] & 0x1f
	} else {
		typ = head[0] >> 1 & 0x3f
	}
	for fu := byte(0x80); len(body) > 0; fu = 0 {
		n := min(size, len(body))
		if n == len(body) {
			fu |= 0x40
		}
		if f.header == 1 {
			dst = append(dst, head[0]&0xe0|f.fu, fu|typ)
		} else {
			dst = append(dst, head[0]&0x81|f.fu<<1, head[1], fu|typ)
		}
		dst = append(dst, body[:n]...)
		ends = append(ends, len(dst))
		body = body[n:]
	}
	return dst, ends
}

// disposable reports whether no other picture refers to the H.264 unit u:
// every slice in it says so (nal_ref_idc 0).
func disposable(u *media.AccessUnit) bool {
	slices, referred := 0, false
	for _, p := range u.Payloads {
		if len(p) == 0 {
			continue
		}
		switch t := p[0] & 0x1f; {
		case t == 24: // an aggregate carries the greatest nal_ref_idc of its units
			slices++
			referred = referred || p[0]&0x60 != 0
		case t >= 1 && t <= 5 || t == 28:
			slices++
			referred = referred || p[0]&0x60 != 0
		}
	}
	return slices > 0 && !referred
}
