package playback

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// clip makes a clip and returns it with its content.
func clip(t *testing.T, s *shelf, from, to int64) (*Clip, []byte) {
	t.Helper()
	c, err := New(s).Clip(t.Context(), "door", start+from, start+to)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s.idle(t)
	return c, data
}

// length returns the duration of the file's first video stream in seconds.
func length(t *testing.T, file string) float64 {
	t.Helper()
	out := fmp4test.Command(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file)
	v, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	if err != nil {
		t.Fatalf("ffprobe said %q", out)
	}
	return v
}

func TestAClipShowsTheRangeAskedForAndNothingElse(t *testing.T) {
	tests := []struct {
		name     string
		o        fmp4test.Options
		from, to int64 // ms from the beginning
		first, n int   // pictures
	}{
		{"from the beginning", fmp4test.Options{Audio: media.AAC}, 0, 3000, 0, 75},
		{"from a key frame on", fmp4test.Options{Audio: media.AAC}, 4000, 7000, 100, 75},
		{"from the middle of a GOP", fmp4test.Options{Audio: media.AAC}, 5400, 10600, 135, 130},
		{"inside one part", fmp4test.Options{Audio: media.AAC}, 5000, 5200, 125, 5},
		{"over everything", fmp4test.Options{}, 0, 12000, 0, 300},
		{"of G.711", fmp4test.Options{Audio: media.PCMU}, 5000, 7000, 125, 50},
		{"of Opus", fmp4test.Options{Audio: media.Opus}, 5000, 7000, 125, 50},
		// Pictures are shown a moment after their DTS, by which footage is
		// dated: the delay is two pictures with these encoders.
		{"of B-frames", fmp4test.Options{Audio: media.AAC, BFrames: 2}, 5400, 10600, 133, 130},
		{"of H.265 with B-frames", fmp4test.Options{Codec: media.H265, BFrames: 2}, 5400, 10600, 133, 130},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Seconds = 12
			s := newShelf(t)
			run, units := s.record(t, tt.o, segment.None)
			c, data := clip(t, s, tt.from, tt.to)
			file := save(t, data)
			if said := fmp4test.Warnings(t, file); said != "" {
				t.Errorf("players complain:\n%s", said)
			}
			all, got := hashes(t, whole(t, run, units)), hashes(t, file)
			if want := all[tt.first : tt.first+tt.n]; !slices.Equal(got, want) {
				t.Errorf("shows %d pictures from number %d on, want %d from %d", len(got), slices.Index(all, got[0]), tt.n, tt.first)
			}
			if want := float64(tt.to-tt.from) / 1000; length(t, file) < want-0.001 || length(t, file) > want+0.001 {
				t.Errorf("lasts %.3f s, want %.3f", length(t, file), want)
			}
			if c.Covered != time.Duration(tt.to-tt.from)*time.Millisecond || len(c.Gaps) > 0 || c.Start != start+tt.from {
				t.Errorf("covered %v from %d, gaps %v", c.Covered, c.Start-start, c.Gaps)
			}
		})
	}
}

func TestAudioOfAClipBeginsAndEndsWithThePictures(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
	_, data := clip(t, s, 5400, 10600)
	out := fmp4test.Command(t, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=start_time,duration",
		"-of", "csv=p=0", save(t, data))
	var begin, dur float64
	f := strings.Split(strings.TrimSpace(out), ",")
	begin, _ = strconv.ParseFloat(f[0], 64)
	dur, _ = strconv.ParseFloat(f[1], 64)
	if begin < -0.001 || begin > 0.022 || dur < 5.17 || dur > 5.23 {
		t.Errorf("audio begins at %.3f s and lasts %.3f, want 0 and 5.2", begin, dur)
	}
}

func TestGapsInAClipCollapseAndAreReported(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC}, segment.None)
	s.record(t, fmp4test.Options{Audio: media.AAC, RunStart: fmp4test.Start + 10_000_000}, segment.Camera)
	c, data := clip(t, s, 2000, 13000)
	file := save(t, data)
	if said := fmp4test.Warnings(t, file); said != "" {
		t.Errorf("players complain:\n%s", said)
	}
	if got := fmp4test.Frames(t, file); got != 50+75 {
		t.Errorf("%d pictures, want 125", got)
	}
	if c.Covered != 5*time.Second {
		t.Errorf("covered %v, want 5 s", c.Covered)
	}
	if want := []Gap{{Span{start + 4000, start + 10000}, segment.Camera}}; !slices.Equal(c.Gaps, want) {
		t.Errorf("gaps %v, want %v", c.Gaps, want)
	}
}

func TestAClipGoesOnAfterAChangeOfParameters(t *testing.T) {
	tests := []struct {
		name   string
		first  fmp4test.Options
		second fmp4test.Options
		frames int
		sizes  []string
	}{
		{"of size", fmp4test.Options{Audio: media.AAC}, fmp4test.Options{Audio: media.AAC, Width: 640, Height: 360}, 25 + 100 + 100, []string{"320,180", "640,360"}},
		{"of size, H.265", fmp4test.Options{Codec: media.H265}, fmp4test.Options{Codec: media.H265, Width: 640, Height: 360}, 25 + 100 + 100, []string{"320,180", "640,360"}},
		{"of the audio codec", fmp4test.Options{Audio: media.AAC}, fmp4test.Options{Audio: media.PCMU}, 25 + 100 + 100, nil},
		{"of everything but the size", fmp4test.Options{}, fmp4test.Options{Audio: media.AAC, FPS: 20, BFrames: 2}, 25 + 80 + 100, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			s.record(t, tt.first, segment.None)
			tt.second.RunStart = fmp4test.Start + 4_120_000
			s.record(t, tt.second, segment.None)
			s.rows[len(s.rows)-1].End = start + 8_120
			tt.first.RunStart = fmp4test.Start + 8_240_000 // and back again
			s.record(t, tt.first, segment.None)
			c, data := clip(t, s, 3000, 12_240)
			file := save(t, data)
			if said := fmp4test.Warnings(t, file); said != "" {
				t.Errorf("players complain:\n%s", said)
			}
			if got := fmp4test.Frames(t, file); got != tt.frames {
				t.Errorf("%d pictures, want %d", got, tt.frames)
			}
			// Holes of 120 ms are too small for a gap: the last picture stands.
			if c.Covered != 9240*time.Millisecond || len(c.Gaps) > 0 {
				t.Errorf("covered %v with gaps %v, want 9.24 s without", c.Covered, c.Gaps)
			}
			out := fmp4test.Command(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv=p=0", file)
			for _, size := range tt.sizes {
				if !strings.Contains(out, size) {
					t.Errorf("no picture of %s is decoded", size)
				}
			}
		})
	}
}

func TestAClipBeginsWithTheLastKeyFrameBefore(t *testing.T) {
	f := footage{Row{Start: start}, info{
		header: &fmp4.Header{Tracks: []media.Track{{Codec: media.H264, ClockRate: 90000}}},
		parts: []fmp4.PartInfo{
			{DTS: 0, Duration: 72_000, Key: -1}, {DTS: 72_000, Duration: 72_000, Key: 90_000},
			{DTS: 144_000, Duration: 72_000, Key: -1}, {DTS: 216_000, Duration: 72_000, Key: 270_000},
		},
	}}
	tests := []struct {
		name string
		at   int64 // ms
		want int64 // ticks
	}{
		{"before the segment", -5, 90_000},
		{"before its first key frame", 999, 90_000},
		{"exactly at a key frame", 3000, 270_000},
		{"a millisecond before", 2999, 90_000},
		{"behind the segment", 9000, 270_000},
	}
	for _, tt := range tests {
		if got, ok := f.keyFor(start + tt.at); got != tt.want || !ok {
			t.Errorf("%s: key frame at %d, %v, want %d", tt.name, got, ok, tt.want)
		}
	}
	f.parts = f.parts[:1]
	if _, ok := f.keyFor(start); ok {
		t.Error("a key frame was found where there is none")
	}
}

// TestChangedParametersStandBeforeKeyFrames holds what browsers need: they
// read the first sample description alone.
func TestChangedParametersStandBeforeKeyFrames(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{}, segment.None)
	run, _ := s.record(t, fmp4test.Options{Width: 640, Height: 360, RunStart: fmp4test.Start + 4_000_000}, segment.None)
	_, data := clip(t, s, 0, 8000)
	if n := bytes.Count(data, parameterSets(&run.Tracks[0])); n != 2 {
		t.Errorf("the second parameters stand in the media %d times, want once for each of 2 key frames", n)
	}
}

func TestFootageOfAnotherCodecIsAGapInAClip(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{}, segment.None)
	s.record(t, fmp4test.Options{Codec: media.H265, RunStart: fmp4test.Start + 4_000_000}, segment.None)
	c, data := clip(t, s, 0, 8000)
	if got := fmp4test.Frames(t, save(t, data)); got != 100 {
		t.Errorf("%d pictures, want 100", got)
	}
	if want := []Gap{{Span{start + 4000, start + 8000}, segment.None}}; !slices.Equal(c.Gaps, want) || c.Covered != 4*time.Second {
		t.Errorf("covered %v, gaps %v, want %v", c.Covered, c.Gaps, want)
	}
}

func TestDamagedFootageIsAGapInAClip(t *testing.T) {
	tests := []struct {
		name   string
		damage func(file []byte) []byte
		frames int
		gap    Span // ms from the beginning
	}{
		{"a header that is gone", func(f []byte) []byte { clear(f[:64]); return f }, 200, Span{4000, 8000}},
		{"a file that is empty", func([]byte) []byte { return nil }, 200, Span{4000, 8000}},
		{"a torn tail", func(f []byte) []byte { return f[:len(f)-10] }, 280, Span{7200, 8000}},
		{"a part box in the middle", func(f []byte) []byte {
			i := bytes.LastIndex(f[:len(f)*3/4], []byte("moof"))
			f[i-6] ^= 0xff
			return f
		}, 0, Span{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
			name := s.path(s.rows[1])
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, tt.damage(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			c, data := clip(t, s, 0, 12000)
			file := save(t, data)
			if said := fmp4test.Warnings(t, file); said != "" {
				t.Errorf("players complain:\n%s", said)
			}
			got := fmp4test.Frames(t, file)
			if tt.frames != 0 && (got != tt.frames || len(c.Gaps) != 1 ||
				c.Gaps[0] != Gap{Span{start + tt.gap.Start, start + tt.gap.End}, segment.Disk}) {
				t.Errorf("%d pictures, gaps %v; want %d and %v", got, c.Gaps, tt.frames, tt.gap)
			}
			if got <= 200-1 || got >= 300 || len(c.Gaps) != 1 {
				t.Errorf("%d pictures, gaps %v; want a part of the footage", got, c.Gaps)
			}
		})
	}
}

func TestAClipReadsLikeAFile(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{Audio: media.AAC, Seconds: 12}, segment.None)
	c, data := clip(t, s, 1000, 11000)
	again, same := clip(t, s, 1000, 11000)
	if !bytes.Equal(data, same) || c.ETag != again.ETag || c.ETag == "" {
		t.Error("the same range gave other bytes")
	}
	if other, _ := clip(t, s, 1000, 10960); other.ETag == c.ETag {
		t.Error("another range gave the same ETag")
	}
	l := New(s)
	c, err := l.Clip(t.Context(), "door", start+1000, start+11000)
	if err != nil {
		t.Fatal(err)
	}
	if c.Size() != int64(len(data)) {
		t.Errorf("Size = %d, want %d", c.Size(), len(data))
	}
	if err := iotest.TestReader(c, data); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	s.idle(t)
}

func TestAClipEndsWithItsContext(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{}, segment.None)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := New(s).Clip(ctx, "door", start, start+4000)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want context.Canceled", err)
	}
	if _, err := New(s).Clip(ctx, "door", start, start+4000); !errors.Is(err, context.Canceled) {
		t.Errorf("Clip = %v, want context.Canceled", err)
	}
	_ = c.Close()
	s.idle(t)
}

func TestClipRefusesWhatItCannotGive(t *testing.T) {
	s := newShelf(t)
	s.record(t, fmp4test.Options{}, segment.None)
	tests := []struct {
		name     string
		camera   string
		from, to int64
		want     error
	}{
		{"nothing there", "door", 10_000, 20_000, ErrNoFootage},
		{"unknown camera", "yard", 0, 4000, ErrNoFootage},
		{"empty range", "door", 4000, 4000, ErrRange},
		{"backwards", "door", 4000, 0, ErrRange},
		{"longest", "door", 0, MaxClip.Milliseconds(), nil},
		{"a millisecond longer", "door", 0, MaxClip.Milliseconds() + 1, ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(s).Clip(t.Context(), tt.camera, start+tt.from, start+tt.to)
			if !errors.Is(err, tt.want) {
				t.Errorf("Clip = %v, want %v", err, tt.want)
			}
			if c != nil {
				_ = c.Close()
			}
			s.idle(t)
		})
	}
}
