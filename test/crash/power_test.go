package crash

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
)

// fullRun is the environment variable that asks for the full run: how many
// seeds of it.
const fullRun = "VEDETTE_CRASH_SEEDS"

// scenario is a kind of disk.
type scenario struct {
	name    string
	options faultfs.Options
}

var scenarios = []scenario{
	{"a disk that can do everything", faultfs.Options{Capacity: 1 << 30}},
	{"a disk that syncs file by file", faultfs.Options{Capacity: 1 << 30, NoSyncFS: true, NoWriteback: true}},
	{"a disk that cannot preallocate", faultfs.Options{Capacity: 1 << 30, NoPreallocate: true}},
}

// image is a disk after a power cut, to be judged.
type image struct {
	disk   *faultfs.Disk
	p      *promise
	at     int    // operation before which the power was cut
	op     string // what it would have been
	seed   uint64
	second bool // cut the power once more, during recovery
}

// court judges images, on all processors.
type court struct {
	o      *oracle
	images chan image
	done   sync.WaitGroup
	fail   func(format string, args ...any)

	points, judged, again, salvaged atomic.Int64
}

func newCourt(fail func(string, ...any)) *court {
	c := &court{o: &oracle{inspector: newInspector(), cameras: cameraNames}, images: make(chan image, 32), fail: fail}
	for range runtime.GOMAXPROCS(0) {
		c.done.Go(func() {
			for im := range c.images {
				c.judge(im)
			}
		})
	}
	return c
}

func (c *court) close() {
	close(c.images)
	c.done.Wait()
}

// judge recovers an image, twice, and with a power cut in between.
func (c *court) judge(im image) {
	c.judged.Add(1)
	complain := func(stage string, problems []string) {
		for _, p := range problems {
			c.fail("power cut before operation %d (%s), image %d: %s: %s", im.at, im.op, im.seed, stage, p)
		}
	}
	complain("as it was left", c.o.raw(im.disk, im.p))
	var again *faultfs.Disk
	if im.second {
		work := im.disk.Reboot(faultfs.Everything)
		at, n := 0, 0
		work.Before(func(op faultfs.Op) {
			if !op.Kind.Changes() {
				return
			}
			if n++; at == 0 || (im.seed+uint64(n))%7 == 0 { // any of them, by the seed
				at, again = op.Number, work.Reboot(im.seed+uint64(n)*1000)
			}
		})
		c.o.recovered(work, im.p)
	}
	first, r, problems := c.o.recovered(im.disk, im.p)
	complain("recovered", problems)
	c.salvaged.Add(int64(r.Salvaged))
	if len(problems) > 0 {
		return
	}
	twice, r, problems := c.o.recovered(im.disk.Reboot(faultfs.Nothing), im.p)
	complain("recovered twice", append(problems, first.same(twice)...))
	if r.Changed() {
		complain("recovered twice", []string{"the second recovery still found something: " + r.String()})
	}
	if again != nil {
		c.again.Add(1)
		_, _, problems := c.o.recovered(again, im.p)
		complain("power cut again during recovery", problems)
	}
}

// settings say how much of it is run.
type settings struct {
	seeds    int
	every    int // operation that the power is cut before
	variants int
	length   time.Duration
	lives    int
}

func plans() settings {
	if n, err := strconv.Atoi(os.Getenv(fullRun)); err == nil && n > 0 {
		return settings{seeds: n, every: 1, variants: 5, length: 60 * time.Second, lives: 3}
	}
	s := settings{seeds: 1, every: 3, variants: 2, length: 30 * time.Second, lives: 2}
	if raced {
		s.every = 11
	}
	return s
}

// TestPowerCutAtEveryOperation records, holds, sweeps and commits, cuts the
// power before every operation, and judges what is left, in several ways in
// which writes may have been torn.
func TestPowerCutAtEveryOperation(t *testing.T) {
	s := plans()
	for _, sc := range scenarios {
		for seed := range s.seeds {
			t.Run(fmt.Sprintf("%s, seed %d", sc.name, seed), func(t *testing.T) {
				cutEverywhere(t, sc, uint64(seed), s)
			})
		}
	}
}

func cutEverywhere(t *testing.T, sc scenario, seed uint64, s settings) {
	began := time.Now()
	disk, led := faultfs.New(sc.options), newLedger(len(cameraNames))
	var shown atomic.Int64
	fail := func(format string, args ...any) {
		if shown.Add(1) <= 20 {
			t.Errorf(format, args...)
		} else {
			t.Fail()
		}
	}
	points, judged := int64(0), int64(0)
	for life := range s.lives {
		if t.Failed() {
			return
		}
		c := newCourt(fail)
		n := 0
		var mu sync.Mutex
		cut := func(op faultfs.Op, at time.Duration) {
			if !op.Kind.Changes() || shown.Load() > 0 {
				return
			}
			mu.Lock()
			n++
			k := n
			mu.Unlock()
			if (k+int(seed))%s.every != 0 {
				return
			}
			c.points.Add(1)
			for v := range s.variants {
				variant := uint64(op.Number*s.variants+v) + 1000*seed
				if v == 0 {
					variant = uint64(k/s.every) % 4 // the corners in turn
				}
				p := led.before(at)
				im := image{disk: disk.Reboot(variant), p: p, at: op.Number, op: string(op.Kind) + " " + op.Path, seed: variant, second: (k/s.every+v)%3 == 0}
				led.after(p)
				c.images <- im
			}
		}
		synctest.Test(t, func(t *testing.T) {
			live(t, disk, led, plan{seed: seed, life: life, length: s.length, clean: life%3 == 2, before: cut, latency: 300 * time.Millisecond})
		})
		c.close()
		points, judged = points+c.points.Load(), judged+c.judged.Load()
		t.Logf("life %d: %d operations, %d cuts, %d images, %d of them cut again, %d files salvaged, %d held, %d swept, at most %v lost",
			life, disk.Ops(), c.points.Load(), c.judged.Load(), c.again.Load(), c.salvaged.Load(), len(led.held), len(led.condemned), time.Duration(c.o.worst.Load()))
		disk = nextLife(t, c.o, disk, led, seed, life)
	}
	t.Logf("%d cuts, %d images in %v", points, judged, time.Since(began).Round(time.Millisecond))
}

// nextLife is the disk after the last power cut of a life. What that cost is
// no longer asked for.
func nextLife(t *testing.T, o *oracle, disk *faultfs.Disk, led *ledger, seed uint64, life int) *faultfs.Disk {
	led.mu.Lock()
	now := time.Duration(life)*lifeLength + lifeLength
	for _, list := range led.pictures {
		if n := len(list); n > 0 {
			now = min(now, list[n-1].at)
		}
	}
	led.mu.Unlock()
	p := led.before(now)
	after := disk.Reboot(seed*100 + uint64(life) + 50)
	led.after(p)
	look := after.Reboot(faultfs.Everything)
	state, _, problems := o.recovered(look, p)
	for _, text := range problems {
		t.Errorf("end of life %d: %s", life, text)
	}
	gone, _ := o.missing(state.found, p)
	led.mu.Lock()
	defer led.mu.Unlock()
	for c := range led.pictures {
		var kept []sent
		for _, s := range led.pictures[c] {
			if !gone[c][s.id] {
				kept = append(kept, s)
			}
		}
		led.pictures[c] = kept
	}
	return after
}
