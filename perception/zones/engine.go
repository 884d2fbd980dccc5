package zones

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Batch is what one analysed frame showed.
type Batch struct {
	// Seq is the place in the log; it ascends.
	Seq uint64
	// Received is when the box got it: what the engine's time is made of.
	Received time.Time
	// Time is when the picture was taken, as far as known. It decides nothing.
	Time time.Time
	// Camera is empty if no frame was analysed, as with an event that a worker
	// reports alone: then the batch says nothing but that time went on.
	Camera string
	// Task names who looks: track ids of one Task are one series, and a frame of
	// it without a track says that the track is not there.
	Task string
	// Profile and Frame name the picture in the sampler; Frame 0 = not known.
	Profile string
	Frame   uint64
	// Detections is what was seen; none is an observation, too.
	Detections []Detection
}

// Detection is one thing that was seen. Without a track or a box it counts for
// nothing here.
type Detection struct {
	Track, Label string
	Confidence   *float32    // nil = not said
	Box          *[4]float32 // left, top, width, height, each 0..1
}

// MostTracks is how many tracks of a camera are followed at once, all tasks
// together. Beyond it the one that was unseen longest leaves first.
const MostTracks = 2000

// Engine evaluates zones. Its state is a function of the calls made: it knows
// no clock. It is not safe for concurrent use, and keeps no reference to what
// it is given, but for strings.
//
// Timers are told with the time at which they were due, not with the time at
// which Advance was called. So it does not matter how often it is called, as
// long as no batch comes later that was received before.
type Engine struct {
	now     int64 // ms since 1970, never falls
	cameras map[string]*camera
	most    int // tracks of a camera
}

// camera is the state of one camera; it exists while there are zones.
type camera struct {
	id     string
	zones  []*zone
	tracks map[key]*track
	order  []*track // as they appeared, so that events come in one order
	due    int64    // when the next timer fires, ms; never if there is none
	lost   int64    // the longest of the zones', ms
}

// zone is a definition, ready to be asked.
type zone struct {
	Zone
	shape
	labels map[string]bool // nil = all
	least  float32
	dwell  int64 // ms
	lost   int64 // ms
}

type key struct{ task, id string }

// track is a thing that is followed.
type track struct {
	key
	label      string
	confidence *float32
	box        [4]float32
	point      Point
	seen       int64 // ms
	profile    string
	frame      uint64
	states     []state // one for each of the camera's zones
	pick       int     // index in the batch at hand, or notPicked
}

// state is what is believed about one track and one zone. The zero value is
// a track outside of a polygon, or one that no line has seen.
type state struct {
	inside bool // polygon
	dwelt  bool // polygon: told in this stay
	streak int8 // observations in a row against what is believed; a line: see observeLine
	since  int64
	// Of lines.
	known   bool // from is where the track was
	settled bool // it may cross at once
	over    int8 // crossings since the last that was told, -1..1
	from    Point
}

const (
	never     = math.MaxInt64
	notPicked = -1
)

// NewEngine returns an engine without zones.
func NewEngine() *Engine {
	return &Engine{cameras: map[string]*camera{}, most: MostTracks}
}

// SetZones replaces the definitions. State of a zone that is still there, is
// enabled and is of the same kind is kept, and judged by the new definition from
// the next frame on; other state is dropped without events.
func (e *Engine) SetZones(all []Zone) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Zone) int { return cmp.Compare(a.ID, b.ID) })
	byCamera := map[string][]*zone{}
	for i := range all {
		if z := &all[i]; z.Enabled && len(z.Points) > 0 {
			byCamera[z.Camera] = append(byCamera[z.Camera], prepare(*z))
		}
	}
	for id := range e.cameras {
		if byCamera[id] == nil {
			delete(e.cameras, id)
		}
	}
	for id, zones := range byCamera {
		c := e.cameras[id]
		if c == nil {
			c = &camera{id: id, tracks: map[key]*track{}}
			e.cameras[id] = c
		}
		c.setZones(zones)
	}
}

func prepare(z Zone) *zone {
	z.Points, z.Labels = slices.Clone(z.Points), slices.Clone(z.Labels)
	p := &zone{
		Zone: z, shape: shapeOf(z.Points), least: float32(z.MinConfidence),
		dwell: int64(z.DwellSeconds) * 1000, lost: int64(z.LostSeconds) * 1000,
	}
	if len(z.Labels) > 0 {
		p.labels = make(map[string]bool, len(z.Labels))
		for _, l := range z.Labels {
			p.labels[l] = true
		}
	}
	return p
}

func (c *camera) setZones(zones []*zone) {
	before := c.zones
	c.zones, c.lost = zones, 0
	from := make([]int, len(zones)) // index in before, or -1
	for i, z := range zones {
		c.lost = max(c.lost, z.lost)
		from[i] = slices.IndexFunc(before, func(b *zone) bool { return b.ID == z.ID && b.Kind == z.Kind })
	}
	for _, t := range c.order {
		states := make([]state, len(zones))
		for i, j := range from {
			if j >= 0 {
				states[i] = t.states[j]
			}
		}
		t.states = states
	}
	c.schedule()
}

// Now returns the engine's time: the latest it was told.
func (e *Engine) Now() time.Time { return time.UnixMilli(e.now).UTC() }

// Next returns when Advance is due; the zero time if nothing waits.
func (e *Engine) Next() time.Time {
	due := int64(never)
	for _, c := range e.cameras {
		due = min(due, c.due)
	}
	if due == never {
		return time.Time{}
	}
	return time.UnixMilli(due).UTC()
}

// Apply takes what a frame showed and returns what came of it, in order: first
// the timers that were due until then. A batch that was received before the
// engine's time counts as received now.
func (e *Engine) Apply(b Batch) []Event {
	out := e.Advance(b.Received)
	c := e.cameras[b.Camera]
	if c == nil {
		return out
	}
	b.Task = bounded(b.Task)
	for _, t := range c.order {
		t.pick = notPicked
	}
	if len(c.order)+len(b.Detections) > e.most {
		// Some may have to leave: first see who may not.
		for i := range b.Detections {
			e.pick(c, &b, i, false, nil)
		}
	}
	for i := range b.Detections {
		out = e.pick(c, &b, i, true, out)
	}
	for _, t := range c.order {
		switch {
		case t.pick != notPicked:
			out = e.see(c, t, &b, out)
		case t.task == b.Task:
			out = e.miss(c, t, &b, out)
		}
	}
	c.schedule()
	return out
}

// pick notes which detection stands for its track in this frame: the one with
// the highest confidence; one without a confidence only if there is no other.
// A track that is new is followed from now on, if fresh says so.
func (e *Engine) pick(c *camera, b *Batch, i int, fresh bool, out []Event) []Event {
	d := &b.Detections[i]
	if d.Track == "" || d.Box == nil || !finite(d.Box[:]...) || d.Confidence != nil && !finite(*d.Confidence) {
		return out
	}
	k := key{b.Task, bounded(d.Track)}
	t := c.tracks[k]
	if t == nil && !fresh {
		return out
	}
	if t == nil {
		if len(c.order) >= e.most {
			out = e.evict(c, out)
		}
		t = &track{key: k, states: make([]state, len(c.zones)), pick: notPicked, seen: e.now}
		c.tracks[k] = t
		c.order = append(c.order, t)
	}
	if t.pick == notPicked || confidence(d.Confidence) > confidence(b.Detections[t.pick].Confidence) {
		t.pick = i
	}
	return out
}

func confidence(c *float32) float32 {
	if c == nil {
		return -1
	}
	return *c
}

// see evaluates all zones for a track that is in the frame.
func (e *Engine) see(c *camera, t *track, b *Batch, out []Event) []Event {
	d := &b.Detections[t.pick]
	t.label, t.box, t.seen, t.profile, t.frame = clip(d.Label), *d.Box, e.now, b.Profile, b.Frame
	t.confidence = nil
	if d.Confidence != nil {
		v := *d.Confidence
		t.confidence = &v
	}
	t.point = feet(t.box)
	for i, z := range c.zones {
		counts := (d.Confidence == nil || *d.Confidence >= z.least) && (z.labels == nil || z.labels[d.Label])
		s := &t.states[i]
		switch {
		case z.Kind == Polygon:
			out = e.observe(c, z, t, s, counts && z.contains(t.point), b, out)
		case counts:
			out = e.observeLine(c, z, t, s, b, out)
		}
	}
	return out
}

// miss tells all zones that a track is not in a frame of its task.
func (e *Engine) miss(c *camera, t *track, b *Batch, out []Event) []Event {
	for i, z := range c.zones {
		if s := &t.states[i]; z.Kind == Polygon {
			out = e.observe(c, z, t, s, false, b, out)
		} else {
			s.streak = 0 // the other side is confirmed by being seen there
		}
	}
	return out
}

// observe takes one observation of a polygon. What is believed changes after
// ConfirmFrames observations in a row that say the contrary.
func (e *Engine) observe(c *camera, z *zone, t *track, s *state, inside bool, b *Batch, out []Event) []Event {
	if inside == s.inside {
		s.streak = 0
		return out
	}
	if s.streak++; int(s.streak) < z.ConfirmFrames {
		return out
	}
	if inside {
		*s = state{inside: true, since: e.now}
		return append(out, e.event(Enter, e.now, c, z, t, b))
	}
	ev := e.event(Exit, e.now, c, z, t, b)
	ev.Seconds = seconds(e.now - s.since)
	*s = state{}
	return append(out, ev)
}

// observeLine takes one sight of a track by a line. The first crossing is told
// at once. The next is told at once too if the track has meanwhile been
// ConfirmFrames sights in a row on the side it had crossed to; else only when it
// has been so many on the other side. So who wobbles on a line crosses it once, and
// crossings there and back alternate.
func (e *Engine) observeLine(c *camera, z *zone, t *track, s *state, b *Batch, out []Event) []Event {
	if !s.known {
		*s = state{known: true, settled: true, from: t.point}
		return out
	}
	was := s.over
	s.over = int8(max(-1, min(1, int(s.over)+z.crossings(s.from, t.point))))
	s.from = t.point
	if s.over != was {
		s.streak = 0
	}
	s.streak = min(s.streak+1, mostConfirm)
	switch {
	case s.over == 0:
		s.settled = s.settled || int(s.streak) >= z.ConfirmFrames
		return out
	case !s.settled && int(s.streak) < z.ConfirmFrames:
		return out
	}
	direction := AToB
	if s.over < 0 {
		direction = BToA
	}
	// The sights that confirmed it count as on the side it is on now.
	s.settled = int(s.streak) >= z.ConfirmFrames
	s.over = 0
	if z.Direction != Any && z.Direction != direction {
		return out
	}
	ev := e.event(Cross, e.now, c, z, t, b)
	ev.Direction = direction
	return append(out, ev)
}

// feet returns the point that is tested: where what is in the box stands.
func feet(box [4]float32) Point {
	x, y := float64(box[0])+float64(box[2])/2, float64(box[1])+float64(box[3])
	return Point{max(0, min(1, x)), max(0, min(1, y))}
}

func finite(values ...float32) bool {
	for _, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
