package sweep

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"vedette/recorder/index"
)

// Event is something a person should see.
type Event struct {
	Type     string // "disk_pressure" or "retention_delete"
	Severity string // "info", "warning" or "critical"
	Payload  map[string]any
}

const (
	typePressure = "disk_pressure"
	typeDelete   = "retention_delete"

	info     = "info"
	warning  = "warning"
	critical = "critical"
)

// The conditions a volume can be in: the word under "reason" in the payload
// of disk_pressure events. Each becomes one event when it begins, and one of
// severity info with "cleared": true when it ends.
const (
	FreeFloor          = "free_floor"                 // footage is deleted to keep the floor
	NothingToPrune     = "nothing_to_prune"           // below the floor, and everything left is evidence or in use
	FloorUnsatisfiable = "floor_unsatisfiable"        // the floor is as large as the disk
	Futile             = "prune_not_recovering_space" // deleting did not free what it should have
	SizeCap            = "size_cap"                   // footage is deleted to keep the volume's cap
	LockedExceedsCap   = "locked_exceeds_cap"         // evidence alone is more than the cap: nothing is deleted for it
	LockedExceedsQuota = "locked_exceeds_quota"       // the same for a camera's quota
	EvidenceFills      = "evidence_fills_disk"        // evidence takes four fifths of the room for footage
	DeleteFailed       = "delete_failed"              // files could not be removed
	NoStatistics       = "disk_stats_unavailable"     // free space cannot be read
	BelowReserve       = "reserve"                    // recording must stop
)

// Rules that delete without anything being wrong; their reason in
// retention_delete events and in the audit.
const (
	Age   = "age"
	Quota = "quota"
)

func severity(reason string) string {
	switch reason {
	case NoStatistics, SizeCap, LockedExceedsCap, LockedExceedsQuota, EvidenceFills:
		return warning
	}
	return critical
}

// begin reports a condition unless it is known already.
func (s *Sweeper) begin(reason string, payload map[string]any) {
	s.mu.Lock()
	known := s.conditions[reason]
	s.conditions[reason] = true
	s.mu.Unlock()
	if known {
		return
	}
	payload["reason"] = reason
	s.o.Emit(Event{Type: typePressure, Severity: severity(reason), Payload: payload})
}

// blame is begin, with what else takes room on the disk.
func (s *Sweeper) blame(ctx context.Context, reason string, payload map[string]any) {
	s.mu.Lock()
	known := s.conditions[reason]
	s.mu.Unlock()
	if known {
		return
	}
	var others []map[string]any
	for _, u := range s.o.Largest(ctx) {
		others = append(others, map[string]any{"path": u.Path, "bytes": u.Bytes})
	}
	if len(others) > 0 {
		payload["largest_others"] = others
	}
	s.begin(reason, payload)
}

// end reports that a condition is over, if it was there.
func (s *Sweeper) end(reasons ...string) {
	for _, reason := range reasons {
		s.mu.Lock()
		known := s.conditions[reason]
		delete(s.conditions, reason)
		s.mu.Unlock()
		if known {
			s.o.Emit(Event{Type: typePressure, Severity: info, Payload: map[string]any{"reason": reason, "cleared": true}})
		}
	}
}

// losses are what one rule deletes.
type losses struct {
	lost       deletions
	last       time.Time // when something was deleted last
	lastReport time.Time
}

// deletions adds up what was deleted until it is reported.
type deletions struct {
	count   int
	bytes   int64
	cameras map[string]*span
}

// span is what one camera lost.
type span struct {
	count          int
	bytes          int64
	oldest, newest int64 // UTC ms: first start, last end
}

func (sp *span) add(r index.Row) {
	if sp.count == 0 || r.Start < sp.oldest {
		sp.oldest = r.Start
	}
	sp.newest = max(sp.newest, r.End())
	sp.count++
	sp.bytes += r.Bytes
}

func (d *deletions) add(r index.Row) {
	if d.count == 0 {
		d.cameras = make(map[string]*span)
	}
	sp := d.cameras[r.Camera]
	if sp == nil {
		sp = &span{}
		d.cameras[r.Camera] = sp
	}
	sp.add(r)
	d.count++
	d.bytes += r.Bytes
}

// maxListed bounds the cameras named in one event.
const maxListed = 16

// payload tells what was deleted, whose, how old and why. Cameras that lost
// most come first.
func (d *deletions) payload(reason string, limit map[string]any, now time.Time) map[string]any {
	names := slices.SortedFunc(maps.Keys(d.cameras), func(a, b string) int {
		return cmp.Or(cmp.Compare(d.cameras[b].count, d.cameras[a].count), cmp.Compare(a, b))
	})
	list := make([]map[string]any, 0, min(len(names), maxListed))
	all := span{}
	for i, name := range names {
		sp := d.cameras[name]
		if all.oldest == 0 || sp.oldest < all.oldest {
			all.oldest = sp.oldest
		}
		all.newest = max(all.newest, sp.newest)
		if i < maxListed {
			list = append(list, map[string]any{
				"camera": name, "deleted": sp.count, "bytes": sp.bytes,
				"oldest": stamp(sp.oldest), "newest": stamp(sp.newest),
			})
		}
	}
	p := map[string]any{
		"reason": reason, "deleted": d.count, "bytes": d.bytes,
		"oldest": stamp(all.oldest), "newest": stamp(all.newest),
		"oldest_age_s": max(now.UnixMilli()-all.oldest, 0) / 1000,
		"cameras":      list,
	}
	maps.Copy(p, limit)
	if more := len(names) - len(list); more > 0 {
		p["more_cameras"] = more
	}
	return p
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// report tells people what a rule deleted: at once when it begins to, for a
// rule that is a condition as the event that says so, and then at most once per
// Options.Report, because a full disk deletes something every minute of its
// life. limit is what the rule keeps, for the payload; force empties the list
// now.
func (s *Sweeper) report(reason string, limit map[string]any, force bool) {
	l := s.lossesOf(reason)
	now := time.Now()
	if l.lost.count == 0 {
		if now.Sub(l.last) >= calm {
			s.end(reason)
		}
		return
	}
	s.mu.Lock()
	known := s.conditions[reason]
	s.mu.Unlock()
	condition := reason == FreeFloor || reason == SizeCap
	switch {
	case condition && !known:
		s.begin(reason, l.lost.payload(reason, limit, s.o.Now()))
	case force || l.lastReport.IsZero() || now.Sub(l.lastReport) >= s.o.Report:
		s.o.Emit(Event{Type: typeDelete, Severity: info, Payload: l.lost.payload(reason, limit, s.o.Now())})
	default:
		return
	}
	l.lastReport, l.lost = now, deletions{}
}

// lossesOf returns what the rule deleted since it was reported last. sweeping is
// held.
func (s *Sweeper) lossesOf(reason string) *losses {
	l := s.losses[reason]
	if l == nil {
		l = &losses{}
		s.losses[reason] = l
	}
	return l
}

// calm is how long nothing must be deleted for the pressure to be over.
const calm = time.Hour
