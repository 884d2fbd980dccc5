// Package disks owns which disk is mounted for which footage volume: it knows
// disks again that it was given before, offers others, makes them ready when a
// person says so, and lets them go so that they may be unplugged. It never touches
// a disk that nobody confirmed.
package disks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/hal/disk"
)

// Errors a caller may test for.
var (
	ErrNoDisk  = errors.New("no such disk")
	ErrNoPlace = errors.New("no volume of this name has a place for a disk")
	ErrBusy    = errors.New("the disk is in use")
	ErrTaken   = errors.New("the volume has a disk already")
	ErrContent = errors.New("the disk has no file system for footage")
	ErrStopped = errors.New("it is stopping")
)

// Place is where the disk of a footage volume is mounted.
type Place struct{ Volume, Dir string }

// Device is a whole disk; *disk.Device is one, but for Info.
type Device interface {
	About() disk.Info
	Parts() ([]disk.Part, error)
	Busy() (string, error)
	Phrase() string
	Prepare(ctx context.Context, o disk.PrepareOptions) (disk.Part, error)
	Eject() error
}

// Kernel is what there is to ask of the machine.
type Kernel interface {
	List() ([]Device, error)
	Mount(dev, dir string) error
	Unmount(dir string) error
	Watch(ctx context.Context, f func(disk.Change)) error
}

// Options for New.
type Options struct {
	Kernel Kernel
	Places []Place
	State  storm.Node // keeps which disk belongs to which volume
	// Rest takes a volume out of use, and returns when nothing of it is open; Wake
	// has it used again.
	Rest func(ctx context.Context, volume string) error
	Wake func(volume string) error
	// Emit tells what happened. It must not block.
	Emit func(kind string, bad bool, payload map[string]any)
	Log  *slog.Logger
}

// Manager does the work. All that changes a disk is done by Run, one after the
// other.
type Manager struct {
	o    Options
	node storm.Node
	jobs chan job

	// Of Run, and of Begin before it.
	on      map[string]string // name of the disk that is mounted for a volume, as seen last
	ours    map[string]bool   // the volume's disk was mounted by us
	offered map[string]bool   // by phrase: disks that were told of

	mu      sync.Mutex
	known   map[string]string // UUID of the file system that belongs to a volume
	removed map[string]string // volumes whose disk was let go, and its name: it is not mounted again by itself
	working string            // name of the disk that is being prepared
}

type job struct {
	do   func(context.Context) error
	done chan<- error // buffered; nil = nobody waits
}

// New reads what is remembered.
func New(o Options) (*Manager, error) {
	m := &Manager{
		o: o, node: o.State.From("disks"), jobs: make(chan job, 8),
		on: map[string]string{}, ours: map[string]bool{}, offered: map[string]bool{}, known: map[string]string{}, removed: map[string]string{},
	}
	if err := m.node.Get("mounts", "known", &m.known); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return nil, fmt.Errorf("read which disk is whose: %w", err)
	}
	return m, nil
}

// Begin mounts the disks that are known, before their volumes are opened. What is
// not there is waited for by Run, which looks at all disks again: where none is
// known it may as well do so first.
func (m *Manager) Begin() {
	if len(m.known) > 0 { // nobody else is there yet
		m.scan()
	}
}

const (
	calm  = 500 * time.Millisecond // a disk and its partitions come one after the other
	again = 5 * time.Second        // a disk that was pulled is let go once nobody has it open
)

// Run mounts and lets go of disks as they come and go, and does what is asked,
// until ctx is done; then it returns its cause. Mounted disks stay mounted, as their
// volumes are still being closed.
func (m *Manager) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func(done chan<- error) {
		done <- m.o.Kernel.Watch(ctx, func(disk.Change) {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}(watched)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			if watched != nil {
				<-watched
			}
			m.refuse()
			return context.Cause(ctx)
		case err := <-watched:
			watched = nil
			if ctx.Err() == nil {
				m.o.Log.Warn("disks that come are not noticed", "err", err)
			}
		case <-changed:
			timer.Reset(calm)
		case <-timer.C:
			if m.scan() {
				timer.Reset(again)
			}
		case j := <-m.jobs:
			err := j.do(ctx)
			if j.done != nil {
				j.done <- err
			}
			timer.Reset(calm)
		}
	}
}

// Close writes and unmounts the disks that were mounted here: they may be unplugged,
// and are mounted again by the next start. Run must have returned, and their volumes
// be closed. One that is in use stays mounted, and is an error.
func (m *Manager) Close() error {
	var errs []error
	for _, p := range m.o.Places {
		if m.ours[p.Volume] {
			m.ours[p.Volume] = false
			errs = append(errs, m.o.Kernel.Unmount(p.Dir))
		}
	}
	return errors.Join(errs...)
}

// refuse ends those who wait.
func (m *Manager) refuse() {
	for {
		select {
		case j := <-m.jobs:
			if j.done != nil {
				j.done <- ErrStopped
			}
		default:
			return
		}
	}
}

// ask has Run do something, and waits for it.
func (m *Manager) ask(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	select {
	case m.jobs <- job{do, done}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// place returns where the disk of a volume goes.
func (m *Manager) place(volume string) (Place, error) {
	i := slices.IndexFunc(m.o.Places, func(p Place) bool { return p.Volume == volume })
	if i < 0 {
		return Place{}, fmt.Errorf("%q: %w", volume, ErrNoPlace)
	}
	return m.o.Places[i], nil
}

// kept returns the UUID of the file system that belongs to a volume, "" if there is
// none.
func (m *Manager) kept(volume string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[volume]
}

// keep remembers which file system belongs to a volume, and to no other.
func (m *Manager) keep(volume, uuid string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v, other := range m.known {
		if other == uuid {
			delete(m.known, v)
		}
	}
	m.known[volume] = uuid
	delete(m.removed, volume)
	if err := m.node.Set("mounts", "known", m.known); err != nil {
		return fmt.Errorf("remember the disk of volume %s: %w", volume, err)
	}
	return nil
}
