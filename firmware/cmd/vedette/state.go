package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"vedette/recorder/index"
)

// openState opens the state database below the data directory, which it
// makes if need be. What it holds is small; it is never on the hot path.
func openState(dataDir string) (*storm.DB, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w; choose another with --data", err)
	}
	path := filepath.Join(dataDir, "state.db")
	if err := checkState(path); err != nil {
		return nil, err
	}
	if err := createState(path); err != nil {
		return nil, fmt.Errorf("create state: %w", err)
	}
	db, err := openBolt(path)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open state: %s is in use: is vedette running on it already?", path)
	case err != nil:
		return nil, fmt.Errorf("open state: %w", err)
	}
	return db, nil
}

func openBolt(path string) (*storm.DB, error) {
	o := *bolt.DefaultOptions
	o.Timeout = 2 * time.Second
	o.PageSize = 4096 // also on kernels with larger pages: what a commit writes counts
	return storm.Open(path, storm.BoltOptions(0o600, &o))
}

// createState makes an empty database at path, if there is none, so that a
// power cut leaves a whole one or none: a torn one would have to be refused at
// every start. The order is: all of it synced under another name, then the
// name, then the directory.
func createState(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // left by a power cut
	}
	db, err := openBolt(temporary)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Bolt.Sync(), db.Close()); err != nil {
		return err
	}
	err = unix.Renameat2(unix.AT_FDCWD, temporary, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been first
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// checkState looks at the pages of the state database before bbolt maps it: a
// torn one would end the process at every start, without a word that helps.
func checkState(path string) error {
	err := index.VerifyPages(path)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, index.ErrInUse):
		return nil // opening it says what there is to say
	case errors.Is(err, index.ErrDamaged):
		return fmt.Errorf("%s is damaged (%w): cameras, users and events are in it; put a copy in its place, or move it away to begin with none; footage is not concerned", path, err)
	}
	return err
}
