package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrCondemned is returned by Run when the disk cannot be trusted any more: a
// name could not be made to last, the disk is gone or is another one, or
// nothing that was written arrived for several cycles. What was durable before
// is on the disk, in open segments perhaps. The volume has to be closed, and
// opened and recovered anew.
var ErrCondemned = errors.New("the volume cannot be trusted any more")

// ErrNotMounted is returned by Open where a disk has to be mounted and is not.
var ErrNotMounted = errors.New("no disk is mounted there: plug it in, or mount it")

const (
	// probeEvery is how often the disk is looked for when nothing is written.
	probeEvery = 2 * time.Second
	// probeAgain is when it is looked for once more after it did not answer: one
	// error may be the bus's.
	probeAgain = 500 * time.Millisecond
	// hopeless is after how many cycles in a row of which nothing arrived a disk
	// is given up: one may be a passing fault of the bus, and each costs a
	// cycle's footage.
	hopeless = 3
)

// Mounted reports whether dir, or what it is a link to, is the root of a file
// system: it lies on another device than the directory above it.
func Mounted(dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	here, err := deviceOf(dir)
	if err != nil {
		return false, err
	}
	above, err := deviceOf(filepath.Join(dir, ".."))
	return here.dev != above.dev || here == above, err
}

// Apart reports whether dir lies on another file system than from. Where dir
// does not exist, the directory above it counts, in which it would be made.
func Apart(dir, from string) (bool, error) {
	here, err := deviceOf(dir)
	if errors.Is(err, fs.ErrNotExist) {
		here, err = deviceOf(filepath.Dir(dir))
	}
	if err != nil {
		return false, err
	}
	there, err := deviceOf(from)
	return here.dev != there.dev, err
}

// place is where a directory lies: device and inode.
type place struct{ dev, ino uint64 }

func deviceOf(path string) (place, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return place{}, err
	}
	return placeOf(fi)
}

func placeOf(fi os.FileInfo) (place, error) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return place{}, fmt.Errorf("stat %s: no device number", fi.Name())
	}
	return place{uint64(st.Dev), st.Ino}, nil
}

// condemn gives the volume up after the cycle under way. The first cause
// counts.
func (v *Volume) condemn(cause error) {
	if v.w.condemned == nil {
		v.w.condemned = fmt.Errorf("%w: %w", ErrCondemned, cause)
	}
}

// probePresence looks whether the disk is there, and is the one that was
// opened. It returns when to look again.
func (v *Volume) probePresence() time.Duration {
	id, err := ReadIdentity(v.fsys)
	silent := v.w.silent
	v.w.silent = err != nil
	switch {
	case noSpace(err): // to be read it takes none: this says nothing
	case err != nil && !silent:
		return probeAgain
	case err != nil:
		v.condemn(fmt.Errorf("look for the disk: %w", err))
	case id.ID != v.id.ID:
		v.condemn(errors.New("another disk is in its place"))
	}
	if v.sysfs != "" && !exists(v.sysfs) {
		v.condemn(errors.New("the disk was unplugged"))
	}
	if v.at == (place{}) {
		return probeEvery
	}
	// Somebody may have unmounted it, or mounted another one over it: what is
	// written on would be footage that nobody finds.
	if now, err := deviceOf(v.dir); err != nil || now != v.at {
		v.condemn(errors.New("its directory leads elsewhere now"))
	}
	return probeEvery
}

// judge counts the cycles in which something failed and nothing arrived. A
// cycle with neither, which may do no more than close what failed in the one
// before, says nothing about the disk.
func (v *Volume) judge(failed, arrived bool) {
	switch {
	case arrived, v.isFull(): // no room is no sickness
		v.w.lost = 0
	case failed:
		if v.w.lost++; v.w.lost >= hopeless {
			v.mu.Lock()
			last := v.stats.Err
			v.mu.Unlock()
			if last == nil {
				last = errors.New("unknown")
			}
			v.condemn(fmt.Errorf("nothing arrived for %d cycles, and the last error is: %w", hopeless, last))
		}
	}
}

func (v *Volume) isFull() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.full
}

// abandon lets go of everything at once: queue, handles, and whoever waits for
// a file to be closed. What was durable stays on the disk as it is.
func (v *Volume) abandon() {
	v.mu.Lock()
	v.closed = true
	v.full = false
	v.stats.Err = v.w.condemned
	v.mu.Unlock()
	for _, o := range v.takeQueue() {
		if o.last {
			v.w.finishing = append(v.w.finishing, o.f)
			continue
		}
		o.chunk.release()
		v.pop(&o)
	}
	for f := range v.w.open {
		v.mu.Lock()
		f.broken = true
		if f.err == nil {
			f.err = fmt.Errorf("%w: %w", ErrClosed, v.w.condemned)
		}
		v.mu.Unlock()
		v.close(f)
	}
	for _, f := range v.w.finishing {
		f.done(Name{}, ErrClosed)
	}
	v.w.finishing, v.w.dirty = nil, nil
}

// Suspects returns the open segments that a failed write or sync left behind,
// each with how many bytes of it are durable. What else can be read of them may
// be in memory alone, and a sync that succeeds now would prove nothing: recovery
// in this boot must cut them there first.
func (v *Volume) Suspects() map[Name]int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.suspect)
}

// Made reports whether this process began the segment n, open or closed, since
// the volume was opened: recovery, which runs beside recording, leaves those
// alone. A name counts from before its file is there. It costs about 100 bytes
// a segment until ForgetMade.
func (v *Volume) Made(n Name) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.made[n]
}

// ForgetMade stops remembering, once recovery is done: Made answers false from
// then on.
func (v *Volume) ForgetMade() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.made = nil
}

// remember takes note of a name, and reports whether it is news. v.mu is held.
func (v *Volume) remember(n Name) (fresh bool) {
	if v.made == nil || v.made[n] {
		return false
	}
	v.made[n] = true
	return true
}

// disown takes back that f was made: its name belongs to a file that was there
// before the volume was opened, and that is recovery's.
func (v *Volume) disown(f *File) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.fresh {
		delete(v.made, f.name)
	}
}
