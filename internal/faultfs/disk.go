package faultfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"vedette/recorder/volume"
)

// Options describe a disk. The zero value is one of 1 GiB that can do
// everything.
type Options struct {
	Capacity      int64  // bytes; 0 means 1 GiB
	Seed          uint64 // of what a failing call leaves behind
	NoSyncFS      bool   // SyncFS returns errors.ErrUnsupported
	NoWriteback   bool   // … StartWriteback and WaitWriteback
	NoPreallocate bool   // … Preallocate
	NoLog         bool   // Log is empty: for lives of very many operations
}

// Disk is a volume.FS. All methods may be called concurrently.
type Disk struct {
	o Options

	mu       sync.Mutex
	root     *inode
	files    map[*inode]struct{} // that take space
	pending  []*nameChange       // of names, in their order
	used     int64               // bytes
	locked   bool
	ops      int
	log      []Op
	faults   []Fault
	hits     int
	cutAt    int
	dead     bool
	readOnly bool
	before   func(Op)
	rng      *rand.Rand
}

// New returns an empty disk.
func New(o Options) *Disk {
	if o.Capacity == 0 {
		o.Capacity = 1 << 30
	}
	d := &Disk{o: o, root: newDir(), files: map[*inode]struct{}{}, rng: rand.New(rand.NewPCG(o.Seed, 1))}
	d.root.links = 1
	d.settleSpace(d.root)
	return d
}

// Ops returns how many operations there were, refused ones included.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Log returns the operations so far, none with Options.NoLog.
func (d *Disk) Log() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Op(nil), d.log...)
}

// begin gives an operation its number, cuts the power, waits, and returns the
// fault that hits it, if one does.
func (d *Disk) begin(kind Kind, path string) (Fault, error) {
	d.mu.Lock()
	d.ops++
	op := Op{d.ops, kind, path}
	if !d.o.NoLog {
		d.log = append(d.log, op)
	}
	d.dead = d.dead || d.cutAt > 0 && op.Number >= d.cutAt
	dead, before := d.dead, d.before
	d.mu.Unlock()
	if dead {
		return Fault{}, ErrPowerLost
	}
	d.mu.Lock()
	hit, delay := d.hit(op)
	d.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	if before != nil {
		before(op)
	}
	return hit, nil
}

// hit finds what goes wrong with op, and how long it takes. d.mu is held.
func (d *Disk) hit(op Op) (hit Fault, delay time.Duration) {
	if d.readOnly && op.Kind.CanReturn(syscall.EROFS) {
		return Fault{Err: syscall.EROFS}, 0
	}
	for i := 0; i < len(d.faults); i++ {
		f := d.faults[i]
		if !f.fits(op) {
			continue
		}
		delay += f.Delay
		breaks := f.Err != nil || f.Short != 0
		if breaks && hit.Err == nil && hit.Short == 0 {
			hit = f
			d.hits++
		}
		if !f.Sticky {
			d.faults = append(d.faults[:i:i], d.faults[i+1:]...)
			i--
		}
	}
	return hit, delay
}

// failed returns the error of an operation that a fault hit or the power
// ended, named.
func failed(kind Kind, path string, err error) error {
	return &fs.PathError{Op: string(kind), Path: path, Err: err}
}

// do runs an operation that needs nothing but the lock.
func (d *Disk) do(kind Kind, path string, f func() error) error {
	fault, err := d.begin(kind, path)
	if err == nil {
		err = fault.Err
	}
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.dead {
			err = ErrPowerLost
		} else {
			err = f()
		}
	}
	if err != nil {
		return failed(kind, path, err)
	}
	return nil
}

// find walks to path. d.mu is held.
func (d *Disk) find(path string) (*inode, error) {
	if !fs.ValidPath(path) {
		return nil, fs.ErrInvalid
	}
	n := d.root
	if path == "." {
		return n, nil
	}
	for _, name := range strings.Split(path, "/") {
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.names[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		n = next
	}
	return n, nil
}

// slot finds the directory of path and returns the place of its last name.
// d.mu is held.
func (d *Disk) slot(path string) (slot, error) {
	if path == "." {
		return slot{}, fs.ErrInvalid
	}
	dir, name := ".", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	n, err := d.find(dir)
	if err == nil && !n.dir {
		err = syscall.ENOTDIR
	}
	if err == nil && !fs.ValidPath(path) {
		err = fs.ErrInvalid
	}
	return slot{n, name}, err
}

// charge brings the space that n takes up to date. It returns ENOSPC, and
// changes nothing, if there is not enough. d.mu is held.
func (d *Disk) charge(n *inode, size, reserved int64) error {
	need := (max(size, reserved) + PageSize - 1) / PageSize * PageSize
	if n.dir {
		need = PageSize
	}
	if n.links == 0 && n.open == 0 {
		need = 0
	}
	if need > n.charged && d.used+need-n.charged > d.o.Capacity {
		return syscall.ENOSPC
	}
	d.used += need - n.charged
	n.charged = need
	if need > 0 || n.links > 0 || n.open > 0 {
		d.files[n] = struct{}{}
	} else {
		delete(d.files, n)
	}
	return nil
}

// settleSpace charges n for what it is; it cannot fail, because nothing grows.
func (d *Disk) settleSpace(n *inode) {
	_ = d.charge(n, n.seen.size, n.reserved)
}

func (d *Disk) change(x *nameChange) { d.pending = append(d.pending, x) }

func (d *Disk) handle(kind Kind, path string, writable bool, f func() (*inode, error)) (volume.Handle, error) {
	var h *handle
	err := d.do(kind, path, func() error {
		n, err := f()
		if err != nil {
			return err
		}
		if n.dir {
			return syscall.EISDIR
		}
		n.open++
		h = &handle{d: d, n: n, path: path, writable: writable}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Create is that of volume.FS.
func (d *Disk) Create(path string) (volume.Handle, error) {
	return d.handle(Create, path, true, func() (*inode, error) { return d.add(path, &inode{}) })
}

// add gives n its first name. d.mu is held.
func (d *Disk) add(path string, n *inode) (*inode, error) {
	at, err := d.slot(path)
	if err != nil {
		return nil, err
	}
	if at.dir.names[at.name] != nil {
		return nil, fs.ErrExist
	}
	n.links = 1
	if err := d.charge(n, 0, 0); err != nil {
		return nil, err
	}
	at.dir.names[at.name] = n
	d.change(&nameChange{file: n, to: at})
	return n, nil
}

// Open is that of volume.FS.
func (d *Disk) Open(path string) (volume.Handle, error) {
	return d.handle(Open, path, false, func() (*inode, error) { return d.find(path) })
}

// Modify is that of volume.FS.
func (d *Disk) Modify(path string) (volume.Handle, error) {
	return d.handle(Modify, path, true, func() (*inode, error) { return d.find(path) })
}

// ReadDir is that of volume.FS; the order is that of a map.
func (d *Disk) ReadDir(path string) (entries []fs.DirEntry, err error) {
	err = d.do(ReadDir, path, func() error {
		n, err := d.find(path)
		if err != nil {
			return err
		}
		if !n.dir {
			return syscall.ENOTDIR
		}
		for name, child := range n.names {
			entries = append(entries, fs.FileInfoToDirEntry(info{name, child.dir, child.seen.size}))
		}
		return nil
	})
	return entries, err
}

// Stat is that of volume.FS.
func (d *Disk) Stat(path string) (fi fs.FileInfo, err error) {
	err = d.do(Stat, path, func() error {
		n, err := d.find(path)
		if err == nil {
			fi = info{path[strings.LastIndexByte(path, '/')+1:], n.dir, n.seen.size}
		}
		return err
	})
	return fi, err
}

// Mkdir is that of volume.FS.
func (d *Disk) Mkdir(path string) error {
	return d.do(Mkdir, path, func() error {
		_, err := d.add(path, newDir())
		return err
	})
}

// Rename is that of volume.FS.
func (d *Disk) Rename(from, to string) error {
	return d.do(Rename, from, func() error {
		src, err := d.slot(from)
		if err != nil {
			return err
		}
		n := src.dir.names[src.name]
		if n == nil {
			return fs.ErrNotExist
		}
		dst, err := d.slot(to)
		switch {
		case err != nil:
			return err
		case dst.dir.names[dst.name] != nil:
			return fs.ErrExist
		case strings.HasPrefix(to, from+"/"):
			return syscall.EINVAL
		}
		delete(src.dir.names, src.name)
		dst.dir.names[dst.name] = n
		d.change(&nameChange{file: n, from: src, to: dst})
		return nil
	})
}

// Remove is that of volume.FS.
func (d *Disk) Remove(path string) error {
	return d.do(Remove, path, func() error {
		at, err := d.slot(path)
		if err != nil {
			return err
		}
		n := at.dir.names[at.name]
		switch {
		case n == nil:
			return fs.ErrNotExist
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		delete(at.dir.names, at.name)
		n.links--
		d.settleSpace(n)
		d.change(&nameChange{file: n, from: at})
		return nil
	})
}

// Link is that of volume.FS.
func (d *Disk) Link(from, to string) error {
	return d.do(Link, to, func() error {
		dst, err := d.slot(to)
		if err != nil {
			return err
		}
		n, err := d.find(from)
		switch {
		case err != nil:
			return err
		case dst.dir.names[dst.name] != nil:
			return fs.ErrExist
		case n.dir:
			return syscall.EPERM
		}
		dst.dir.names[dst.name] = n
		n.links++
		d.change(&nameChange{file: n, to: dst})
		return nil
	})
}

// SyncDir is that of volume.FS.
func (d *Disk) SyncDir(path string) error {
	return d.do(SyncDir, path, func() error {
		n, err := d.find(path)
		if err != nil {
			return err
		}
		d.settle(func(x *nameChange) bool { return x.syncDir(n) })
		return nil
	})
}

// SyncFS is that of volume.FS.
func (d *Disk) SyncFS() error {
	if d.o.NoSyncFS {
		return failed(SyncFS, ".", errors.ErrUnsupported)
	}
	err := d.do(SyncFS, ".", func() error {
		for n := range d.files {
			n.flush()
		}
		d.settle(func(*nameChange) bool { return true })
		return nil
	})
	if err != nil && !errors.Is(err, ErrPowerLost) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for n := range d.files {
			n.drop(d.chance())
		}
	}
	return err
}

// chance decides what a failing call leaves. d.mu is held.
func (d *Disk) chance() chance { return newChance(corners + d.rng.Uint64()>>1) }

// Space is that of volume.FS. A reserve for root does not exist.
func (d *Disk) Space() (s volume.Space, err error) {
	err = d.do(Statfs, ".", func() error {
		s = volume.Space{Total: d.o.Capacity, Free: d.o.Capacity - d.used, Available: d.o.Capacity - d.used, ReadOnly: d.readOnly}
		return nil
	})
	return s, err
}

// Lock is that of volume.FS.
func (d *Disk) Lock(path string) (io.Closer, error) {
	err := d.do(Lock, path, func() error {
		if _, err := d.find(path); err != nil {
			return err
		}
		if d.locked {
			return volume.ErrInUse
		}
		d.locked = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unlocker{d}, nil
}

type unlocker struct{ d *Disk }

func (u unlocker) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	u.d.locked = false
	return nil
}

// info is a fs.FileInfo.
type info struct {
	name string
	dir  bool
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o750
	}
	return 0o640
}
