package volume

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// osFS is the production FS: os.Root keeps every path inside the volume, and
// the calls that Go does not know go through file descriptors opened by it.
type osFS struct {
	root *os.Root
	dir  *os.File // the volume's directory, for syncfs and statfs
}

// OpenFS opens the directory dir as an FS. Close it after use.
func OpenFS(dir string) (interface {
	FS
	io.Closer
}, error) {
	return openOS(dir)
}

func openOS(dir string) (*osFS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &osFS{root: root, dir: d}, nil
}

// again opens the same directory once more.
func (o *osFS) again() (*osFS, error) {
	root, err := o.root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	d, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &osFS{root: root, dir: d}, nil
}

func (o *osFS) Close() error { return errors.Join(o.dir.Close(), o.root.Close()) }

func (o *osFS) Create(name string) (Handle, error) {
	return o.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}
func (o *osFS) Open(name string) (Handle, error)   { return o.open(name, os.O_RDONLY) }
func (o *osFS) Modify(name string) (Handle, error) { return o.open(name, os.O_RDWR) }

// open opens a regular file and nothing else. O_NONBLOCK keeps a pipe that
// somebody put there from stopping us; regular files ignore it.
func (o *osFS) open(name string, flag int) (Handle, error) {
	f, err := o.root.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &osFile{f: f, fd: int(f.Fd())}, nil
}

// ReadDir takes the types of entries from the directory itself. A directory
// that os.Root opened would look at every inode: on a cold cache that is most
// of the time a start takes.
func (o *osFS) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := o.root.Open(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(d.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err = errors.Join(err, d.Close()); err != nil {
		return nil, wrap("readdir", name, err)
	}
	// File systems that keep no types in directories are asked by this name.
	plain := os.NewFile(uintptr(fd), path.Join(o.root.Name(), name))
	found, err := plain.ReadDir(-1)
	entries := make([]fs.DirEntry, len(found))
	for i, e := range found {
		entries[i] = entry{e, o.root, name}
	}
	return entries, errors.Join(err, plain.Close())
}

// entry is a directory entry whose Info stays inside the volume.
type entry struct {
	fs.DirEntry
	root *os.Root
	dir  string
}

func (e entry) Info() (fs.FileInfo, error) { return e.root.Lstat(path.Join(e.dir, e.Name())) }

func (o *osFS) Stat(name string) (fs.FileInfo, error) { return o.root.Lstat(name) }
func (o *osFS) Mkdir(name string) error               { return o.root.Mkdir(name, 0o750) }
func (o *osFS) Remove(name string) error              { return o.root.Remove(name) }
func (o *osFS) Link(from, to string) error            { return o.root.Link(from, to) }

// Rename uses RENAME_NOREPLACE, so that the check for an existing name and
// the rename are one step. File systems without the flag get two.
func (o *osFS) Rename(from, to string) error {
	src, err := o.root.Open(path.Dir(from))
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // opened for its descriptor alone
	dst, err := o.root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = dst.Close() }() // opened for its descriptor alone
	err = unix.Renameat2(int(src.Fd()), path.Base(from), int(dst.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		if _, err := o.root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: errors.Join(err, fs.ErrExist)}
		}
		return o.root.Rename(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func (o *osFS) SyncDir(name string) error {
	d, err := o.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (o *osFS) SyncFS() error {
	err := retry(func() error { return unix.Syncfs(int(o.dir.Fd())) })
	return wrap("syncfs", ".", err)
}

func (o *osFS) Space() (Space, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(int(o.dir.Fd()), &st) }); err != nil {
		return Space{}, wrap("statfs", ".", err)
	}
	unit := int64(st.Frsize)
	if unit == 0 {
		unit = int64(st.Bsize)
	}
	return Space{
		Total:     int64(st.Blocks) * unit,
		Free:      int64(st.Bfree) * unit,
		Available: int64(st.Bavail) * unit,
		ReadOnly:  int64(st.Flags)&unix.ST_RDONLY != 0,
	}, nil
}

func (o *osFS) Lock(name string) (io.Closer, error) {
	f, err := o.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		return nil, errors.Join(wrap("lock", name, err), f.Close())
	}
	return f, nil
}

type osFile struct {
	f   *os.File
	fd  int // of f, which stays open as long as this is used
	vec [][]byte
}

func (h *osFile) ReadAt(p []byte, off int64) (int, error) { return h.f.ReadAt(p, off) }
func (h *osFile) Close() error                            { return h.f.Close() }

// maxVec is the most buffers of one pwritev: the kernel's UIO_MAXIOV.
const maxVec = 1024

func (h *osFile) WriteVAt(bufs [][]byte, off int64) (n int64, err error) {
	h.vec = append(h.vec[:0], bufs...)
	defer clear(h.vec)
	for vec := h.vec; len(vec) > 0; {
		if len(vec[0]) == 0 {
			vec = vec[1:]
			continue
		}
		var m int
		err := retry(func() (err error) {
			m, err = unix.Pwritev(h.fd, vec[:min(len(vec), maxVec)], off+n)
			return err
		})
		if err == nil && m == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, wrap("write", h.f.Name(), err)
		}
		n += int64(m)
		for m > 0 {
			k := min(m, len(vec[0]))
			vec[0] = vec[0][k:]
			if m -= k; len(vec[0]) == 0 {
				vec = vec[1:]
			}
		}
	}
	return n, nil
}

func (h *osFile) Sync() error {
	return wrap("fdatasync", h.f.Name(), retry(func() error { return unix.Fdatasync(h.fd) }))
}

func (h *osFile) StartWriteback(off, n int64) error {
	return h.syncRange("start write-back", off, n, unix.SYNC_FILE_RANGE_WRITE)
}

func (h *osFile) WaitWriteback(off, n int64) error {
	return h.syncRange("wait for write-back", off, n,
		unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
}

func (h *osFile) syncRange(op string, off, n int64, flags int) error {
	return wrap(op, h.f.Name(), retry(func() error { return unix.SyncFileRange(h.fd, off, n, flags) }))
}

func (h *osFile) Preallocate(off, n int64) error {
	err := retry(func() error { return unix.Fallocate(h.fd, unix.FALLOC_FL_KEEP_SIZE, off, n) })
	return wrap("preallocate", h.f.Name(), err)
}

func (h *osFile) Truncate(size int64) error { return h.f.Truncate(size) }

func (h *osFile) Size() (int64, error) {
	fi, err := h.f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
