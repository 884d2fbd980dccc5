package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

// present is a volume that is there, with all that belongs to it.
type present struct {
	bay      *bay
	volume   *volume.Volume
	index    *index.Index
	sweeper  *sweep.Sweeper
	removals interface { // the sweeper's own handles: see volume.Second
		volume.FS
		io.Closer
	}
	job      *recovery.Job // puts the rest in order, beside recording
	rate     rateMeter
	forecast atomic.Pointer[Forecast] // nil before the first
	may      atomic.Bool              // footage may be put here, as seen last
	naming   sync.Mutex               // held while rows and names change together: by holds and restamp

	untrusted atomic.Bool   // there may be segments to be stamped anew
	gone      chan struct{} // closed when it takes no footage any more
	leave     sync.Once

	besideMu   sync.Mutex
	besideDone chan struct{} // closed when Options.Beside has returned; nil = it was not called

	reportMu sync.Mutex
	report   *recovery.Report // of the job, nil before its end
}

// indexFile is the storm index of a volume.
const indexFile = "segments.db"

// openPresent takes the volume in the bay's directory, puts it in order and
// opens its index.
func (b *bay) openPresent(known knownVolume, expect string) (p *present, err error) {
	p = &present{bay: b, gone: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			p = nil
		}
	}()
	o := &b.r.o
	p.volume, err = volume.Open(b.o.Dir, volume.Options{
		Cycle: o.Cycle, Medium: b.o.Medium, QueueBytes: o.QueueBytes, Log: o.Log.With("volume", b.o.Name), Now: o.Clock.Now,
		OnFull: func() { p.sweeper.Kick() }, FS: b.o.FS, MountPoint: b.mountPoint(known), ExpectID: expect,
	})
	if err != nil {
		return p, err
	}
	if p.index, p.job, err = recovery.Begin(p.volume.FS(), filepath.Join(b.o.Dir, indexFile), index.Options{Now: o.Clock.Now, Log: o.Log}, o.Log); err != nil {
		return p, fmt.Errorf("recover volume %s: %w", b.o.Dir, err)
	}
	p.untrusted.Store(true)
	if p.removals, err = p.volume.Second(); err != nil {
		return p, fmt.Errorf("open volume %s: %w", b.o.Dir, err)
	}
	p.sweeper = p.newSweeper()
	p.may.Store(true)
	return p, p.resume(false)
}

// close releases the volume. run must have returned, or never been called.
func (p *present) close() error {
	p.depart()
	var errs []error
	if p.index != nil {
		errs = append(errs, p.index.Close())
	}
	if p.removals != nil {
		errs = append(errs, p.removals.Close())
	}
	if p.volume != nil {
		errs = append(errs, p.volume.Close())
	}
	return errors.Join(errs...)
}

// depart says that the volume takes no footage any more.
func (p *present) depart() { p.leave.Do(func() { close(p.gone) }) }

// departed reports whether depart was called.
func (p *present) departed() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// run works until ctx is done, and then ends every file and returns nil; or
// until the volume cannot be used any more, and returns why. Whoever records
// to it must have stopped before ctx ends.
func (p *present) run(ctx context.Context) error {
	indexCtx, stopIndex := context.WithCancel(context.WithoutCancel(ctx))
	defer stopIndex()
	workCtx, stopWork := context.WithCancel(ctx)
	defer stopWork()
	var down, work errgroup.Group
	down.Go(func() error { return notCancelled(p.index.Run(indexCtx)) })
	work.Go(func() error { return p.tidy(workCtx) })
	err := notCancelled(p.volume.Run(ctx))
	if err == nil && ctx.Err() == nil {
		err = errors.New("the volume's writer ended")
	}
	p.depart()
	p.bay.r.bays.notify()
	stopWork()
	werr := work.Wait()
	p.bay.r.holdDue() // what closed in the drain may lie in a hold
	stopIndex()
	return errors.Join(err, werr, down.Wait())
}

// tidy puts the volume in order and keeps it so, until ctx is done. Sweeps wait
// for an index that does not know all footage yet.
func (p *present) tidy(ctx context.Context) error {
	var all errgroup.Group
	complete := make(chan struct{})
	if !p.job.Incomplete() {
		close(complete)
	}
	all.Go(func() error {
		p.recover(ctx)
		if p.job.Incomplete() {
			close(complete)
		}
		p.restampLoop(ctx)
		return nil
	})
	all.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-complete:
		}
		return notCancelled(p.sweeper.Run(ctx))
	})
	all.Go(func() error {
		select {
		case <-ctx.Done():
		case <-complete:
			p.foreseeLoop(ctx)
		}
		return nil
	})
	all.Go(func() error {
		p.trimLoop(ctx)
		return nil
	})
	return all.Wait()
}

// recover runs the job, and takes up the holds that waited for it.
func (p *present) recover(ctx context.Context) {
	name, r := p.bay.o.Name, p.bay.r
	report, err := p.job.Run(ctx, recovery.Beside{Made: p.volume.Made, Exclusive: p.sweeper.Exclusive, Suspects: p.bay.suspected()})
	if ctx.Err() != nil {
		return // the next start goes on
	}
	p.volume.ForgetMade()
	if err == nil {
		p.bay.cleared()
		// What could not be treated may lie in a hold: then that waits on.
		err = p.resume(len(report.Problems) == 0)
	}
	p.reportMu.Lock()
	p.report = &report
	p.reportMu.Unlock()
	if err == nil && len(report.Problems) == 0 {
		err = r.releaseDue(p)
	}
	if err != nil { // what is on the disk stays; what is recorded now is known
		r.o.Log.Error("volume not put in order", "volume", name, "err", err)
		r.emit("volume_unordered", Warning, "", map[string]any{"volume": name, "reason": err.Error()})
	}
	if report.Changed() {
		r.emit("system_recovered", Info, "", map[string]any{"volume": name, "summary": report.String()})
	}
	r.changes.notify()
}

// reported returns what the job did, false before its end.
func (p *present) reported() (recovery.Report, bool) {
	p.reportMu.Lock()
	defer p.reportMu.Unlock()
	if p.report == nil {
		return recovery.Report{}, false
	}
	return *p.report, true
}

func notCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p *present) newSweeper() *sweep.Sweeper {
	r := p.bay.r
	r.retentionMu.Lock()
	set := r.retention
	r.retentionMu.Unlock()
	return sweep.New(p.index, p.removals, p.volume, sweep.Options{
		Limits: p.limits(set), Policies: set.policies(p.bay.o.Name), Medium: p.volume.Medium(), EraseBlock: p.volume.Geometry().EraseBlock,
		Interval: r.o.SweepEvery,
		Written:  func() int64 { return p.volume.Stats().Written },
		Leased:   func(row index.Row) bool { return r.leases.held(segmentKey{row.Camera, row.Start}) },
		Emit: func(e sweep.Event) {
			e.Payload["volume"] = p.bay.o.Name
			r.emit(e.Type, Severity(e.Severity), "", e.Payload)
			r.changes.notify()
		},
		Largest: p.largest,
		Now:     r.o.Clock.Now, Trusted: r.o.Clock.Trusted, Log: r.o.Log,
	})
}

// largest returns what else takes room on the disk of the volume.
func (p *present) largest(ctx context.Context) []volume.Usage {
	if p.bay.o.FS != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	largest, _ := volume.Largest(ctx, p.bay.o.Dir)
	return largest
}

// meter looks at the volume's counters, once a second.
func (p *present) meter(now time.Time) {
	may := p.sweeper.MayRecord()
	p.volume.Rest(!may)
	if p.may.Swap(may) != may {
		p.bay.r.bays.notify() // cameras go to where there is room, and come back
	}
	p.rate.sample(p.volume.Stats().Written, now)
}

// recordable reports whether footage may be put on the volume now.
func (p *present) recordable() bool {
	return !p.departed() && p.may.Load()
}
