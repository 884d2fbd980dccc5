package zones

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"vedette/perception/events"
)

// Type is what happened, as in the event log.
type Type string

// The types.
const (
	Enter Type = "zone_enter"
	Exit  Type = "zone_exit"
	Dwell Type = "zone_dwell"
	Cross Type = "zone_line_cross"
)

// How a stay ended, if nobody saw it end.
const (
	Lost  = "lost"  // unseen for the zone's LostSeconds
	Crowd = "crowd" // more than MostTracks were followed
)

// Event is what the engine tells.
type Event struct {
	Type     Type
	Time     time.Time // UTC
	Severity events.Severity
	Record   bool // it triggers a recording
	Camera   string
	Zone     string // id
	Name     string // of the zone
	Task     string
	Track    string
	Label    string
	// Confidence and Box are of the track as it was seen last.
	Confidence *float32 // nil = not said
	Box        [4]float32
	Seconds    float64   // dwell, exit: how long it has been inside
	Direction  Direction // cross
	By         string    // exit: Lost or Crowd; empty if it was observed
	Seq        uint64    // of the batch; 0 = by timer
	// Captured is when the picture of that batch was taken; zero by timer.
	Captured time.Time
	// Profile and Frame name the picture that shows it: of the batch, or by timer
	// the last in which the track was seen. Frame 0 = not known.
	Profile string
	Frame   uint64
	// Evidence is the name of that picture in the Evidence store, if it is kept.
	Evidence string
}

func (e *Engine) event(typ Type, at int64, c *camera, z *zone, t *track, b *Batch) Event {
	ev := Event{
		Type: typ, Time: time.UnixMilli(at).UTC(), Severity: z.Severity, Record: z.Record,
		Camera: c.id, Zone: z.ID, Name: z.Name, Task: t.task, Track: t.id, Label: t.label,
		Confidence: t.confidence, Box: t.box, Profile: t.profile, Frame: t.frame,
	}
	if b != nil {
		ev.Seq, ev.Captured, ev.Profile, ev.Frame = b.Seq, b.Time, b.Profile, b.Frame
	}
	return ev
}

// Payload returns what the event log keeps beside time, type, severity and
// camera. It is well below the log's 4 KiB.
func (ev *Event) Payload() map[string]any {
	p := map[string]any{
		"zone_id": ev.Zone, "zone_name": ev.Name, "track_id": ev.Track, "label": ev.Label,
		"task_type": ev.Task, "bbox": ev.Box,
	}
	if ev.Confidence != nil {
		p["confidence"] = *ev.Confidence
	}
	if ev.Type == Dwell || ev.Type == Exit {
		p["seconds"] = ev.Seconds
	}
	for name, text := range map[string]string{"direction": string(ev.Direction), "by": ev.By, "evidence": ev.Evidence} {
		if text != "" {
			p[name] = text
		}
	}
	if ev.Seq != 0 {
		p["batch_seq"] = ev.Seq
	}
	if !ev.Captured.IsZero() {
		p["captured_at"] = ev.Captured.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	return p
}

// bounded returns a name that is kept: as it is, or, if it is long, its
// beginning with a digest of the whole, so that two stay two.
func bounded(s string) string {
	if len(s) <= mostStoredID {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.ToValidUTF8(s[:64], "") + "~" + hex.EncodeToString(sum[:16])
}

// clip returns a label as it is told: its beginning, if it is long.
func clip(s string) string {
	if len(s) <= mostLabel {
		return s
	}
	return strings.ToValidUTF8(s[:mostLabel], "")
}
