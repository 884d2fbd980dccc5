package media

import "encoding/binary"

// lengthPrefix is the size of the NAL length field in samples (ISO 14496-15,
// lengthSizeMinusOne = 3).
const lengthPrefix = 4

// NALType returns the type of a NAL unit of codec c from its header, or 0 for
// an empty one (ITU-T H.264 7.3.1, H.265 7.3.1.2).
func NALType(c Codec, nal []byte) byte {
	switch {
	case len(nal) == 0:
		return 0
	case c == H265:
		return nal[0] >> 1 & 0x3f
	}
	return nal[0] & 0x1f
}

// stored reports whether a NAL unit of type t belongs into a sample.
// Parameter sets live in the sample description; access unit delimiters and
// filler say nothing that a file needs.
func stored(c Codec, t byte) bool {
	if c == H265 {
		return t != 32 && t != 33 && t != 34 && t != 35 && t != 38 && t < 48
	}
	return t != 0 && t != 7 && t != 8 && t != 9 && t != 12 && t < 24
}

// form is how an RTP payload carries NAL units.
type form uint8

const (
	malformed form = iota
	whole          // the payload is one NAL unit
	aggregate      // 16-bit sizes and NAL units: STAP-A, AP
	fragment       // a piece of one NAL unit: FU-A, FU
)

// Flags of an FU header, the same bits in both RFCs.
const (
	fuStart = 0x80
	fuEnd   = 0x40
)

// packet is a parsed RTP payload. body is what follows the payload
// structure's own header; for fragments, header holds the reconstructed NAL
// header (1 byte for H.264, 2 for H.265) and fu the FU header.
type packet struct {
	form   form
	fu     byte
	header [2]byte
	body   []byte
}

// parse takes a payload apart: RFC 6184 section 5.2 for H.264, RFC 7798
// section 4.4 for H.265. DONL fields (interleaved modes) are not supported:
// ingest refuses such streams before they come here.
func parse(c Codec, p []byte) packet {
	if c == H265 {
		if len(p) < 2 {
			return packet{}
		}
		switch p[0] >> 1 & 0x3f {
		case 48:
			return packet{form: aggregate, body: p[2:]}
		case 49:
			if len(p) < 3 {
				return packet{}
			}
			return packet{fragment, p[2], [2]byte{p[0]&0x81 | p[2]&0x3f<<1, p[1]}, p[3:]}
		}
		return packet{form: whole, body: p}
	}
	if len(p) == 0 {
		return packet{}
	}
	switch p[0] & 0x1f {
	case 24:
		return packet{form: aggregate, body: p[1:]}
	case 28:
		if len(p) < 2 {
			return packet{}
		}
		return packet{fragment, p[1], [2]byte{p[0]&0xe0 | p[1]&0x1f}, p[2:]}
	}
	return packet{form: whole, body: p}
}

// nalHeader returns the length of a NAL header of c.
func nalHeader(c Codec) int {
	if c == H265 {
		return 2
	}
	return 1
}

// eachAggregated calls yield for every NAL unit in the body of an
// aggregation packet; a torn tail ends the walk.
func eachAggregated(body []byte, yield func(nal []byte)) {
	for len(body) > 2 {
		n := int(binary.BigEndian.Uint16(body))
		body = body[2:]
		if n == 0 || n > len(body) {
			return
		}
		yield(body[:n])
		body = body[n:]
	}
}

// AppendSample appends u as an MP4 sample: NAL units with 4-byte length
// prefixes for video (parameter sets, delimiters and filler left out), the
// raw frame for audio. Malformed payloads are passed over; it never panics.
func (u *AccessUnit) AppendSample(dst []byte) []byte {
	c := u.Run.Tracks[u.Track].Codec
	if c.IsVideo() {
		return AppendVideoSample(dst, c, u.Payloads)
	}
	for _, p := range u.Payloads {
		dst = append(dst, p...)
	}
	return dst
}

// AppendVideoSample appends the NAL units that the RTP payloads of one access
// unit carry, as AppendSample does. A fragmented unit whose start or end is
// missing is left out.
func AppendVideoSample(dst []byte, c Codec, payloads [][]byte) []byte {
	open := -1 // offset of the length prefix of the fragmented unit under way
	add := func(nal []byte) {
		if stored(c, NALType(c, nal)) {
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(nal)))
			dst = append(dst, nal...)
		}
	}
	for _, raw := range payloads {
		p := parse(c, raw)
		if open >= 0 && (p.form != fragment || p.fu&fuStart != 0) {
			dst, open = dst[:open], -1
		}
		switch p.form {
		case whole:
			add(p.body)
		case aggregate:
			eachAggregated(p.body, add)
		case fragment:
			if p.fu&fuStart != 0 {
				open = len(dst)
				dst = append(dst, 0, 0, 0, 0)
				dst = append(dst, p.header[:nalHeader(c)]...)
			}
			if open < 0 {
				continue
			}
			dst = append(dst, p.body...)
			if p.fu&fuEnd == 0 {
				continue
			}
			if stored(c, NALType(c, p.header[:])) {
				binary.BigEndian.PutUint32(dst[open:], uint32(len(dst)-open-lengthPrefix))
			} else {
				dst = dst[:open]
			}
			open = -1
		}
	}
	if open >= 0 {
		dst = dst[:open]
	}
	return dst
}

// VideoSampleSize returns how many bytes AppendVideoSample appends, without
// copying any.
func VideoSampleSize(c Codec, payloads [][]byte) int {
	total, open := 0, -1
	add := func(nal []byte) {
		if stored(c, NALType(c, nal)) {
			total += lengthPrefix + len(nal)
		}
	}
	for _, raw := range payloads {
		p := parse(c, raw)
		if p.form != fragment || p.fu&fuStart != 0 {
			open = -1
		}
		switch p.form {
		case whole:
			add(p.body)
		case aggregate:
			eachAggregated(p.body, add)
		case fragment:
			if p.fu&fuStart != 0 {
				open = lengthPrefix + nalHeader(c)
			}
			if open < 0 {
				continue
			}
			open += len(p.body)
			if p.fu&fuEnd == 0 {
				continue
			}
			if stored(c, NALType(c, p.header[:])) {
				total += open
			}
			open = -1
		}
	}
	return total
}

// EachNALHead calls yield with the beginning of every NAL unit that payloads
// carry, stored in samples or not: the whole unit if it came in one packet,
// else at least its header and what the first fragment holds. complete says
// which. Parameter sets are small enough to be complete in practice; a parser
// of slice headers needs the beginning alone.
func EachNALHead(c Codec, payloads [][]byte, yield func(head []byte, complete bool)) {
	for _, raw := range payloads {
		p := parse(c, raw)
		switch p.form {
		case whole:
			yield(p.body, true)
		case aggregate:
			eachAggregated(p.body, func(nal []byte) { yield(nal, true) })
		case fragment:
			if p.fu&fuStart != 0 {
				n := nalHeader(c)
				head := make([]byte, 0, n+min(len(p.body), headBytes))
				head = append(head, p.header[:n]...)
				yield(append(head, p.body[:min(len(p.body), headBytes)]...), false)
			}
		}
	}
}

// headBytes bounds the copy of a fragmented unit's beginning: more than any
// slice header up to its picture order count.
const headBytes = 96

// SplitSample calls yield for each NAL unit of a sample with 4-byte length
// prefixes; units are sub-slices of sample. A torn tail, or yield answering
// false, ends the walk.
func SplitSample(sample []byte, yield func(nal []byte) bool) {
	for len(sample) > lengthPrefix {
		n := int64(binary.BigEndian.Uint32(sample))
		sample = sample[lengthPrefix:]
		if n == 0 || n > int64(len(sample)) || !yield(sample[:n]) {
			return
		}
		sample = sample[n:]
	}
}
