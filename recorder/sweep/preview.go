package sweep

import "vedette/recorder/index"

// Outcome is what rules would delete.
type Outcome struct {
	Deleted index.Tally
	By      map[string]index.Tally // by rule
	Oldest  map[string]int64       // by camera: start of its oldest footage that stays, UTC ms
}

// Rows yields all rows of a volume by start, and may be asked more than once.
type Rows func(yield func(r index.Row, held bool) bool) error

// Preview says what limits and policies would delete of a volume at once, at
// now in UTC ms, if nothing is in use: the sum of the rules in the order of a
// sweep, without the brake. It is a pure function of what it is given; an
// error is one of rows.
func Preview(r Reading, p Policies, totals index.Totals, rows Rows, now int64) (Outcome, error) {
	v := &preview{p: p, now: now, held: map[string]int64{}, left: map[string]int64{}}
	for id, t := range totals.Cameras {
		v.held[id], v.left[id] = t.Held.Bytes, t.Unlocked.Bytes+t.Garbage.Bytes
	}
	// The cap counts what the other rules leave: they are asked alone first.
	var floor int64
	if r.Free < r.Floor && r.Floor < r.Total {
		floor = r.High - r.Free
	}
	before, err := v.walk(rows, floor, 0)
	if err != nil || p.Cap <= 0 || totals.Held.Bytes >= p.Cap {
		return before, err
	}
	over := totals.Unlocked.Bytes + totals.Garbage.Bytes - before.Deleted.Bytes - (p.Cap - totals.Held.Bytes)
	if over <= 0 {
		return before, nil
	}
	return v.walk(rows, floor, over)
}

type preview struct {
	p    Policies
	now  int64
	held map[string]int64 // bytes by camera
	left map[string]int64
}

// walk goes over all rows, oldest first. floor and over are bytes that must go
// for the floor, and for the cap beside what other rules delete.
func (v *preview) walk(rows Rows, floor, over int64) (Outcome, error) {
	o := Outcome{By: map[string]index.Tally{}, Oldest: map[string]int64{}}
	gone := map[string]int64{}
	err := rows(func(r index.Row, held bool) bool {
		rule := ""
		if !held {
			rule = v.rule(r, floor > 0, over > 0, gone[r.Camera])
		}
		if rule == "" {
			if _, known := o.Oldest[r.Camera]; !known {
				o.Oldest[r.Camera] = r.Start
			}
			return true
		}
		floor -= r.Bytes
		if rule == SizeCap {
			over -= r.Bytes
		}
		gone[r.Camera] += r.Bytes
		t := o.By[rule]
		o.By[rule] = index.Tally{Rows: t.Rows + 1, Bytes: t.Bytes + r.Bytes}
		o.Deleted.Rows++
		o.Deleted.Bytes += r.Bytes
		return true
	})
	return o, err
}

// rule returns which rule deletes r, "" if none does. gone are the bytes of its
// camera that went before it.
func (v *preview) rule(r index.Row, floor, over bool, gone int64) string {
	q := v.p.Cameras[r.Camera]
	kept := q.Keep > 0 && r.End() > v.now-q.Keep.Milliseconds()
	switch {
	case floor:
		return FreeFloor
	case q.Age > 0 && r.Flags&index.Trusted != 0 && r.End() <= v.now-max(q.Age, LeastAge).Milliseconds():
		return Age
	case kept:
		return ""
	case q.Quota > 0 && v.held[r.Camera] < q.Quota && v.left[r.Camera]-gone > q.Quota-v.held[r.Camera]:
		return Quota
	case over:
		return SizeCap
	}
	return ""
}
