package firstboot

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// tree is one directory of plain files: all that this package does to a disk, so
// that a test can cut the power between any two calls, and within them.
//
// What is durable when: bytes once Create or Overwrite have returned, names once
// Sync has.
type tree interface {
	// Read returns the content, or the first most bytes of it.
	Read(name string, most int64) ([]byte, error)
	// Create writes a file for its owner alone. A file of that name is written
	// anew, not whole at once.
	Create(name string, data []byte) error
	// Overwrite writes over the first bytes of a file, in their place.
	Overwrite(name string, data []byte) error
	// Rename replaces what is called to.
	Rename(from, to string) error
	Remove(name string) error
	Sync() error
}

// replace gives a file new content: after a power cut it has the old or the new one.
func replace(t tree, name string, data []byte) error {
	temp := "." + name + ".new"
	if err := t.Create(temp, data); err != nil {
		return err
	}
	if err := t.Rename(temp, name); err != nil {
		return err
	}
	return t.Sync()
}

// put writes a file that may be in parts after a power cut: FAT knows no better.
func put(t tree, name string, data []byte) error {
	if err := t.Create(name, data); err != nil {
		return err
	}
	return t.Sync()
}

// dir is a directory of the machine.
type dir string

func (d dir) path(name string) string { return filepath.Join(string(d), name) }

func (d dir) Read(name string, most int64) ([]byte, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, errors.Join(err, f.Close())
}

func (d dir) Create(name string, data []byte) error {
	return d.write(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, data)
}

func (d dir) Overwrite(name string, data []byte) error { return d.write(name, os.O_WRONLY, data) }

func (d dir) write(name string, flags int, data []byte) error {
	f, err := os.OpenFile(d.path(name), flags|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (d dir) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d dir) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d dir) Sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
