package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"

	"vedette/recorder/volume"
)

// VolumeOptions says where a footage volume is expected.
type VolumeOptions struct {
	// Name is how people and cameras call the volume: 1 to 48 of a-z, 0-9 and
	// -, beginning and ending with a letter or digit; unique.
	Name string
	// Dir is a directory on the disk; it is made if the one above is there.
	Dir string
	// Medium overrides what the kernel says of the disk: volume.SSD and so on;
	// empty = believe the kernel.
	Medium string
	// MountPoint demands that a file system is mounted at Dir. A volume that was
	// on one once demands it from then on.
	MountPoint bool
	// FS stands in for the directory, in tests; the index is then a file in Dir
	// all the same, because bbolt maps it.
	FS volume.FS
}

// bay is a configured place for a footage volume. The volume in it may come
// and go: a disk that is not mounted, fails or is pulled leaves the bay empty,
// and the bay looks again until there is one.
type bay struct {
	r    *Recorder
	o    VolumeOptions
	look chan struct{} // somebody wants the bay looked at now

	mu     sync.Mutex
	in     *present // nil while the bay is empty
	known  knownVolume
	reason error  // why it is empty
	other  string // id of the volume that is here but is not ours
	fresh  bool   // a volume other than the known one may be taken, once
	// resting says that somebody took the volume out of use; stop ends the work of
	// the one that is there, nil before it begins.
	resting bool
	stop    context.CancelFunc
	closing bool // a volume that left is not closed yet
	// suspects are what volumes that were given up since the start failed to
	// write, until recovery has dealt with it.
	suspects map[volume.Name]int64
}

// knownVolume is what the state database keeps of a bay.
type knownVolume struct {
	ID string // of the volume that was in it last
	// Mounted says that the volume was a mounted file system: what lies in the
	// directory while nothing is mounted is not it.
	Mounted bool
	// Apart says that it was on another file system than the system's data, in
	// the directory Dir: when that is on the system's, the disk is not mounted.
	Apart bool
	Dir   string
}

func newBay(r *Recorder, o VolumeOptions, known knownVolume) *bay {
	return &bay{r: r, o: o, known: known, look: make(chan struct{}, 1), reason: errNotLooked}
}

var errNotLooked = errors.New("nobody has looked yet")

// ErrForeignVolume is why a bay stays empty that holds another volume than it
// used to: it is neither written to nor swept until a person says so.
var ErrForeignVolume = errors.New("another volume is here than before")

// present returns the volume in the bay, or nil.
func (b *bay) present() *present {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.in
}

// open looks whether there is a volume, and takes it. It returns what is there
// to be seen in the bay otherwise.
func (b *bay) open() error {
	known, fresh := b.expected()
	apart := b.apart()
	if known.Apart && !apart && known.Dir == b.o.Dir && !fresh {
		return fmt.Errorf("%s lies on the system's disk: %w", b.o.Dir, volume.ErrNotMounted)
	}
	if err := b.makeDir(known); err != nil {
		return err
	}
	id, err := b.identity()
	expect := ""
	switch {
	case errors.Is(err, fs.ErrNotExist): // an empty directory, or nothing that is ours
	case err == nil && (known.ID == "" || id == known.ID || fresh):
		expect = id
	case err == nil:
		b.note(id)
		return fmt.Errorf("%w: it was %s, and is %s", ErrForeignVolume, short(known.ID), short(id))
	default:
		// An identity that cannot be read is refused by volume.Open, in words.
	}
	p, err := b.openPresent(known, expect)
	if err != nil {
		return err
	}
	now := knownVolume{ID: p.volume.ID(), Mounted: known.Mounted || b.o.FS == nil && mounted(b.o.Dir), Apart: apart, Dir: b.o.Dir}
	if now != known {
		if err := b.r.store.saveVolume(b.o.Name, now); err != nil {
			return errors.Join(err, p.close())
		}
	}
	b.mu.Lock()
	b.in, b.known, b.reason, b.other, b.fresh = p, now, nil, "", false
	b.mu.Unlock()
	b.r.retentionMu.Lock()
	p.retain(b.r.retention) // it may have changed since the volume was opened
	b.r.retentionMu.Unlock()
	if known.ID != "" && known.ID != now.ID {
		b.r.emit("volume_replaced", Warning, "", map[string]any{"volume": b.o.Name, "id": now.ID, "before": known.ID})
	}
	return nil
}

// expected returns what the bay should hold, and whether anything else will do.
func (b *bay) expected() (known knownVolume, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known, b.fresh
}

func (b *bay) note(other string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.other = other
}

// makeDir makes the bay's directory, unless a disk has to be mounted there:
// then it is the one who mounts that makes it.
func (b *bay) makeDir(known knownVolume) error {
	if b.o.FS != nil || b.mountPoint(known) {
		return nil
	}
	if err := os.Mkdir(b.o.Dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make volume directory: %w; is the disk mounted?", err)
	}
	return nil
}

func (b *bay) mountPoint(known knownVolume) bool { return b.o.MountPoint || known.Mounted }

// identity returns the id of the volume in the bay's directory, or
// fs.ErrNotExist if there is none.
func (b *bay) identity() (string, error) {
	if b.o.FS != nil {
		id, err := volume.ReadIdentity(b.o.FS)
		return id.ID, err
	}
	dir, err := volume.OpenFS(b.o.Dir)
	if err != nil {
		return "", err
	}
	id, err := volume.ReadIdentity(dir)
	return id.ID, errors.Join(err, dir.Close())
}

// apart reports whether the bay is known to be on another file system than the
// system's data.
func (b *bay) apart() bool {
	if b.o.FS != nil || b.r.o.System == "" {
		return false
	}
	is, err := volume.Apart(b.o.Dir, b.r.o.System)
	return is && err == nil
}

// mounted reports whether dir is the root of a file system.
func mounted(dir string) bool {
	is, err := volume.Mounted(dir)
	return is && err == nil
}

// run keeps a volume in the bay working whenever there is one, until ctx is
// done. A volume that fails or goes is tried again.
func (b *bay) run(ctx context.Context) error {
	pause := retryFirst
	for {
		if p := b.present(); p != nil {
			began := time.Now()
			err := b.work(ctx, p)
			if err := b.leave(p, err); err != nil {
				b.r.o.Log.Error("volume not closed cleanly", "volume", b.o.Name, "err", err)
			}
			if ctx.Err() != nil {
				return nil
			}
			if time.Since(began) > retryMost {
				pause = retryFirst
			}
		}
		if !b.wait(ctx, pause) {
			return nil
		}
		err := ErrResting
		if !b.rests() {
			err = b.open()
		}
		b.tell(err)
		switch {
		case err == nil || !lasting(err):
			pause = retryFirst // nothing of the disk is used by looking
		default:
			pause = min(2*pause, retryMost)
		}
	}
}

// work has p work until ctx is done, it fails, or somebody takes it out of use.
func (b *bay) work(ctx context.Context, p *present) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	b.mu.Lock()
	b.stop = stop
	if b.resting { // somebody did before there was something to stop
		stop()
	}
	b.mu.Unlock()
	err := p.run(ctx)
	b.mu.Lock()
	b.stop = nil
	b.mu.Unlock()
	return err
}

func (b *bay) rests() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resting
}

// How often an empty bay is looked at. A sick disk is left alone for longer.
const (
	retryFirst = 3 * time.Second
	retryMost  = time.Minute
)

// lasting reports whether err came from the disk itself.
func lasting(err error) bool {
	for _, e := range []error{volume.ErrNoDirectory, volume.ErrNotVolume, volume.ErrNotMounted, ErrForeignVolume, ErrResting, fs.ErrNotExist} {
		if errors.Is(err, e) {
			return false
		}
	}
	return true
}

// wait sleeps until it is time to look again, and reports false once ctx is
// done.
func (b *bay) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-b.look:
	}
	return true
}

// leave empties the bay because of err, nil when all stops, and closes the
// volume.
func (b *bay) leave(p *present, err error) error {
	b.mu.Lock()
	rests := err == nil && b.resting
	b.in, b.reason, b.closing = nil, err, true
	if b.suspects == nil {
		b.suspects = map[volume.Name]int64{}
	}
	maps.Copy(b.suspects, p.volume.Suspects())
	b.mu.Unlock()
	b.r.holds.left(b.o.Name)
	b.r.bays.notify()
	b.r.changes.notify()
	if err != nil {
		b.r.emit("volume_lost", Critical, "", map[string]any{"volume": b.o.Name, "id": p.volume.ID(), "reason": err.Error()})
		b.r.o.Log.Error("volume lost", "volume", b.o.Name, "err", err)
	}
	p.depart()
	p.alone()
	err = p.close()
	if rests {
		b.tell(ErrResting)
	}
	b.mu.Lock()
	b.closing = false
	b.mu.Unlock()
	b.r.bays.notify()
	return err
}

// suspected returns a copy of the suspects.
func (b *bay) suspected() map[volume.Name]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.suspects)
}

// cleared forgets the suspects: recovery has dealt with them.
func (b *bay) cleared() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.suspects)
}

// tell takes note of the outcome of a look, and tells of it if it is news.
func (b *bay) tell(err error) {
	b.mu.Lock()
	before := b.reason
	b.reason = err
	b.mu.Unlock()
	switch {
	case err == nil:
		b.r.emit("volume_present", Info, "", map[string]any{"volume": b.o.Name, "id": b.present().volume.ID()})
		b.r.o.Log.Info("volume is there", "volume", b.o.Name)
	case before != nil && before.Error() == err.Error():
		return
	case errors.Is(err, ErrResting):
		b.r.emit("volume_resting", Info, "", map[string]any{"volume": b.o.Name})
		b.r.o.Log.Info("volume rests", "volume", b.o.Name)
	default:
		b.r.emit("volume_absent", Critical, "", map[string]any{"volume": b.o.Name, "reason": err.Error()})
		b.r.o.Log.Error("no volume", "volume", b.o.Name, "err", err)
	}
	b.r.bays.notify()
	b.r.changes.notify()
}

// AdoptVolume has the bay called name take the volume with the given id, which
// is there but is not the one that used to be. It returns ErrNoVolume, or a
// *FieldError if another volume is there by now, or none.
func (r *Recorder) AdoptVolume(name, id string) error {
	b := r.bays.bay(name)
	if b == nil {
		return fmt.Errorf("%q: %w", name, ErrNoVolume)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.other == "" || b.other != id {
		return field("id", "is not that of the volume that waits there")
	}
	b.fresh = true
	select {
	case b.look <- struct{}{}:
	default:
	}
	return nil
}

// ErrNoVolume is returned for a name that no volume has.
var ErrNoVolume = errors.New("no such volume")

// short is enough of an id for people to compare.
func short(id string) string { return id[:min(8, len(id))] }
