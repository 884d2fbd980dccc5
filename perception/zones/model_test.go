package zones

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// This file is a second implementation of what zones do, written the slow and
// obvious way: for each zone and each track alone, over the whole history. The
// engine has to say the same.

var epoch = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)

// told is what is compared of an event.
func told(e Event) string {
	return fmt.Sprintf("%s %s %s %s/%s %s s=%.3f dir=%s by=%s seq=%d",
		e.Time.Format("15:04:05.000"), e.Type, e.Zone, e.Task, e.Track, e.Label, e.Seconds, e.Direction, e.By, e.Seq)
}

func tellAll(all []Event) []string {
	out := make([]string, 0, len(all))
	for _, e := range all {
		out = append(out, told(e))
	}
	return out
}

// winding reports whether p is inside by the angle that the outline turns around
// it.
func winding(points []Point, p Point) bool {
	turn := 0.0
	for i, a := range points {
		b := points[(i+1)%len(points)]
		d := math.Atan2(b[1]-p[1], b[0]-p[0]) - math.Atan2(a[1]-p[1], a[0]-p[0])
		for d > math.Pi {
			d -= 2 * math.Pi
		}
		for d < -math.Pi {
			d += 2 * math.Pi
		}
		turn += d
	}
	return math.Abs(turn) > math.Pi
}

// meets solves p+t(q-p) = a+u(b-a) and says by which side q lies.
func meets(a, b, p, q Point) int {
	dx, dy, ex, ey := q[0]-p[0], q[1]-p[1], b[0]-a[0], b[1]-a[1]
	det := ex*dy - dx*ey
	if det == 0 {
		return 0
	}
	t := (ex*(a[1]-p[1]) - ey*(a[0]-p[0])) / det
	u := (dx*(a[1]-p[1]) - dy*(a[0]-p[0])) / det
	if t <= 0 || t > 1 || u < 0 || u > 1 {
		return 0
	}
	// Walking along e, the right hand in a picture is (-ey, ex).
	if dx*-ey+dy*ex > 0 {
		return 1
	}
	return -1
}

type sight struct {
	at    int64
	seq   uint64
	there bool
	d     Detection
}

// history returns the sights of one track: every frame of its camera and task.
func history(batches []Batch, z Zone, task, track string) []sight {
	var out []sight
	now := int64(0)
	for _, b := range batches {
		now = max(now, b.Received.UnixMilli())
		if b.Camera != z.Camera || b.Task != task {
			continue
		}
		s := sight{at: now, seq: b.Seq}
		for _, d := range b.Detections {
			if d.Track != track || d.Box == nil {
				continue
			}
			better := !s.there || d.Confidence != nil && (s.d.Confidence == nil || *d.Confidence > *s.d.Confidence)
			if better {
				s.d, s.there = d, true
			}
		}
		out = append(out, s)
	}
	return out
}

// model returns all events of one zone and one track until end.
func model(z Zone, longest int64, task, track string, sights []sight, end int64) []Event {
	var out []Event
	var inside, dwelt, known, settled bool
	var count, over, line int
	var since, seen int64
	var label string
	var from Point
	say := func(typ Type, at int64, s *sight) *Event {
		e := Event{Type: typ, Time: time.UnixMilli(at).UTC(), Zone: z.ID, Task: task, Track: track, Label: label}
		if s != nil {
			e.Seq = s.seq
		}
		out = append(out, e)
		return &out[len(out)-1]
	}
	timers := func(now int64) {
		if seen == 0 {
			return
		}
		lost := seen + int64(z.LostSeconds)*1000
		if at := since + int64(z.DwellSeconds)*1000; inside && z.DwellSeconds > 0 && !dwelt && at <= now && at <= lost {
			say(Dwell, at, nil).Seconds = float64(at-since) / 1000
			dwelt = true
		}
		if inside && lost <= now {
			e := say(Exit, lost, nil)
			e.Seconds, e.By = float64(lost-since)/1000, Lost
			inside, count = false, 0
		}
		if seen+longest <= now {
			inside, count, known, over, seen = false, 0, false, 0, 0
		}
	}
	for i := range sights {
		s := &sights[i]
		timers(s.at)
		if !s.there && seen == 0 {
			continue // nobody follows it
		}
		counts := s.there && (s.d.Confidence == nil || float64(*s.d.Confidence) >= z.MinConfidence) &&
			(len(z.Labels) == 0 || slices.Contains(z.Labels, s.d.Label))
		var p Point
		if s.there {
			seen, label = s.at, s.d.Label
			p = Point{float64(s.d.Box[0]) + float64(s.d.Box[2])/2, float64(s.d.Box[1]) + float64(s.d.Box[3])}
		}
		if z.Kind == Polygon {
			if in := counts && winding(z.Points, p); in == inside {
				count = 0
			} else if count++; count == z.ConfirmFrames {
				count, inside = 0, in
				if in {
					since, dwelt = s.at, false
					say(Enter, s.at, s)
				} else {
					say(Exit, s.at, s).Seconds = float64(s.at-since) / 1000
				}
			}
			continue
		}
		switch {
		case !s.there:
			line = 0
			continue
		case !counts:
			continue
		case !known:
			known, settled, from, line, over = true, true, p, 0, 0
			continue
		}
		net := 0
		for j := 1; j < len(z.Points); j++ {
			net += meets(z.Points[j-1], z.Points[j], from, p)
		}
		from = p
		now := max(-1, min(1, over+net))
		if now != over {
			line = 0
		}
		line++
		over = now
		if over == 0 {
			if line >= z.ConfirmFrames {
				settled = true
			}
			continue
		}
		if !settled && line < z.ConfirmFrames {
			continue
		}
		dir := AToB
		if over < 0 {
			dir = BToA
		}
		settled, over = line >= z.ConfirmFrames, 0
		if z.Direction == Any || z.Direction == dir {
			say(Cross, s.at, s).Direction = dir
		}
	}
	timers(end)
	return out
}

// script is a random world: zones and what was seen.
type script struct {
	zones   []Zone
	batches []Batch
	end     time.Time
}

func scripted(r *rand.Rand, frames int) script {
	var s script
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	for i := range 1 + r.IntN(5) {
		z := Default()
		z.ID, z.Camera, z.Name = fmt.Sprintf("z%d", i), fmt.Sprintf("c%d", r.IntN(2)), "zone"
		z.ConfirmFrames, z.LostSeconds, z.DwellSeconds = 1+r.IntN(4), pick(1, 2, 5), pick(0, 1, 3)
		z.MinConfidence = float64(pick(0, 50)) / 100
		if r.IntN(3) == 0 {
			z.Labels = []string{"person"}
		}
		if r.IntN(2) == 0 {
			z.Kind = Line
			z.Direction = []Direction{Any, AToB, BToA}[r.IntN(3)]
			z.Points = []Point{{.5 + r.Float64()/50, 0}, {.45 + r.Float64()/10, .4}, {.5, 1}}
		} else {
			// Star-shaped around the middle, so it never crosses itself.
			corners := 3 + r.IntN(6)
			for k := range corners {
				angle, far := 2*math.Pi*(float64(k)+r.Float64()/2)/float64(corners), .1+.35*r.Float64()
				z.Points = append(z.Points, Point{.5 + far*math.Cos(angle), .5 + far*math.Sin(angle)})
			}
		}
		if err := z.Validate(); err != nil {
			panic(err)
		}
		s.zones = append(s.zones, z)
	}
	at := epoch
	where := map[string]Point{}
	for i := range frames {
		at = at.Add(time.Duration(pick(-300, 0, 40, 200, 200, 200, 900, 1700, 6000)) * time.Millisecond)
		b := Batch{Seq: uint64(100 + i), Received: at, Time: at, Camera: fmt.Sprintf("c%d", r.IntN(2)), Task: fmt.Sprintf("t%d", r.IntN(2))}
		for k := range 4 {
			track := fmt.Sprint(k)
			id := b.Camera + b.Task + track
			p, ok := where[id]
			if !ok || r.IntN(20) == 0 {
				p = Point{.1 + .8*r.Float64(), .1 + .8*r.Float64()}
			}
			p = Point{max(.05, min(.95, p[0]+(r.Float64()-.5)/6)), max(.05, min(.95, p[1]+(r.Float64()-.5)/6))}
			where[id] = p
			if r.IntN(5) == 0 {
				continue
			}
			for range pick(1, 1, 1, 2) {
				d := Detection{Track: track, Label: []string{"person", "person", "dog"}[r.IntN(3)]}
				w := float32(.02)
				d.Box = &[4]float32{float32(p[0]) - w/2, float32(p[1]) - .1, w, .1}
				if r.IntN(4) > 0 {
					v := float32(r.IntN(100)) / 100
					d.Confidence = &v
				}
				switch r.IntN(20) {
				case 0:
					d.Box = nil
				case 1:
					d.Track = ""
				}
				b.Detections = append(b.Detections, d)
			}
		}
		s.batches = append(s.batches, b)
	}
	s.end = at.Add(time.Minute)
	return s
}

// expected is what the model says of all of it, sorted.
func (s script) expected() []string {
	var out []Event
	for _, z := range s.zones {
		longest := 0
		for _, o := range s.zones {
			if o.Camera == z.Camera {
				longest = max(longest, o.LostSeconds)
			}
		}
		for _, task := range []string{"t0", "t1"} {
			for _, track := range []string{"0", "1", "2", "3"} {
				out = append(out, model(z, int64(longest)*1000, task, track, history(s.batches, z, task, track), s.end.UnixMilli())...)
			}
		}
	}
	lines := tellAll(out)
	slices.Sort(lines)
	return lines
}

func compare(t *testing.T, name string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			t.Fatalf("%s: event %d of %d is\n  %s\nwant (of %d)\n  %s", name, i, len(got), g, len(want), w)
		}
	}
}

// TestTheEngineSaysWhatTheModelSays, and it does not matter when Advance is
// called between batches.
func TestTheEngineSaysWhatTheModelSays(t *testing.T) {
	total := map[Type]int{}
	lost := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := scripted(r, 150)
		e := NewEngine()
		e.SetZones(s.zones)
		var got []Event
		latest := time.Time{}
		for _, b := range s.batches {
			if latest.Before(b.Received) {
				for range r.IntN(3) {
					got = append(got, e.Advance(latest.Add(time.Duration(r.Float64()*float64(b.Received.Sub(latest)))))...)
				}
				latest = b.Received
			}
			got = append(got, e.Apply(b)...)
		}
		got = append(got, e.Advance(s.end)...)
		if !slices.IsSortedFunc(got, func(a, b Event) int { return a.Time.Compare(b.Time) }) {
			t.Fatalf("seed %d: events are not in the order of their times", seed)
		}
		for _, e := range got {
			total[e.Type]++
			if e.By == Lost {
				lost++
			}
		}
		lines := tellAll(got)
		slices.Sort(lines)
		compare(t, fmt.Sprintf("seed %d", seed), lines, s.expected())
	}
	for _, typ := range []Type{Enter, Exit, Dwell, Cross} {
		if total[typ] < 500 {
			t.Errorf("only %d %s: the worlds are too quiet to show anything", total[typ], typ)
		}
	}
	if lost < 500 {
		t.Errorf("only %d tracks were lost", lost)
	}
}
