package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/perception/events"
	"vedette/recorder"
)

// eraseFootage does what a factory reset left to do: footage goes from every volume
// that is there. It is called before the recorder opens them, and what it cannot
// erase is told: a disk that is away keeps what it has.
func (p *process) eraseFootage(volumes []recorder.VolumeOptions) {
	marker := filepath.Join(p.flags.data, eraseMarker)
	if _, err := os.Lstat(marker); errors.Is(err, fs.ErrNotExist) {
		return
	}
	erased, kept := []string{}, map[string]string{}
	for _, v := range volumes {
		if err := eraseVolume(v.Dir); err != nil {
			kept[v.Name] = err.Error()
		} else {
			erased = append(erased, v.Name)
		}
	}
	e := events.Event{Type: "footage_erased", Payload: map[string]any{"volumes": erased}}
	if len(kept) > 0 {
		e.Severity, e.Payload["kept"] = events.Warning, kept
	}
	p.events.Emit(e)
	p.log.Warn("footage erased, as the factory reset was asked to", "volumes", erased, "kept", kept)
	if err := os.Remove(marker); err != nil {
		p.log.Error("footage would be erased again at the next start", "err", err)
	}
}

// eraseMarker is what firmware/card leaves in the data directory.
const eraseMarker = "erase-footage"

// identity is what makes a directory a footage volume (docs/format/volume.md). It goes
// last, so that what was begun is gone on with.
const identity = "volume.json"

// eraseVolume empties a directory that is a footage volume, and nothing else.
func eraseVolume(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, identity)); err != nil {
		return fmt.Errorf("no footage volume is there: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == identity || e.Name() == "lost+found" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(dir, identity))
}
