package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Recover makes the volume fsys and its index, the file path, agree, and
// returns the index, open. It is called before anything records to the
// volume; whatever is open on disk then was left behind. A file that cannot be
// treated is a problem in the report and no reason to fail: recording matters
// more. Recover fails only if the directories cannot be listed, or the index
// can be neither opened nor built anew.
//
// Order: the directories of one day after the other are put in order (see
// quarantine and salvage), evidence that lost its name in footage gets it
// back, then the rows of that day are compared with them.
// An index that is damaged goes to quarantine first, and is built anew from
// the names while the days are put in order; until the new one is in place,
// under its name at once, there is none.
func Recover(fsys volume.FS, path string, o index.Options, log *slog.Logger) (x *index.Index, r Report, err error) {
	if log == nil {
		log = slog.Default()
	}
	s := newStarter(fsys, o.Now, &r)
	began := time.Now()
	if x, err = s.start(path, o); err == nil {
		err = finished(fsys)
	}
	r.Took = time.Since(began)
	if err != nil {
		if x != nil {
			err = errors.Join(err, x.Close())
		}
		return nil, r, fmt.Errorf("recover volume: %w", err)
	}
	if r.Changed() || len(r.Problems) > 0 {
		log.Info("recovered the volume", "result", r.String(), "took", r.Took)
	}
	return x, r, nil
}

func newStarter(fsys volume.FS, now func() time.Time, r *Report) *starter {
	if now == nil {
		now = time.Now
	}
	return &starter{fsys: fsys, now: now, report: r, headers: maxHeaders, made: func(volume.Name) bool { return false }}
}

// maxHeaders bounds how many files are opened for what their names do not
// say: on a slow disk each costs a seek, and recording waits.
const maxHeaders = 2000

// holeShortest is the shortest hole, in ms, for which a rebuild asks the file
// after it for the reason.
const holeShortest = 500

type starter struct {
	fsys    volume.FS
	now     func() time.Time
	report  *Report
	headers int                    // may still be read; negative: as many as there are
	held    map[volume.Name]bool   // have a second name in evidence/
	days    map[string][]string    // cameras by day
	made    func(volume.Name) bool // others are at work on these
	// suspects are open segments with the bytes of each that may be believed.
	suspects map[volume.Name]int64
}

func (s *starter) start(path string, o index.Options) (*index.Index, error) {
	// Without the index: its rows are compared with the files anyway.
	if err := s.finishRestamp(nil); err != nil {
		return nil, err
	}
	if err := s.survey(); err != nil {
		return nil, err
	}
	switch err := index.Verify(path); {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && len(s.days) == 0:
	case errors.Is(err, fs.ErrNotExist):
		return s.rebuild(path, o, "there was none")
	case errors.Is(err, index.ErrDamaged):
		if _, qerr := quarantine(s.fsys, IndexName, err.Error(), s.now()); qerr != nil {
			return nil, qerr
		}
		s.report.Quarantined++
		return s.rebuild(path, o, err.Error())
	default:
		return nil, err
	}
	x, err := index.Open(path, o)
	if err != nil {
		return nil, err
	}
	if err := s.reconcile(x); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// survey finds the directories and sets aside what lies between them.
func (s *starter) survey() error {
	if err := s.restore(); err != nil {
		return err
	}
	strays, err := s.collect()
	if err != nil {
		return err
	}
	s.setAside(strays)
	return nil
}

// collect finds the directories of footage by day, and what else lies between
// them.
func (s *starter) collect() (strays []stray, err error) {
	s.days = map[string][]string{}
	names, strays, err := cameras(s.fsys)
	if err != nil {
		return nil, err
	}
	for _, camera := range names {
		dates, more, err := days(s.fsys, camera)
		if err != nil {
			return nil, err
		}
		strays = append(strays, more...)
		for _, date := range dates {
			s.days[date] = append(s.days[date], camera)
		}
	}
	return strays, nil
}

func (s *starter) setAside(strays []stray) {
	for _, f := range strays {
		if _, err := quarantine(s.fsys, f.path, f.reason, s.now()); err != nil {
			s.report.problem("%v", err)
			continue
		}
		s.report.Quarantined++
	}
}

// tidy puts the directories of one day in order and returns the closed
// segments in them, by start.
func (s *starter) tidy(date string) (names []volume.Name, err error) {
	for _, camera := range s.days[date] {
		d, err := list(s.fsys, camera, date)
		if err != nil {
			return nil, err
		}
		s.setAside(d.stray)
		for i, n := range d.open {
			if s.made(n) {
				continue
			}
			if closed, ok := s.salvage(n, d.after(n, d.open[i+1:])); ok {
				d.closed = append(d.closed, closed)
			}
		}
		names = append(names, d.closed...)
	}
	s.report.Files += len(names)
	slices.SortFunc(names, byStart)
	return names, nil
}

// after returns the segment of the day that follows n, closed or among open.
func (d *day) after(n volume.Name, open []volume.Name) *volume.Name {
	var next *volume.Name
	for _, list := range [][]volume.Name{d.closed, open} {
		for i := range list {
			if list[i].Start > n.Start && (next == nil || list[i].Start < next.Start) {
				next = &list[i]
			}
		}
	}
	return next
}

func (s *starter) salvage(n volume.Name, next *volume.Name) (closed volume.Name, ok bool) {
	if err := s.distrust(n); err != nil {
		s.report.problem("%v", err)
		return volume.Name{}, false
	}
	out, err := salvage(s.fsys, n, next, s.now())
	switch {
	case err != nil:
		s.report.problem("%v", err)
	case out.header != nil:
		s.report.Salvaged++
		if out.reheaded {
			s.report.Headers++
		}
		if out.lost > 0 {
			s.report.Tails++
			s.report.TailBytes += out.lost
		}
		return out.name, true
	case out.empty:
		s.report.Empty++
	default:
		s.report.Quarantined++
	}
	return volume.Name{}, false
}

// distrust cuts a segment that could not be written to what is known to be
// durable: the rest may never have reached the disk, whatever is read of it.
func (s *starter) distrust(n volume.Name) error {
	size, suspect := s.suspects[n]
	if !suspect {
		return nil
	}
	if err := s.cutTo(n, size); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cut suspect segment %s: %w", n.Path(), err)
	}
	return nil
}

// cutTo makes size the durable end of a segment's file that is longer.
func (s *starter) cutTo(n volume.Name, size int64) error {
	h, err := s.fsys.Modify(n.Path())
	if err != nil {
		return err
	}
	have, err := h.Size()
	if err == nil && have > size {
		err = cutTail(h, size)
	}
	return errors.Join(err, h.Close())
}

// rebuild makes a new index of the files.
func (s *starter) rebuild(path string, o index.Options, why string) (*index.Index, error) {
	if o.Held == nil {
		o.Held = s.isHeld
	}
	if err := index.Rebuild(path, s.rows(), o); err != nil {
		return nil, err
	}
	s.report.Rebuilt = why
	return index.Open(path, o)
}

// rows yields a row for every closed segment, by start. Where footage is
// missing before one, its header says why.
func (s *starter) rows() iter.Seq2[index.Row, error] {
	return func(yield func(index.Row, error) bool) {
		ends := map[string]int64{}
		for _, date := range slices.Sorted(maps.Keys(s.days)) {
			names, err := s.tidy(date)
			if err != nil {
				yield(index.Row{}, err)
				return
			}
			for _, n := range names {
				row := rowOf(n)
				if end, ok := ends[n.Camera]; ok && n.Start-end >= holeShortest {
					s.complete(&row, n)
				}
				ends[n.Camera] = max(ends[n.Camera], n.End())
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

func rowOf(n volume.Name) index.Row {
	return index.Row{Start: n.Start, Duration: uint32(n.Duration), Bytes: n.Bytes, Seq: n.Seq, Camera: n.Camera}
}

// reconcile compares rows with files, day by day, so that memory holds one
// day of footage at a time.
func (s *starter) reconcile(x *index.Index) error {
	dates, err := s.allDates(x)
	if err != nil {
		return err
	}
	gone, err := condemned(x)
	if err != nil {
		return err
	}
	for _, date := range dates {
		names, err := s.tidy(date)
		if err != nil {
			return err
		}
		if err := s.compare(x, date, names, gone); err != nil {
			return err
		}
	}
	if err := s.relinkHeld(x); err != nil {
		return err
	}
	return x.Flush()
}

// diffHolds compares held rows with second names: rows without one, and names
// whose row is there and not held.
func diffHolds(x *index.Index, held map[volume.Name]bool) (without, loose []volume.Name, err error) {
	err = x.Range("", 0, math.MaxInt64, func(r index.Row, h bool) bool {
		switch n := r.File(); {
		case h && !held[n]:
			without = append(without, n)
		case !h && held[n]:
			loose = append(loose, n)
		}
		return true
	})
	return without, loose, err
}

// relinkHeld gives evidence the second name, and footage with a second name
// the lock, that a crash or a failing disk kept from it.
func (s *starter) relinkHeld(x *index.Index) error {
	without, loose, err := diffHolds(x, s.held)
	if err != nil {
		return err
	}
	if err := volume.LinkEvidence(s.fsys, without); err != nil {
		s.report.problem("%v", err)
	}
	for _, n := range loose {
		if _, err := x.Hold(n.Camera, n.Start, n.Start+1); err != nil {
			return err
		}
	}
	return nil
}

// allDates returns the days that have a directory or a row.
func (s *starter) allDates(x *index.Index) ([]string, error) {
	set := map[int64]struct{}{}
	err := x.Range("", 0, math.MaxInt64, func(r index.Row, _ bool) bool {
		set[r.Start/dayMillis] = struct{}{}
		return true
	})
	dates := slices.Collect(maps.Keys(s.days))
	for d := range set {
		dates = append(dates, dateOf(d*dayMillis))
	}
	slices.Sort(dates)
	return slices.Compact(dates), err
}

const dayMillis = 24 * 60 * 60 * 1000

// condemned returns the files that a sweep is about to delete.
func condemned(x *index.Index) (map[volume.Name]bool, error) {
	garbage, err := x.Garbage()
	if err != nil {
		return nil, err
	}
	names := make(map[volume.Name]bool, len(garbage))
	for _, g := range garbage {
		names[g.Row.File()] = true
	}
	return names, nil
}

// dangling is a row without a file.
type dangling struct {
	row  index.Row
	held bool
}

// diff compares the rows of a day with its files. Files that are condemned
// need no row.
func diff(x *index.Index, date string, names []volume.Name, gone map[volume.Name]bool) (without []volume.Name, rows []dangling, err error) {
	midnight, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, nil, fmt.Errorf("day %q: %w", date, err)
	}
	from := midnight.UnixMilli()
	missing := make(map[volume.Name]bool, len(names))
	for _, n := range names {
		missing[n] = !gone[n]
	}
	err = x.Range("", from, from+dayMillis, func(r index.Row, held bool) bool {
		if r.Start < from || r.Start >= from+dayMillis {
			return true
		}
		n := r.File()
		if _, there := missing[n]; there {
			missing[n] = false
		} else {
			rows = append(rows, dangling{r, held})
		}
		return true
	})
	for _, n := range names {
		if missing[n] {
			without = append(without, n)
		}
	}
	return without, rows, err
}

// drop takes rows out of the index that have no file.
func (s *starter) drop(x *index.Index, loose []dangling) error {
	rows := make([]index.Row, 0, len(loose))
	for _, d := range loose {
		if d.held {
			s.report.problem("%s: evidence is in the index, but not on the disk", d.row.File().Path())
		}
		rows = append(rows, d.row)
	}
	dropped, err := x.Drop(rows)
	s.report.Dropped += dropped
	return err
}

// compare gives the files of a day their rows, and drops rows without a file.
// What is condemned is neither: the sweeper will finish with it.
func (s *starter) compare(x *index.Index, date string, names []volume.Name, gone map[volume.Name]bool) error {
	without, loose, err := diff(x, date, names, gone)
	if err != nil {
		return err
	}
	if err := s.drop(x, loose); err != nil {
		return err
	}
	for _, n := range without {
		row := rowOf(n)
		s.complete(&row, n)
		if err := x.Add(row); err != nil {
			s.report.problem("%s: %v", n.Path(), err)
			continue
		}
		s.report.Added++
		if !s.held[n] {
			continue
		}
		if _, err := x.Hold(n.Camera, n.Start, n.Start+1); err != nil {
			return err
		}
	}
	return nil
}
