package fmp4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
)

// read returns everything in file, or fails t.
func read(t testing.TB, file []byte) (h *Header, parts []PartInfo, samples []Sample) {
	t.Helper()
	r, size := bytes.NewReader(file), int64(len(file))
	h, off, err := ReadHeader(r, size)
	if err != nil {
		t.Fatal(err)
	}
	good, err := Scan(r, off, size, true, func(p PartInfo) bool {
		parts = append(parts, p)
		return true
	})
	if err != nil || good != size {
		t.Fatalf("Scan = %d, %v, want the whole of %d bytes", good, err, size)
	}
	for _, p := range parts {
		if samples, err = ReadSamples(r, p, h, samples); err != nil {
			t.Fatal(err)
		}
	}
	return h, parts, samples
}

func TestReadingReturnsWhatWasWritten(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			run, units := fmp4test.Make(t, k.o)
			want, file := record(t, run, units)
			h, parts, samples := read(t, file)
			if !reflect.DeepEqual(h, want) {
				t.Errorf("header\n%+v\nwant\n%+v", h, want)
			}
			checkParts(t, h, parts)
			checkSamples(t, h, file, samples, units)
		})
	}
}

func checkParts(t *testing.T, h *Header, parts []PartInfo) {
	t.Helper()
	if len(parts) < 4 {
		t.Fatalf("%d parts, want at least 4", len(parts))
	}
	for i, p := range parts {
		if i > 0 && p.DTS != parts[i-1].DTS+parts[i-1].Duration {
			t.Errorf("part %d begins at %d, the one before ends at %d", i, p.DTS, parts[i-1].DTS+parts[i-1].Duration)
		}
		if want := h.Start + p.DTS*1_000_000/90000; p.Wall != want {
			t.Errorf("part %d has wall time %d, want %d", i, p.Wall, want)
		}
		if p.Random != (p.Key == p.DTS) {
			t.Errorf("part %d: Random is %v, key frame at %d of %d", i, p.Random, p.Key, p.DTS)
		}
	}
	// Key frames come every 2 s, parts every 0.8 s: one boundary is mid-GOP.
	if !parts[0].Random || parts[1].Key >= 0 || parts[2].Random || parts[2].Key != 180_000 {
		t.Errorf("key frames are not where they should be: %+v", parts[:3])
	}
}

func checkSamples(t *testing.T, h *Header, file []byte, samples []Sample, units []*media.AccessUnit) {
	t.Helper()
	next := make([]int, len(h.Tracks))
	for track := range h.Tracks {
		var mine []Sample
		for _, s := range samples {
			if s.Track == track {
				mine = append(mine, s)
			}
		}
		first := scale(h.FirstDTS, int64(h.Tracks[track].ClockRate), 90000)
		for _, u := range units {
			if u.Track != track || u.DTS < first {
				continue
			}
			if next[track] >= len(mine) {
				t.Fatalf("track %d has %d samples, and not the one of DTS %d", track, len(mine), u.DTS)
			}
			s := mine[next[track]]
			next[track]++
			if s.DTS != u.DTS-first || s.PTS != u.PTS-first || s.Random != u.Random {
				t.Fatalf("track %d sample %d is %+v, want unit DTS %d PTS %d random %v", track, next[track], s, u.DTS-first, u.PTS-first, u.Random)
			}
			if !bytes.Equal(file[s.Offset:s.Offset+int64(s.Size)], u.AppendSample(nil)) {
				t.Fatalf("track %d sample %d differs from what was recorded", track, next[track])
			}
		}
		if next[track] != len(mine) {
			t.Errorf("track %d has %d samples, want %d", track, len(mine), next[track])
		}
	}
}

func TestATornFileKeepsItsWholeParts(t *testing.T) {
	run, units := fmp4test.Make(t, fmp4test.Options{Audio: media.AAC, BFrames: 2})
	_, file := record(t, run, units)
	_, parts, _ := read(t, file)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		cut := parts[0].End() + rnd.Int64N(int64(len(file))-parts[0].End())
		torn := bytes.Clone(file[:cut])
		if i%2 == 1 { // the file system had already grown the file
			torn = append(torn, make([]byte, rnd.IntN(100_000))...)
		}
		want := parts[0].End()
		for _, p := range parts {
			if p.End() <= cut {
				want = p.End()
			}
		}
		r := bytes.NewReader(torn)
		good, err := Scan(r, parts[0].Offset, int64(len(torn)), true, func(PartInfo) bool { return true })
		if err != nil || good != want {
			t.Fatalf("cut at %d: Scan = %d, %v, want %d", cut, good, err, want)
		}
		if i < 6 {
			name := save(t, file[:good])
			if said := fmp4test.Warnings(t, name); said != "" {
				t.Errorf("cut at %d, salvaged to %d: players complain:\n%s", cut, good, said)
			}
		}
		if i < 12 {
			name := save(t, torn)
			if fmp4test.Frames(t, name) < 20 {
				t.Errorf("cut at %d: a player does not play the whole parts of the torn file", cut)
			}
		}
	}
}

func TestAFlippedBitEndsTheScanAtItsPart(t *testing.T) {
	run, units := fmp4test.Make(t, fmp4test.Options{Audio: media.AAC})
	_, file := record(t, run, units)
	_, parts, _ := read(t, file)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		at := parts[0].Offset + rnd.Int64N(int64(len(file))-parts[0].Offset)
		bad := bytes.Clone(file)
		bad[at] ^= 1 << rnd.IntN(8)
		var want int64
		for _, p := range parts {
			if p.Offset <= at {
				want = p.Offset
			}
		}
		good, err := Scan(bytes.NewReader(bad), parts[0].Offset, int64(len(bad)), true, func(PartInfo) bool { return true })
		if err != nil || good != want {
			t.Errorf("bit flipped at %d: Scan = %d, %v, want %d", at, good, err, want)
		}
	}
}

func TestReadHeaderTellsTornFromForeign(t *testing.T) {
	run, units := fmp4test.Make(t, fmp4test.Options{Seconds: 2})
	h, file := record(t, run, units)
	init, err := AppendInit(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(init)
	binary.BigEndian.PutUint16(newer[bytes.Index(newer, headerID[:])+16:], Version+1)
	reseal(newer)
	damaged := bytes.Clone(init)
	damaged[200] ^= 1
	foreign, err := os.ReadFile(makeForeign(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		file []byte
		want error
	}{
		{"header alone is a segment", init, nil},
		{"header and parts are a segment", file, nil},
		{"empty file is torn", nil, ErrTorn},
		{"half a header is torn", init[:len(init)/2], ErrTorn},
		{"header without its last byte is torn", init[:len(init)-1], ErrTorn},
		{"zeros are torn", make([]byte, 5000), ErrTorn},
		{"flipped bit is torn", damaged, ErrTorn},
		{"newer format is refused", newer, ErrVersion},
		{"somebody else's mp4 is foreign", foreign, ErrNotSegment},
		{"text is foreign", []byte("once upon a time there was a file"), ErrNotSegment},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ReadHeader(bytes.NewReader(tt.file), int64(len(tt.file)))
			if !errors.Is(err, tt.want) {
				t.Errorf("ReadHeader = %v, want %v", err, tt.want)
			}
		})
	}
}

func makeForeign(t *testing.T) string {
	name := t.TempDir() + "/foreign.mp4"
	fmp4test.Command(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x64:duration=1", "-movflags", "empty_moov+default_base_moof", name)
	return name
}

// reseal makes the CRC of an init right again.
func reseal(init []byte) {
	end := len(init) - 4
	binary.BigEndian.PutUint32(init[end:], crc(init[:end]))
}

func TestScanReportsAReaderThatFails(t *testing.T) {
	sick := errors.New("input/output error")
	r := failingReader{sick}
	if _, err := Scan(r, 0, 1<<20, false, nil); !errors.Is(err, sick) {
		t.Errorf("Scan = %v, want the reader's error", err)
	}
	if _, _, err := ReadHeader(r, 1<<20); !errors.Is(err, sick) {
		t.Errorf("ReadHeader = %v, want the reader's error", err)
	}
}

type failingReader struct{ err error }

func (r failingReader) ReadAt([]byte, int64) (int, error) { return 0, r.err }

var _ io.ReaderAt = failingReader{}
