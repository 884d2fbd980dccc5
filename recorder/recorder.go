package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	"golang.org/x/sync/errgroup"

	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/playback"
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
	State storm.Node // cameras, and which volumes are known
	Seal  Sealer     // of the secrets of cameras at rest; nil = they lie there as they are
	// Dial connects to cameras, and CheckAddress refuses what it would, as far as
	// that shows in the address. Errors with a method Refused() string say why.
	// Nil = everything is let through.
	Dial         func(ctx context.Context, network, address string) (net.Conn, error)
	CheckAddress func(url string) error

	Volumes    []VolumeOptions // 1 to 16
	System     string          // directory on the system's disk; "" = unknown: see knownVolume.Apart
	Cycle      time.Duration   // sync cycle; 0 = by medium
	QueueBytes int64           // memory a lagging disk may take; 0 = 16 MiB
	Segment    time.Duration   // target length of a file; 0 = 1 min
	// PrerollBytes is the memory that the pre-rolls of all cameras may take
	// together; 0 = 192 MiB.
	PrerollBytes int
	Location     *time.Location // of the schedules of cameras; nil = the local one
	Floor        int64          // free bytes kept; 0 = by disk
	SweepEvery   time.Duration  // 0 = 30 s
	// Trim tells the disk below path which parts of [start, start+length) of its
	// file system are free, in runs of at least least bytes, all in bytes. It is
	// called for small pieces, after much was deleted, while the disk has time.
	// An error that is errors.ErrUnsupported ends that. Nil = nobody can.
	Trim func(path string, start, length, least int64) (int64, error)
	// Beside is called while the primary volume is there, in a goroutine of its
	// own, for what else lives on it: the volume's name and the directory that is
	// its root. ctx is done when the volume goes, is taken out of use or the
	// recorder stops; the volume is closed when Beside has returned, or after 10 s.
	// One that returns earlier is called again 10 s later. The primary volume is
	// the first of Volumes that is there when none was: it stays so until it goes.
	// Nil = nothing else does.
	Beside func(ctx context.Context, volume, dir string)
	Clock  Clock
	// Emit is told events. It must not block. It may be called concurrently.
	Emit func(Event)
	Log  *slog.Logger
}

// Recorder records cameras. All methods may be called concurrently.
type Recorder struct {
	o       Options
	store   *store
	bays    bays
	library *playback.Library
	runs    ingest.RunIDs
	leases  leases
	spoiled spoiled
	holds   holds
	holding sync.Mutex // of the one that holds what closed
	// holdFailed says that the last hold of a closed segment failed. holding is
	// held.
	holdFailed bool

	evidenceMu sync.Mutex // held while holds are placed or released
	evidence   evidenceBook

	retentionMu sync.Mutex // held while it is changed and put in force
	retention   Retention

	changes notifier
	receive func(c *camera, cfg Camera, stream media.StreamName, url string) func(context.Context) error

	mu      sync.Mutex
	cameras map[string]*camera
	running context.Context // of Run; nil before and after
	group   sync.WaitGroup  // goroutines of cameras
}

// New reads the cameras and takes the volumes that are there; those that are
// not are looked for by Run. It starts nothing. Close releases everything if
// Run is not called. A volume that cannot be used is no error: live view and
// the other volumes go on, and its status says why.
func New(o Options) (*Recorder, error) {
	if o.Emit == nil {
		o.Emit = func(Event) {}
	}
	if o.Segment == 0 {
		o.Segment = time.Minute
	}
	r := &Recorder{o: o, cameras: map[string]*camera{}, receive: receiver}
	r.changes.init()
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open does the work of New; what it opened is released by Close.
func (r *Recorder) open() (err error) {
	if r.store, err = newStore(r.o.State, r.o.Seal); err != nil {
		return err
	}
	if r.retention, err = r.store.retention(); err != nil {
		return err
	}
	if r.evidence, err = r.store.evidence(); err != nil {
		return err
	}
	if err := r.bays.build(r, r.o.Volumes); err != nil {
		return err
	}
	if err := r.loadHolds(); err != nil {
		return err
	}
	for _, b := range r.bays.all {
		b.tell(b.open())
	}
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

// Close releases the volumes. Run must have returned, or never been called.
func (r *Recorder) Close() error {
	var errs []error
	for _, p := range r.bays.present() {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// Run records until ctx is done; then it ends every open segment, makes all
// of it durable, and returns ctx's cause. No camera and no disk ends it.
func (r *Recorder) Run(ctx context.Context) error {
	// Footage flows downstream: cameras stop first, then the volumes drain,
	// then their indexes commit the last rows.
	volumeCtx, stopVolumes := context.WithCancel(context.WithoutCancel(ctx))
	defer stopVolumes()
	var down errgroup.Group
	for _, b := range r.bays.all {
		down.Go(func() error { return b.run(volumeCtx) })
	}
	var beside sync.WaitGroup
	beside.Go(func() { r.accompany(ctx) })
	r.startCameras(ctx)
	beside.Go(func() { r.attend(ctx) })
	err := r.meter(ctx)
	r.stopCameras()
	stopVolumes()
	err = errors.Join(err, down.Wait())
	beside.Wait()
	if err == nil {
		err = context.Cause(ctx)
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
