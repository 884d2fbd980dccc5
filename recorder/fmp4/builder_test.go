package fmp4

import (
	"bytes"
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"vedette/recorder/media"
)

func crc(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// sps is of a 320x180 baseline stream.
var (
	sps = []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0x9f, 0x9e, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60}
	pps = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
)

func plainRun() *media.Run {
	return &media.Run{ID: 1, Camera: "door", Stream: media.Main, Tracks: []media.Track{
		{Codec: media.H264, ClockRate: 90000, Width: 320, Height: 180, FrameRate: 25, SPS: sps, PPS: pps},
		{Codec: media.AAC, ClockRate: 48000, SampleRate: 48000, Channels: 1, Config: []byte{0x11, 0x88}},
	}}
}

func picture(run *media.Run, dts int64, size int, key bool) *media.AccessUnit {
	nal := bytes.Repeat([]byte{0xab}, size)
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
	}
	return &media.AccessUnit{Run: run, DTS: dts, PTS: dts, Wall: dts, Random: key, Payloads: [][]byte{nal}, Size: size + 4}
}

func sound(run *media.Run, dts int64) *media.AccessUnit {
	return &media.AccessUnit{Run: run, Track: 1, DTS: dts, PTS: dts, Random: true, Payloads: [][]byte{make([]byte, 100)}, Size: 100}
}

// file puts parts behind the init of run.
func file(t *testing.T, run *media.Run, parts ...*Part) []byte {
	t.Helper()
	out, err := AppendInit(nil, &Header{Camera: "door", Stream: media.Main, Tracks: run.Tracks})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		for _, b := range p.Bufs {
			out = append(out, b...)
		}
		p.Release()
	}
	return out
}

func TestAudioOlderThanTheSegmentIsLeftOut(t *testing.T) {
	run := plainRun()
	b := NewBuilder(run.Tracks, 90000) // one second: 48000 ticks of audio
	b.Add(sound(run, 47999))
	if b.Size() != 0 {
		t.Errorf("audio before the first picture was taken")
	}
	b.Add(sound(run, 48000))
	if !b.Empty() || b.Finish(0, -1) != nil {
		t.Errorf("audio alone makes a part")
	}
	b.Add(picture(run, 90000, 1000, true))
	p := b.Finish(0, 93600)
	_, _, samples := read(t, file(t, run, p))
	if len(samples) != 2 || samples[1].Track != 1 || samples[1].DTS != 0 {
		t.Errorf("samples %+v, want one picture and the audio frame that begins with it", samples)
	}
}

func TestTheLastPictureLastsUntilTheNextPart(t *testing.T) {
	tests := []struct {
		name string
		next int64
		want int64
	}{
		{"next is known", 20000, 20000 - 6000},
		{"next is not known", -1, 3000},
		{"next is not later", 6000, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := plainRun()
			b := NewBuilder(run.Tracks, 0)
			for i := range int64(3) {
				b.Add(picture(run, i*3000, 50, i == 0))
			}
			_, parts, samples := read(t, file(t, run, b.Finish(0, tt.next)))
			if got := samples[2].Duration; got != tt.want || parts[0].Duration != 6000+tt.want {
				t.Errorf("last picture lasts %d, the part %d; want %d, %d", got, parts[0].Duration, tt.want, 6000+tt.want)
			}
		})
	}
}

func TestAStreamThatRunsBackwardsStaysReadable(t *testing.T) {
	run := plainRun()
	b := NewBuilder(run.Tracks, 1000)
	for _, dts := range []int64{1000, 4000, 4000, 500, 7000} {
		b.Add(picture(run, dts, 50, dts == 1000))
	}
	first := b.Finish(0, 2000)
	b.Add(picture(run, 2000, 50, false))
	_, parts, samples := read(t, file(t, run, first, b.Finish(1, -1)))
	for i := 1; i < len(samples); i++ {
		if samples[i].DTS <= samples[i-1].DTS {
			t.Errorf("sample %d has DTS %d after %d", i, samples[i].DTS, samples[i-1].DTS)
		}
	}
	if len(parts) != 2 || len(samples) != 6 {
		t.Errorf("%d parts with %d samples, want 2 with 6", len(parts), len(samples))
	}
}

func TestUnitsWithoutContentAreLeftOut(t *testing.T) {
	run := plainRun()
	b := NewBuilder(run.Tracks, 0)
	b.Add(&media.AccessUnit{Run: run, Random: true, Payloads: [][]byte{{0x7c}}})
	b.Add(&media.AccessUnit{Run: run, Track: 9})
	if !b.Empty() {
		t.Error("a unit without content began a part")
	}
}

func TestASampleLargerThanAnnouncedIsKeptWhole(t *testing.T) {
	run := plainRun()
	b := NewBuilder(run.Tracks, 0)
	big := picture(run, 3000, 9<<20, false)
	big.Size = 10
	b.Add(picture(run, 0, 5000, true))
	b.Add(big)
	out := file(t, run, b.Finish(0, -1))
	_, _, samples := read(t, out)
	if len(samples) != 2 || samples[1].Size != 9<<20+4 {
		t.Fatalf("samples %+v", samples)
	}
	if !bytes.Equal(out[samples[1].Offset:][:samples[1].Size], big.AppendSample(nil)) {
		t.Error("the large sample was damaged")
	}
}

func TestUnsupportedTracksAreRefused(t *testing.T) {
	good := plainRun().Tracks[0]
	change := func(f func(*media.Track)) media.Track {
		t := good
		f(&t)
		return t
	}
	tests := []struct {
		name   string
		tracks []media.Track
	}{
		{"no tracks", nil},
		{"unknown codec", []media.Track{{ClockRate: 90000}}},
		{"no clock", []media.Track{change(func(t *media.Track) { t.ClockRate = 0 })}},
		{"no SPS", []media.Track{change(func(t *media.Track) { t.SPS = nil })}},
		{"no PPS", []media.Track{change(func(t *media.Track) { t.PPS = nil })}},
		{"no size", []media.Track{change(func(t *media.Track) { t.Width = 0 })}},
		{"H.265 without VPS", []media.Track{change(func(t *media.Track) { t.Codec = media.H265 })}},
		{"AAC without configuration", []media.Track{{Codec: media.AAC, ClockRate: 48000}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if out, err := AppendInit([]byte("x"), &Header{Tracks: tt.tracks}); !errors.Is(err, ErrUnsupported) || string(out) != "x" {
				t.Errorf("AppendInit = %q, %v, want ErrUnsupported", out, err)
			}
		})
	}
}

func TestMIMETypeNamesTheCodecs(t *testing.T) {
	video := plainRun().Tracks[0]
	hevc := media.Track{
		Codec: media.H265, ClockRate: 90000, Width: 1920, Height: 1080, VPS: []byte{0x40, 1}, PPS: []byte{0x44, 1},
		SPS: []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0, 2},
	}
	tests := []struct {
		name   string
		tracks []media.Track
		want   string
	}{
		{"H.264 and AAC", plainRun().Tracks, `video/mp4; codecs="avc1.42c00d,mp4a.40.2"`},
		{"G.711 is left out", []media.Track{video, {Codec: media.PCMU, ClockRate: 8000}}, `video/mp4; codecs="avc1.42c00d"`},
		{"Opus", []media.Track{video, {Codec: media.Opus, ClockRate: 48000}}, `video/mp4; codecs="avc1.42c00d,opus"`},
		{"H.265 with emulation prevention", []media.Track{hevc}, `video/mp4; codecs="hvc1.1.6.L93.90"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := MIMEType(tt.tracks); got != tt.want {
				t.Errorf("MIMEType = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBuildingAllocatesNothingPerSample(t *testing.T) {
	run := plainRun()
	b := NewBuilder(run.Tracks, 0)
	units := make([]*media.AccessUnit, 0, 75)
	for i := range int64(25) {
		units = append(units, picture(run, i*3600, 15_000+int(i&1)*9000, i == 0), sound(run, i*1920), sound(run, i*1920+960))
	}
	part := func() {
		for _, u := range units {
			b.Add(u)
		}
		b.Finish(0, 90000).Release()
		for _, u := range units {
			u.DTS, u.PTS = u.DTS+90000, u.PTS+90000
		}
	}
	part()
	// The collector empties pools now and then, and the race detector does so
	// on purpose: a few allocations a part are theirs.
	if n := testing.AllocsPerRun(50, part); n >= 25 {
		t.Errorf("%.0f allocations a part of 25 pictures and 50 audio frames, want none for any of them", n)
	}
}

func BenchmarkPart(b *testing.B) {
	run := plainRun()
	w := NewBuilder(run.Tracks, 0)
	units := make([]*media.AccessUnit, 0, 25)
	for i := range int64(25) {
		units = append(units, picture(run, i*3600, 20_000, i == 0))
	}
	b.SetBytes(500_000)
	b.ReportAllocs()
	for b.Loop() {
		for _, u := range units {
			w.Add(u)
			u.DTS, u.PTS = u.DTS+90000, u.PTS+90000
		}
		w.Finish(0, -1).Release()
	}
}

// TestAPartOfACycleEndsWithAPage: the zeros behind its samples belong to the
// part, are under its checksum, and no reader takes them for media.
func TestAPartOfACycleEndsWithAPage(t *testing.T) {
	run := plainRun()
	out := file(t, run)
	init := int64(len(out))
	b := NewBuilder(run.Tracks, 0)
	var samples []int32
	for n := range 9 {
		for i := range 5 {
			u := picture(run, int64(n*5+i)*3600, 700+311*n+i, i == 0)
			samples = append(samples, int32(u.Size))
			b.Add(u)
		}
		off := int64(0)
		if n%2 == 0 {
			off = int64(len(out))
		}
		p := b.FinishAt(uint32(n), int64(n+1)*5*3600, off)
		size := p.Size
		for _, buf := range p.Bufs {
			out = append(out, buf...)
		}
		p.Release() // and what is taken again must be clean
		if n%2 == 0 && len(out)%4096 != 0 {
			t.Errorf("part %d of %d bytes ends at %d, which is no page", n, size, len(out))
		}
	}
	h, _, err := ReadHeader(bytes.NewReader(out), int64(len(out)))
	if err != nil {
		t.Fatal(err)
	}
	var got []int32
	parts := 0
	good, err := Scan(bytes.NewReader(out), init, int64(len(out)), true, func(p PartInfo) bool {
		parts++
		list, err := ReadSamples(bytes.NewReader(out), p, h, nil)
		if err != nil {
			t.Error(err)
		}
		for _, s := range list {
			got = append(got, s.Size)
		}
		return true
	})
	if err != nil || good != int64(len(out)) || parts != 9 || !slices.Equal(got, samples) {
		t.Errorf("read %d parts up to %d of %d, %v: samples %v, want %v", parts, good, len(out), err, got, samples)
	}
	out[len(out)-1] ^= 1 // the last part is one of a cycle: its last byte is padding
	if good, _ := Scan(bytes.NewReader(out), init, int64(len(out)), true, func(PartInfo) bool { return true }); good == int64(len(out)) {
		t.Error("padding is under no checksum")
	}
}
