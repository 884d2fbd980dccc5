package seal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"vedette/firmware/durable"
)

// files is all that this package does to a disk, so that a test can cut the power between
// any two calls. Bytes are durable once create has returned, names once sync has.
type files interface {
	read(name string) ([]byte, error)
	create(name string, data []byte) error // fs.ErrExist if there is one
	link(from, to string) error            // fs.ErrExist if to is there
	rename(from, to string) error          // replaces to
	remove(name string) error
	sync() error
	lock() (unlock func(), err error) // waits for other processes that have it
}

// directory is a directory of the machine.
type directory struct {
	path string
	log  *slog.Logger
}

func (d *directory) at(name string) string { return filepath.Join(d.path, name) }

func (d *directory) read(name string) ([]byte, error) {
	f, err := os.OpenFile(d.at(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%w: it is a link", ErrKeyFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // nothing was written
	if err := d.guard(f); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, int64(fileMost)+1)) // longer than any key file is damaged
}

// guard makes the open key file the process's own, which nobody else can read.
func (d *directory) guard(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%w: it is no file", ErrKeyFile)
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if ok && int(sys.Uid) != os.Geteuid() {
		if err := f.Chown(os.Geteuid(), -1); err != nil {
			return fmt.Errorf("%w: it belongs to user %d and not to user %d: %w", ErrKeyFile, sys.Uid, os.Geteuid(), err)
		}
		d.log.Warn("the device key belonged to another user: rotate it, if that is not known to be harmless", "user", sys.Uid)
	}
	if st.Mode().Perm()&0o377 == 0 {
		return nil
	}
	if err := f.Chmod(0o400); err != nil {
		return fmt.Errorf("%w: its mode is %#o, and must be 0400: %w", ErrKeyFile, st.Mode().Perm(), err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		d.log.Warn("the device key was open to others: rotate it, if that is not known to be harmless", "mode", fmt.Sprintf("%#o", st.Mode().Perm()))
	}
	return nil
}

func (d *directory) create(name string, data []byte) error {
	f, err := os.OpenFile(d.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (d *directory) link(from, to string) error   { return os.Link(d.at(from), d.at(to)) }
func (d *directory) rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }
func (d *directory) remove(name string) error     { return os.Remove(d.at(name)) }
func (d *directory) sync() error                  { return durable.SyncDir(d.path) }

func (d *directory) lock() (func(), error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil // closing unlocks
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", d.path, err)
		}
	}
}
