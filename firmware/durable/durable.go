// Package durable owns how a small file is replaced so that a power cut leaves the old
// or the new one. It is for files of the system; footage has its own (recorder/volume).
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile gives the file at path the content data, for its owner alone. A power cut
// at any step leaves what was there before or all of data; when it returns nil, the
// latter. Beside it path.new is used. Calls for one path must not run at once.
//
// The order is: the content under the other name, its sync, the name, the sync of the
// directory.
func WriteFile(path string, data []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
