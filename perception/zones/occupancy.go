package zones

import "time"

// Occupancy says who is in a zone.
type Occupancy struct {
	Zone, Name string
	Total      int
	Labels     map[string]int
	Tracks     []Occupant // the first mostOccupants
}

// Occupant is a track that is in a zone.
type Occupant struct {
	Track, Label string
	Since        time.Time
}

const mostOccupants = 100

// Occupancy returns who is in each polygon of a camera, by zone id; nil if
// the camera has none.
func (e *Engine) Occupancy(cameraID string) []Occupancy {
	c := e.cameras[cameraID]
	if c == nil {
		return nil
	}
	var out []Occupancy
	for i, z := range c.zones {
		if z.Kind != Polygon {
			continue
		}
		o := Occupancy{Zone: z.ID, Name: z.Name, Labels: map[string]int{}, Tracks: []Occupant{}}
		for _, t := range c.order {
			s := &t.states[i]
			if !s.inside {
				continue
			}
			o.Total++
			o.Labels[t.label]++
			if len(o.Tracks) < mostOccupants {
				o.Tracks = append(o.Tracks, Occupant{t.id, t.label, time.UnixMilli(s.since).UTC()})
			}
		}
		out = append(out, o)
	}
	return out
}
