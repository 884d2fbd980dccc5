package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/hub"
	"vedette/recorder/segment"
	"vedette/recorder/volume"
)

// odyssey is a camera recorded to a disk while clocks misbehave: everything
// from RTP packets to files is real, but the clocks.
type odyssey struct {
	*bench
	hub     *hub.Hub
	dir     string
	began   time.Time // monotonic
	zero    wallZero  // what the wall clock shows is counted from here
	group   time.Time // zero at the last key frame
	ts      uint32
	rate    int64 // RTP ticks per 40 ms of the camera's time
	frame   int
	taken   []time.Duration // since boot: when each picture was taken
	shown   []int64         // UTC µs: what the wall clock showed then, by its state at the last key frame
	opened  int
	closed  []volume.Name
	written sync.Mutex // guards opened and closed
}

// wallZero is what the wall clock showed when an odyssey began.
type wallZero struct{ at atomic.Int64 } // UTC µs

func (z *wallZero) get() time.Time  { return time.UnixMicro(z.at.Load()).UTC() }
func (z *wallZero) set(t time.Time) { z.at.Store(t.UnixMicro()) }

// noon is when odysseys begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// booted is how long the box runs when an odyssey begins.
const booted = time.Minute

// play has the camera send pictures for d.
func (o *odyssey) play(d time.Duration) {
	for range d / (40 * time.Millisecond) {
		o.now, o.mono = o.clock(), (booted + time.Since(o.began)).Microseconds()
		if o.frame%25 == 0 {
			o.group = o.zero.get()
		}
		shown := o.group.Add(time.Since(o.began)).UnixMicro()
		if !nameable(shown) {
			shown = o.mono
		}
		o.taken = append(o.taken, booted+time.Since(o.began))
		o.shown = append(o.shown, shown)
		if o.frame%25 == 0 {
			o.video(o.ts, sps640, pps640, idr)
		} else {
			o.video(o.ts, slice)
		}
		for _, u := range o.units {
			o.hub.Publish(u)
		}
		o.units = o.units[:0]
		o.frame++
		o.ts += uint32(o.rate)
		time.Sleep(40 * time.Millisecond)
	}
}

func (o *odyssey) clock() time.Time {
	return o.zero.get().Add(time.Since(o.began))
}

// newOdyssey runs one and returns it when everything is closed.
func newOdyssey(t *testing.T, script func(o *odyssey)) *odyssey {
	o := &odyssey{bench: newBench(false), hub: hub.New(hub.Options{}), dir: t.TempDir(), began: time.Now(), rate: 3600}
	o.zero.set(noon)
	log := slog.New(slog.DiscardHandler)
	vol, err := volume.Open(o.dir, volume.Options{Log: log, Now: o.clock})
	if err != nil {
		t.Fatal(err)
	}
	w := segment.New(segment.Options{Camera: "cam", Hub: o.hub, Volume: vol, Target: 10 * time.Second, Log: log, Now: o.clock,
		Opened: func(segment.Open) { o.written.Lock(); defer o.written.Unlock(); o.opened++ },
		Closed: func(c segment.Closed) {
			o.written.Lock()
			defer o.written.Unlock()
			o.closed = append(o.closed, c.Name)
		},
	})
	volCtx, stopVol := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var volDone, done sync.WaitGroup
	volDone.Go(func() { _ = vol.Run(volCtx) })
	done.Go(func() { _ = w.Run(ctx) })
	synctest.Wait()
	script(o)
	stop()
	done.Wait()
	stopVol()
	volDone.Wait()
	if err := vol.Close(); err != nil {
		t.Error(err)
	}
	return o
}

// picture is a picture as a file tells of it.
type picture struct {
	mono time.Duration // since boot
	wall int64         // UTC µs
	run  uint64
}

// read returns the pictures on the disk in the order of their files, and fails
// where a name does not say what is in the file.
func (o *odyssey) read(t *testing.T) (all []picture) {
	t.Helper()
	for _, n := range o.closed {
		f, err := os.Open(filepath.Join(o.dir, n.Path()))
		if err != nil {
			t.Fatal(err)
		}
		h, init, err := fmp4.ReadHeader(f, n.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if h.Start/1000 != n.Start || h.Seq != n.Seq || n.Duration <= 0 || n.Duration > 25_000 {
			t.Errorf("%s: its header says %d, number %d", n.Path(), h.Start, h.Seq)
		}
		first := len(all)
		good, err := fmp4.Scan(f, init, n.Bytes, true, func(p fmp4.PartInfo) bool {
			samples, err := fmp4.ReadSamples(f, p, h, nil)
			if err != nil {
				t.Error(err)
			}
			for _, s := range samples {
				into := h.Tracks[0].Duration(s.DTS)
				all = append(all, picture{time.Duration(h.Mono)*time.Microsecond + into, h.Start + into.Microseconds(), h.Run})
			}
			return true
		})
		if err != nil || good != n.Bytes {
			t.Errorf("%s: %d of %d bytes are whole, %v", n.Path(), good, n.Bytes, err)
		}
		last := all[len(all)-1].wall
		if d := n.End() - last/1000; len(all) == first || d < 0 || d > 90 {
			t.Errorf("%s ends %d ms after its last picture", n.Path(), d)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	return all
}

// TestNoClockCostsAPicture has the wall clock, the camera's clock and the
// counters between them do everything that they do in the field. Every picture
// is in a file, in order, and the file tells when it was taken: by the wall
// clock as it was then, and since boot, from which it can be stamped again.
func TestNoClockCostsAPicture(t *testing.T) {
	const year = 365 * 24 * time.Hour
	tests := []struct {
		name   string
		script func(o *odyssey)
		runs   int
		off    time.Duration // most by which pictures may be off either clock
	}{
		{"nothing happens", func(o *odyssey) { o.play(80 * time.Second) }, 1, time.Millisecond},
		{"the wall clock jumps about", func(o *odyssey) {
			for _, step := range []time.Duration{2 * time.Second, -2 * time.Second, time.Hour, -time.Hour, 10 * year, -20 * year, 10 * year} {
				o.play(11*time.Second + 240*time.Millisecond) // in the middle of a group
				o.zero.set(o.zero.get().Add(step))
			}
			o.play(11 * time.Second)
		}, 8, time.Second},
		{"a second back and forth", func(o *odyssey) {
			for _, step := range []time.Duration{time.Second, -time.Second, time.Second, -time.Second} {
				o.play(7 * time.Second)
				o.zero.set(o.zero.get().Add(step))
			}
			o.play(7 * time.Second)
		}, 1, 1100 * time.Millisecond},
		{"a leap second that is smeared over a day", func(o *odyssey) {
			for range 60 {
				o.play(time.Second)
				o.zero.set(o.zero.get().Add(12 * time.Microsecond))
			}
		}, 1, 2 * time.Millisecond},
		{"a boot in 1970", func(o *odyssey) {
			o.trusted = false
			o.zero.set(time.Unix(60, 0))
			o.play(25*time.Second + 80*time.Millisecond)
			o.trusted = true
			o.zero.set(noon)
			o.play(25 * time.Second)
		}, 2, time.Second},
		{"before 1970 and beyond 9999", func(o *odyssey) {
			o.play(5 * time.Second)
			o.zero.set(noon.AddDate(8000, 0, 0))
			o.play(5 * time.Second)
			o.zero.set(noon.AddDate(-100, 0, 0))
			o.play(5 * time.Second)
			o.zero.set(noon)
			o.play(5 * time.Second)
		}, 4, time.Millisecond},
		{"RTP time wraps", func(o *odyssey) {
			o.ts = 1<<32 - 20*90000
			o.play(60 * time.Second)
		}, 1, time.Millisecond},
		{"RTP time jumps about", func(o *odyssey) {
			for _, jump := range []int64{90000 * 3600, -90000 * 3600, 90000 * 86400 / 4, 1 << 31} {
				o.play(8 * time.Second)
				o.ts += uint32(jump)
			}
			o.play(8 * time.Second)
		}, 5, 50 * time.Millisecond},
		{"the camera's clock is 500 ppm fast", func(o *odyssey) {
			o.rate = 3602
			o.play(10 * time.Minute)
		}, 1, 400 * time.Millisecond},
		{"the camera's clock is 3 % slow", func(o *odyssey) {
			o.rate = 3492
			o.play(5 * time.Minute)
		}, 3, 4 * time.Second},
		{"timestamps count something else", func(o *odyssey) {
			o.rate = 40 // milliseconds
			o.play(2 * time.Minute)
		}, 2, 31 * time.Second},
		{"timestamps run at twice their speed", func(o *odyssey) {
			o.rate = 7200
			o.play(2 * time.Minute)
		}, 2, 31 * time.Second},
		{"timestamps barely move", func(o *odyssey) {
			o.rate = 1
			o.play(2 * time.Minute)
		}, 2, 31 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOdyssey(t, tt.script)
				got := o.read(t)
				if len(got) != len(o.taken) || o.opened != len(o.closed) {
					t.Fatalf("%d of %d pictures in %d of %d segments", len(got), len(o.taken), len(o.closed), o.opened)
				}
				runs, worst, worstMono := map[uint64]bool{}, time.Duration(0), time.Duration(0)
				for i, p := range got {
					runs[p.run] = true
					worst = max(worst, (time.Duration(p.wall-o.shown[i]) * time.Microsecond).Abs())
					worstMono = max(worstMono, (p.mono - o.taken[i]).Abs())
				}
				said := fmt.Sprintf("%d runs, off by %v by the wall clock, %v since boot", len(runs), worst, worstMono)
				t.Log(said)
				if len(runs) != tt.runs || worstMono > tt.off || worst > max(tt.off, time.Millisecond) {
					t.Errorf("%s; want %d runs and at most %v", said, tt.runs, tt.off)
				}
			})
		})
	}
}
