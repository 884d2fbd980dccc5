package detections

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// folder is what the log needs of its directory. Names have no directories in
// them.
type folder interface {
	// create makes a new file; fs.ErrExist if there is one.
	create(name string) (file, error)
	// open opens a file for reading, and for writing if write is set.
	open(name string, write bool) (file, error)
	list() ([]string, error)
	rename(from, to string) error
	remove(name string) error
	// sync makes names durable.
	sync() error
	close() error
}

// file is one of a folder.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Allocate reserves room without changing the size.
	Allocate(bytes int64) error
	Truncate(size int64) error
	// Sync makes bytes and size durable. Once it failed it must not be called
	// again.
	Sync() error
	Size() (int64, error)
}

// openFolder opens dir, and makes it if it is not there.
func openFolder(dir string) (folder, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return rooted{root}, nil
}

// rooted is a directory that stays the same one, whatever is mounted over it.
type rooted struct{ root *os.Root }

func (r rooted) create(name string) (file, error) {
	return r.file(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (r rooted) open(name string, write bool) (file, error) {
	if write {
		return r.file(name, os.O_RDWR)
	}
	return r.file(name, os.O_RDONLY)
}

func (r rooted) file(name string, flag int) (file, error) {
	f, err := r.root.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, err
	}
	return plain{f}, nil
}

func (r rooted) list() (names []string, err error) {
	d, err := r.root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err = d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

func (r rooted) rename(from, to string) error { return r.root.Rename(from, to) }
func (r rooted) remove(name string) error     { return r.root.Remove(name) }
func (r rooted) close() error                 { return r.root.Close() }

func (r rooted) sync() error {
	d, err := r.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type plain struct{ *os.File }

// Sync uses fdatasync: times are of no use here, and writing them costs a commit
// of the journal.
func (p plain) Sync() error { return p.call("fdatasync", unix.Fdatasync) }

func (p plain) Allocate(bytes int64) error {
	return p.call("fallocate", func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, bytes) })
}

func (p plain) call(op string, f func(fd int) error) error {
	for {
		switch err := f(int(p.Fd())); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return &fs.PathError{Op: op, Path: p.Name(), Err: err}
		}
	}
}

func (p plain) Size() (int64, error) {
	fi, err := p.Stat()
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, &fs.PathError{Op: "size", Path: p.Name(), Err: errors.New("not a regular file")}
	}
	return fi.Size(), nil
}
