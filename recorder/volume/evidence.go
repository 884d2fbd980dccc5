package volume

import (
	"errors"
	"fmt"
	"io/fs"
)

// UnlinkEvidence takes the second names of segments away, and syncs each
// directory. Names that are gone are passed over. It returns nil for no names.
func UnlinkEvidence(fsys FS, names []Name) error {
	touched := map[string]struct{}{}
	for _, n := range names {
		if err := fsys.Remove(n.EvidencePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("unlink evidence: %w", err)
		}
		touched[EvidenceDir+"/"+n.Camera] = struct{}{}
	}
	for dir := range touched {
		if err := fsys.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("unlink evidence: %w", err)
		}
	}
	return nil
}

// LinkEvidence gives each closed segment its second name below evidence/,
// which keeps it through the loss of the index and of its first name: the
// links first, then each directory on the way is synced. A segment that has
// its second name already is passed over, so it can be called again after a
// failure, and syncs what the failure may have left. It returns nil for no
// names.
func LinkEvidence(fsys FS, names []Name) error {
	if len(names) == 0 {
		return nil
	}
	touched := map[string]struct{}{EvidenceDir: {}}
	for _, n := range names {
		dir := EvidenceDir + "/" + n.Camera
		if err := fsys.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link evidence: %w", err)
		}
		if err := fsys.Link(n.Path(), n.EvidencePath()); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link evidence: %w", err)
		}
		touched[dir] = struct{}{}
	}
	for dir := range touched {
		if err := fsys.SyncDir(dir); err != nil {
			return fmt.Errorf("link evidence: %w", err)
		}
	}
	return nil
}
