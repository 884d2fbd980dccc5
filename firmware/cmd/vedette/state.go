package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// openState opens the state database below the data directory, which it
// makes if need be. What it holds is small; it is never on the hot path.
func openState(dataDir string) (*storm.DB, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w; choose another with --data", err)
	}
	o := *bolt.DefaultOptions
	o.Timeout = 2 * time.Second
	o.PageSize = 4096 // also on kernels with larger pages: what a commit writes counts
	db, err := storm.Open(filepath.Join(dataDir, "state.db"), storm.BoltOptions(0o600, &o))
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open state: %s is in use: is vedette running on it already?", filepath.Join(dataDir, "state.db"))
	case err != nil:
		return nil, fmt.Errorf("open state: %w", err)
	}
	return db, nil
}
