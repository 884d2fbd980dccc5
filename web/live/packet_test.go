package live

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"vedette/recorder/media"
)

var (
	testSPS = []byte{0x67, 0x64, 0x00, 0x28, 1, 2, 3}
	testPPS = []byte{0x68, 0xee, 1}
)

func videoRun(c media.Codec) *media.Run {
	t := media.Track{Codec: c, ClockRate: 90000, SPS: testSPS, PPS: testPPS}
	if c == media.H265 {
		t.VPS, t.SPS, t.PPS = []byte{32 << 1, 1, 9}, []byte{33 << 1, 1, 8, 8}, []byte{34 << 1, 1, 7}
	}
	return &media.Run{ID: 1, Camera: "door", Stream: media.Main, Tracks: []media.Track{t, {Codec: media.PCMU, ClockRate: 8000, Channels: 1}}}
}

// videoUnit is a unit whose NAL units came whole, one to a payload.
func videoUnit(run *media.Run, n int64, random bool, nals ...[]byte) *media.AccessUnit {
	u := &media.AccessUnit{Run: run, PTS: n * 3600, DTS: n * 3600, Wall: 1e15 + n*40000, Random: random, Payloads: nals}
	u.Size = media.VideoSampleSize(run.Tracks[0].Codec, nals)
	return u
}

func nalOf(c media.Codec, typ byte, size int) []byte {
	nal := make([]byte, size)
	for i := range nal {
		nal[i] = byte(i * 7)
	}
	if c == media.H265 {
		nal[0], nal[1] = typ<<1, 1
	} else {
		nal[0] = 0x60 | typ
	}
	return nal
}

func payloads(data []byte, ends []int) (out [][]byte) {
	b := batch{data: data, ends: ends}
	for i := range ends {
		out = append(out, b.payload(i))
	}
	return out
}

func TestPayloadsHoldTheSameUnitsInTheSameOrder(t *testing.T) {
	for _, c := range []media.Codec{media.H264, media.H265} {
		slice := byte(1)
		for _, sizes := range [][]int{{2}, {3, 4, 5}, {MaxPayload}, {MaxPayload + 1}, {100, MaxPayload - 50, 100, 60000, 20}, {MaxPayload * 7, MaxPayload * 7}, {500, 500, 500}} {
			run := videoRun(c)
			var nals [][]byte
			for _, n := range sizes {
				nals = append(nals, nalOf(c, slice, max(n, formats(c).header)))
			}
			u := videoUnit(run, 0, false, nals...)
			p := packetiser{max: MaxPayload}
			data, ends := p.video(u)
			if got, want := media.AppendVideoSample(nil, c, payloads(data, ends)), u.AppendSample(nil); !bytes.Equal(got, want) {
				t.Errorf("%s, units of %v bytes: reassembled %d bytes, want %d", c, sizes, len(got), len(want))
			}
			for _, pl := range payloads(data, ends) {
				if len(pl) > MaxPayload {
					t.Errorf("%s, units of %v bytes: payload of %d bytes", c, sizes, len(pl))
				}
			}
		}
	}
}

func TestParameterSetsStandBeforeARandomAccessPoint(t *testing.T) {
	for _, c := range []media.Codec{media.H264, media.H265} {
		run, idr := videoRun(c), byte(5)
		if c == media.H265 {
			idr = 19
		}
		p := packetiser{max: MaxPayload}
		data, ends := p.video(videoUnit(run, 0, true, nalOf(c, idr, 5000)))
		var types []byte
		media.EachNALHead(c, payloads(data, ends), func(h []byte, _ bool) { types = append(types, media.NALType(c, h)) })
		want := []byte{7, 8, 5}
		if c == media.H265 {
			want = []byte{32, 33, 34, 19}
		}
		if !bytes.Equal(types, want) {
			t.Errorf("%s: unit types %v, want %v", c, types, want)
		}
		// One aggregate, then the picture.
		if n := (5000 + MaxPayload - 1) / MaxPayload; len(ends) != 1+n {
			t.Errorf("%s: %d payloads, want the parameter sets in 1 and the picture in %d", c, len(ends), n)
		}
	}
}

func TestFragmentsAreOfOneSize(t *testing.T) {
	p := packetiser{max: MaxPayload}
	data, ends := p.video(videoUnit(videoRun(media.H264), 0, false, nalOf(media.H264, 1, 20011)))
	all := payloads(data, ends)
	for i, pl := range all[:len(all)-1] {
		if len(pl) != len(all[0]) {
			t.Errorf("fragment %d has %d bytes, the first %d", i, len(pl), len(all[0]))
		}
	}
	if d := len(all[0]) - len(all[len(all)-1]); d < 0 || d >= len(all) {
		t.Errorf("the last fragment is %d bytes shorter, want less than one a fragment (%d)", d, len(all))
	}
}

func TestAggregateHeadersAnnounceTheMostImportantUnit(t *testing.T) {
	p := packetiser{max: MaxPayload}
	data, _ := p.video(videoUnit(videoRun(media.H264), 0, false, []byte{0x06, 1}, []byte{0x41, 2}, []byte{0x01, 3}))
	if data[0] != 0x40|24 {
		t.Errorf("STAP-A header %#x, want nal_ref_idc of the greatest unit: %#x", data[0], 0x40|24)
	}
	data, _ = p.video(videoUnit(videoRun(media.H265), 0, false, []byte{1<<1 | 1, 0x0b, 2}, []byte{1 << 1, 0x12, 3}))
	if data[0] != 48<<1 || data[1] != 0x13-1 {
		t.Errorf("AP header % x, want lowest layer (2) and lowest temporal id (2)", data[:2])
	}
}

func TestAUnitWithoutPicturesMakesNoPackets(t *testing.T) {
	p := packetiser{max: MaxPayload}
	for _, nals := range [][][]byte{nil, {{}}, {{0x09, 0xf0}}, {{0x7c}}} {
		if _, ends := p.video(videoUnit(videoRun(media.H264), 0, false, nals...)); ends != nil {
			t.Errorf("payloads % x gave %d packets", nals, len(ends))
		}
	}
}

func TestDisposablePicturesAreThoseNothingRefersTo(t *testing.T) {
	for _, tt := range []struct {
		name string
		nals [][]byte
		want bool
	}{
		{"a B slice without references", [][]byte{{0x01, 1}}, true},
		{"a fragmented one", [][]byte{{28, 0x81, 1}, {28, 0x41, 1}}, true},
		{"an aggregate of them", [][]byte{{24, 0, 2, 0x01, 1}}, true},
		{"a P slice", [][]byte{{0x41, 1}}, false},
		{"a fragmented reference", [][]byte{{0x5c, 0x81, 1}}, false},
		{"nothing", nil, false},
		{"information alone", [][]byte{{0x06, 1}, {}}, false},
	} {
		if got := disposable(&media.AccessUnit{Payloads: tt.nals}); got != tt.want {
			t.Errorf("%s: disposable = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzVideo gives the packetiser whatever a camera may send and takes its
// packets apart again with the recorder's own depacketiser.
func FuzzVideo(f *testing.F) {
	long := binary.BigEndian.AppendUint16(nil, 3000)
	f.Add(append(long, nalOf(media.H264, 5, 3000)...), uint16(1164), true, false)
	f.Add([]byte{0, 2, 0x41, 9, 0, 3, 0x7c, 0x85, 1, 0, 3, 0x7c, 0x45, 2}, uint16(20), false, false)
	f.Add([]byte{0, 4, 2, 1, 5, 6, 0, 3, 98, 1, 0x93}, uint16(9), true, true)
	f.Fuzz(func(t *testing.T, raw []byte, limit uint16, random, hevc bool) {
		c := media.H264
		if hevc {
			c = media.H265
		}
		var in [][]byte
		for len(raw) >= 2 {
			n := min(int(binary.BigEndian.Uint16(raw)), len(raw)-2)
			in, raw = append(in, raw[2:2+n]), raw[2+n:]
		}
		u := videoUnit(videoRun(c), 0, random, in...)
		p := packetiser{max: max(int(limit), 8)}
		data, ends := p.video(u)
		got := media.AppendVideoSample(nil, c, payloads(data, ends))
		want := u.AppendSample(nil)
		short := false
		media.SplitSample(want, func(nal []byte) bool { short = short || len(nal) < formats(c).header; return true })
		if !short && !bytes.Equal(got, want) {
			t.Fatalf("reassembled % x, want % x", got, want)
		}
		for _, pl := range payloads(data, ends) {
			if len(pl) > p.max {
				t.Fatalf("payload of %d bytes, more than %d", len(pl), p.max)
			}
		}
	})
}

func TestTimelineGoesOnAcrossRuns(t *testing.T) {
	tl := timeline{last: rand.Uint32()}
	run := videoRun(media.H264)
	u := func(pts, wall int64) *media.AccessUnit {
		return &media.AccessUnit{Run: run, PTS: pts, DTS: pts, Wall: wall}
	}
	tl.restart()
	a, _ := tl.at(u(1<<40, 5e6), videoClock)
	b, ntp := tl.at(u(1<<40+3600, 5e6+40000), videoClock)
	if b-a != 3600 || ntp != 5e6+40000 {
		t.Errorf("one picture later: %d ticks and %d µs, want 3600 and 5040000", b-a, ntp)
	}
	for _, tt := range []struct {
		name  string
		pause int64 // µs on the wall clock
		want  uint32
	}{
		{"a run that begins 2 s later", 2e6, 180000},
		{"a wall clock set back", -1e12, 90},
		{"a wall clock set on by years", 1e15, 900000},
	} {
		before := tl.last
		tl.restart()
		got, _ := tl.at(u(77, tl.lastNTP+tt.pause), videoClock)
		if got-before != tt.want {
			t.Errorf("%s: %d ticks later, want %d", tt.name, got-before, tt.want)
		}
	}
}
