package recorder

import (
	"strings"
	"time"
	"unicode"

	"vedette/recorder/segment"
)

// TriggerOptions say why a camera is to be recorded, and for how long.
type TriggerOptions struct {
	Why    string        // "event" or "manual"
	For    time.Duration // 1 s to 1 h from now; 0 = the camera's post-roll
	Reason string        // for people, at most 100 bytes; may be empty
}

const triggerMost = time.Hour

// check returns what is wrong with o, a *FieldError, or its Why.
func (o *TriggerOptions) check() (why segment.Why, err error) {
	switch o.Why {
	case segment.ByEvent.String():
		why = segment.ByEvent
	case segment.Manual.String():
		why = segment.Manual
	default:
		return 0, field("why", "must be event or manual")
	}
	switch {
	case o.For != 0 && (o.For < time.Second || o.For > triggerMost):
		return 0, field("seconds", "must be 1 to %d", triggerMost/time.Second)
	case len(o.Reason) > 100 || strings.ContainsFunc(o.Reason, unicode.IsControl):
		return 0, field("reason", "must have at most 100 bytes and no control characters")
	}
	return why, nil
}

// Trigger has a camera recorded from its pre-roll on until o.For from now, or
// longer if that was asked for before. It returns until when. A camera that is
// recorded all the time just is; one that is recorded by schedule alone obeys
// people, and not events. It returns ErrNoCamera or a *FieldError: also of
// record or record_mode, where the camera is not to be recorded for this.
func (r *Recorder) Trigger(camera string, o TriggerOptions) (until time.Time, err error) {
	why, err := o.check()
	if err != nil {
		return time.Time{}, err
	}
	c, err := r.get(camera)
	if err != nil {
		return time.Time{}, err
	}
	cfg := c.config()
	switch {
	case !cfg.Record:
		return time.Time{}, field("record", "is switched off: this camera is never recorded")
	case cfg.mode() == ModeScheduled && why == segment.ByEvent:
		return time.Time{}, field("record_mode", "is scheduled: this camera is not recorded for events")
	}
	length := o.For
	if length == 0 {
		length = cfg.postroll()
	}
	now := r.o.Clock.Now().UTC()
	if cfg.mode() == ModeContinuous {
		return now.Add(length), nil
	}
	before, _ := c.demand.now()
	c.demand.trigger(why, length)
	c.attend()
	wants, _ := c.demand.now()
	if why == segment.Manual && before.why != segment.Manual {
		payload := map[string]any{"why": o.Why, "until": wants.until}
		if o.Reason != "" {
			payload["reason"] = o.Reason
		}
		r.emit("recording_triggered", Info, camera, payload)
	}
	if wants.until.Before(now) { // in the moment of another change
		return now.Add(length), nil
	}
	return wants.until, nil
}

// TriggerAll triggers every camera that is not recorded all the time anyway and
// may be recorded for this, and returns how many there are. It returns a
// *FieldError.
func (r *Recorder) TriggerAll(o TriggerOptions) (n int, err error) {
	if _, err := o.check(); err != nil {
		return 0, err
	}
	for _, c := range r.all() {
		if cfg := c.config(); cfg.mode() == ModeContinuous {
			continue
		}
		if _, err := r.Trigger(c.id, o); err == nil { // else it is not to be recorded, or is gone
			n++
		}
	}
	return n, nil
}
