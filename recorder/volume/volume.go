// Package volume owns one footage disk: its identity, the names on it, and
// the one goroutine that writes to it. Everything that reaches the disk goes
// through the FS interface, in an order that is written down in
// docs/format/volume.md; nothing here knows what footage is made of.
//
// It must never write to a directory that it did not identify, never replace
// a file, and never let a slow disk grow the memory: the queue is bounded and
// says so.
package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Errors of Create, Append and Finish. A caller branches on them; they are
// wrapped with what happened.
var (
	ErrOverloaded = errors.New("the disk does not keep up")        // the queue is full
	ErrFull       = errors.New("no space left on the volume")      // until the sweeper made room
	ErrFailed     = errors.New("the disk reported an error")       // of this file; another may work
	ErrClosed     = errors.New("the volume is closed")             // Run has ended
	ErrEmpty      = errors.New("nothing was written to this file") // and so it was removed
)

// Options of a volume. The zero value serves.
type Options struct {
	// Cycle is the time between the beginnings of two sync cycles. 0 means
	// 4 s on SD cards and 1.5 s elsewhere.
	Cycle time.Duration
	// QueueBytes bounds the media waiting to be written. 0 means 16 MiB.
	QueueBytes int64
	// OnFull is called when the disk refused to store something for lack of
	// space. It is called by the writer goroutine and must not block.
	OnFull func()
	// ReadOnly opens an existing volume to look at it: nothing is created or
	// locked, and Create and Run must not be called.
	ReadOnly bool
	// MountPoint demands that a file system is mounted at the directory: without
	// one Open returns ErrNotMounted and touches nothing.
	MountPoint bool
	// ExpectID demands the volume of this identity: where there is another one, or
	// none, Open returns ErrOtherVolume and touches nothing. "" takes any, and
	// makes one of an empty directory.
	ExpectID string
	// Medium overrides what the kernel says: SSD, HDD, SD, EMMC; "" believes it.
	Medium string
	Log    *slog.Logger     // nil means slog.Default
	Now    func() time.Time // nil means time.Now
	// FS stands in for the directory, in tests.
	FS FS
	// Sys is where the kernel describes its disks. "" means /sys.
	Sys string
}

// Volume is one footage disk. All methods may be called concurrently, but for
// Run and Close.
type Volume struct {
	dir      string
	at       place  // where dir led when it was opened; zero if it is not real
	sysfs    string // where the kernel shows the disk while it is plugged in, or ""
	fsys     FS
	closers  []io.Closer
	id       Identity
	geometry Geometry
	cycle    time.Duration
	limit    int64
	onFull   func()
	log      *slog.Logger
	now      func() time.Time

	wake  chan struct{} // the queue holds something
	hurry chan struct{} // somebody waits for the next cycle

	cycleMu sync.Mutex // held while participants run
	cutters map[int]func()
	nextCut int

	w writer // owned by the goroutine of Run

	mu      sync.Mutex
	queue   []op
	spare   []op // the queue's other buffer
	queued  int64
	urgent  bool             // what waits is to be written without waiting for the cycle
	cameras map[string]int64 // of queued, where it is not 0
	full    bool
	resting bool // told to take no footage
	closed  bool
	most    int64         // of a file that is preallocated on a wish, in bytes
	made    map[Name]bool // since Open; nil after ForgetMade
	suspect map[Name]int64
	stats   Stats
}

// Stats describes the work of a volume.
type Stats struct {
	LastSync  time.Time     // when everything queued was last durable; zero before Run
	LastCycle time.Time     // when a cycle last ended, well or not: the writer is alive; zero before Run
	SyncTime  time.Duration // how long the last cycle took that had anything to do
	Queued    int64         // bytes of media waiting to be written
	Written   int64         // bytes written since Open
	Cycles    int64         // that had anything to do
	Full      bool          // the disk has no room
	Err       error         // the last failure; nil after a cycle without one
}

// Open opens the volume in the directory dir, and makes one of an empty
// directory. It takes the volume for this process until Close. Errors to
// branch on: ErrNotVolume, ErrNoDirectory, ErrNotMounted, ErrOtherVolume, ErrReadOnly, ErrPermission,
// ErrUnknownFormat, ErrDamagedVolume, ErrNoSpaceToBegin, ErrInUse.
func Open(dir string, o Options) (v *Volume, err error) {
	v = build(dir, o)
	defer func() {
		if err != nil {
			err = fmt.Errorf("open volume %s: %w", dir, errors.Join(err, v.Close()))
			v = nil
		}
	}()
	sys := o.Sys
	if sys == "" {
		sys = "/sys"
	}
	if v.fsys == nil {
		if err := v.openDir(sys, o.MountPoint); err != nil {
			return v, err
		}
	}
	if o.Medium != "" {
		v.geometry.Medium = o.Medium
	}
	if v.cycle == 0 {
		v.cycle = CycleOf(v.geometry.Medium)
	}
	if o.ReadOnly {
		if v.id, err = ReadIdentity(v.fsys); errors.Is(err, fs.ErrNotExist) {
			err = ErrNotVolume
		}
		return v, expect(o.ExpectID, v.id, err)
	}
	return v, v.take(o.ExpectID)
}

// openDir opens the real directory.
func (v *Volume) openDir(sys string, mountPoint bool) error {
	disk, err := openOS(v.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoDirectory
	}
	if err != nil {
		return advise(err)
	}
	v.fsys, v.closers = disk, append(v.closers, disk)
	fi, err := disk.dir.Stat()
	if err == nil {
		v.at, _ = placeOf(fi) // of a directory that is open it can be told
	}
	// After opening: what is unmounted in between is found by the probe.
	if is, err := Mounted(v.dir); mountPoint && !is {
		return errors.Join(ErrNotMounted, err)
	}
	if v.at != (place{}) {
		major, minor := unix.Major(v.at.dev), unix.Minor(v.at.dev)
		v.geometry = geometry(sys, major, minor)
		if name := filepath.Join(sys, "dev", "block", fmt.Sprintf("%d:%d", major, minor)); exists(name) {
			v.sysfs = name
		}
	}
	return nil
}

func build(dir string, o Options) *Volume {
	v := &Volume{
		dir: dir, fsys: o.FS, geometry: Geometry{Medium: Unknown}, cycle: o.Cycle, limit: o.QueueBytes,
		onFull: o.OnFull, log: o.Log, now: o.Now,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), cutters: map[int]func(){}, cameras: map[string]int64{}, made: map[Name]bool{},
		suspect: map[Name]int64{},
	}
	if v.limit == 0 {
		v.limit = 16 * mib
	}
	if v.onFull == nil {
		v.onFull = func() {}
	}
	if v.log == nil {
		v.log = slog.Default()
	}
	if v.now == nil {
		v.now = time.Now
	}
	return v
}

// wishShare is which part of a disk one file may take before it has the bytes.
const wishShare = 512

// take identifies the volume, locks it and completes its directories.
func (v *Volume) take(expected string) error {
	space, err := v.fsys.Space()
	if err == nil && space.ReadOnly {
		return ErrReadOnly
	}
	v.most = space.Total / wishShare
	if expected != "" {
		id, err := ReadIdentity(v.fsys)
		if err := expect(expected, id, err); err != nil {
			return err
		}
	}
	if v.id, err = identify(v.fsys, v.now()); err != nil {
		return err
	}
	lock, err := v.fsys.Lock(identityName)
	if err != nil {
		return err
	}
	v.closers = append(v.closers, lock)
	if err := layout(v.fsys); err != nil {
		return err
	}
	return v.probe()
}

// probe proves that the volume takes a new file, so that a wrong owner is
// told at start and not by the first segment. A full disk is the sweeper's.
func (v *Volume) probe() error {
	const name = QuarantineDir + "/.probe"
	if err := v.fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return advise(err)
	}
	h, err := v.fsys.Create(name)
	if err != nil {
		if err := advise(err); !errors.Is(err, ErrNoSpaceToBegin) {
			return err
		}
		return nil
	}
	return errors.Join(h.Close(), v.fsys.Remove(name))
}

// Cycles of the sync cycle: the promise after a power cut is this plus one
// sync. A card feels each flush, and so is flushed less often.
const (
	cycleDisk = 1500 * time.Millisecond
	cycleCard = 4 * time.Second
)

// CycleOf returns the sync cycle that suits a medium.
func CycleOf(medium string) time.Duration {
	if medium == SD {
		return cycleCard
	}
	return cycleDisk
}

// Close releases the volume for other processes. Run must have returned.
func (v *Volume) Close() error {
	var errs []error
	for i := len(v.closers) - 1; i >= 0; i-- {
		errs = append(errs, v.closers[i].Close())
	}
	v.closers = nil
	return errors.Join(errs...)
}

// ID returns the identity of the volume: 32 hexadecimal digits.
func (v *Volume) ID() string { return v.id.ID }

// Identity returns what volume.json says.
func (v *Volume) Identity() Identity { return v.id }

// Dir returns the directory that Open was given.
func (v *Volume) Dir() string { return v.dir }

// FS returns the file system of the volume, for recovery, the sweeper and
// readers.
func (v *Volume) FS() FS { return v.fsys }

// Medium returns SSD, HDD, SD, EMMC or Unknown.
func (v *Volume) Medium() string { return v.geometry.Medium }

// Geometry returns what is known about the disk.
func (v *Volume) Geometry() Geometry { return v.geometry }

// Cycle returns the time between two sync cycles.
func (v *Volume) Cycle() time.Duration { return v.cycle }

// Space reads the size of the file system and what is free.
func (v *Volume) Space() (Space, error) { return v.fsys.Space() }

// Stats returns a reading of the volume's work.
func (v *Volume) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.stats
	s.Queued, s.Full = v.queued, v.full
	return s
}

// OnCycle has f called at the beginning of every sync cycle, by the writer
// goroutine: whoever collects footage hands over what it has, and what it
// hands over before f returns is durable at the end of the cycle. f must not
// block. remove waits for a call under way, and must not be called while
// holding what f needs.
func (v *Volume) OnCycle(f func()) (remove func()) {
	v.cycleMu.Lock()
	defer v.cycleMu.Unlock()
	id := v.nextCut
	v.nextCut++
	v.cutters[id] = f
	return func() {
		v.cycleMu.Lock()
		defer v.cycleMu.Unlock()
		delete(v.cutters, id)
	}
}

// Rest has the volume take no footage while on is true: Create and Append
// return ErrFull, and what was appended is made durable as ever. It keeps the
// reserve for the index when the sweeper cannot.
func (v *Volume) Rest(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.resting = on
}

// Hurry has the next sync cycle begin at once. It does not wait for it.
func (v *Volume) Hurry() {
	select {
	case v.hurry <- struct{}{}:
	default:
	}
}
