package segment

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/volume"
)

// slowFS is a directory whose syncs take their time.
type slowFS struct {
	volume.FS
	mu   sync.Mutex
	take time.Duration
}

func newSlowFS(t *testing.T, take time.Duration) *slowFS {
	return &slowFS{FS: newSickFS(t).FS, take: take}
}

func (d *slowFS) set(take time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.take = take
}

func (d *slowFS) wait() {
	d.mu.Lock()
	take := d.take
	d.mu.Unlock()
	time.Sleep(take)
}

func (d *slowFS) SyncFS() error            { d.wait(); return d.FS.SyncFS() }
func (d *slowFS) SyncDir(dir string) error { d.wait(); return d.FS.SyncDir(dir) }

// pictures counts the samples of the lead track in closed segments.
func pictures(t *testing.T, fsys volume.FS, names []volume.Name) (n int) {
	t.Helper()
	for _, name := range names {
		h, err := fsys.Open(name.Path())
		if err != nil {
			t.Fatal(err)
		}
		header, init, err := fmp4.ReadHeader(h, name.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		good, err := fmp4.Scan(h, init, name.Bytes, true, func(p fmp4.PartInfo) bool {
			samples, err := fmp4.ReadSamples(h, p, header, nil)
			if err != nil {
				t.Error(err)
			}
			for _, s := range samples {
				if s.Track == fmp4.Lead(header.Tracks) {
					n++
				}
			}
			return true
		})
		if err != nil || good != name.Bytes {
			t.Errorf("%s: %d of %d bytes are whole, %v", name.Path(), good, name.Bytes, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	return n
}

// TestSyncsOfHalfASecondCostNoPicture, whatever the cycle, through many
// rotations.
func TestSyncsOfHalfASecondCostNoPicture(t *testing.T) {
	for _, cycle := range []time.Duration{1500 * time.Millisecond, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			disk := newSlowFS(t, 500*time.Millisecond)
			r := newRig(t, Options{Target: 10 * time.Second}, volume.Options{FS: disk, Cycle: cycle})
			c := newCamera(testRun(1, true), start)
			began := time.Now()
			c.play(r.hub, 2*time.Minute)
			if d := time.Since(began); d != 2*time.Minute {
				t.Errorf("publishing two minutes took %v", d)
			}
			r.stop()
			if n := pictures(t, disk, r.names()); n != 2*60*25 || len(r.gaps) != 0 || len(r.names()) < 10 {
				t.Errorf("cycle %v: %d of %d pictures in %d segments, gaps %v", cycle, n, 2*60*25, len(r.names()), r.gaps)
			}
		})
	}
}

// TestASyncThatHangsIsOneGap: what does not fit into the queue meanwhile is
// told as an overload, the queue keeps its bound, and all else is there.
func TestASyncThatHangsIsOneGap(t *testing.T) {
	const queue = 256 << 10
	synctest.Test(t, func(t *testing.T) {
		disk := newSlowFS(t, 0)
		r := newRig(t, Options{}, volume.Options{FS: disk, QueueBytes: queue})
		c := newCamera(testRun(1, false), start)
		c.size, c.gop = 2000, 25
		c.play(r.hub, 5*time.Second)
		disk.set(30 * time.Second)
		most := int64(0)
		for range 20 {
			c.play(r.hub, time.Second)
			most = max(most, r.vol.Stats().Queued)
		}
		disk.set(0) // the one under way goes on
		for range 20 {
			c.play(r.hub, time.Second)
			most = max(most, r.vol.Stats().Queued)
		}
		if s := r.State(); !s.Writing || s.Err != nil {
			t.Errorf("state %+v after the disk came back", s)
		}
		r.stop()
		if most > queue || most < queue/3 {
			t.Errorf("at most %d bytes waited, the bound is %d", most, queue)
		}
		names := r.names()
		if len(names) != 2 || len(r.gaps) != 1 || r.gaps[0] != (gap{names[0].End(), names[1].Start, Overload}) {
			t.Fatalf("segments %v, gaps %v; want one gap for overload between two segments", names, r.gaps)
		}
		missing := int(r.gaps[0].end-r.gaps[0].start) / 40
		if n := pictures(t, disk, names); n+missing != 45*25 {
			t.Errorf("%d pictures and %d in the gap, %d were sent", n, missing, 45*25)
		}
	})
}

// TestAWriterThatGoesOnForAnotherBeginsInThePast, at the key frame before it
// was begun, and tells of no gap where its footage meets the other's.
func TestAWriterThatGoesOnForAnotherBeginsInThePast(t *testing.T) {
	begun := start/1000 + 4000 // the third key frame
	tests := []struct {
		name  string
		ended int64 // UTC ms: where the other one's footage ends
		want  []gap
	}{
		{"it overlaps", begun + 900, nil},
		{"it abuts", begun, nil},
		{"a part is missing", begun - 300, []gap{{begun - 300, begun, Disk}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newRig(t, Options{}, volume.Options{})
				c := newCamera(testRun(1, false), start)
				c.play(first.hub, 5*time.Second)
				before := first.State()
				second := newRig(t, Options{Hub: first.hub, Primed: true, Run: before.Counted, Seq: before.Seq, LastEnd: tt.ended, Missing: Disk}, volume.Options{})
				c.play(first.hub, 5*time.Second)
				second.stop()
				names := second.names()
				if len(names) != 1 || names[0].Seq != 1 || names[0].Start != begun || names[0].End() != start/1000+10_000 {
					t.Fatalf("segments %v, want number 1 from %d on", names, begun)
				}
				if len(second.gaps) != len(tt.want) || len(tt.want) > 0 && second.gaps[0] != tt.want[0] {
					t.Errorf("gaps %v, want %v", second.gaps, tt.want)
				}
				if got := second.closed[0].Gap; (got == Disk) != (len(tt.want) > 0) || got != Disk && got != None {
					t.Errorf("the segment says %q is why", got)
				}
			})
		})
	}
}
