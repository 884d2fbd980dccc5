package sampler

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"vedette/recorder/media"
)

var testTrack = media.Track{Codec: media.H264, ClockRate: 90_000, Width: 640, Height: 360,
	SPS: []byte{0x67, 0x42, 0, 0x1e, 1}, PPS: []byte{0x68, 1}}

// boxes returns the names of the boxes in b, and fails if they do not fill it.
func boxes(t *testing.T, b []byte) (names []string) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 8 || int(binary.BigEndian.Uint32(b)) > len(b) || binary.BigEndian.Uint32(b) < 8 {
			t.Fatalf("%d bytes are no box", len(b))
		}
		names = append(names, string(b[4:8]))
		b = b[binary.BigEndian.Uint32(b):]
	}
	return names
}

func TestTheFeedIsWholeBoxes(t *testing.T) {
	h265 := media.Track{Codec: media.H265, ClockRate: 90_000, VPS: []byte{0x40, 1, 2}, SPS: []byte{0x42, 1, 2}, PPS: []byte{0x44, 1, 2}}
	for _, track := range []media.Track{testTrack, h265} {
		f, head, err := newFeed(track)
		if err != nil {
			t.Fatal(err)
		}
		if got := boxes(t, head); !slices.Equal(got, []string{"ftyp", "moov"}) {
			t.Errorf("%s head = %v", track.Codec, got)
		}
		for _, set := range [][]byte{track.VPS, track.SPS, track.PPS} {
			if !bytes.Contains(head, set) {
				t.Errorf("%s head lacks the parameter set %x", track.Codec, set)
			}
		}
		data, _ := f.fragment(&media.AccessUnit{Run: &media.Run{Tracks: []media.Track{track}}, Payloads: [][]byte{{2, 1, 7}}}, 0)
		if got := boxes(t, data); !slices.Equal(got, []string{"moof", "mdat"}) {
			t.Errorf("%s fragment = %v", track.Codec, got)
		}
	}
}

func TestTheFeedKeepsTimesInOrder(t *testing.T) {
	f, _, err := newFeed(testTrack)
	if err != nil {
		t.Fatal(err)
	}
	run := &media.Run{Tracks: []media.Track{testTrack}}
	last := int64(-1)
	for i, c := range []struct{ dts, pts, shift, want int64 }{
		{1000, 1000, 0, 0}, {1000, 1000, 1, 1}, {4600, 4600, 0, 3600},
		{4600, 4600, 0, 3600}, {100, 100, 0, 0}, {8200, 11800, 0, 10800},
	} {
		u := &media.AccessUnit{Run: run, DTS: c.dts, PTS: c.pts, Payloads: [][]byte{{0x65, 1}}}
		data, pts := f.fragment(u, c.shift)
		if pts != c.want {
			t.Errorf("unit %d has the time %d, want %d", i, pts, c.want)
		}
		at := bytes.Index(data, []byte("tfdt")) + 8
		dts := int64(binary.BigEndian.Uint64(data[at:]))
		if dts <= last {
			t.Errorf("unit %d is decoded at %d, after one at %d", i, dts, last)
		}
		trun := bytes.Index(data, []byte("trun"))
		if got := dts + int64(int32(binary.BigEndian.Uint32(data[trun+28:]))); got != pts {
			t.Errorf("unit %d says it is shown at %d, want %d", i, got, pts)
		}
		last = dts
	}
}

func TestAUnitWithoutAPictureIsNotFed(t *testing.T) {
	f, _, err := newFeed(testTrack)
	if err != nil {
		t.Fatal(err)
	}
	run := &media.Run{Tracks: []media.Track{testTrack}}
	if data, _ := f.fragment(&media.AccessUnit{Run: run, Payloads: [][]byte{{0x67, 1}, {0x09}}}, 0); data != nil {
		t.Errorf("%d bytes for a unit of parameter sets", len(data))
	}
}

func TestTheFeedRefusesStreamsItCannotDescribe(t *testing.T) {
	with := func(change func(*media.Track)) media.Track { c := testTrack; change(&c); return c }
	for name, track := range map[string]media.Track{
		"without parameter sets": with(func(t *media.Track) { t.SPS = nil }),
		"h265 without a VPS":     with(func(t *media.Track) { t.Codec = media.H265 }),
		"a short SPS":            with(func(t *media.Track) { t.SPS = t.SPS[:3] }),
		"a huge PPS":             with(func(t *media.Track) { t.PPS = []byte(strings.Repeat("x", maxParameterSet+1)) }),
		"without a clock":        with(func(t *media.Track) { t.ClockRate = 0 }),
	} {
		if _, _, err := newFeed(track); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte{0x67, 1, 2, 3}, []byte{0x68}, []byte{0x65, 1, 2}, int64(0), int64(3600), true)
	f.Add([]byte{0x67, 1, 2, 3}, []byte{0x68}, []byte{0x7c, 0x85, 1}, int64(-1<<63), int64(1<<62), false)
	f.Fuzz(func(t *testing.T, sps, pps, payload []byte, dts, pts int64, h265 bool) {
		track := media.Track{Codec: media.H264, ClockRate: 90_000, SPS: sps, PPS: pps}
		if h265 {
			track.Codec, track.VPS = media.H265, pps
		}
		fd, head, err := newFeed(track)
		if err != nil {
			return
		}
		boxes(t, head)
		run := &media.Run{Tracks: []media.Track{track}}
		for i := range int64(3) {
			u := &media.AccessUnit{Run: run, DTS: dts + i, PTS: pts, Payloads: [][]byte{payload}}
			if data, _ := fd.fragment(u, i); data != nil {
				boxes(t, data)
			}
		}
	})
}
