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

// unlinked are files that were removed, and not yet durably so.
type unlinked struct {
	byDir  map[string][]index.Garbage
	count  int
	freed  int64 // bytes of the files removed just now
	failed int   // files that could not be removed
	err    error // why the first of them could not
}

// add takes over what o has.
func (u *unlinked) add(o unlinked) {
	if u.byDir == nil {
		u.byDir = make(map[string][]index.Garbage)
	}
	for dir, rows := range o.byDir {
		u.byDir[dir] = append(u.byDir[dir], rows...)
	}
	u.count, u.freed, u.failed, u.err = u.count+o.count, u.freed+o.freed, u.failed+o.failed, cmp.Or(u.err, o.err)
}

// patience is how many files of a directory may refuse to go in one sweep before
// the rest of it is left to the next.
const patience = 8

var errRefused = errors.New("its directory lets no file go")

// unlink removes the files of condemned rows. A row whose file could not be
// removed stays garbage for the next sweep. When ctx ends it stops between two
// files.
func (s *Sweeper) unlink(ctx context.Context, garbage []index.Garbage) unlinked {
	u := unlinked{byDir: make(map[string][]index.Garbage)}
	for _, g := range garbage {
		if ctx.Err() != nil {
			break
		}
		s.beat() // a slow disk takes its time for many files
		name := g.Row.File()
		if s.refused[name.Dir()] >= patience { // each try may cost a sick disk seconds
			u.failed++
			u.err = cmp.Or(u.err, errRefused)
			continue
		}
		err := s.files.Remove(name.Path())
		switch {
		case err == nil:
			u.freed += g.Row.Bytes
		case !errors.Is(err, fs.ErrNotExist):
			u.failed++
			s.refused[name.Dir()]++
			u.err = cmp.Or(u.err, err)
			continue
		}
		u.byDir[name.Dir()] = append(u.byDir[name.Dir()], g)
		u.count++
	}
	return u
}

// burial is what became of a batch of garbage.
type burial struct {
	gone   []index.Garbage // their files are not there any more, durably
	freed  int64           // bytes of the files unlinked just now
	failed int             // files that could not be removed
}

// settle makes removals durable and forgets the rows. Rows whose directory could
// not be synced stay garbage for the next sweep.
func (s *Sweeper) settle(u unlinked) (burial, error) {
	b := burial{freed: u.freed, failed: u.failed}
	firstErr := u.err
	dirs := slices.Sorted(maps.Keys(u.byDir))
	all := s.settleAll(dirs)
	s.beat()
	for _, dir := range dirs {
		rows := u.byDir[dir]
		if err := all(dir); err != nil {
			b.failed += len(rows)
			s.refused[dir]++
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

// bury unlinks the files of condemned rows, makes that durable, and forgets the
// rows. When ctx ends it stops between two files and finishes what it began.
func (s *Sweeper) bury(ctx context.Context, garbage []index.Garbage) (burial, error) {
	return s.settle(s.unlink(ctx, garbage))
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
		by := s.state.By[g.Reason]
		s.state.By[g.Reason] = index.Tally{Rows: by.Rows + 1, Bytes: by.Bytes + g.Row.Bytes}
	}
}

// late is how long after midnight footage of the day before may still begin.
const late = time.Hour

// settleAll makes the names in all dirs durable, and answers how that went for
// each: at once where there are several, because each sync of a directory is a
// flush of the disk.
func (s *Sweeper) settleAll(dirs []string) (each func(dir string) error) {
	for _, dir := range dirs {
		s.removeDay(dir)
	}
	if len(dirs) > 1 {
		err := s.files.SyncFS()
		if err != nil {
			err = fmt.Errorf("sync the volume: %w", err)
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return func(string) error { return err }
		}
	}
	return s.settleDir
}

// removeDay removes a day's directory if it is empty and its day is over.
func (s *Sweeper) removeDay(dir string) {
	if path.Base(dir) < s.o.Now().Add(-late).UTC().Format("2006-01-02") {
		// Not empty is the usual answer, and any other concerns the sync.
		_ = s.files.Remove(dir)
	}
}

// settleDir makes the names in a directory durable: by itself, or by the
// directory above where it is gone.
func (s *Sweeper) settleDir(dir string) error {
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
