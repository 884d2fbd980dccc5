package zones

import (
	"fmt"
	"maps"
	"slices"
)

// Versions of what is written; docs/format/zones.md.
const (
	stateVersion = 1
	mostCameras  = 4096
	mostTime     = 1 << 50 // ms; the year 37,648
)

// Flags of a state.
const (
	flagInside = 1 << iota
	flagDwelt
	flagKnown
	flagSettled
	flagAll = flagInside | flagDwelt | flagKnown | flagSettled
)

// Snapshot returns the engine's state as bytes: its time, and every track of
// which a zone believes something.
func (e *Engine) Snapshot() []byte {
	w := &writer{b: make([]byte, 0, 1024)}
	w.byte(stateVersion)
	w.int(e.now)
	w.uint(uint64(len(e.cameras)))
	for _, id := range slices.Sorted(maps.Keys(e.cameras)) {
		w.camera(e.cameras[id])
	}
	return w.sum()
}

func (w *writer) camera(c *camera) {
	w.text(c.id)
	w.uint(uint64(len(c.zones)))
	for _, z := range c.zones {
		w.text(z.ID)
		w.text(string(z.Kind))
	}
	w.uint(uint64(len(c.order)))
	for _, t := range c.order {
		w.track(t)
	}
}

func (w *writer) track(t *track) {
	w.text(t.task)
	w.text(t.id)
	w.text(t.label)
	if t.confidence == nil {
		w.byte(0)
	} else {
		w.byte(1)
		w.small(*t.confidence)
	}
	for _, v := range t.box {
		w.small(v)
	}
	w.int(t.seen)
	w.text(bounded(t.profile))
	w.uint(t.frame)
	told := 0
	for _, s := range t.states {
		if s != (state{}) {
			told++
		}
	}
	w.uint(uint64(told))
	for i, s := range t.states {
		if s == (state{}) {
			continue
		}
		w.uint(uint64(i))
		w.state(s)
	}
}

func (w *writer) state(s state) {
	flags := byte(0)
	for _, f := range []struct {
		set  bool
		flag byte
	}{{s.inside, flagInside}, {s.dwelt, flagDwelt}, {s.known, flagKnown}, {s.settled, flagSettled}} {
		if f.set {
			flags |= f.flag
		}
	}
	w.byte(flags)
	w.int(int64(s.streak))
	if s.inside {
		w.int(s.since)
	}
	if s.known {
		w.int(int64(s.over))
		w.large(s.from[0])
		w.large(s.from[1])
	}
}

// Restore replaces the engine's state by what Snapshot returned. SetZones comes
// before it: what is told of zones that are not there, or are of another kind,
// is left out. Data that is not whole is an error, and changes nothing.
func (e *Engine) Restore(data []byte) error {
	r := checked(data)
	if v := r.byte(); !r.bad && v != stateVersion {
		return fmt.Errorf("restore zones: version %d is not known", v)
	}
	now := r.int()
	if now < -mostTime || now > mostTime {
		r.fail()
	}
	restored := map[string]*camera{}
	for range r.count(mostCameras, 3) {
		c := r.camera(e, now)
		if r.bad || restored[c.id] != nil {
			r.fail()
			break
		}
		restored[c.id] = c
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("restore zones: %w", errCodec)
	}
	e.now = now
	for id, c := range e.cameras {
		c.tracks, c.order = map[key]*track{}, nil
		if old := restored[id]; old != nil {
			zones := c.zones
			c.tracks, c.order, c.zones = old.tracks, old.order, old.zones
			c.setZones(zones)
		}
		c.schedule()
	}
	return nil
}

func (r *reader) camera(e *Engine, now int64) *camera {
	c := &camera{id: r.text(mostStoredID), tracks: map[key]*track{}}
	for range r.count(MostZones, 2) {
		z := &zone{Zone: Zone{ID: r.text(mostStoredID), Kind: Kind(r.text(mostStoredID))}}
		if slices.ContainsFunc(c.zones, func(o *zone) bool { return o.ID == z.ID }) {
			r.fail()
		}
		c.zones = append(c.zones, z)
	}
	for range r.count(e.most, 24) {
		t := r.track(c, now)
		if r.bad || c.tracks[t.key] != nil {
			r.fail()
			return c
		}
		c.tracks[t.key] = t
		c.order = append(c.order, t)
	}
	return c
}

func (r *reader) track(c *camera, now int64) *track {
	t := &track{states: make([]state, len(c.zones)), pick: notPicked}
	t.task, t.id, t.label = r.text(mostStoredID), r.text(mostStoredID), r.text(mostLabel)
	switch r.byte() {
	case 0:
	case 1:
		v := r.small()
		t.confidence = &v
	default:
		r.fail()
	}
	for i := range t.box {
		t.box[i] = r.small()
	}
	t.seen = r.int()
	t.profile = r.text(mostStoredID)
	t.frame = r.uint()
	if t.id == "" || t.seen > now || t.seen < -mostTime {
		r.fail()
	}
	for next := r.count(len(c.zones), 3); next > 0; next-- {
		i := r.count(len(c.zones)-1, 0)
		if r.bad || t.states[i] != (state{}) {
			r.fail()
			return t
		}
		t.states[i] = r.state(c.zones[i].Kind, now)
	}
	return t
}

func (r *reader) state(kind Kind, now int64) state {
	flags := r.byte()
	s := state{
		inside: flags&flagInside != 0, dwelt: flags&flagDwelt != 0,
		known: flags&flagKnown != 0, settled: flags&flagSettled != 0,
	}
	streak := r.int()
	if streak < 0 || streak > mostConfirm {
		r.fail()
	}
	s.streak = int8(streak)
	if s.inside {
		if s.since = r.int(); s.since > now || s.since < -mostTime {
			r.fail()
		}
	}
	if s.known {
		over := r.int()
		if over < -1 || over > 1 {
			r.fail()
		}
		s.over = int8(over)
		s.from = Point{r.part(), r.part()}
	}
	polygon := kind == Polygon
	if flags&^byte(flagAll) != 0 || polygon && (s.known || s.settled) || !polygon && s.inside || s.dwelt && !s.inside || s.settled && !s.known || s == (state{}) {
		r.fail()
	}
	return s
}
