package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// burial is what became of a batch of garbage.
type burial struct {
	gone   []index.Garbage // their files are not there any more, durably
	freed  int64           // bytes of the files unlinked just now
	failed int             // files that could not be removed
}

// bury unlinks the files of condemned rows, syncs each directory once, and
// forgets the rows. A row whose file could not be removed, or whose directory
// could not be synced, stays garbage for the next sweep. When ctx ends it
// stops between two files and finishes what it began.
func (s *Sweeper) bury(ctx context.Context, garbage []index.Garbage) (burial, error) {
	var b burial
	byDir := make(map[string][]index.Garbage)
	var firstErr error
	for _, g := range garbage {
		if ctx.Err() != nil {
			break
		}
		name := g.Row.File()
		err := s.files.Remove(name.Path())
		switch {
		case err == nil:
			b.freed += g.Row.Bytes
		case !errors.Is(err, fs.ErrNotExist):
			b.failed++
			s.refused[name.Dir()] = true
			firstErr = cmp.Or(firstErr, err)
			continue
		}
		byDir[name.Dir()] = append(byDir[name.Dir()], g)
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		rows := byDir[dir]
		if err := s.settleDir(dir); err != nil {
			b.failed += len(rows)
			s.refused[dir] = true
			firstErr = cmp.Or(firstErr, err)
			continue
		}
		b.gone = append(b.gone, rows...)
	}
	if b.failed > 0 {
		s.begin(DeleteFailed, map[string]any{"failed": b.failed, "error": firstErr.Error()})
		s.o.Log.Warn("segments could not be deleted, they are tried again", "count", b.failed, "err", firstErr)
	}
	if len(b.gone) == 0 {
		return b, nil
	}
	s.account(b)
	if err := s.cat.Forget(b.gone, s.audit(b.gone)); err != nil {
		return b, fmt.Errorf("forget deleted segments: %w", err)
	}
	return b, nil
}

// account counts what went.
func (s *Sweeper) account(b burial) {
	for _, g := range b.gone {
		l := s.lossesOf(g.Reason)
		l.lost.add(g.Row)
		l.last = time.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range b.gone {
		s.state.Deleted.Rows++
		s.state.Deleted.Bytes += g.Row.Bytes
		by := s.state.By[g.Reason]
		s.state.By[g.Reason] = index.Tally{Rows: by.Rows + 1, Bytes: by.Bytes + g.Row.Bytes}
	}
}

// late is how long after midnight footage of the day before may still begin.
const late = time.Hour

// settleDir removes a day's directory if it is empty and its day is over, and
// makes the names in it durable: by itself, or by the directory above where
// it is gone.
func (s *Sweeper) settleDir(dir string) error {
	if path.Base(dir) < s.o.Now().Add(-late).UTC().Format("2006-01-02") {
		// Not empty is the usual answer, and any other concerns the sync.
		_ = s.files.Remove(dir)
	}
	for {
		err := s.files.SyncDir(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == volume.FootageDir || dir == "." {
			if err != nil {
				return fmt.Errorf("sync %s: %w", dir, err)
			}
			return nil
		}
		dir = path.Dir(dir)
	}
}

// audit describes a batch of files that are gone.
func (s *Sweeper) audit(gone []index.Garbage) index.Audit {
	a := index.Audit{Time: s.o.Now().UnixMilli(), Reason: gone[0].Reason, Count: uint32(len(gone)), Oldest: gone[0].Row.Start}
	seen := make(map[string]bool)
	for _, g := range gone {
		a.Bytes += g.Row.Bytes
		a.Oldest = min(a.Oldest, g.Row.Start)
		a.Newest = max(a.Newest, g.Row.End())
		if !seen[g.Row.Camera] {
			seen[g.Row.Camera] = true
			a.Cameras = append(a.Cameras, g.Row.Camera)
		}
	}
	return a
}
