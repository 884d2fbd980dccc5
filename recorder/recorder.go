package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	"golang.org/x/sync/errgroup"

	"vedette/recorder/index"
	"vedette/recorder/ingest"
	"vedette/recorder/playback"
	"vedette/recorder/recovery"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

// Clock is what the recorder asks of time. Implementations must not block.
type Clock interface {
	Now() time.Time
	Trusted() bool            // somebody has set the wall clock
	SinceBoot() time.Duration // never steps
	BootID() [16]byte
}

// Severity says how much an event matters.
type Severity string

// The severities of events.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Event is something that happened and that a person may want to know.
type Event struct {
	Type     string
	Severity Severity
	Camera   string // empty if it concerns the box
	Payload  map[string]any
}

// Options say where the recorder keeps its things and how.
type Options struct {
	State     storm.Node // cameras
	VolumeDir string     // the footage volume; made if its parent is there
	// Medium overrides what the kernel says of the disk: volume.SSD and so
	// on; empty = believe the kernel.
	Medium     string
	Cycle      time.Duration // sync cycle; 0 = by medium
	QueueBytes int64         // memory a lagging disk may take; 0 = 16 MiB
	Segment    time.Duration // target length of a file; 0 = 1 min
	Floor      int64         // free bytes kept; 0 = by disk
	SweepEvery time.Duration // 0 = 30 s
	Clock      Clock
	// Emit is told events. It must not block. It may be called concurrently.
	Emit func(Event)
	Log  *slog.Logger
}

// Recorder records cameras. All methods may be called concurrently.
type Recorder struct {
	o       Options
	store   *store
	volume  *volume.Volume
	index   *index.Index
	sweeper *sweep.Sweeper
	library *playback.Library
	report  recovery.Report
	runs    ingest.RunIDs
	leases  leases
	holds   holds
	// holdFailed says that the last hold of a closed segment failed; of the
	// goroutine that holds alone.
	holdFailed bool

	changes notifier
	rate    rateMeter

	mu      sync.Mutex
	cameras map[string]*camera
	running context.Context // of Run; nil before and after
	group   sync.WaitGroup  // goroutines of cameras
}

// New opens the volume, repairs what the last run left, opens the index and
// reads the cameras. It starts nothing. Close releases everything if Run is
// not called.
func New(o Options) (*Recorder, error) {
	if o.Emit == nil {
		o.Emit = func(Event) {}
	}
	if o.Segment == 0 {
		o.Segment = time.Minute
	}
	r := &Recorder{o: o, cameras: map[string]*camera{}}
	r.changes.init()
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open does the work of New; what it opened is released by Close.
func (r *Recorder) open() (err error) {
	if r.store, err = newStore(r.o.State); err != nil {
		return err
	}
	if err := r.openVolume(); err != nil {
		return err
	}
	if err := r.openIndex(); err != nil {
		return err
	}
	if err := r.resumeHolds(); err != nil {
		return err
	}
	r.sweeper = r.newSweeper()
	r.library = playback.New(librarySource{r})
	all, err := r.store.all()
	if err != nil {
		return err
	}
	for i := range all {
		c := newCamera(r, all[i])
		c.ordinal = i
		r.cameras[all[i].ID] = c
	}
	return nil
}

// Close releases the volume and the index. Run must have returned, or never
// been called.
func (r *Recorder) Close() error {
	var errs []error
	if r.index != nil {
		errs = append(errs, r.index.Close())
	}
	if r.volume != nil {
		errs = append(errs, r.volume.Close())
	}
	return errors.Join(errs...)
}

// Run records until ctx is done; then it ends every open segment, makes all
// of it durable, and returns ctx's cause. It returns earlier only if the
// recorder as a whole cannot go on.
func (r *Recorder) Run(ctx context.Context) error {
	// Footage flows downstream: cameras stop first, then the writer drains,
	// then the index commits the last rows.
	indexCtx, stopIndex := context.WithCancelCause(context.WithoutCancel(ctx))
	volumeCtx, stopVolume := context.WithCancelCause(context.WithoutCancel(ctx))
	var down errgroup.Group
	volumeDone := make(chan struct{})
	down.Go(func() error {
		defer close(volumeDone)
		return notCancelled(r.volume.Run(volumeCtx))
	})
	down.Go(func() error { return notCancelled(r.index.Run(indexCtx)) })

	up, upCtx := errgroup.WithContext(ctx)
	up.Go(func() error { return notCancelled(r.sweeper.Run(upCtx)) })
	up.Go(func() error { return r.meter(upCtx) })
	up.Go(func() error {
		select {
		case <-volumeDone: // the writer gave up: nothing can be recorded
			return errors.New("the volume's writer ended")
		case <-upCtx.Done():
			return nil
		}
	})
	r.startCameras(upCtx)
	err := up.Wait()
	r.stopCameras()
	cause := context.Cause(ctx)
	stopVolume(cause)
	<-volumeDone
	r.holdDue() // what closed in the drain may lie in a hold
	stopIndex(cause)
	if err = errors.Join(err, down.Wait()); err == nil {
		err = cause
	}
	return err
}

func notCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *Recorder) startCameras(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = ctx
	for _, c := range r.cameras {
		c.start(ctx)
	}
}

// stopCameras ends the cameras that ctx has not ended and waits for all.
func (r *Recorder) stopCameras() {
	r.mu.Lock()
	r.running = nil
	r.mu.Unlock()
	r.group.Wait()
}

func (r *Recorder) emit(kind string, s Severity, camera string, payload map[string]any) {
	r.o.Emit(Event{Type: kind, Severity: s, Camera: camera, Payload: payload})
}

// Report returns what start-up had to repair.
func (r *Recorder) Report() recovery.Report { return r.report }

// get returns a camera or ErrNoCamera.
func (r *Recorder) get(id string) (*camera, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, found := r.cameras[id]
	if !found {
		return nil, fmt.Errorf("%q: %w", id, ErrNoCamera)
	}
	return c, nil
}
