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
	o := *bolt.DefaultOptions
	o.Timeout = 2 * time.Second
	o.PageSize = 4096 // also on kernels with larger pages: what a commit writes counts
	db, err := storm.Open(path, storm.BoltOptions(0o600, &o))
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open state: %s is in use: is vedette running on it already?", path)
	case err != nil:
		return nil, fmt.Errorf("open state: %w", err)
	}
	return db, nil
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
