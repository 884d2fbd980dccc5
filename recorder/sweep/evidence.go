package sweep

import "time"

// growth tells how fast evidence grows.
type growth struct {
	samples []sample // an hour apart, the oldest first
}

type sample struct {
	at   time.Time // monotonic
	held int64     // bytes
}

// trend is how far back growth looks.
const trend = 7 * 24 * time.Hour

// add takes a sample, and returns bytes a second, 0 where nothing is known yet
// or evidence does not grow.
func (g *growth) add(now time.Time, held int64) float64 {
	if n := len(g.samples); n == 0 || now.Sub(g.samples[n-1].at) >= time.Hour {
		g.samples = append(g.samples, sample{now, held})
	}
	for len(g.samples) > 1 && now.Sub(g.samples[1].at) >= trend {
		g.samples = g.samples[1:]
	}
	first := g.samples[0]
	passed := now.Sub(first.at)
	if passed < time.Hour || held <= first.held {
		return 0
	}
	return float64(held-first.held) / passed.Seconds()
}

// watchEvidence warns before evidence leaves recording no room: it counts for
// floor and cap like other footage, and nobody deletes it. The warning comes at
// four fifths of the room and goes at three quarters. Below a twentieth of the
// disk it is others who leave no room.
func (s *Sweeper) watchEvidence(r Reading) {
	t := s.cat.Totals()
	held, room := t.Held.Bytes, r.Free+t.Footage().Bytes+t.Garbage.Bytes-r.Floor
	if c := s.Policies().Cap; c > 0 {
		room = min(room, c)
	}
	rate := s.growth.add(time.Now(), held)
	switch {
	case held >= r.Total/20 && held > room/5*4:
		p := map[string]any{"locked_bytes": held, "room_bytes": max(room, 0)}
		if rate > 0 {
			p["full_in_days"] = max(float64(room-held), 0) / rate / (24 * 3600)
		}
		s.begin(EvidenceFills, p)
	case held < r.Total/20 || held <= room/4*3:
		s.end(EvidenceFills)
	}
}
