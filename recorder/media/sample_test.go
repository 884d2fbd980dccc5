package media

import (
	"bytes"
	"testing"
	"time"
)

func TestAppendVideoSampleJoinsEveryPayloadForm(t *testing.T) {
	tests := []struct {
		name     string
		codec    Codec
		payloads [][]byte
		want     []byte
	}{
		{"a whole unit gets a length prefix", H264, [][]byte{{0x65, 1, 2}}, []byte{0, 0, 0, 3, 0x65, 1, 2}},
		{"parameter sets, delimiters and filler are left out", H264,
			[][]byte{{0x67, 1}, {0x68, 1}, {0x09, 1}, {0x0c, 1}, {0x41, 9}}, []byte{0, 0, 0, 2, 0x41, 9}},
		{"an aggregate is taken apart", H264,
			[][]byte{{24, 0, 2, 0x67, 1, 0, 2, 0x65, 7, 0, 1, 0x06}}, []byte{0, 0, 0, 2, 0x65, 7, 0, 0, 0, 1, 0x06}},
		{"fragments are joined under the rebuilt header", H264,
			[][]byte{{0x7c, 0x85, 1}, {0x7c, 0x05, 2}, {0x7c, 0x45, 3}}, []byte{0, 0, 0, 4, 0x65, 1, 2, 3}},
		{"a fragment without its start is left out", H264, [][]byte{{0x7c, 0x05, 2}, {0x7c, 0x45, 3}, {0x41, 9}}, []byte{0, 0, 0, 2, 0x41, 9}},
		{"a fragment without its end is left out", H264, [][]byte{{0x7c, 0x85, 1}, {0x41, 9}}, []byte{0, 0, 0, 2, 0x41, 9}},
		{"a second start drops the first", H264, [][]byte{{0x7c, 0x85, 1}, {0x7c, 0xc5, 2}}, []byte{0, 0, 0, 2, 0x65, 2}},
		{"an aggregate with a torn tail keeps what is whole", H264, [][]byte{{24, 0, 1, 0x06, 0, 9, 1}}, []byte{0, 0, 0, 1, 0x06}},
		{"empty payloads are passed over", H264, [][]byte{{}, nil, {0x7c}}, nil},
		{"H.265 fragments rebuild two header bytes", H265,
			[][]byte{{49 << 1, 1, 0x80 | 19, 5}, {49 << 1, 1, 0x40 | 19, 6}}, []byte{0, 0, 0, 4, 19 << 1, 1, 5, 6}},
		{"H.265 parameter sets are left out", H265,
			[][]byte{{32 << 1, 1, 5}, {33 << 1, 1}, {34 << 1, 1}, {1 << 1, 1, 7}}, []byte{0, 0, 0, 3, 1 << 1, 1, 7}},
		{"an H.265 aggregate is taken apart", H265, [][]byte{{48 << 1, 1, 0, 3, 19 << 1, 1, 9}}, []byte{0, 0, 0, 3, 19 << 1, 1, 9}},
		{"a torn H.265 header is passed over", H265, [][]byte{{2}, {49 << 1, 1}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := AppendVideoSample(nil, tt.codec, tt.payloads)
			if !bytes.Equal(got, tt.want) {
				t.Errorf("got % x, want % x", got, tt.want)
			}
			if n := VideoSampleSize(tt.codec, tt.payloads); n != len(tt.want) {
				t.Errorf("size %d, want %d", n, len(tt.want))
			}
		})
	}
}

func TestEachNALHeadGivesWholeUnitsAndBeginnings(t *testing.T) {
	long := append([]byte{0x7c, 0x85}, bytes.Repeat([]byte{7}, 500)...)
	var heads [][]byte
	var whole []bool
	EachNALHead(H264, [][]byte{{24, 0, 2, 0x67, 1, 0, 2, 0x68, 2}, long, {0x7c, 0x45, 1}, {0x06, 3}},
		func(h []byte, complete bool) { heads, whole = append(heads, h), append(whole, complete) })
	if len(heads) != 4 || heads[0][0] != 0x67 || heads[1][0] != 0x68 || heads[2][0] != 0x65 || heads[3][0] != 0x06 {
		t.Fatalf("heads % x, want SPS, PPS, IDR, SEI", heads)
	}
	if len(heads[2]) != 1+headBytes || whole[2] || !whole[0] || !whole[3] {
		t.Errorf("IDR head of %d bytes, complete %v; want %d bytes and only it incomplete", len(heads[2]), whole, 1+headBytes)
	}
}

func TestSplitSampleStopsAtATornTail(t *testing.T) {
	var got [][]byte
	SplitSample([]byte{0, 0, 0, 1, 5, 0, 0, 0, 9, 1}, func(n []byte) bool { got = append(got, n); return true })
	if len(got) != 1 || got[0][0] != 5 {
		t.Errorf("got % x, want one unit 05", got)
	}
}

func TestTicksAndDurationAreInverse(t *testing.T) {
	tr := Track{ClockRate: 90000}
	for _, d := range []time.Duration{0, time.Second, 40 * time.Millisecond, 100 * 365 * 24 * time.Hour} {
		if got := tr.Duration(tr.Ticks(d)); got != d {
			t.Errorf("%v became %v", d, got)
		}
	}
	if got := (Track{}).Duration(5); got != 0 {
		t.Errorf("a track without clock answers %v, want 0", got)
	}
}

// FuzzVideoSample holds the size, the writer and the splitter together: what
// is written is as long as announced and comes apart again without rest.
func FuzzVideoSample(f *testing.F) {
	f.Add(false, []byte{0x65, 1}, []byte{0x7c, 0x85, 1}, []byte{0x7c, 0x45, 2})
	f.Add(true, []byte{49 << 1, 1, 0x93, 5}, []byte{49 << 1, 1, 0x53, 5}, []byte{48 << 1, 1, 0, 2, 2, 1})
	f.Fuzz(func(t *testing.T, hevc bool, a, b, c []byte) {
		codec := H264
		if hevc {
			codec = H265
		}
		in := [][]byte{a, b, c}
		out := AppendVideoSample(nil, codec, in)
		if n := VideoSampleSize(codec, in); n != len(out) {
			t.Fatalf("announced %d bytes, wrote %d", n, len(out))
		}
		total := 0
		SplitSample(out, func(n []byte) bool { total += 4 + len(n); return true })
		if total != len(out) {
			t.Fatalf("split %d of %d bytes", total, len(out))
		}
		EachNALHead(codec, in, func(h []byte, _ bool) {
			if len(h) > 1<<20 {
				t.Fatal("head grew")
			}
		})
	})
}
