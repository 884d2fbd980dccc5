package sweep

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"vedette/recorder/index"
)

// Policy says how much footage of one camera is kept on a volume. Zeros are no
// limit.
type Policy struct {
	// Age is how long footage is kept after it ended, at least LeastAge. It is
	// applied while the wall clock is trusted, to footage whose own time is, and
	// braked: from sweep to sweep the clock is believed no more than twice the
	// time that passed, so one that steps deletes nothing of note. A person who
	// changes Age has it applied by the clock as it is, once.
	Age time.Duration
	// Quota is the bytes that the camera may have, evidence included.
	Quota int64
	// Keep protects footage that ended this little ago from quota and cap, not
	// from the floor.
	Keep time.Duration
}

// LeastAge is the shortest Policy.Age.
const LeastAge = time.Hour

// Policies are the rules of a volume beside its free space.
type Policies struct {
	Cap     int64             // bytes of all footage, evidence included; 0 = no limit
	Cameras map[string]Policy // by id
}

// SetPolicies replaces the policies. They take effect with the next sweep,
// which begins at once. p must not be changed afterwards.
func (s *Sweeper) SetPolicies(p Policies) {
	s.mu.Lock()
	for id, now := range p.Cameras {
		if now.Age != s.policies.Cameras[id].Age {
			s.released[id] = true
		}
	}
	s.policies = p
	s.mu.Unlock()
	s.Kick()
}

// Policies returns what is in force.
func (s *Sweeper) Policies() Policies {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policies
}

// Brake is what the wall clock is believed to show.
type Brake struct {
	wall int64     // UTC ms, at at
	at   time.Time // monotonic
}

// slack is how much younger than the newest footage the wall clock may be at
// the first sweep: segments that grow have no row yet.
const slack = time.Minute

// Believe returns what the clock may be taken for when it shows now, in UTC ms,
// and the brake for the next time. newest is when the newest footage of the
// volume ended: where no sweep was before, the clock was right then. A clock that
// went back is believed, but does not take the brake along: it may come again.
func (b Brake) Believe(now int64, mono time.Time, newest int64) (int64, Brake) {
	if b.at.IsZero() {
		now = min(now, newest+slack.Milliseconds())
		return now, Brake{now, mono}
	}
	passed := mono.Sub(b.at).Milliseconds()
	now = min(now, b.wall+2*passed)
	return now, Brake{max(now, b.wall+passed/2), mono}
}

// keepAge is the rule of age, camera by camera.
func (s *Sweeper) keepAge(ctx context.Context) error {
	p, totals, shown := s.Policies(), s.cat.Totals().Cameras, s.o.Now().UnixMilli()
	now, ok := s.believed(shown, totals)
	if !ok {
		return nil
	}
	var first error
	released := s.release()
	for _, id := range slices.Sorted(maps.Keys(p.Cameras)) {
		age := p.Cameras[id].Age
		if age <= 0 || totals[id].Unlocked.Rows == 0 {
			continue
		}
		at := now
		if released[id] {
			at = shown
		}
		first = cmp.Or(first, s.ageOut(ctx, id, at-max(age, LeastAge).Milliseconds()))
	}
	s.report(Age, nil, false)
	if first != nil {
		return fmt.Errorf("keep the age: %w", first)
	}
	return nil
}

// believed returns what the clock may be taken for when it shows now, and false
// where it says nothing: it is not trusted, or there is no footage yet to judge
// it by.
func (s *Sweeper) believed(now int64, cameras map[string]index.CameraTotals) (int64, bool) {
	mono, first, newest := time.Now(), s.brake.at.IsZero(), int64(0)
	if first {
		newest = s.newest(cameras)
	}
	switch {
	case first && newest == 0:
		return 0, false
	case !s.o.Trusted():
		if !first { // time passes all the same
			s.brake = Brake{s.brake.wall + mono.Sub(s.brake.at).Milliseconds(), mono}
		}
		return 0, false
	}
	now, s.brake = s.brake.Believe(now, mono, newest)
	return now, true
}

// newest returns when the newest footage of the volume ended, UTC ms.
func (s *Sweeper) newest(cameras map[string]index.CameraTotals) (ms int64) {
	for id := range cameras {
		if _, last, ok := s.cat.Bounds(id); ok {
			ms = max(ms, last)
		}
	}
	return ms
}

// release returns, once, the cameras whose age a person changed.
func (s *Sweeper) release() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	released := s.released
	s.released = make(map[string]bool)
	return released
}

// ageOut deletes what a camera has of unlocked footage that ended by cutoff,
// and whose time is known.
func (s *Sweeper) ageOut(ctx context.Context, id string, cutoff int64) error {
	for ctx.Err() == nil {
		var rows []index.Row
		err := s.cat.Range(id, 0, cutoff, func(r index.Row, held bool) bool {
			if !held && r.End() <= cutoff && r.Flags&index.Trusted != 0 && !s.spared(r) {
				rows = append(rows, r)
			}
			return len(rows) < largeBatch
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		b, err := s.deleteRows(ctx, rows, Age)
		if err != nil {
			return err
		}
		if len(b.gone) == 0 || len(rows) < largeBatch {
			return nil // what could not be removed is garbage now, and tried again
		}
	}
	return ctx.Err()
}

// keepQuotas is the rule of quotas, camera by camera.
func (s *Sweeper) keepQuotas(ctx context.Context) error {
	p := s.Policies()
	var first error
	var over []string
	for _, id := range slices.Sorted(maps.Keys(p.Cameras)) {
		if q := p.Cameras[id]; q.Quota > 0 {
			size := func() index.CameraTotals { return s.cat.Totals().Cameras[id] }
			if size().Held.Bytes > q.Quota {
				over = append(over, id)
			}
			first = cmp.Or(first, s.shrink(ctx, q.Quota, Quota, size, func(r index.Row) bool { return r.Camera == id && !s.kept(p, r) }))
		}
	}
	if len(over) > 0 {
		s.begin(LockedExceedsQuota, map[string]any{"cameras": over})
	} else {
		s.end(LockedExceedsQuota)
	}
	s.report(Quota, nil, false)
	if first != nil {
		return fmt.Errorf("keep the quotas: %w", first)
	}
	return nil
}

// keepCap is the rule of the volume's cap.
func (s *Sweeper) keepCap(ctx context.Context) error {
	p := s.Policies()
	size := func() index.CameraTotals {
		t := s.cat.Totals()
		return index.CameraTotals{Unlocked: t.Unlocked, Held: t.Held, Garbage: t.Garbage}
	}
	t := size()
	if p.Cap > 0 && t.Held.Bytes > p.Cap {
		s.begin(LockedExceedsCap, map[string]any{
			"locked_bytes": t.Held.Bytes, "unlocked_bytes": t.Unlocked.Bytes + t.Garbage.Bytes, "max_bytes": p.Cap,
		})
	} else {
		s.end(LockedExceedsCap)
	}
	var err error
	if p.Cap > 0 {
		err = s.shrink(ctx, p.Cap, SizeCap, size, func(r index.Row) bool { return !s.kept(p, r) })
	}
	s.report(SizeCap, map[string]any{"max_bytes": p.Cap}, false)
	if err != nil {
		return fmt.Errorf("keep the cap: %w", err)
	}
	return nil
}

// shrink deletes the oldest rows that may go until what is unlocked, with
// garbage that could not be removed, fits into limit beside what is held. Where
// that alone fills it, nothing is deleted: it would not help.
func (s *Sweeper) shrink(ctx context.Context, limit int64, reason string, size func() index.CameraTotals, may func(index.Row) bool) error {
	held := size().Held.Bytes
	if held >= limit {
		return nil
	}
	for ctx.Err() == nil {
		t := size()
		goal := t.Unlocked.Bytes + t.Garbage.Bytes - (limit - held)
		if goal <= 0 {
			return nil
		}
		rows, err := s.cat.Oldest(largeBatch, func(r index.Row) bool { return !may(r) || s.spared(r) })
		if err != nil {
			return err
		}
		candidates := make([]Candidate, len(rows))
		for i, r := range rows {
			candidates[i] = Candidate{Row: r}
		}
		d := choose(goal, candidates, len(rows) < largeBatch)
		if len(d.Rows) == 0 {
			return nil
		}
		b, err := s.deleteRows(ctx, d.Rows, reason)
		if err != nil {
			return err
		}
		if len(b.gone) == 0 || d.Stop == NothingLeft {
			return nil // no progress
		}
	}
	return ctx.Err()
}

// kept reports whether a camera's policy keeps r from quota and cap.
func (s *Sweeper) kept(p Policies, r index.Row) bool {
	keep := p.Cameras[r.Camera].Keep
	return keep > 0 && r.End() > s.o.Now().Add(-keep).UnixMilli()
}

// reportAll tells what is not told yet. sweeping is held.
func (s *Sweeper) reportAll() {
	p := s.Policies()
	for _, reason := range slices.Sorted(maps.Keys(s.losses)) {
		var limit map[string]any
		switch reason {
		case FreeFloor:
			limit = map[string]any{"min_free_bytes": s.State().Floor}
		case SizeCap:
			limit = map[string]any{"max_bytes": p.Cap}
		}
		s.report(reason, limit, true)
	}
}
