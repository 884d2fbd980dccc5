package ingest

import (
	"fmt"
	"strings"
	"testing"

	"vedette/recorder/media"
)

// pkt is one packet of a table: sequence number, timestamp, marker, payload.
type pkt struct {
	seq     uint16
	ts      uint32
	marker  bool
	payload []byte
}

var (
	slice    = []byte{0x41, 0x9a, 1}
	idr      = []byte{0x65, 0x88, 1}
	sps      = []byte{0x67, 1}
	fuStart  = []byte{0x7c, 0x85, 1}
	fuMiddle = []byte{0x7c, 0x05, 1}
	fuEnd    = []byte{0x7c, 0x45, 1}
)

func TestGrouperFindsAccessUnits(t *testing.T) {
	tests := []struct {
		name    string
		packets []pkt
		want    string // timestamp:payloads, L: packets lost before, D: damaged
	}{
		{"the marker ends a unit", []pkt{{1, 10, false, fuStart}, {2, 10, true, fuEnd}, {3, 20, true, slice}}, "10:2 20:1"},
		{"a new timestamp ends a unit without marker", []pkt{{1, 10, false, slice}, {2, 20, false, slice}, {3, 30, false, slice}}, "10:1 20:1"},
		{"parameter sets of the same timestamp belong to it", []pkt{{1, 10, false, sps}, {2, 10, true, idr}}, "10:2"},
		{"numbers and timestamps wrap", []pkt{{65535, 1<<32 - 1, true, slice}, {0, 5, true, slice}}, "4294967295:1 5:1"},
		{"a packet lost inside damages the unit", []pkt{{1, 10, false, fuStart}, {3, 10, true, fuEnd}}, "10:2D"},
		{"one lost between units is told", []pkt{{1, 10, true, slice}, {3, 20, true, slice}}, "10:1 20:1L"},
		{"a unit that begins inside a fragment is damaged", []pkt{{1, 10, true, slice}, {3, 20, false, fuMiddle}, {4, 20, true, fuEnd}}, "10:1 20:2LD"},
		{"a lost marker damages the unit that lacks it", []pkt{{1, 10, false, fuStart}, {3, 20, true, slice}}, "10:1D 20:1L"},
		{"markers on every slice are not believed twice", []pkt{{1, 10, true, idr}, {2, 10, true, slice}, {3, 20, true, idr}, {4, 20, true, slice}, {5, 30, true, idr}}, "10:1 10:1 20:2"},
		{"empty packets leave nothing", []pkt{{1, 10, false, nil}, {2, 10, true, slice}}, "10:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			g := grouper{codec: media.H264, emit: func(u rawUnit) {
				s := fmt.Sprintf("%d:%d", u.rtp, len(u.payloads))
				if u.lossBefore {
					s += "L"
				}
				if u.damaged {
					s += "D"
				}
				got = append(got, s)
			}}
			for _, p := range tt.packets {
				g.push(p.seq, p.ts, p.marker, p.payload)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestGrouperBoundsAUnit(t *testing.T) {
	tests := []struct {
		name string
		size int
		n    int
		kept bool
	}{
		{"4 MiB of memory are kept", 1<<16 - media.PayloadOverhead, 64, true},
		{"a byte more is dropped", 1<<16 - media.PayloadOverhead + 1, 64, false},
		{"as many small packets as allowed are kept", 1, maxUnitPayloads, true},
		{"one more is dropped", 1, maxUnitPayloads + 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got rawUnit
			g := grouper{codec: media.H264, emit: func(u rawUnit) { got = u }}
			payload := make([]byte, tt.size)
			for i := range tt.n {
				g.push(uint16(i), 7, i == tt.n-1, payload)
			}
			if kept := len(got.payloads) == tt.n && !got.damaged; kept != tt.kept {
				t.Errorf("kept %v (%d payloads, damaged %v), want %v", kept, len(got.payloads), got.damaged, tt.kept)
			}
			if !tt.kept && (g.dropped != 1 || !got.damaged || got.payloads != nil) {
				t.Errorf("dropped %d, damaged %v, %d payloads left", g.dropped, got.damaged, len(got.payloads))
			}
		})
	}
}

func TestInspectKeepsFewOfTooManyUnitsBeforeASlice(t *testing.T) {
	payloads := make([][]byte, 100_000)
	for i := range payloads {
		payloads[i] = []byte{0x06, 1} // a message
	}
	ct := inspect(media.H264, append(payloads, slice))
	if n := len(ct.heads); n != maxHeads+1 || ct.heads[maxHeads][0] != slice[0] || !ct.picture {
		t.Errorf("%d heads kept, the last % x; want %d and the slice", n, ct.heads[n-1], maxHeads)
	}
}

func TestInspectFindsKeyFramesAndParameterSets(t *testing.T) {
	tests := []struct {
		name            string
		codec           media.Codec
		payloads        [][]byte
		picture, random bool
		sets            int
	}{
		{"an IDR with its sets", media.H264, [][]byte{{24, 0, 2, 0x67, 1, 0, 2, 0x68, 1}, fuStart, fuEnd}, true, true, 2},
		{"a P picture", media.H264, [][]byte{slice}, true, false, 0},
		{"parameter sets alone", media.H264, [][]byte{sps, {0x68, 1}}, false, false, 2},
		{"fragments without a start", media.H264, [][]byte{fuMiddle, fuEnd}, false, false, 0},
		{"an H.265 CRA picture", media.H265, [][]byte{{32 << 1, 1}, {33 << 1, 1}, {34 << 1, 1}, {21 << 1, 1, 0}}, true, true, 3},
		{"an H.265 trailing picture", media.H265, [][]byte{{1 << 1, 1, 0}}, true, false, 0},
		{"torn headers", media.H265, [][]byte{{1}, {}, nil}, false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ct := inspect(tt.codec, tt.payloads)
			sets := 0
			for _, s := range [][]byte{ct.vps, ct.sps, ct.pps} {
				if s != nil {
					sets++
				}
			}
			if ct.picture != tt.picture || ct.random != tt.random || sets != tt.sets {
				t.Errorf("picture %v, random %v, %d sets; want %v, %v, %d", ct.picture, ct.random, sets, tt.picture, tt.random, tt.sets)
			}
		})
	}
}
