package volume

import (
	"errors"
	"io"
	"io/fs"
)

// FS is the file system of one volume: everything that the volume, recovery
// and the sweeper do to a disk goes through it, so that an implementation
// with two states (what the process sees, what the disk would hold) can cut
// the power between any two calls. Paths are relative to the volume, with
// slashes, and cannot leave it. All methods may be called concurrently.
//
// What is durable when: Handle.Sync makes the bytes and the size of one file
// durable, SyncDir the names in one directory, SyncFS both for everything
// that was completed before the call. Nothing else promises anything.
type FS interface {
	// Create makes a new file for reading and writing; fs.ErrExist if the
	// name is taken, by whatever it may be.
	Create(path string) (Handle, error)
	// Open opens a regular file for reading.
	Open(path string) (Handle, error)
	// Modify opens an existing regular file for reading and writing.
	Modify(path string) (Handle, error)
	// ReadDir lists a directory in no particular order.
	ReadDir(path string) ([]fs.DirEntry, error)
	// Stat does not follow a symbolic link.
	Stat(path string) (fs.FileInfo, error)
	Mkdir(path string) error
	// Rename never replaces: fs.ErrExist if to is taken.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// Link gives a file a second name.
	Link(from, to string) error
	SyncDir(path string) error
	// SyncFS returns errors.ErrUnsupported where the file system cannot.
	SyncFS() error
	Space() (Space, error)
	// Lock takes the volume for this process until the closer is closed. It
	// returns ErrInUse if another process has it.
	Lock(path string) (io.Closer, error)
}

// Handle is one open file of an FS. It is not for concurrent use, but for
// ReadAt.
type Handle interface {
	io.ReaderAt
	io.Closer
	// WriteVAt writes bufs one after the other from off on. It returns an
	// error whenever it wrote less than everything.
	WriteVAt(bufs [][]byte, off int64) (n int64, err error)
	// Sync makes data and size durable. After it failed once the pages may be
	// lost without the kernel saying so again: never sync that file again.
	Sync() error
	// StartWriteback begins to write dirty pages out, WaitWriteback waits for
	// them. Neither makes anything durable by itself. Both return
	// errors.ErrUnsupported where the file system cannot.
	StartWriteback(off, n int64) error
	WaitWriteback(off, n int64) error
	// Preallocate reserves blocks without changing the size. It returns
	// errors.ErrUnsupported where the file system cannot.
	Preallocate(off, n int64) error
	// Truncate sets the size, and gives back what was preallocated beyond it.
	Truncate(size int64) error
	Size() (int64, error)
}

// Space is a reading of a file system, in bytes.
type Space struct {
	Total     int64 // size of the file system
	Free      int64 // unused, including what only root may use
	Available int64 // left for the recorder (statfs f_bavail)
	ReadOnly  bool  // mounted read-only
}

// unsupported reports whether err says that a file system lacks an operation.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// ReadFile returns the content of a small file, at most limit bytes of it.
func ReadFile(fsys FS, path string, limit int64) ([]byte, error) {
	h, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.NewSectionReader(h, 0, limit))
	return data, errors.Join(err, h.Close())
}

// WriteFile puts data under a new name so that after a power cut the file is
// there whole or not at all: it is written to temp and synced, renamed to
// path, and the directory dir that holds both is synced. A temp left behind
// by an earlier attempt is removed first. It does not replace path.
func WriteFile(fsys FS, dir, temp, path string, data []byte) error {
	if err := fsys.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	h, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	_, err = h.WriteVAt([][]byte{data}, 0)
	if err == nil {
		err = h.Sync()
	}
	if err = errors.Join(err, h.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}
