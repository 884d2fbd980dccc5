package faultfs

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrPowerLost is the answer to every call after the power was cut.
var ErrPowerLost = errors.New("power lost")

// Kind says what an operation does.
type Kind string

// The kinds of operations: the methods of volume.FS and volume.Handle.
const (
	Create      Kind = "create"
	Open        Kind = "open"
	Modify      Kind = "modify"
	ReadDir     Kind = "readdir"
	Stat        Kind = "stat"
	Mkdir       Kind = "mkdir"
	Rename      Kind = "rename"
	Remove      Kind = "remove"
	Link        Kind = "link"
	SyncDir     Kind = "syncdir"
	SyncFS      Kind = "syncfs"
	Statfs      Kind = "statfs"
	Lock        Kind = "lock"
	Read        Kind = "read"
	Write       Kind = "write"
	Sync        Kind = "sync"
	StartWrite  Kind = "start write-back"
	WaitWrite   Kind = "wait for write-back"
	Preallocate Kind = "preallocate"
	Truncate    Kind = "truncate"
	Size        Kind = "size"
)

// Changes reports whether an operation of this kind can change what is on the
// disk: between two others there is nothing new to cut.
func (k Kind) Changes() bool {
	switch k {
	case Open, ReadDir, Stat, Statfs, Lock, Read, Size:
		return false
	}
	return true
}

// CanReturn reports whether a file system answers an operation of this kind
// with err: no space is a matter of what takes space, a read-only disk of what
// writes, and everything else can happen to all.
func (k Kind) CanReturn(err error) bool {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		switch k {
		case Create, Mkdir, Rename, Link, Write, Preallocate, Sync, SyncFS, SyncDir, StartWrite, WaitWrite:
			return true
		}
		return false
	case errors.Is(err, syscall.EROFS):
		switch k {
		case Create, Modify, Mkdir, Rename, Remove, Link, Write, Preallocate, Truncate:
			return true
		}
		return false
	}
	return true
}

// Op is one operation.
type Op struct {
	Number int // from 1
	Kind   Kind
	Path   string // for a handle, the path that it was opened by
}

// Fault is something that goes wrong. It hits operations that it fits, one
// unless it is sticky.
type Fault struct {
	At     int    // number of the first operation that it may hit
	Kinds  []Kind // that it may hit; nil means all that can return Err
	Prefix string // of the paths that it may hit
	// Err is what the operation returns. Nil means that it succeeds, unless
	// it is a write and Short says less.
	Err error
	// Short, for a write, is how many bytes are written nevertheless; below
	// zero any number, by chance. Without Err the error is io.ErrShortWrite.
	Short  int64
	Delay  time.Duration // that the operation takes before anything happens
	Sticky bool          // stays until Heal
}

func (f *Fault) fits(op Op) bool {
	if op.Number < f.At || !strings.HasPrefix(op.Path, f.Prefix) {
		return false
	}
	if f.Kinds == nil {
		return f.Err == nil || op.Kind.CanReturn(f.Err)
	}
	return slices.Contains(f.Kinds, op.Kind)
}

// Inject adds a fault.
func (d *Disk) Inject(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// Heal takes all faults away and makes the disk writable.
func (d *Disk) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.readOnly = nil, false
}

// Hits returns how many operations faults with an error or a short write have
// hit.
func (d *Disk) Hits() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hits
}

// SetReadOnly makes the disk refuse with EROFS whatever writes, as a kernel
// does that found its file system damaged.
func (d *Disk) SetReadOnly(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readOnly = on
}

// CutAt cuts the power before operation number at.
func (d *Disk) CutAt(at int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = at
}

// Cut cuts the power now.
func (d *Disk) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
}

// Before has f called before every operation, at the end of its delay if it
// has one, without locks held: it may reboot the disk to look at what would be
// there. f must not call the disk's operations.
func (d *Disk) Before(f func(Op)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = f
}

// chance decides what survives.
type chance struct {
	rng          *rand.Rand
	pData, pName float64 // 0 and 1 are certain
}

// The seeds of Reboot that stand for a corner and not for chance.
const (
	Nothing    = iota // nothing survives that was not synced
	Everything        // all survives: the process died and the disk did not
	NamesOnly         // names, but no bytes
	BytesOnly         // bytes, but no names
	corners
)

func newChance(seed uint64) chance {
	c := chance{rng: rand.New(rand.NewPCG(seed, 0x7665646574746521))}
	switch seed {
	case Nothing:
	case Everything:
		c.pData, c.pName = 1, 1
	case NamesOnly:
		c.pName = 1
	case BytesOnly:
		c.pData = 1
	default:
		share := [...]float64{0.05, 0.3, 0.5, 0.8, 0.97}
		c.pData, c.pName = share[c.rng.IntN(len(share))], share[c.rng.IntN(len(share))]
	}
	return c
}

func (c chance) is(p float64) bool {
	return p >= 1 || p > 0 && c.rng.Float64() < p
}

// tear returns what survives of a page that was written over old: all of it,
// and one time in sixteen only its first sectors.
func (c chance) tear(old, p *page) *page {
	if c.pData == 0 || c.pData == 1 || c.rng.IntN(16) > 0 {
		return p
	}
	var torn page
	if old != nil {
		torn = *old
	}
	n := c.rng.IntN(PageSize/sectorSize) * sectorSize
	copy(torn[:n], p[:n])
	return &torn
}

func (c chance) data() bool { return c.is(c.pData) }
func (c chance) name() bool { return c.is(c.pName) }

// prefix returns how many of n changes survive where they do so in order.
func (c chance) prefix(n int) int {
	switch c.pData {
	case 0:
		return 0
	case 1:
		return n
	}
	return c.rng.IntN(n + 1)
}
