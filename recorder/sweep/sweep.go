package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vedette/recorder/index"
)

// A transaction condemns batch rows at most while nobody knows whether deleting
// helps, and largeBatch once it does: each costs a few flushes of the disk.
const (
	batch      = 256
	largeBatch = 2048
)

// Sweep finishes what an earlier sweep left, and applies the rules in the order
// of what they protect: reserve and floor, age, quotas, cap. One that fails does
// not keep the others from working. It returns nil when the volume
// is as it should be and also when it is not and nothing can be done about
// it, which is a condition; errors are those of the index and the disk. Only
// one sweep runs at a time.
func (s *Sweeper) Sweep(ctx context.Context) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	err := errors.Join(s.finishGarbage(ctx), s.keepFloor(ctx), s.keepAge(ctx), s.keepQuotas(ctx), s.keepCap(ctx))
	s.mu.Lock()
	s.state.Err = err
	s.mu.Unlock()
	s.beat()
	return err
}

// beat says that the sweeper is alive.
func (s *Sweeper) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Alive = time.Now()
}

// finishGarbage deletes what is condemned already: the rest of a sweep that
// was cut short, and files that could not be removed. Where there is more than
// one batch of it, sweeps take turns.
func (s *Sweeper) finishGarbage(ctx context.Context) error {
	s.refused = make(map[string]int)
	garbage, err := s.cat.Garbage()
	if err != nil {
		return err
	}
	if len(garbage) == 0 {
		s.end(DeleteFailed)
		return nil
	}
	from := 0
	if len(garbage) > mostUnsettled {
		from = s.retry % len(garbage)
	}
	some := garbage[from:min(from+mostUnsettled, len(garbage))]
	b, err := s.bury(ctx, some)
	if len(b.gone) > 0 {
		s.memory.forget() // the disk takes deletions again
	}
	if len(b.gone) == len(garbage) {
		s.end(DeleteFailed)
	}
	if s.retry = from + b.failed; s.retry >= len(garbage)-len(b.gone) {
		s.retry = 0
	}
	return err
}

// keepFloor is the rules of the reserve and the floor.
func (s *Sweeper) keepFloor(ctx context.Context) error {
	r, err := s.measure()
	if err != nil {
		return err
	}
	switch {
	case r.Free >= r.Floor:
		s.memory.forget()
		s.end(FloorUnsatisfiable, NothingToPrune, Futile)
	case r.Floor >= r.Total:
		s.begin(FloorUnsatisfiable, map[string]any{"min_free_bytes": r.Floor, "total_bytes": r.Total})
	default:
		s.end(FloorUnsatisfiable)
		if r, err = s.free(ctx, r); err != nil {
			err = fmt.Errorf("keep the floor: %w", err)
		}
	}
	s.report(FreeFloor, map[string]any{"min_free_bytes": r.Floor}, false)
	s.judgeReserve(r)
	s.watchEvidence(r)
	return err
}

// measure reads the disk and publishes the reading.
func (s *Sweeper) measure() (Reading, error) {
	s.beat()
	now := time.Now()
	s.meter.update(now)
	s.counted = s.meter.read() // before the disk is asked, so that the forecast errs on the early side
	space, err := s.gauge.Space()
	if err != nil {
		s.begin(NoStatistics, map[string]any{"error": err.Error()})
		return Reading{}, fmt.Errorf("read free space: %w", err)
	}
	s.end(NoStatistics)
	f := Figures{Total: space.Total, Medium: s.o.Medium, EraseBlock: s.o.EraseBlock, Rate: s.meter.rate}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Reading{Total: space.Total, Free: space.Available, Limits: effective(s.set, f)}
	s.state.Reading, s.state.Read, s.state.Rate = r, now, s.meter.rate
	s.forecast = forecast{armed: r.Free >= r.Floor, slack: r.Free - r.Floor, written: s.counted}
	return r, nil
}

// ledger compares what a sweep deleted with what the disk gained by it.
type ledger struct {
	freed   int64 // sizes of the files unlinked
	free    int64 // free space before
	written int64 // counter before
}

// gain is what the disk gained, counting what was written meanwhile.
func (l ledger) gain(free, written int64) int64 { return free - l.free + written - l.written }

// maxRefusals is how many batches in a row may end without one file gone.
// Each time the next one looks in other directories.
const maxRefusals = 4

// mostUnsettled is how many removals may wait to be made durable: one sync for
// all of them wears the disk less than one for each batch.
const mostUnsettled = 8192

// free deletes until the high mark is reached or there is a reason to stop, and
// makes that durable. It returns the last reading.
func (s *Sweeper) free(ctx context.Context, r Reading) (Reading, error) {
	var u unlinked
	r, err := s.freeBatches(ctx, r, &u)
	_, serr := s.settle(u)
	return r, errors.Join(err, serr)
}

// freeBatches removes file after file. What is in u is not durable yet.
func (s *Sweeper) freeBatches(ctx context.Context, r Reading, u *unlinked) (Reading, error) {
	limit := s.memory.look(time.Now(), r.Free)
	if limit == 0 {
		return r, nil // known to be futile, and nothing has changed
	}
	l := ledger{free: r.Free, written: s.counted}
	refusals := 0
	for ask := r; ctx.Err() == nil; {
		d, err := s.plan(ask, limit)
		if err != nil {
			return r, err
		}
		if len(d.Rows) == 0 {
			s.nothingLeft(ctx, r)
			return r, nil
		}
		garbage, err := s.cat.Condemn(d.Rows, FreeFloor)
		if err != nil {
			return r, err
		}
		some := s.unlink(ctx, garbage)
		l.freed += some.freed
		u.add(some)
		if ctx.Err() != nil {
			break
		}
		if some.count == 0 {
			if refusals++; refusals == maxRefusals { // going on would only pile up garbage
				s.memory.remember(time.Now(), r.Free, s.doubt(r))
				return r, nil
			}
			limit = 1
			continue
		}
		refusals = 0
		if u.count >= mostUnsettled {
			all := *u
			*u = unlinked{}
			if _, err := s.settle(all); err != nil {
				return r, err
			}
		}
		next, err := s.measure()
		if err != nil {
			return r, err
		}
		r = next
		stop := false
		if r, stop, err = s.judge(ctx, l, r, limit == 1); err != nil || stop {
			return r, err
		}
		if l.freed > 0 {
			limit = largeBatch
		}
		if r.Free >= r.High {
			s.end(NothingToPrune)
			return r, nil
		}
		if d.Stop == NothingLeft {
			s.nothingLeft(ctx, r)
			return r, nil
		}
		ask = r
		ask.Floor = r.High // a sweep that began ends at the high mark, not at the floor
	}
	return r, ctx.Err()
}

// plan asks the index for candidates and Plan for a decision.
func (s *Sweeper) plan(r Reading, limit int) (Decision, error) {
	rows, err := s.cat.Oldest(limit, s.spared)
	if err != nil {
		return Decision{}, err
	}
	candidates := make([]Candidate, len(rows))
	for i, row := range rows {
		candidates[i] = Candidate{Row: row, Busy: s.spared(row)}
	}
	return Plan(r, candidates, len(rows) < limit), nil
}

// spared reports whether a row must not be chosen now: somebody uses it, or
// its directory lets no file go, and condemning it would take it from people
// without gaining anything.
func (s *Sweeper) spared(r index.Row) bool {
	return s.o.Leased(r) || len(s.refused) > 0 && s.refused[r.File().Dir()] > 0
}

func (s *Sweeper) nothingLeft(ctx context.Context, r Reading) {
	if r.Free >= r.Floor {
		s.end(NothingToPrune)
		return
	}
	s.blame(ctx, NothingToPrune, map[string]any{"min_free_bytes": r.Floor, "free_bytes": r.Free})
}

// doubt is how much must have been deleted before the disk's answer counts:
// below it, somebody else's writing could hide the gain.
func (s *Sweeper) doubt(r Reading) int64 { return min(128*mib, r.Total/32) }

const (
	settle     = 2 * time.Second        // some file systems free blocks a little later
	settleStep = 250 * time.Millisecond // between looks
)

// judge decides whether deleting helps: less than half of what was deleted
// came back, and enough was deleted to tell. A try counts whatever its size.
func (s *Sweeper) judge(ctx context.Context, l ledger, r Reading, try bool) (Reading, bool, error) {
	if l.freed == 0 {
		return r, false, nil // the files had gone before
	}
	helps := func() bool { return l.gain(r.Free, s.counted) >= l.freed/2 }
	if helps() {
		s.memory.forget()
		s.end(Futile)
		return r, false, nil
	}
	if l.freed < s.doubt(r) && !try {
		return r, false, nil
	}
	for range settle / settleStep {
		select {
		case <-ctx.Done():
			return r, true, ctx.Err()
		case <-time.After(settleStep):
		}
		next, err := s.measure()
		if err != nil {
			return r, true, err
		}
		if r = next; helps() {
			s.memory.forget()
			s.end(Futile)
			return r, false, nil
		}
	}
	s.memory.remember(time.Now(), r.Free, max(l.freed/2, s.doubt(r)))
	s.blame(ctx, Futile, map[string]any{
		"min_free_bytes": r.Floor, "deleted_bytes": l.freed, "recovered_bytes": l.gain(r.Free, s.counted),
	})
	return r, true, nil
}

// judgeReserve decides whether there is room to record.
func (s *Sweeper) judgeReserve(r Reading) {
	s.mu.Lock()
	switch {
	case r.Free < r.Reserve:
		s.state.MayRecord = false
	case r.Free >= r.Reserve+r.Reserve/2:
		s.state.MayRecord = true
	}
	may := s.state.MayRecord
	s.mu.Unlock()
	if may {
		s.end(BelowReserve)
		return
	}
	s.begin(BelowReserve, map[string]any{"free_bytes": r.Free, "reserve_bytes": r.Reserve, "recording": false})
}

// deleteRows takes one batch through the four steps.
func (s *Sweeper) deleteRows(ctx context.Context, rows []index.Row, reason string) (burial, error) {
	garbage, err := s.cat.Condemn(rows, reason)
	if err != nil {
		return burial{}, err
	}
	return s.bury(ctx, garbage)
}
