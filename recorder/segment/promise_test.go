package segment

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

func TestAPowerCutCostsOneCycleAtMost(t *testing.T) {
	for _, cycle := range []time.Duration{1500 * time.Millisecond, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Options{Target: 10 * time.Second}, volume.Options{Cycle: cycle})
			c := newCamera(testRun(1, true), start)
			const frame = 40
			began := time.Now()
			for range 25 * 30 {
				c.next(r.hub)
				shown := start/1000 + c.frame*frame // the end of the picture just published
				time.Sleep(frame * time.Millisecond)
				synctest.Wait()
				if time.Since(began) <= cycle {
					continue
				}
				durable := start / 1000
				r.openMu.Lock()
				for _, s := range r.open {
					if _, end := s.file.Durable(); end > durable {
						durable = end
					}
				}
				r.openMu.Unlock()
				for _, n := range r.names() {
					durable = max(durable, n.End())
				}
				if lost := shown - durable; lost > cycle.Milliseconds()+frame {
					t.Fatalf("after %v a power cut would cost %d ms with a cycle of %v", time.Since(began), lost, cycle)
				}
			}
		})
	}
}

func TestPartsAreShortAndBeginWithKeyFramesWhereTheyCan(t *testing.T) {
	for _, fps := range []int64{5, 24, 25, 30, 50} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Options{}, volume.Options{})
			c := newCamera(testRun(1, true), start)
			c.fps, c.gop = fps, fps*16/10
			c.play(r.hub, 20*time.Second)
			r.stop()
			n := r.names()[0]
			f, err := os.Open(filepath.Join(r.dir, n.Path()))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			h, init, err := fmp4.ReadHeader(f, n.Bytes)
			if err != nil || h.Camera != "door" || h.Start != start || !h.Trusted || len(h.Tracks) != 2 {
				t.Fatalf("header %+v, %v", h, err)
			}
			var at int64
			parts, keys, begun := 0, 0, 0
			good, err := fmp4.Scan(f, init, n.Bytes, true, func(p fmp4.PartInfo) bool {
				if p.DTS != at {
					t.Errorf("at %d fps part %d begins at %d, the one before ends at %d", fps, p.Seq, p.DTS, at)
				}
				if p.Duration > 90000 {
					t.Errorf("at %d fps part %d lasts %d ticks", fps, p.Seq, p.Duration)
				}
				at = p.DTS + p.Duration
				parts++
				if p.Key >= 0 {
					keys++
				}
				if p.Random {
					begun++
				}
				return true
			})
			if err != nil || good != n.Bytes || at != 20*90000 {
				t.Errorf("at %d fps %d of %d bytes and %d ticks are whole, %v", fps, good, n.Bytes, at, err)
			}
			if parts > 45 || begun < keys*2/3 {
				t.Errorf("at %d fps %d parts, %d with a key frame, %d begin with it", fps, parts, keys, begun)
			}
		})
	}
}

// TestPartsAreSmallThoughTheStreamIsLarge: a part is memory until it is whole.
func TestPartsAreSmallThoughTheStreamIsLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.size = 200_000 // 40 Mb/s
		c.play(r.hub, 4*time.Second)
		r.stop()
		n := r.names()[0]
		f, err := os.Open(filepath.Join(r.dir, n.Path()))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		_, init, err := fmp4.ReadHeader(f, n.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		parts := 0
		good, err := fmp4.Scan(f, init, n.Bytes, true, func(p fmp4.PartInfo) bool {
			if parts++; p.Size > partBytes+300_000 {
				t.Errorf("part %d has %d bytes", p.Seq, p.Size)
			}
			return true
		})
		if err != nil || good != n.Bytes || parts < 10 {
			t.Errorf("%d of %d bytes in %d parts, %v", good, n.Bytes, parts, err)
		}
	})
}

// TestSoundAloneDoesNotFillMemory: a part ends with a picture, and none comes.
func TestSoundAloneDoesNotFillMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(1, true), start)
		c.play(r.hub, time.Second)
		for i := range 600 {
			dts := int64(48000 + i*1024)
			r.hub.Publish(&media.AccessUnit{Run: c.run, Track: 1, DTS: dts, PTS: dts, Wall: start + dts*1000/48, Random: true, Payloads: [][]byte{make([]byte, 30_000)}, Size: 30_000})
			time.Sleep(2 * time.Millisecond) // 120 Mb/s
		}
		time.Sleep(time.Second)
		r.Writer.mu.Lock()
		size := r.Writer.cur.b.Size()
		r.Writer.mu.Unlock()
		if size < 1<<20 || size > 2*partBytes+30_000 {
			t.Errorf("%d bytes wait for a picture", size)
		}
	})
}
