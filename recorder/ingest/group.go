package ingest

import (
	"time"

	"vedette/recorder/media"
)

// Bounds of one access unit. Beyond them a unit is dropped as a whole.
const (
	maxUnitBytes    = 4 << 20 // of memory: docs/decisions/awful-cameras.md
	maxUnitPayloads = 16384
)

// rawUnit is an access unit on the RTP time line.
type rawUnit struct {
	track      int
	rtp        uint32
	payloads   [][]byte
	bytes      int       // of memory, about
	received   time.Time // wall and monotonic
	wall       int64     // UTC µs of received, by the ingester's clock
	mono       int64     // µs since boot of received
	lossBefore bool      // packets before it were lost
	damaged    bool      // packets of it were lost
}

// grouper collects the RTP packets of one video track into access units, by
// the marker bit and by the change of the timestamp. It keeps the payloads and
// copies none.
type grouper struct {
	codec media.Codec
	emit  func(u rawUnit) // called with everything but track and times

	payloads [][]byte
	rtp      uint32
	bytes    int
	open     bool
	oversize bool
	loss     bool // before the open unit
	damaged  bool // inside it

	begun   bool
	nextSeq uint16

	ended     bool // a unit was ended by its marker, at endedRTP
	endedRTP  uint32
	noMarkers bool // the camera sets the marker inside access units

	lost     uint64 // packets
	dropped  uint64 // units beyond the bounds
	lastSize int    // payloads in the last unit
}

// push takes one packet, in order of arrival.
func (g *grouper) push(seq uint16, rtp uint32, marker bool, payload []byte) {
	gap := g.begun && seq != g.nextSeq
	if gap {
		g.lost += uint64(seq - g.nextSeq)
	}
	g.begun, g.nextSeq = true, seq+1

	if g.open && rtp != g.rtp {
		g.damaged = g.damaged || gap
		g.finish()
	}
	if !g.open {
		if g.ended && rtp == g.endedRTP && !gap {
			g.noMarkers = true
		}
		g.open, g.rtp, g.loss = true, rtp, gap
		g.damaged = gap && startsInside(g.codec, payload)
		if g.payloads == nil {
			g.payloads = make([][]byte, 0, g.lastSize+4)
		}
	} else if gap {
		g.damaged = true
	}
	g.add(payload)
	if marker && !g.noMarkers {
		g.ended, g.endedRTP = true, g.rtp
		g.finish()
	}
}

func (g *grouper) add(payload []byte) {
	if len(payload) == 0 || g.oversize {
		return
	}
	g.bytes += len(payload) + media.PayloadOverhead
	if g.bytes > maxUnitBytes || len(g.payloads) >= maxUnitPayloads {
		g.oversize = true
		g.payloads = nil
		return
	}
	g.payloads = append(g.payloads, payload)
}

// finish hands the open unit on. An oversized one leaves only the mark that
// something is missing.
func (g *grouper) finish() {
	u := rawUnit{rtp: g.rtp, payloads: g.payloads, bytes: g.bytes, lossBefore: g.loss, damaged: g.damaged}
	if g.oversize {
		g.dropped++
		u.damaged = true
	}
	g.lastSize = len(g.payloads)
	g.payloads, g.bytes, g.open, g.oversize = nil, 0, false, false
	g.emit(u)
}

// startsInside reports whether payload continues a fragmented NAL unit.
func startsInside(c media.Codec, p []byte) bool {
	const fuStart = 0x80
	if c == media.H265 {
		return len(p) > 2 && p[0]>>1&0x3f == 49 && p[2]&fuStart == 0
	}
	return len(p) > 1 && p[0]&0x1f == 28 && p[1]&fuStart == 0
}

// content is what a look at the NAL units of an access unit tells.
type content struct {
	picture       bool // has a coded slice
	random        bool // decoding can start here
	vps, sps, pps []byte
	heads         [][]byte // beginnings of its NAL units up to the first slice, maxHeads before it at most
}

// maxHeads is how many NAL units may come before a slice and be looked at: more
// than parameter sets, delimiters and messages any encoder sends.
const maxHeads = 64

// inspect looks at the beginnings of u's NAL units. The first parameter set of
// a kind counts; fragmented ones are passed over.
func inspect(c media.Codec, payloads [][]byte) content {
	var ct content
	media.EachNALHead(c, payloads, func(nal []byte, complete bool) {
		t := media.NALType(c, nal)
		if len(nal) == 0 || c == media.H265 && len(nal) < 2 {
			return
		}
		vcl, random := t >= 1 && t <= 5, t == 5
		vps, sps, pps := byte(255), byte(7), byte(8)
		if c == media.H265 {
			vcl, random = t < 32, t >= 16 && t <= 21
			vps, sps, pps = 32, 33, 34
		}
		if !ct.picture && (vcl || len(ct.heads) < maxHeads) {
			ct.heads = append(ct.heads, nal)
		}
		ct.picture = ct.picture || vcl
		ct.random = ct.random || random
		if !complete {
			return
		}
		for _, set := range []struct {
			t   byte
			dst *[]byte
		}{{vps, &ct.vps}, {sps, &ct.sps}, {pps, &ct.pps}} {
			if t == set.t && *set.dst == nil {
				*set.dst = nal
			}
		}
	})
	return ct
}
