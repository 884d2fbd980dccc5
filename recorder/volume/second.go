package volume

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// Second returns the file system of the volume by handles of its own, for those
// who call SyncFS beside the writer: a kernel tells each error of the disk once
// for each handle, and the writer must not miss one. It removes many files of a
// directory at less cost, until the next sync. Close it after use; closing the
// volume does not.
func (v *Volume) Second() (interface {
	FS
	io.Closer
}, error) {
	o, ok := v.fsys.(*osFS)
	if !ok {
		return unclosed{v.fsys}, nil
	}
	again, err := o.again()
	if err != nil {
		return nil, err
	}
	return &second{osFS: again, dirs: map[string]*os.File{}}, nil
}

// unclosed is an FS that needs no Close.
type unclosed struct{ FS }

func (unclosed) Close() error { return nil }

// mostDirs is how many directories a second keeps open.
const mostDirs = 64

// second is an osFS that keeps the directories open that it removes files from:
// os.Root opens each directory on a path anew, which costs a fifth of a sweep.
type second struct {
	*osFS

	mu   sync.Mutex
	dirs map[string]*os.File
}

// Remove is that of FS. What an open directory does not have is looked for by its
// path again: the directory may have been removed and made anew.
func (s *second) Remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, err := s.open(path.Dir(name))
	if err != nil {
		return s.osFS.Remove(name)
	}
	switch err := unix.Unlinkat(int(dir.Fd()), path.Base(name), 0); {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EPERM): // EPERM: a directory, to POSIX
		if err := s.forget(); err != nil {
			return err
		}
		return s.osFS.Remove(name)
	default:
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
}

// open returns the directory, opened by a path that leads nowhere else. s.mu is
// held.
func (s *second) open(dir string) (*os.File, error) {
	if f := s.dirs[dir]; f != nil {
		return f, nil
	}
	if len(s.dirs) >= mostDirs {
		if err := s.forget(); err != nil {
			return nil, err
		}
	}
	f, err := s.root.OpenFile(dir, unix.O_DIRECTORY|os.O_RDONLY, 0)
	if err == nil {
		s.dirs[dir] = f
	}
	return f, err
}

// forget closes the directories. s.mu is held.
func (s *second) forget() error {
	var errs []error
	for dir, f := range s.dirs {
		errs = append(errs, f.Close())
		delete(s.dirs, dir)
	}
	return errors.Join(errs...)
}

// SyncFS is that of FS.
func (s *second) SyncFS() error {
	return errors.Join(s.forgotten(), s.osFS.SyncFS())
}

// SyncDir is that of FS.
func (s *second) SyncDir(dir string) error {
	if err := s.forgotten(); err != nil {
		return err
	}
	return s.osFS.SyncDir(dir)
}

func (s *second) forgotten() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forget()
}

// Close gives all handles back.
func (s *second) Close() error { return errors.Join(s.forgotten(), s.osFS.Close()) }
