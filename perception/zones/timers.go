package zones

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// timer is something that became due.
type timer struct {
	at    int64 // ms
	typ   Type
	c     *camera
	t     *track
	order int // of the track in its camera
	zone  int
}

// Advance moves the engine's time to now and returns what became due until
// then, in the order in which it did: dwelling, and tracks that were unseen for
// too long. A now that lies before the engine's time changes nothing.
func (e *Engine) Advance(now time.Time) []Event {
	to := now.UnixMilli()
	if to < e.now {
		return nil
	}
	var due []timer
	var touched []*camera
	for _, c := range e.cameras {
		if c.due <= to {
			due = c.collect(to, due)
			touched = append(touched, c)
		}
	}
	sort.Slice(due, func(i, j int) bool { return due[i].before(&due[j]) })
	var out []Event
	for _, d := range due {
		// A definition that changed may have made due what lies behind.
		e.now = max(e.now, d.at)
		out = e.fire(d, out)
	}
	e.now = to
	for _, c := range touched {
		c.drop(to)
		c.schedule()
	}
	return out
}

// before orders timers: by time, then by what never changes; dwelling comes
// before the loss at the same moment.
func (d *timer) before(o *timer) bool {
	return cmp.Or(cmp.Compare(d.at, o.at), cmp.Compare(d.c.id, o.c.id), cmp.Compare(d.order, o.order),
		cmp.Compare(d.zone, o.zone), cmp.Compare(d.typ, o.typ)) < 0
}

// collect adds what is due in c until to.
func (c *camera) collect(to int64, due []timer) []timer {
	for order, t := range c.order {
		for i, z := range c.zones {
			s := &t.states[i]
			if !s.inside {
				continue
			}
			lost := t.seen + z.lost
			if dwell := s.since + z.dwell; z.dwell > 0 && !s.dwelt && dwell <= min(to, lost) {
				due = append(due, timer{dwell, Dwell, c, t, order, i})
			}
			if lost <= to {
				due = append(due, timer{lost, Exit, c, t, order, i})
			}
		}
	}
	return due
}

func (e *Engine) fire(d timer, out []Event) []Event {
	z, s := d.c.zones[d.zone], &d.t.states[d.zone]
	ev := e.event(d.typ, e.now, d.c, z, d.t, nil)
	ev.Seconds = seconds(e.now - s.since)
	if d.typ == Dwell {
		s.dwelt = true
	} else {
		ev.By = Lost
		*s = state{}
	}
	return append(out, ev)
}

// drop forgets tracks that no zone waits for any more.
func (c *camera) drop(now int64) {
	c.order = slices.DeleteFunc(c.order, func(t *track) bool {
		gone := t.seen+c.lost <= now
		if gone {
			delete(c.tracks, t.key)
		}
		return gone
	})
}

// schedule finds when the next timer of c is due.
func (c *camera) schedule() {
	c.due = never
	for _, t := range c.order {
		c.due = min(c.due, t.seen+c.lost)
		for i, z := range c.zones {
			s := &t.states[i]
			if !s.inside {
				continue
			}
			c.due = min(c.due, t.seen+z.lost)
			if z.dwell > 0 && !s.dwelt {
				c.due = min(c.due, s.since+z.dwell)
			}
		}
	}
}

// evict makes room in c: the track leaves that was unseen longest; of those,
// the one that came first.
func (e *Engine) evict(c *camera, out []Event) []Event {
	victim := -1
	for i, t := range c.order {
		if t.pick == notPicked && (victim < 0 || t.seen < c.order[victim].seen) {
			victim = i
		}
	}
	if victim < 0 { // more tracks in one frame than are followed
		victim = 0
	}
	t := c.order[victim]
	for i, z := range c.zones {
		if s := &t.states[i]; s.inside {
			ev := e.event(Exit, e.now, c, z, t, nil)
			ev.Seconds, ev.By = seconds(e.now-s.since), Crowd
			out = append(out, ev)
		}
	}
	delete(c.tracks, t.key)
	c.order = slices.Delete(c.order, victim, victim+1)
	return out
}
