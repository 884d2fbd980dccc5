package recovery

import (
	"errors"
	"fmt"
	"log/slog"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Repair does what can be done about what Check finds, without ever giving
// up footage: files that are longer or shorter than their name says are cut
// to whole parts and named after them, a lost header is told from the segment
// before, what stays unreadable goes to quarantine, and
// Recover does the rest. Damage inside a closed segment stays: what is whole
// in it plays. emit is called for every finding, fixed or not. The volume must
// be taken (volume.Open) and no recorder running. Repairing twice changes
// nothing.
func Repair(fsys volume.FS, indexPath string, o index.Options, log *slog.Logger, emit func(Finding)) (r Report, err error) {
	var before []Finding
	var faulty []func() error
	rep := &Report{}
	s := newStarter(fsys, o.Now, rep)
	c := &checker{fsys: fsys, emit: func(f Finding) { before = append(before, f) }}
	c.visit = func(n volume.Name, f fault) {
		faulty = append(faulty, func() error { return s.treat(n, f.remedy) })
	}
	if err := c.run(indexPath); err != nil {
		return r, fmt.Errorf("repair volume: %w", err)
	}
	for _, treat := range faulty {
		if err := treat(); err != nil {
			rep.problem("%v", err)
		}
	}
	x, r, err := Recover(fsys, indexPath, o, log)
	if err != nil {
		return r, err
	}
	if err := x.Close(); err != nil {
		return r, fmt.Errorf("repair volume: %w", err)
	}
	r.Quarantined += rep.Quarantined
	r.Headers += rep.Headers
	r.Problems = append(r.Problems, rep.Problems...)
	left := map[Finding]bool{}
	if err := Check(fsys, indexPath, func(f Finding) { left[f] = true }); err != nil {
		return r, err
	}
	for _, f := range before {
		f.Fixed = !left[f]
		delete(left, f)
		emit(f)
	}
	for f := range left {
		emit(f)
	}
	return r, nil
}

// treat applies a remedy to a closed segment.
func (s *starter) treat(n volume.Name, how remedy) error {
	switch how {
	case shorten:
		if err := s.cutTo(n, n.Bytes); err != nil {
			return fmt.Errorf("repair %s: %w", n.Path(), err)
		}
	case rename:
		// As an open segment it is salvaged: cut to its whole parts and named.
		open := volume.Name{Camera: n.Camera, Start: n.Start, Seq: n.Seq, Open: true}
		if err := move(s.fsys, n.Path(), open.Path()); err != nil {
			return fmt.Errorf("repair %s: %w", n.Path(), err)
		}
	case rehead:
		h, err := s.fsys.Modify(n.Path())
		if err == nil {
			err = errors.Join(giveHeader(s.fsys, h, n), h.Close())
		}
		if err != nil {
			return fmt.Errorf("repair %s: %w", n.Path(), err)
		}
		s.report.Headers++
	case isolate:
		if _, err := quarantine(s.fsys, n.Path(), "found by a check: "+inspect(s.fsys, n).problem, s.now()); err != nil {
			return err
		}
		s.report.Quarantined++
	}
	return nil
}
