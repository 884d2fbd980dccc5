package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"vedette/recorder/volume"
)

// reasonSuffix is what the file with the reason has more in its name.
const reasonSuffix = ".reason.txt"

// quarantine moves a file, or a directory with all that is in it, out of
// sight of everything that lists footage, and says why in a file beside it.
// It returns the new path.
//
// Order on disk: the reason is written and synced, the file is renamed, both
// directories are synced. A power cut in between leaves at worst a reason
// without a file.
func quarantine(fsys volume.FS, from, reason string, now time.Time) (to string, err error) {
	to, err = freeName(fsys, from)
	if err != nil {
		return "", fmt.Errorf("quarantine %s: %w", from, err)
	}
	text := fmt.Sprintf("was:    %s\nreason: %s\nsince:  %s\n", strconv.Quote(from), reason, now.UTC().Format(time.RFC3339))
	note := to + reasonSuffix
	if err := fsys.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("quarantine %s: %w", from, err)
	}
	if err := volume.WriteFile(fsys, volume.QuarantineDir, note+".tmp", note, []byte(text)); err != nil {
		return "", fmt.Errorf("quarantine %s: %w", from, err)
	}
	if err := fsys.Rename(from, to); err != nil {
		return "", fmt.Errorf("quarantine %s: %w", from, err)
	}
	if err := errors.Join(fsys.SyncDir(volume.QuarantineDir), fsys.SyncDir(path.Dir(from))); err != nil {
		return "", fmt.Errorf("quarantine %s: %w", from, err)
	}
	return to, nil
}

// maxFlat bounds the length of a name in quarantine, in bytes, with room for
// a number and the suffix of the reason.
const maxFlat = 200

// freeName finds a name in quarantine for what lies at from: its path with
// the separators replaced, and a number if that is taken.
func freeName(fsys volume.FS, from string) (string, error) {
	flat := strings.ReplaceAll(from, "/", "~")
	if len(flat) > maxFlat {
		flat = flat[len(flat)-maxFlat:]
	}
	base := path.Join(volume.QuarantineDir, flat)
	for i := range 10000 {
		to := base
		if i > 0 {
			to += "." + strconv.Itoa(i)
		}
		if _, err := fsys.Stat(to); errors.Is(err, fs.ErrNotExist) {
			return to, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: %w", base, fs.ErrExist)
}
