package recorder

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// bays are all the places for volumes, in the order of the configuration. The
// list never changes after New; what is in them does.
type bays struct {
	all []*bay
	notifier
}

// maxVolumes bounds the volumes of one box.
const maxVolumes = 16

// build makes the bays of the options, empty ones.
func (s *bays) build(r *Recorder, all []VolumeOptions) error {
	s.init()
	if err := checkVolumes(all); err != nil {
		return err
	}
	for _, o := range all {
		known, err := r.store.volume(o.Name)
		if err != nil {
			return err
		}
		s.all = append(s.all, newBay(r, o, known))
	}
	return nil
}

// checkVolumes returns what is wrong with the choice of volumes.
func checkVolumes(all []VolumeOptions) error {
	if len(all) == 0 || len(all) > maxVolumes {
		return fmt.Errorf("%d footage volumes: there must be 1 to %d", len(all), maxVolumes)
	}
	names, dirs := map[string]bool{}, map[string]bool{}
	for _, o := range all {
		dir := filepath.Clean(o.Dir)
		switch {
		case !validID.MatchString(o.Name):
			return fmt.Errorf("footage volume %q: a name must be 1 to 48 of a-z, 0-9 and -", o.Name)
		case names[o.Name]:
			return fmt.Errorf("footage volume %q: there are two of this name", o.Name)
		case dirs[dir]:
			return fmt.Errorf("footage volume %q: another one has the same directory", o.Name)
		}
		names[o.Name], dirs[dir] = true, true
	}
	return nil
}

// present returns the volumes that are there, in the order of the
// configuration.
func (s *bays) present() []*present {
	out := make([]*present, 0, len(s.all))
	for _, b := range s.all {
		if p := b.present(); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// unordered returns the names of the bays without a volume, or with one whose
// index may lack rows that are still to be found.
func (s *bays) unordered() (names []string) {
	for _, b := range s.all {
		p := b.present()
		if p != nil {
			if _, done := p.reported(); done {
				continue
			}
		}
		names = append(names, b.o.Name)
	}
	return names
}

// bay returns the bay of that name, or nil.
func (s *bays) bay(name string) *bay {
	i := slices.IndexFunc(s.all, func(b *bay) bool { return b.o.Name == name })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// named returns the volume in the bay of that name, or nil.
func (s *bays) named(name string) *present {
	if b := s.bay(name); b != nil {
		return b.present()
	}
	return nil
}

// byPrefix returns the volume whose id begins with prefix, or nil.
func (s *bays) byPrefix(prefix string) *present {
	for _, p := range s.present() {
		if short(p.volume.ID()) == prefix {
			return p
		}
	}
	return nil
}

// choose returns the volume that a camera's footage belongs on: the one it is
// assigned to; without an assignment the one it is on, else the one with most
// room for each camera. Where that is not there or takes no footage, another
// one, but that of the camera's mirror last. It returns nil if there is none
// at all, and a volume without room only if no other has any.
func (s *bays) choose(assigned, mirror string, on *present) *present {
	if p := s.named(assigned); p != nil && p.recordable() {
		return p
	}
	if assigned == "" && on != nil && on.recordable() && on.bay.o.Name != mirror {
		return on
	}
	var best *present
	var most float64
	for _, p := range s.present() {
		if p.departed() {
			continue
		}
		score := s.roomFor(p)
		if p.bay.o.Name == mirror {
			score /= 1e6
		}
		if !p.recordable() {
			score /= 1e12
		}
		if p == on {
			score *= 2 // moving costs a seam
		}
		if best == nil || score > most {
			best, most = p, score
		}
	}
	return best
}

// roomFor returns the bytes of p that each camera would have if one more
// came: what is free, and what may be deleted for new footage.
func (s *bays) roomFor(p *present) float64 {
	space, err := p.volume.Space()
	if err != nil {
		return 0
	}
	room := space.Available + p.index.Totals().Unlocked.Bytes
	n := 1
	for _, c := range p.bay.r.all() {
		if c.main.place() == p {
			n++
		}
	}
	return float64(room) / float64(n)
}

// check returns what is wrong with a camera's choice of volumes: a
// *FieldError.
func (s *bays) check(c *Camera) error {
	switch {
	case c.Volume != "" && s.bay(c.Volume) == nil:
		return field("volume", "is %q, and there is no volume of that name", c.Volume)
	case c.Mirror != "" && s.bay(c.Mirror) == nil:
		return field("mirror", "is %q, and there is no volume of that name", c.Mirror)
	case c.Mirror != "" && c.Mirror == c.Volume:
		return field("mirror", "must be another volume than the first")
	case c.Mirror != "" && len(s.all) < 2:
		return field("mirror", "needs a second volume")
	}
	return nil
}

// errNoVolume is why nothing is recorded while every bay is empty.
var errNoVolume = errors.New("there is no volume to record to")
