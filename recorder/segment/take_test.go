package segment

import (
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/hub"
	"vedette/recorder/volume"
)

// TestALongPrerollIsNotTooMuchForASlowDisk: a minute at 4 Mb/s is there in one
// moment, and is more than the queue of the volume takes.
func TestALongPrerollIsNotTooMuchForASlowDisk(t *testing.T) {
	for _, medium := range []string{volume.SSD, volume.SD} {
		synctest.Test(t, func(t *testing.T) {
			h := hub.New(hub.Options{CacheBytes: 64 << 20})
			h.SetPreroll(time.Minute)
			c := newCamera(testRun(1, true), start)
			c.size = 20_000
			for range 60 * 25 {
				c.next(h)
			}
			disk := faultfs.New(faultfs.Options{Capacity: 128 << 20})
			disk.Before(func(op faultfs.Op) {
				if op.Kind == faultfs.Write {
					time.Sleep(30 * time.Millisecond) // some 15 MB/s
				}
			})
			r := newRig(t, Options{Hub: h, Primed: true, Past: time.Hour, Target: 20 * time.Second}, volume.Options{FS: disk, Medium: medium})
			c.play(h, 12*time.Second)
			if r.behind() {
				t.Errorf("on an %s it has not caught up after 12 s", medium)
			}
			r.Finish()
			c.play(h, 4*time.Second)
			r.stop()
			for _, g := range r.gaps {
				t.Errorf("on an %s %d ms are missing for %q", medium, g.end-g.start, g.cause)
			}
			var covered int64
			for _, s := range r.closed {
				covered += s.Name.Duration
			}
			if len(r.closed) < 2 || r.closed[0].Name.Start != start/1000 || covered < 72_000 {
				t.Errorf("on an %s there are %d ms in %d segments", medium, covered, len(r.closed))
			}
		})
	}
}

// TestAWriterThatIsBehindDoesNotFinishInThePast: what waits was wanted.
func TestAWriterThatIsBehindDoesNotFinishInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hub.New(hub.Options{CacheBytes: 64 << 20})
		h.SetPreroll(time.Minute)
		c := newCamera(testRun(1, false), start)
		c.size = 20_000
		for range 40 * 25 {
			c.next(h)
		}
		disk := faultfs.New(faultfs.Options{Capacity: 128 << 20})
		disk.Before(func(op faultfs.Op) {
			if op.Kind == faultfs.Write {
				time.Sleep(50 * time.Millisecond)
			}
		})
		r := newRig(t, Options{Hub: h, Primed: true, Past: time.Hour}, volume.Options{FS: disk})
		r.Finish()
		c.play(h, 20*time.Second)
		if !r.finished() {
			t.Fatal("it goes on")
		}
		r.stop()
		end := int64(0)
		for _, s := range r.closed {
			end = max(end, s.Name.End())
		}
		if got := end - start/1000; got < 40_000 || got > 55_000 {
			t.Errorf("it ends after %d ms, want soon after 40 s", got)
		}
	})
}
