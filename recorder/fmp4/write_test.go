package fmp4

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
)

// record writes units as one segment with parts of about 0.8 s.
func record(t testing.TB, run *media.Run, units []*media.AccessUnit) (h *Header, file []byte) {
	t.Helper()
	video := run.Video()
	first := -1
	for i, u := range units {
		if u.Track == video && u.Random {
			first = i
			break
		}
	}
	h = &Header{
		Version: Version, Camera: run.Camera, Stream: run.Stream, Run: run.ID, Seq: 3, Trusted: run.Trusted,
		Start: units[first].Wall, FirstDTS: units[first].DTS, BootID: [16]byte{1, 2, 3}, Mono: run.Mono, Gap: 2, Tracks: run.Tracks,
	}
	file, err := AppendInit(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(run.Tracks, h.FirstDTS)
	seq := uint32(0)
	end := func(next int64) {
		p := b.Finish(seq, next)
		if got := len(bytes.Join(p.Bufs, nil)); got != p.Size {
			t.Fatalf("part %d has %d bytes and says %d", seq, got, p.Size)
		}
		for _, buf := range p.Bufs {
			file = append(file, buf...)
		}
		p.Release()
		seq++
	}
	for _, u := range units[first:] {
		if u.Track == video && !b.Empty() {
			if dts, _ := b.Start(); u.DTS-dts >= 72000 {
				end(u.DTS)
			}
		}
		b.Add(u)
	}
	end(-1)
	return h, file
}

func count(units []*media.AccessUnit, track int) (n int) {
	for _, u := range units {
		if u.Track == track {
			n++
		}
	}
	return n
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "segment.mp4")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var kinds = []struct {
	name string
	o    fmp4test.Options
}{
	{"H.264 with AAC", fmp4test.Options{Audio: media.AAC}},
	{"H.264 with B-frames and AAC", fmp4test.Options{Audio: media.AAC, BFrames: 2}},
	{"H.265 with B-frames and AAC", fmp4test.Options{Codec: media.H265, Audio: media.AAC, BFrames: 2}},
	{"H.264 with G.711 µ-law", fmp4test.Options{Audio: media.PCMU}},
	{"H.264 with G.711 A-law", fmp4test.Options{Audio: media.PCMA}},
	{"H.264 with Opus", fmp4test.Options{Audio: media.Opus}},
	{"H.264 alone", fmp4test.Options{}},
}

func TestPlayersReadEveryFrameOfASegmentWithoutComplaint(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			run, units := fmp4test.Make(t, k.o)
			_, file := record(t, run, units)
			name := save(t, file)
			if said := fmp4test.Warnings(t, name); said != "" {
				t.Errorf("players complain:\n%s", said)
			}
			if got, want := fmp4test.Frames(t, name), count(units, 0); got != want {
				t.Errorf("%d frames decoded, want %d", got, want)
			}
		})
	}
}
