package playback

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/fmp4/fmp4test"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// shelf is a Source over files in a directory.
type shelf struct {
	dir     string
	now     time.Time
	missing segment.GapReason
	absent  bool // recording should be under way and is not

	mu     sync.Mutex
	rows   []Row
	leases int
	opened int // ever
	// unreadable answers Unreadable; nil says no.
	unreadable func(Row) bool
	open       int // now
}

const (
	start   = int64(fmp4test.Start / 1000) // ms
	segSize = 90000 * 4                    // ticks: two GOPs of the test media
)

func newShelf(t testing.TB) *shelf {
	return &shelf{dir: t.TempDir(), now: time.UnixMilli(start + 3600_000)}
}

func (s *shelf) Rows(_ context.Context, camera string, from, to int64) (out []Row, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.Camera == camera && r.Start < to && r.End > from {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Next(_ context.Context, camera string, at int64) (Row, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.Camera == camera && r.Start >= at {
			return r, true, nil
		}
	}
	return Row{}, false, nil
}

func (s *shelf) First(_ context.Context, camera string) (int64, bool, error) {
	r, ok, err := s.Next(context.Background(), camera, 0)
	return r.Start, ok, err
}

func (s *shelf) Missing(string) (segment.GapReason, bool) { return s.missing, s.absent }
func (s *shelf) Now() time.Time                           { return s.now }

// Unreadable answers for a shelf that may have a copy elsewhere.
func (s *shelf) Unreadable(r Row) bool { return s.unreadable != nil && s.unreadable(r) }

func (s *shelf) Lease(Row) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leases--
	})
}

func (s *shelf) path(r Row) string { return filepath.Join(s.dir, r.ID+".mp4") }

func (s *shelf) Open(r Row) (File, error) {
	f, err := os.Open(s.path(r))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	s.open++
	return &counted{f, s}, nil
}

type counted struct {
	*os.File
	s *shelf
}

func (c *counted) Close() error {
	c.s.mu.Lock()
	c.s.open--
	c.s.mu.Unlock()
	return c.File.Close()
}

// idle fails t if anything is still held.
func (s *shelf) idle(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases != 0 || s.open != 0 {
		t.Errorf("%d leases and %d files are still held", s.leases, s.open)
	}
}

// add writes units as segments of about segSize, from key frame to key
// frame, with parts of up to 0.8 s.
func (s *shelf) add(t testing.TB, run *media.Run, units []*media.AccessUnit, gap segment.GapReason) {
	t.Helper()
	var w *segmentWriter
	seq := uint32(0)
	for _, u := range units {
		if u.Track == 0 && u.Random && (w == nil || u.DTS-w.h.FirstDTS >= segSize) {
			if w != nil {
				w.finish(u.DTS)
				s.put(t, w, u.Wall/1000)
				gap = segment.None
			}
			w = newSegment(t, run, u, seq, gap)
			seq++
		}
		if w == nil {
			continue
		}
		if dts, _ := w.b.Start(); u.Track == 0 && !w.b.Empty() && u.DTS-dts >= 72000 {
			w.part(u.DTS)
		}
		w.b.Add(u)
		if u.Track == 0 {
			w.last = u
		}
	}
	w.finish(-1)
	s.put(t, w, w.last.Wall/1000+1000/25)
}

func (s *shelf) put(t testing.TB, w *segmentWriter, end int64) {
	t.Helper()
	v := &w.h.Tracks[0]
	r := Row{
		ID: fmt.Sprintf("%d-test", w.h.Start/1000), Camera: "door", Start: w.h.Start / 1000, End: end, Bytes: int64(len(w.file)),
		Seq: w.h.Seq, Codec: v.Codec, Width: v.Width, Height: v.Height, Gap: segment.GapReason(w.h.Gap),
	}
	if err := os.WriteFile(s.path(r), w.file, 0o600); err != nil {
		t.Fatal(err)
	}
	s.rows = append(s.rows, r)
}

type segmentWriter struct {
	h    *fmp4.Header
	b    *fmp4.Builder
	file []byte
	seq  uint32
	last *media.AccessUnit
}

func newSegment(t testing.TB, run *media.Run, u *media.AccessUnit, seq uint32, gap segment.GapReason) *segmentWriter {
	t.Helper()
	w := &segmentWriter{h: &fmp4.Header{
		Camera: run.Camera, Stream: run.Stream, Run: run.ID, Seq: seq, Start: u.Wall, FirstDTS: u.DTS, Gap: byte(gap), Tracks: run.Tracks,
	}}
	var err error
	if w.file, err = fmp4.AppendInit(nil, w.h); err != nil {
		t.Fatal(err)
	}
	w.b = fmp4.NewBuilder(run.Tracks, u.DTS)
	return w
}

func (w *segmentWriter) part(next int64) {
	p := w.b.Finish(w.seq, next)
	w.seq++
	for _, b := range p.Bufs {
		w.file = append(w.file, b...)
	}
	p.Release()
}

func (w *segmentWriter) finish(next int64) {
	if !w.b.Empty() {
		w.part(next)
	}
}

// record makes media and puts it on the shelf.
func (s *shelf) record(t testing.TB, o fmp4test.Options, gap segment.GapReason) (*media.Run, []*media.AccessUnit) {
	t.Helper()
	run, units := fmp4test.Make(t, o)
	s.add(t, run, units, gap)
	return run, units
}

// hashes returns one hash for every picture a player shows of file.
func hashes(t testing.TB, file string) (out []string) {
	t.Helper()
	said := fmp4test.Command(t, "ffmpeg", "-v", "error", "-i", file, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	for line := range strings.Lines(said) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 6 && line[0] != '#' {
			out = append(out, strings.TrimSpace(f[5]))
		}
	}
	return out
}

// whole writes units as one file and returns its name.
func whole(t testing.TB, run *media.Run, units []*media.AccessUnit) string {
	t.Helper()
	w := newSegment(t, run, units[0], 0, 0)
	for _, u := range units {
		w.b.Add(u)
	}
	w.finish(-1)
	return save(t, w.file)
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.mp4")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
