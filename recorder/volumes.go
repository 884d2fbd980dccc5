package recorder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/playback"
	"vedette/recorder/recovery"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

// VolumeStatus is the state of a footage volume. Where none is there, only
// Name, Path, ID (of the one that used to be), State, Reason and Other are set.
type VolumeStatus struct {
	Name, ID, Path, Medium            string
	Total, Free, Floor, High, Reserve int64 // bytes
	Cap                               int64 // bytes of footage allowed; 0 = as the floor leaves
	Footage, Held                     int64 // bytes; footage with the segments that still grow
	State                             string
	Reason                            string
	Other                             string // id of the volume that is there instead; AdoptVolume takes it
	BytesPerSecond                    int64
	Cycle                             time.Duration
	LastCycle                         time.Time // the writer was alive then
	LastSweep                         time.Time // the sweeper was alive then; zero before its first sweep
	SyncTime                          time.Duration
	MediaWritten                      int64 // bytes of footage given to the disk since it was opened
	Index                             index.Status
	Deleted                           map[string]index.Tally // by rule, since the start
	Forecast                          Forecast
}

// States of a volume.
const (
	VolumeOK       = "ok"
	VolumeFull     = "full"     // below the reserve: recording rests
	VolumePressure = "pressure" // below the floor, and sweeping does not help
	VolumeFailed   = "failed"   // the disk reports errors
	VolumeAbsent   = "absent"   // not mounted, or not to be used
	VolumeForeign  = "foreign"  // another volume is there than before
	VolumeResting  = "resting"  // somebody took it out of use: it may be unplugged
)

// Volumes returns the state of every volume, in the order of the
// configuration.
func (r *Recorder) Volumes() []VolumeStatus {
	out := make([]VolumeStatus, len(r.bays.all))
	for i, b := range r.bays.all {
		out[i] = b.status()
	}
	return out
}

func (b *bay) status() VolumeStatus {
	b.mu.Lock()
	p := b.in
	s := VolumeStatus{Name: b.o.Name, Path: b.o.Dir, ID: b.known.ID, State: VolumeAbsent, Other: b.other}
	if b.reason != nil {
		s.Reason = b.reason.Error()
		switch {
		case errors.Is(b.reason, ErrForeignVolume):
			s.State = VolumeForeign
		case errors.Is(b.reason, ErrResting):
			s.State = VolumeResting
		case b.known.ID != "" && !absent(b.reason):
			s.State = VolumeFailed
		}
	}
	b.mu.Unlock()
	if p != nil {
		p.status(&s)
	}
	return s
}

// absent reports whether err says that there is no disk, and not that it is
// sick.
func absent(err error) bool {
	return !lasting(err) || errors.Is(err, volume.ErrInUse) || errors.Is(err, errNotLooked)
}

func (p *present) status(s *VolumeStatus) {
	s.State, s.Reason, s.ID, s.Medium = VolumeOK, "", p.volume.ID(), p.volume.Medium()
	space, err := p.volume.Space()
	if err != nil {
		s.State, s.Reason = VolumeFailed, fmt.Sprintf("read free space: %v", err)
	}
	swept, stats, totals := p.sweeper.State(), p.volume.Stats(), p.index.Totals()
	s.Cap = p.sweeper.Policies().Cap
	s.Total, s.Free, s.Floor, s.High, s.Reserve = space.Total, space.Free, swept.Floor, swept.High, swept.Reserve
	s.Footage, s.Held = totals.Footage().Bytes+p.growing(), totals.Held.Bytes
	s.BytesPerSecond, s.Cycle, s.LastCycle, s.SyncTime = p.rate.perSecond(), p.volume.Cycle(), stats.LastCycle, stats.SyncTime
	s.MediaWritten, s.LastSweep = stats.Written, swept.Alive
	s.Index, s.Deleted = p.index.Status(), swept.By
	if f := p.forecast.Load(); f != nil {
		s.Forecast = *f
	}
	switch {
	case s.State == VolumeFailed:
	case errors.Is(stats.Err, volume.ErrFull):
		s.State, s.Reason = VolumeFull, stats.Err.Error()
	case stats.Err != nil:
		s.State, s.Reason = VolumeFailed, stats.Err.Error()
	case stats.Full || !swept.MayRecord:
		s.State, s.Reason = VolumeFull, "recording rests until there is room"
	case helpless(swept.Conditions):
		s.State, s.Reason = VolumePressure, "free space cannot be kept above the floor: "+strings.Join(swept.Conditions, ", ")
	}
}

// growing returns the bytes of the segments on p that have no row yet.
func (p *present) growing() (bytes int64) {
	for _, c := range p.bay.r.all() {
		for _, k := range []*copies{c.main, c.mirror} {
			if w, on := k.current(); on == p {
				for _, o := range w.Open() {
					bytes += o.Bytes
				}
			}
		}
	}
	return bytes
}

// helpless reports whether something stands against keeping the floor; that
// footage is being deleted for a rule does not, nor that evidence fills one.
func helpless(conditions []string) bool {
	return slices.ContainsFunc(conditions, func(c string) bool {
		return c != sweep.FreeFloor && c != sweep.SizeCap && c != sweep.LockedExceedsCap && c != sweep.LockedExceedsQuota && c != sweep.EvidenceFills
	})
}

// ErrNoFootage is returned where there is nothing in the range asked for.
var ErrNoFootage = playback.ErrNoFootage

// Reports returns what had to be put in order on the volumes that are in order
// by now, by name.
func (r *Recorder) Reports() map[string]recovery.Report {
	out := map[string]recovery.Report{}
	for _, p := range r.bays.present() {
		if report, done := p.reported(); done {
			out[p.bay.o.Name] = report
		}
	}
	return out
}

// Newest returns when the newest footage ends on the volumes that are there;
// false if there is none.
func (r *Recorder) Newest() (time.Time, bool) {
	newest := int64(0)
	for _, p := range r.bays.present() {
		for _, id := range p.index.Cameras() {
			_, last, ok := p.index.Bounds(id)
			if ok && last > newest {
				newest = last
			}
		}
	}
	return time.UnixMilli(newest).UTC(), newest > 0
}

// totals adds up what the volumes hold of each camera that has something there.
func (r *Recorder) totals() map[string]index.CameraTotals {
	all := map[string]index.CameraTotals{}
	for _, p := range r.bays.present() {
		for name, t := range p.index.Totals().Cameras {
			sum := all[name]
			all[name] = index.CameraTotals{
				Unlocked: add(sum.Unlocked, t.Unlocked), Held: add(sum.Held, t.Held), Garbage: add(sum.Garbage, t.Garbage),
			}
		}
	}
	return all
}

func add(a, b index.Tally) index.Tally {
	return index.Tally{Rows: a.Rows + b.Rows, Bytes: a.Bytes + b.Bytes}
}

// bounds returns when the footage of a camera begins and ends on the volumes
// that are there, UTC ms.
func (r *Recorder) bounds(id string) (first, last int64, ok bool) {
	for _, p := range r.bays.present() {
		f, l, found := p.index.Bounds(id)
		if !found {
			continue
		}
		if !ok || f < first {
			first = f
		}
		last, ok = max(last, l), true
	}
	return first, last, ok
}
