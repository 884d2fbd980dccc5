package crash

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/hub"
	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/segment"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

// plan is one life of a recorder: from a disk to a power cut.
type plan struct {
	seed    uint64
	life    int
	length  time.Duration
	clean   bool                                  // ends by being stopped, not by a power cut
	before  func(op faultfs.Op, at time.Duration) // called before every operation
	latency time.Duration                         // of a sync of everything; of one file or directory a tenth
	// sick is called when everything runs. The disk may fail then: the index
	// stays out of it, and calls may return errors.
	sick func(ctx context.Context, r *rig)
}

// rig is a recorder on a faultfs disk.
type rig struct {
	t       *testing.T
	plan    plan
	rng     *rand.Rand
	disk    *faultfs.Disk
	led     *ledger
	vol     *volume.Volume
	cat     *catalog
	sweeper *sweep.Sweeper
	cameras []*camera
	writers []*segment.Writer
	began   time.Time
	job     *recovery.Job // of a volume that was taken back

	suspects map[volume.Name]int64

	parts sync.Mutex // guards vol, cat, sweeper and writers while a disk may be given up
	rows  sync.Mutex
	gaps  []gap
}

type gap struct {
	camera     string
	start, end int64
	cause      segment.GapReason
}

var cameraNames = []string{"door", "yard", "gate"}

// lifeLength separates the lives of a recorder on the wall clock.
const lifeLength = time.Hour

// wall is the wall clock, UTC µs.
func (r *rig) wall() int64 {
	return epoch.Add(time.Duration(r.plan.life)*lifeLength).UnixMicro() + time.Since(r.began).Microseconds()
}

func (r *rig) now() time.Time { return time.UnixMicro(r.wall()) }

// elapsed is the clock of the ledger.
func (r *rig) elapsed() time.Duration {
	return time.Duration(r.plan.life)*lifeLength + time.Since(r.began)
}

// tap is the volume as a segment writer sees it; the ledger learns of every
// file.
type tap struct {
	*volume.Volume
	led    *ledger
	camera int
}

func (p tap) Create(n volume.Name, head []byte, expect int64) (*volume.File, error) {
	f, err := p.Volume.Create(n, head, expect)
	if err == nil {
		p.led.mu.Lock()
		p.led.files[p.camera] = append(p.led.files[p.camera], f)
		p.led.mu.Unlock()
	}
	return f, err
}

// live records on disk as p says, inside a synctest bubble. It returns when
// the recorder has ended or its power was cut.
func live(t *testing.T, disk *faultfs.Disk, led *ledger, p plan) *rig {
	r := &rig{t: t, plan: p, rng: rand.New(rand.NewPCG(p.seed, uint64(p.life)+1)), disk: disk, led: led, began: time.Now()}
	if p.latency > 0 {
		disk.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.SyncFS}, Delay: p.latency, Sticky: true})
		disk.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Sync, faultfs.SyncDir}, Prefix: volume.FootageDir, Delay: p.latency / 10, Sticky: true})
	}
	if p.before != nil {
		disk.Before(func(op faultfs.Op) { p.before(op, r.elapsed()) })
	}
	x, m, report, err := recoverDisk(disk)
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	defer m.close()
	if r.vol, err = volume.Open("disk", volume.Options{FS: disk, Log: quiet, Now: r.now}); err != nil {
		t.Fatalf("open volume: %v", err)
	}
	if len(report.Problems) > 0 {
		t.Errorf("recovery of life %d: %v", p.life, report.Problems)
	}
	r.cat = &catalog{Index: x, m: m, led: led}
	led.mu.Lock()
	led.indexed = true
	clear(led.files)
	led.mu.Unlock()
	m.pause(p.sick != nil)
	r.record()
	m.pause(false)
	if p.sick != nil {
		if err := m.sync(); err != nil {
			t.Errorf("index: %v", err)
		}
	}
	// A commit of an index without power leaves nothing on the disk.
	_ = r.cat.Close()
	return r
}

// record runs everything until the time is over.
func (r *rig) record() {
	all, stop := context.WithCancel(context.Background())
	var rest sync.WaitGroup
	for i, name := range cameraNames {
		r.cameras = append(r.cameras, &camera{name: name, n: byte(i), hub: hub.New(hub.Options{}), audio: i == 0, size: 400 + 300*i})
	}
	ready := make(chan struct{})
	rest.Go(func() { r.serve(all, ready) })
	<-ready
	synctest.Wait()
	for i, c := range r.cameras {
		rest.Go(func() { r.shoot(all, i, c) })
	}
	if r.plan.sick != nil {
		rest.Go(func() { r.plan.sick(all, r) })
	}
	time.Sleep(r.plan.length)
	if !r.plan.clean {
		r.disk.Cut()
	}
	stop()
	rest.Wait()
}

// serve has a volume work until ctx is done; one that was given up is taken
// back, as the recorder's bay does.
func (r *rig) serve(ctx context.Context, ready chan struct{}) {
	last := make([]int64, len(cameraNames))
	for {
		err := r.session(ctx, last, ready)
		_ = r.vol.Close()
		ready = nil
		if !errors.Is(err, volume.ErrCondemned) {
			return
		}
		for r.retake() != nil {
			if !sleep(ctx, 250*time.Millisecond) {
				return
			}
		}
	}
}

// retake opens the volume and its index anew. The index is the real file.
func (r *rig) retake() error {
	vol, err := volume.Open("disk", volume.Options{FS: r.disk, Log: quiet, Now: r.now})
	if err != nil {
		return err
	}
	_ = r.cat.Close() // it has nothing to do with the disk
	x, job, err := recovery.Begin(r.disk, r.cat.m.path, index.Options{Now: r.now, Interval: time.Hour}, quiet)
	if err != nil {
		return errors.Join(err, vol.Close())
	}
	r.parts.Lock()
	defer r.parts.Unlock()
	r.suspects = r.vol.Suspects()
	r.vol, r.job = vol, job
	r.cat = &catalog{Index: x, m: r.cat.m, led: r.led}
	return nil
}

// session records until ctx is done or the volume is given up. last holds
// where each camera's footage ends.
func (r *rig) session(ctx context.Context, last []int64, ready chan struct{}) error {
	work, stop := context.WithCancel(ctx)
	defer stop()
	volCtx, stopVol := context.WithCancel(context.Background())
	defer stopVol()
	var writers, rest sync.WaitGroup
	volDone := make(chan error, 1)
	go func() { volDone <- r.vol.Run(volCtx) }()
	r.parts.Lock()
	r.sweeper = sweep.New(r.cat, r.disk, r.vol, sweep.Options{
		Limits: sweep.Limits{Floor: 1 << 10, High: 2 << 10, Reserve: 1 << 9}, Now: r.now, Log: quiet,
		Written: func() int64 { return r.vol.Stats().Written },
	})
	r.writers = nil
	for i, c := range r.cameras {
		w := r.writer(i, c, last[i])
		r.writers = append(r.writers, w)
		writers.Go(func() { _ = w.Run(work) })
	}
	r.parts.Unlock()
	rest.Go(func() { r.commit(work) })
	rest.Go(func() { r.disturb(work) })
	if job := r.job; job != nil {
		rest.Go(func() {
			_, _ = job.Run(work, recovery.Beside{Made: r.vol.Made, Exclusive: r.sweeper.Exclusive, Suspects: r.suspects})
		})
	}
	if ready != nil {
		close(ready)
	}
	var err error
	select {
	case err = <-volDone:
		stop()
	case <-ctx.Done():
	}
	rest.Wait()
	writers.Wait()
	for i, w := range r.writers {
		s := w.State()
		last[i] = cmp.Or(s.MissingAt, s.LastSample, last[i])
	}
	if err != nil {
		return err
	}
	if r.plan.clean {
		_ = r.cat.Flush()
	}
	stopVol()
	return <-volDone
}

// writer builds the writer of a camera whose footage ends at last.
func (r *rig) writer(i int, c *camera, last int64) *segment.Writer {
	missing := segment.None
	if last > 0 {
		missing = segment.Disk
	}
	return segment.New(segment.Options{
		Camera: c.name, Hub: c.hub, Volume: tap{r.vol, r.led, i}, Target: 8 * time.Second, Ordinal: i, Log: quiet, Now: r.now,
		LastEnd: last, Missing: missing, Closed: r.closed,
		Gap: func(start, end int64, cause segment.GapReason) {
			r.rows.Lock()
			defer r.rows.Unlock()
			r.gaps = append(r.gaps, gap{c.name, start, end, cause})
		},
	})
}

// closed gives a segment its row.
func (r *rig) closed(c segment.Closed) {
	row := index.Row{
		Start: c.Name.Start, Duration: uint32(c.Name.Duration), Bytes: c.Name.Bytes, Seq: c.Name.Seq, Camera: c.Name.Camera,
		Codec: c.Codec, Width: c.Width, Height: c.Height, Gap: byte(c.Gap), Flags: index.Trusted,
	}
	if err := r.cat.Add(row); err != nil {
		r.t.Errorf("add row: %v", err)
	}
}

// shoot is a camera: pictures at its rate, and now and then another run.
func (r *rig) shoot(ctx context.Context, i int, c *camera) {
	rng := rand.New(rand.NewPCG(r.plan.seed, uint64(100+i+10*r.plan.life)))
	time.Sleep(time.Duration(i)*7*time.Millisecond + time.Microsecond) // never two at once
	c.begin(r.wall())
	runEnds := 5*time.Second + time.Duration(rng.Int64N(int64(40*time.Second)))
	for ctx.Err() == nil {
		if time.Since(r.began) > runEnds {
			runEnds += 5*time.Second + time.Duration(rng.Int64N(int64(40*time.Second)))
			if rng.IntN(2) == 0 {
				c.hub.EndRun()
				time.Sleep(time.Duration(rng.IntN(20)) * interval)
			}
			c.begin(r.wall())
		}
		r.led.mu.Lock()
		id := r.led.next[i]
		r.led.next[i]++
		r.led.mu.Unlock()
		wall := c.publish(id)
		r.led.mu.Lock()
		r.led.pictures[i] = append(r.led.pictures[i], sent{id, wall / 1000, r.elapsed()})
		r.led.mu.Unlock()
		time.Sleep(interval)
	}
}

// commit commits rows like index.Run, only more often.
func (r *rig) commit(ctx context.Context) {
	for sleep(ctx, 9*time.Second+333*time.Microsecond) {
		_ = r.cat.Flush() // fails without power
	}
}

// disturb holds and sweeps at random.
func (r *rig) disturb(ctx context.Context) {
	for sleep(ctx, time.Duration(1500+r.rng.IntN(6000))*time.Millisecond+777*time.Microsecond) {
		if r.rng.IntN(5) < 2 {
			r.hold()
			continue
		}
		space, err := r.vol.Space()
		if err != nil {
			continue
		}
		floor := space.Available + 1 + r.rng.Int64N(400<<10)
		r.sweeper.SetLimits(sweep.Limits{Floor: floor, High: floor + 1, Reserve: 1 << 9})
		_ = r.sweeper.Sweep(ctx)
	}
}

// hold locks a stretch of time of one camera, in the order of the recorder:
// rows, then their second names.
func (r *rig) hold() {
	some, err := r.cat.Oldest(20, nil)
	if err != nil || len(some) == 0 {
		return
	}
	one := some[r.rng.IntN(len(some))]
	rows, err := r.cat.Hold(one.Camera, one.Start, one.Start+1+r.rng.Int64N(12_000))
	if err == nil && len(rows) > 0 {
		names := make([]volume.Name, len(rows))
		for i, row := range rows {
			names[i] = nameOf(row)
		}
		err = volume.LinkEvidence(r.disk, names)
	}
	if err == nil {
		r.led.note(r.led.held, rows...)
	} else if r.plan.sick == nil && !errors.Is(err, faultfs.ErrPowerLost) {
		r.t.Errorf("hold: %v", err)
	}
}

// sleep returns false when ctx is done.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
