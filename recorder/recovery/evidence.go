package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// evidence lists the segments that have a second name below evidence/. What
// is there and has another name is left alone.
func evidence(fsys volume.FS) (held map[volume.Name]bool, err error) {
	held = map[volume.Name]bool{}
	dirs, err := fsys.ReadDir(volume.EvidenceDir)
	if errors.Is(err, fs.ErrNotExist) {
		return held, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	for _, d := range dirs {
		if !d.IsDir() || !volume.ValidCamera(d.Name()) {
			continue
		}
		files, err := fsys.ReadDir(path.Join(volume.EvidenceDir, d.Name()))
		if err != nil {
			return nil, fmt.Errorf("list evidence: %w", err)
		}
		for _, f := range files {
			n, err := volume.ParseEvidence(d.Name(), f.Name())
			if err == nil && f.Type().IsRegular() {
				held[n] = true
			}
		}
	}
	return held, nil
}

// restore gives evidence back its name in footage where that is gone.
//
// Order on disk: the directories are made and synced, the link is made, its
// directory is synced. A power cut in between is finished by the next start.
func (s *starter) restore() error {
	var err error
	if s.held, err = evidence(s.fsys); err != nil {
		return err
	}
	for n := range s.held {
		if _, err := s.fsys.Stat(n.Path()); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := s.relink(n); err != nil {
			s.report.problem("restore evidence %s: %v", n.Path(), err)
			continue
		}
		s.report.Restored++
	}
	return nil
}

func (s *starter) relink(n volume.Name) error {
	if err := makeDirs(s.fsys, n.Dir()); err != nil {
		return err
	}
	if err := s.fsys.Link(n.EvidencePath(), n.Path()); err != nil {
		return err
	}
	return s.fsys.SyncDir(n.Dir())
}

// isHeld answers for a rebuild which rows are evidence.
func (s *starter) isHeld(r index.Row) bool { return s.held[r.File()] }
