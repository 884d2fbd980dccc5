package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// TestAYear has sixteen cameras record to a disk of 256 GB with everything that
// happens to a box in the meantime: bursts, holds and their release, a clock
// that steps, policies that change, another process that fills the disk and
// empties it. Index, sweeper and their order are real; time, disk and cameras
// are not. VEDETTE_DAYS says how many days it takes, 2 otherwise.
func TestAYear(t *testing.T) {
	days, err := strconv.Atoi(os.Getenv("VEDETTE_DAYS"))
	if err != nil {
		days = 2
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		y := newYear(t, filepath.Join(dir, "segments.db"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- y.index.Run(ctx) }()
		go func() { done <- y.sweeper.Run(ctx) }()
		for range days * 24 * 60 * 60 {
			y.second()
			time.Sleep(time.Second)
		}
		cancel()
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		}
		y.check(days)
		if err := y.index.Close(); err != nil {
			t.Error(err)
		}
	})
}

const (
	yearDisk    = 256_000_000_000
	yearRate    = 500_000 // bytes a second of a camera: 4 Mb/s
	yearSegment = 150     // seconds
	yearChunk   = 8 * mib // preallocated at once
)

// year is the box of TestAYear.
type year struct {
	t       *testing.T
	rng     *rand.Rand
	wall    atomic.Int64 // UTC ms: what the box takes for the time
	written atomic.Int64

	mu      sync.Mutex // the sweeper works beside the rest
	disk    *faultfs.Disk
	index   *index.Index
	sweeper *Sweeper
	began   time.Time
	now     int // seconds since
	cameras []*yearCamera
	other   volume.Handle // of another process
	ate     int64
	eats    int64 // bytes a second; below zero it is done
	holds   []yearHold
	set     Policies

	step    time.Duration // of the wall clock against the true time
	stepEnd int
	steps   int
	// wrong says when a step began and ended last, by the true time, lies when
	// all did.
	wrongFrom, wrongTo int
	lies               [][2]int
	changed            int // when the policies were last

	ends     map[string]int // path: second when the segment ended, by the true time
	removed  int64          // files, by the sweeper
	explain  int64          // deletions that events told of
	below    int            // seconds in a row below the floor
	worst    int
	noSpace  int
	released int
	ages     int // segments that age took
}

type yearCamera struct {
	id             string
	open           volume.Handle
	at             string // its path
	start          int64  // UTC ms
	began          int    // second
	bytes, reserve int64
	burst          int // second when it ends
	seq            uint32
}

type yearHold struct {
	rows []index.Row
	ends int
}

func newYear(t *testing.T, file string) *year {
	y := &year{
		t: t, rng: rand.New(rand.NewPCG(1, 2)), disk: faultfs.New(faultfs.Options{Capacity: yearDisk, NoLog: true}),
		began: time.Now(), ends: map[string]int{}, set: Policies{Cameras: map[string]Policy{}},
	}
	var err error
	if y.index, err = index.Open(file, index.Options{Now: y.clock}); err != nil {
		t.Fatal(err)
	}
	y.sweeper = New(yearCatalog{y.index, y}, yearFiles{y}, y.disk, Options{
		Medium: volume.SSD, Written: y.written.Load, Emit: y.emit,
		Leased: func(index.Row) bool { return false }, Now: y.clock, Trusted: func() bool { return true },
	})
	y.tick()
	y.must(y.disk.Mkdir("footage"), y.disk.Mkdir("evidence"), y.disk.SyncDir("."))
	for i := range 16 {
		c := &yearCamera{id: fmt.Sprintf("cam-%02d", i)}
		y.must(y.disk.Mkdir("footage/"+c.id), y.disk.SyncDir("footage"))
		y.cameras = append(y.cameras, c)
	}
	return y
}

func (y *year) must(errs ...error) {
	y.t.Helper()
	if err := errors.Join(errs...); err != nil {
		y.t.Fatalf("after %d s: %v", y.now, err)
	}
}

func (y *year) clock() time.Time { return time.UnixMilli(y.wall.Load()) }

// tick has the clock of the box show this second.
func (y *year) tick() {
	y.wall.Store(y.began.Add(20*365*24*time.Hour + time.Duration(y.now)*time.Second + y.step).UnixMilli())
}

// yearCatalog watches what age takes.
type yearCatalog struct {
	*index.Index
	y *year
}

func (c yearCatalog) Condemn(rows []index.Row, reason string) ([]index.Garbage, error) {
	y := c.y
	y.mu.Lock()
	for _, r := range rows {
		end, known := y.ends[r.File().Path()]
		if !known {
			y.t.Errorf("after %d s: a row without a file is condemned: %s", y.now, r.File().Path())
		}
		if reason != Age || y.changed >= y.wrongFrom && y.wrongFrom > y.wrongTo || y.stamped(end) {
			continue // somebody asked for it while the clock lied, or its own time is a lie
		}
		least := int(y.set.Cameras[r.Camera].Age / time.Second)
		if y.step != 0 {
			least -= y.now - y.wrongFrom + 31 // the brake, and the sweep before
		}
		if age := y.now - end; age < least {
			y.t.Errorf("after %d s: %s goes at the age of %d s, due at %d", y.now, r.File().Path(), age, least)
		}
	}
	y.mu.Unlock()
	return c.Index.Condemn(rows, reason)
}

// stamped reports whether the clock lied when what ended then was recorded.
func (y *year) stamped(end int) bool {
	return slices.ContainsFunc(y.lies, func(l [2]int) bool { return end > l[0] && end <= l[1]+yearSegment })
}

// yearFiles watches what the sweeper removes.
type yearFiles struct{ y *year }

func (f yearFiles) SyncDir(p string) error { return f.y.disk.SyncDir(p) }

func (f yearFiles) SyncFS() error { return f.y.disk.SyncFS() }

func (f yearFiles) Remove(p string) error {
	y := f.y
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, h := range y.holds {
		if slices.ContainsFunc(h.rows, func(r index.Row) bool { return r.File().Path() == p }) {
			y.t.Errorf("after %d s: evidence is removed: %s", y.now, p)
		}
	}
	err := y.disk.Remove(p)
	if err == nil && path.Ext(p) == ".mp4" {
		delete(y.ends, p)
		y.removed++
	}
	return err
}

// emit counts what events tell of as deleted.
func (y *year) emit(e Event) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if n, ok := e.Payload["deleted"].(int); ok {
		y.explain += int64(n)
		if e.Payload["reason"] == Age {
			y.ages += n
		}
	}
}

// second lets one pass.
func (y *year) second() {
	y.mu.Lock()
	y.now++
	y.stepClock()
	y.tick()
	for _, c := range y.cameras {
		y.record(c)
	}
	y.eat()
	if y.now%(6*3600) == 1800 {
		y.hold()
	}
	if y.now%(20*3600) == 3600 {
		y.change()
	}
	y.mu.Unlock()
	synctest.Wait() // the sweeper looks at the same second
	space, err := y.disk.Space()
	y.must(err)
	if space.Available < y.sweeper.State().Floor {
		y.below++
	} else {
		y.below = 0
	}
	y.worst = max(y.worst, y.below)
}

// record has a camera write for a second.
func (y *year) record(c *yearCamera) {
	if y.rng.IntN(6*3600) == 0 {
		c.burst = y.now + y.rng.IntN(1200)
	}
	n := int64(yearRate)
	if y.now < c.burst {
		n *= 4
	}
	if c.open == nil || y.now-c.began >= yearSegment {
		y.cut(c)
	}
	if c.bytes+n > c.reserve {
		c.reserve += yearChunk
		if err := c.open.Preallocate(0, c.reserve); err != nil {
			y.noSpace++
			y.t.Errorf("after %d s: %s cannot write: %v", y.now, c.id, err)
		}
	}
	c.bytes += n
	y.written.Add(n)
}

// cut ends a segment of a camera and begins the next.
func (y *year) cut(c *yearCamera) {
	if c.open != nil {
		r := index.Row{Camera: c.id, Start: c.start, Duration: uint32(y.now-c.began) * 1000, Bytes: c.bytes, Seq: c.seq, Flags: index.Trusted}
		y.must(c.open.Truncate(c.bytes), c.open.Close(), y.disk.Rename(c.at, r.File().Path()), y.disk.SyncDir(path.Dir(c.at)), y.index.Add(r))
		y.ends[r.File().Path()] = y.now
	}
	c.seq++
	c.start, c.began, c.bytes, c.reserve = y.clock().UnixMilli(), y.now, 0, 0
	name := volume.Name{Camera: c.id, Start: c.start, Seq: c.seq, Open: true}
	if err := y.disk.Mkdir(name.Dir()); err == nil {
		y.must(y.disk.SyncDir(path.Dir(name.Dir())))
	} else if !errors.Is(err, fs.ErrExist) {
		y.must(err)
	}
	c.at = name.Path()
	var err error
	c.open, err = y.disk.Create(c.at)
	y.must(err)
}

// eat is the other process: now and then it fills up to 60 GB of the disk, as
// fast as a network brings them, and gives them back hours later.
func (y *year) eat() {
	switch {
	case y.other == nil:
		if y.rng.IntN(10*3600) == 0 {
			h, err := y.disk.Create("other")
			y.must(err)
			y.other, y.ate, y.eats = h, 0, int64(1+y.rng.IntN(120))*1_000_000
		}
	case y.eats < 0:
		if y.rng.IntN(4*3600) == 0 {
			y.must(y.other.Close(), y.disk.Remove("other"), y.disk.SyncDir("."))
			y.other = nil
		}
	default:
		y.ate += y.eats
		y.must(y.other.Preallocate(0, y.ate))
		if y.ate > 60_000_000_000 {
			y.eats = -1
		}
	}
}

// hold makes an hour of some camera evidence, and releases what is due.
func (y *year) hold() {
	y.holds = slices.DeleteFunc(y.holds, func(h yearHold) bool {
		if y.now < h.ends {
			return false
		}
		_, err := y.index.Release(h.rows)
		y.must(err, volume.UnlinkEvidence(y.disk, names(h.rows)))
		y.released += len(h.rows)
		return true
	})
	id := y.cameras[y.rng.IntN(len(y.cameras))].id
	from := y.wall.Load() - y.step.Milliseconds() - (1+y.rng.Int64N(6))*3_600_000
	var found []index.Row
	y.must(y.index.Range(id, from, from+3_600_000, func(r index.Row, held bool) bool {
		if !held {
			found = append(found, r)
		}
		return true
	}))
	y.must(volume.LinkEvidence(y.disk, names(found)))
	rows, err := y.index.Hold(id, from, from+3_600_000)
	y.must(err)
	gone := slices.DeleteFunc(found, func(r index.Row) bool { return slices.Contains(rows, r) })
	y.must(volume.UnlinkEvidence(y.disk, names(gone))) // a sweep was faster
	if len(rows) > 0 {
		y.holds = append(y.holds, yearHold{rows, y.now + (1+y.rng.IntN(4))*24*3600})
	}
}

func names(rows []index.Row) (out []volume.Name) {
	for _, r := range rows {
		out = append(out, r.File())
	}
	return out
}

// change is a person who changes the policies.
func (y *year) change() {
	p := Policies{Cameras: map[string]Policy{}}
	for _, c := range y.cameras {
		if y.rng.IntN(3) == 0 {
			p.Cameras[c.id] = Policy{
				Age: time.Duration(y.rng.IntN(3)) * 3 * time.Hour, Quota: int64(y.rng.IntN(3)) * 8 * gib, Keep: time.Duration(y.rng.IntN(2)) * time.Hour,
			}
		}
	}
	if y.rng.IntN(3) == 0 {
		p.Cap = int64(60+y.rng.IntN(200)) * 1_000_000_000
	}
	y.set, y.changed = p, y.now
	y.sweeper.SetPolicies(p)
}

// stepClock has the wall clock lie for some hours every other day.
func (y *year) stepClock() {
	switch {
	case y.step != 0 && y.now >= y.stepEnd:
		y.step, y.wrongTo = 0, y.now
		y.lies[len(y.lies)-1][1] = y.now
	case y.step == 0 && y.now%(40*3600) == 20*3600:
		hour, all := time.Hour, []time.Duration{1, -1, 24, -24, 10 * 8760, -10 * 8760}
		y.step = all[y.steps%len(all)] * hour
		y.stepEnd, y.wrongFrom = y.now+(1+y.rng.IntN(5))*3600, y.now
		y.steps++
		y.lies = append(y.lies, [2]int{y.now, math.MaxInt32 - yearSegment})
	}
}

// check asks for the sums in the end.
func (y *year) check(days int) {
	deleted := y.sweeper.State().Deleted
	if y.removed == 0 || y.explain != y.removed || deleted.Rows != y.removed {
		y.t.Errorf("%d files were removed, events tell of %d, the sweeper of %d", y.removed, y.explain, deleted.Rows)
	}
	if y.worst > 1 {
		y.t.Errorf("free space was below the floor for %d s in a row", y.worst)
	}
	for _, h := range y.holds {
		for _, r := range h.rows {
			for _, p := range []string{r.File().Path(), r.File().EvidencePath()} {
				if _, err := y.disk.Stat(p); err != nil {
					y.t.Errorf("evidence is lost: %v", err)
				}
			}
		}
	}
	rows := 0
	y.must(y.index.Range("", 0, 1<<62, func(r index.Row, _ bool) bool {
		rows++
		if _, there := y.ends[r.File().Path()]; !there {
			y.t.Errorf("a row without a file: %s", r.File().Path())
		}
		return true
	}))
	if rows != len(y.ends) {
		y.t.Errorf("%d rows for %d files", rows, len(y.ends))
	}
	y.t.Logf("%d days: %d GB written, %d segments deleted (%d by age), %d left, %d held, %d released, %d steps of the clock, at most %d s below the floor, %d times no space",
		days, y.written.Load()/1_000_000_000, deleted.Rows, y.ages, rows, y.index.Totals().Held.Rows, y.released, y.steps, y.worst, y.noSpace)
}
