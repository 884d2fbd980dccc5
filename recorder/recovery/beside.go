package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Begin opens the index of a volume so that recording can start at once: it
// takes as long as reading the index does, however many files there are. A
// re-stamping that was cut short is finished; an index that is damaged goes to
// quarantine, and in its place, or where there was none, comes an empty one.
// The rest is the Job's, to be run beside recording.
func Begin(fsys volume.FS, path string, o index.Options, log *slog.Logger) (x *index.Index, j *Job, err error) {
	if log == nil {
		log = slog.Default()
	}
	j = &Job{log: log}
	j.s = newStarter(fsys, o.Now, &j.report)
	j.s.headers = -1 // nobody waits: each file without a row may be looked into
	began := time.Now()
	if err := j.verify(path); err != nil {
		return nil, nil, fmt.Errorf("begin recovery: %w", err)
	}
	if x, err = index.Open(path, o); err != nil {
		return nil, nil, fmt.Errorf("begin recovery: %w", err)
	}
	if err := j.s.finishRestamp(x); err != nil {
		return nil, nil, fmt.Errorf("begin recovery: %w", errors.Join(err, x.Close()))
	}
	j.x, j.report.Took = x, time.Since(began)
	return x, j, nil
}

// Job is what is left to be put in order after Begin. Run is called once; the
// other methods may be called concurrently.
type Job struct {
	s          *starter
	x          *index.Index
	log        *slog.Logger
	report     Report
	incomplete bool
	all, done  atomic.Int64
}

// unfinishedName is a file that is there as long as rows are missing that a
// Job has yet to find, over restarts too.
const (
	unfinishedName = "segments.db.unfinished"
	unfinishedTemp = "segments.db.unfinished.tmp"
)

func (j *Job) verify(path string) error {
	if _, err := j.s.fsys.Stat(unfinishedName); err == nil {
		j.incomplete, j.report.Rebuilt = true, "an earlier start did not finish it"
	}
	switch err := index.Verify(path); {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		// A new volume has none either; its Job finds nothing and is done.
		j.report.Rebuilt = "there was none"
		return j.begin()
	case errors.Is(err, index.ErrDamaged):
		if _, qerr := quarantine(j.s.fsys, IndexName, err.Error(), j.s.now()); qerr != nil {
			return qerr
		}
		j.report.Quarantined++
		j.report.Rebuilt = err.Error()
		return j.begin()
	default:
		return err
	}
	return nil
}

// begin says on the disk that rows are missing, before there is an index that
// could be taken for a whole one. Without room for that the rest of the job is
// done by this start, or by fsck.
func (j *Job) begin() error {
	if j.incomplete {
		return nil
	}
	j.incomplete = true
	err := volume.WriteFile(j.s.fsys, ".", unfinishedTemp, unfinishedName, nil)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		j.report.problem("note that the index is not whole yet: %v", err)
		return nil
	}
	return err
}

// finish says that the index is whole.
func (j *Job) finish() error {
	if !j.incomplete {
		return nil
	}
	return finished(j.s.fsys)
}

// finished takes the note away that rows are missing, if it is there.
func finished(fsys volume.FS) error {
	err := fsys.Remove(unfinishedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// Incomplete reports whether the index lacks rows that the Job has yet to find:
// until it is done nobody can tell which footage is the oldest.
func (j *Job) Incomplete() bool { return j.incomplete }

// Progress returns how many days of footage have been put in order, and how
// many there are; zeros before Run.
func (j *Job) Progress() (done, all int) { return int(j.done.Load()), int(j.all.Load()) }

// Beside is what goes on on the volume meanwhile. Its zero value says: nothing.
type Beside struct {
	// Made reports whether this process began a segment, open or closed, since
	// the volume was opened: that one is left alone.
	Made func(volume.Name) bool
	// Exclusive runs f while nobody deletes, and returns f's error.
	Exclusive func(f func() error) error
	// Suspects are open segments that the same process failed to write, with the
	// bytes of each that are durable: volume.Suspects.
	Suspects map[volume.Name]int64
}

func (b Beside) withDefaults() Beside {
	if b.Made == nil {
		b.Made = func(volume.Name) bool { return false }
	}
	if b.Exclusive == nil {
		b.Exclusive = func(f func() error) error { return f() }
	}
	return b
}

// Run puts the volume in order as Recover does, the newest day first, while
// others record and delete. It returns when it is done or ctx is, with what it
// did; the next start goes on where it ended. A file that cannot be treated is
// a problem in the report and no error.
//
// What others do meanwhile cannot mislead it: files that were begun since the
// volume was opened are not its business; a row is dropped only if its file is
// found to be gone, and added only if its file is found to be there, both while
// nobody deletes.
func (j *Job) Run(ctx context.Context, b Beside) (Report, error) {
	b = b.withDefaults()
	began := time.Now()
	err := j.run(ctx, b)
	j.report.Took += time.Since(began)
	if err != nil {
		return j.report, fmt.Errorf("recover volume: %w", err)
	}
	if !j.incomplete || j.report.Files == 0 {
		j.report.Rebuilt = ""
	}
	if j.report.Changed() || len(j.report.Problems) > 0 {
		j.log.Info("recovered the volume", "result", j.report.String(), "took", j.report.Took)
	}
	return j.report, nil
}

func (j *Job) run(ctx context.Context, b Beside) error {
	s := j.s
	s.made, s.suspects = b.Made, b.Suspects
	if err := s.survey(); err != nil {
		return err
	}
	dates, err := s.allDates(j.x)
	if err != nil {
		return err
	}
	j.all.Store(int64(len(dates)))
	slices.Reverse(dates)
	for _, date := range dates {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := j.day(ctx, b, date); err != nil {
			return err
		}
		j.done.Add(1)
	}
	if err := b.Exclusive(func() error { return s.relinkHeld(j.x) }); err != nil {
		return err
	}
	if err := j.x.Flush(); err != nil {
		return err
	}
	return j.finish()
}

// day puts one day in order.
func (j *Job) day(ctx context.Context, b Beside, date string) error {
	names, err := j.s.tidy(date)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return b.Exclusive(func() error { return j.compare(b, date, names) })
}

// compare is starter.compare for a volume on which others are at work.
func (j *Job) compare(b Beside, date string, names []volume.Name) error {
	s := j.s
	gone, err := condemned(j.x)
	if err != nil {
		return err
	}
	without, loose, err := diff(j.x, date, names, gone)
	if err != nil {
		return err
	}
	loose = slices.DeleteFunc(loose, func(d dangling) bool {
		n := d.row.File()
		_, err := s.fsys.Stat(n.Path())
		return b.Made(n) || !errors.Is(err, fs.ErrNotExist) // it came after the directory was read
	})
	if err := s.drop(j.x, loose); err != nil {
		return err
	}
	return j.add(b, without)
}

// add gives files their rows that have none.
func (j *Job) add(b Beside, without []volume.Name) error {
	s := j.s
	rows := make([]index.Row, 0, len(without))
	for _, n := range without {
		if b.Made(n) {
			continue // its row comes from who made it
		}
		if _, err := s.fsys.Stat(n.Path()); err != nil {
			continue // deleted since the directory was read
		}
		row := rowOf(n)
		if !j.incomplete || j.hole(without, n) {
			s.complete(&row, n)
		}
		rows = append(rows, row)
	}
	if err := j.x.AddAll(rows, s.isHeld); err != nil {
		return err
	}
	s.report.Added += len(rows)
	return nil
}

// hole reports whether footage is missing before n among the names of a day,
// so that its header is worth a look for the reason. names are by start.
func (j *Job) hole(names []volume.Name, n volume.Name) bool {
	i, _ := slices.BinarySearchFunc(names, n, byStart)
	for k := i - 1; k >= 0; k-- {
		if names[k].Camera == n.Camera {
			return n.Start-names[k].End() >= holeShortest
		}
	}
	return true
}
