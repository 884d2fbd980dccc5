package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// tree is the data directory: all that restoring does to a disk, so that a test can cut the
// power between any two calls. Names are paths below it.
type tree interface {
	exists(name string) (bool, error)
	names(dir string) ([]string, error)
	// create makes a file for its owner alone; fs.ErrExist if there is one. Its bytes are
	// durable once Close has returned nil.
	create(name string) (io.WriteCloser, error)
	mkdir(name string) error      // fs.ErrExist if it is there
	rename(from, to string) error // to is not there, or a file and from is one
	removeAll(name string) error  // nil if it is not there
	sync(name string) error       // the names in a directory, or the bytes of a file
	path(name string) string      // of the machine
}

// directory is a directory of the machine. Nothing outside of it is reached, whatever
// names and links say.
type directory struct{ *os.Root }

// openTree opens the directory at path, which has to be there.
func openTree(path string) (directory, error) {
	root, err := os.OpenRoot(path)
	return directory{root}, err
}

func (d directory) path(name string) string { return filepath.Join(d.Name(), name) }

func (d directory) exists(name string) (bool, error) {
	_, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d directory) names(dir string) ([]string, error) {
	f, err := d.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

func (d directory) create(name string) (io.WriteCloser, error) {
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return synced{f}, nil
}

// synced is a file that is durable once it is closed.
type synced struct{ *os.File }

func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

func (d directory) mkdir(name string) error      { return d.Mkdir(name, 0o700) }
func (d directory) rename(from, to string) error { return d.Rename(from, to) }
func (d directory) removeAll(name string) error  { return d.RemoveAll(name) }

func (d directory) sync(name string) error {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return nil
}
