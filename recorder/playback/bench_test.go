package playback

import (
	"io"
	"testing"

	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// minutes returns a shelf with minutes of footage of 25 pictures a second and
// audio: one minute, put on it again and again as a run of segments.
func minutes(b *testing.B, n int) *shelf {
	s := newShelf(b)
	run, units := fmp4test.Make(b, fmp4test.Options{Audio: media.AAC, Seconds: 60, Bitrate: "1M"})
	for i := range n {
		r := *run
		r.ID += uint64(i)
		shift := int64(i) * 60_000_000
		var w *segmentWriter
		for _, u := range units {
			c := *u
			c.Run, c.Wall = &r, u.Wall+shift
			if w == nil {
				if c.Track != 0 {
					continue
				}
				w = newSegment(b, &r, &c, 0, segment.None)
			}
			if dts, _ := w.b.Start(); c.Track == 0 && !w.b.Empty() && c.DTS-dts >= 90000 {
				w.part(c.DTS)
			}
			w.b.Add(&c)
		}
		w.finish(-1)
		s.put(b, w, w.h.Start/1000+60_000)
	}
	return s
}

func BenchmarkGOPsOf30Minutes(b *testing.B) {
	s := minutes(b, 30)
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if x, err := New(s).GOPs(b.Context(), "door", start, start+30*60_000); err != nil || len(x.Segments) != 30 {
				b.Fatal(len(x.Segments), err)
			}
		}
	})
	l := New(s)
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if x, err := l.GOPs(b.Context(), "door", start, start+30*60_000); err != nil || len(x.Segments) != 30 {
				b.Fatal(len(x.Segments), err)
			}
		}
	})
}

func BenchmarkClipOf35Minutes(b *testing.B) {
	s := minutes(b, 35)
	l := New(s)
	b.ReportAllocs()
	for b.Loop() {
		c, err := l.Clip(b.Context(), "door", start, start+35*60_000)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(c.head)), "moov-bytes")
		_ = c.Close()
	}
}

func BenchmarkReadingAClip(b *testing.B) {
	s := minutes(b, 5)
	c, err := New(s).Clip(b.Context(), "door", start, start+5*60_000)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	b.SetBytes(c.Size())
	for b.Loop() {
		if _, err := c.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{c}); err != nil {
			b.Fatal(err)
		}
	}
}
