package recorder

import (
	"cmp"
	"context"
	"sync"
	"time"

	"vedette/recorder/media"
	"vedette/recorder/schedule"
	"vedette/recorder/segment"
)

// The record modes of a camera, as the API names them.
const (
	ModeContinuous     = "continuous"
	ModeScheduled      = "scheduled"       // inside of the windows of its schedule
	ModeEvent          = "event"           // when something happens
	ModeScheduledEvent = "scheduled_event" // both
)

// Window is a time of the week. The name is schedule's, so that nobody above
// the recorder needs to know it.
type Window = schedule.Window

const (
	// linger is how much longer than asked for is recorded: pictures come a
	// moment after what they show.
	linger = 2 * time.Second
	// early is how much earlier than a window begins is recorded: the hour is
	// looked at once a second.
	early = 2 * time.Second
	// dueAfter is how long a recording may take to begin before it is missed.
	dueAfter = 10 * time.Second
	// prerollSlack is how long after a trigger a writer may begin and still find
	// all of the pre-roll.
	prerollSlack = 3 * time.Second
)

// wanted says whether a camera is to be recorded, and what for.
type wanted struct {
	on    bool
	why   segment.Why
	until time.Time         // UTC: when that ends, as far as is known; zero: it is not
	idle  segment.GapReason // what to say of footage that is missing because nothing wants it
}

// asks is what decide goes by.
type asks struct {
	mode          string
	schedule      *schedule.Schedule
	now           time.Time
	trusted       bool
	manual, event time.Duration // how much longer recording was asked for; negative: that long ago it ended
}

// decide says whether a camera is to be recorded. Where the clock is not to be
// trusted every hour counts as one of the schedule: to record too much is the
// smaller harm.
func decide(a asks) wanted {
	scheduled := a.mode == ModeScheduled || a.mode == ModeScheduledEvent
	w := wanted{on: true, idle: segment.Uneventful}
	if a.mode == ModeScheduled {
		w.idle, a.event = segment.OffTime, -linger
	}
	ends := func(left time.Duration) time.Time { return a.now.Add(max(left, 0)).UTC() }
	soon := a.now
	if scheduled && !a.schedule.At(soon) {
		soon = soon.Add(early)
	}
	switch {
	case a.mode == ModeContinuous:
		return wanted{on: true}
	case a.manual > -linger:
		w.why, w.until = segment.Manual, ends(max(a.manual, a.event))
	case a.event > -linger:
		w.why, w.until = segment.ByEvent, ends(a.event)
	case scheduled && !a.trusted:
		w.why = segment.Scheduled
	case scheduled && a.schedule.At(soon):
		w.why, w.until = segment.Scheduled, a.schedule.Next(soon).UTC()
	default:
		w.on = false
	}
	return w
}

// demand keeps what a camera is to be recorded for at the moment. Whoever
// follows it waits for changes.
type demand struct {
	changes notifier

	mu            sync.Mutex
	mode          string
	schedule      *schedule.Schedule
	manual, event time.Time // until when recording was asked for, by the clock that never steps
	wants         wanted
	since         time.Time // when it began to be wanted, or ended to be
}

// configure takes over what cfg says. It shows in the next derive.
func (d *demand) configure(cfg *Camera, loc *time.Location) {
	s, err := schedule.New(cfg.Schedule, loc)
	if err != nil { // it was checked when it was stored
		s = &schedule.Schedule{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mode, d.schedule = cfg.mode(), s
}

// derive decides anew, and reports whether the answer is another one, and
// whether one that copies have to follow.
func (d *demand) derive(c Clock) (changed, moved bool) {
	d.mu.Lock()
	now, mono := c.Now(), time.Now()
	w := decide(asks{
		mode: d.mode, schedule: d.schedule, now: now, trusted: c.Trusted(), manual: d.manual.Sub(mono), event: d.event.Sub(mono),
	})
	if d.wants.why == w.why && near(d.wants.until, w.until) {
		w.until = d.wants.until // the wall clock slews
	}
	changed = w != d.wants
	moved = w.on != d.wants.on || w.why != d.wants.why || w.idle != d.wants.idle
	if w.on != d.wants.on {
		d.since = mono
	}
	d.wants = w
	d.mu.Unlock()
	if moved {
		d.changes.notify()
	}
	return changed, moved
}

func near(a, b time.Time) bool {
	d := a.Sub(b)
	return -100*time.Millisecond < d && d < 100*time.Millisecond
}

// now returns the answer, and since when it is yes or no.
func (d *demand) now() (w wanted, since time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wants, d.since
}

// trigger asks for recording for at least the time given from now on.
func (d *demand) trigger(why segment.Why, length time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := &d.event
	if why == segment.Manual {
		until = &d.manual
	}
	if t := time.Now().Add(length); t.After(*until) {
		*until = t
	}
}

// attend has the camera's copies follow what it is to be recorded for.
func (c *camera) attend() {
	changed, moved := c.demand.derive(c.r.o.Clock)
	if moved {
		c.main.follow()
		c.mirror.follow()
		c.update()
	}
	if changed {
		c.r.changes.notify()
	}
}

// follow tells the writer at work what it records for.
func (k *copies) follow() {
	if w, _ := k.current(); w != nil {
		if wants, _ := k.c.demand.now(); wants.on { // else it ends with what it is for
			w.SetWhy(wants.why)
		}
	}
}

// attend looks at the hour and the triggers of every camera once a second until
// ctx is done. Nothing in it waits for a disk.
func (r *Recorder) attend(ctx context.Context) {
	for {
		all := r.all()
		most := r.prerollBytes(all)
		for _, c := range all {
			c.setPreroll(most)
			c.attend()
		}
		if !sleep(ctx, time.Second) {
			return
		}
	}
}

// prerollKept returns how much of the past the hub of the camera keeps: more
// than is recorded, because a writer takes a moment to begin.
func (c *Camera) prerollKept() time.Duration {
	if c.preroll() == 0 {
		return 0
	}
	return c.preroll() + prerollSlack
}

// setPreroll has the hub of the main stream keep what is recorded by a trigger,
// in at most so many bytes.
func (c *camera) setPreroll(most int) {
	cfg, h := c.config(), c.hubs[media.Main]
	if cfg.preroll() == 0 {
		most = 0
	}
	h.SetCacheBytes(most)
	h.SetPreroll(cfg.prerollKept())
}

const (
	// prerollMemory is what pre-rolls take together if nobody says otherwise, in
	// bytes.
	prerollMemory = 192 << 20
	// prerollLargest is what one takes at most, in bytes: a minute at 8 Mb/s. A
	// camera that sends no key frames must not have all of it.
	prerollLargest = 64 << 20
)

// prerollBytes returns the memory that the pre-roll of each camera may take.
func (r *Recorder) prerollBytes(all []*camera) int {
	n := 0
	for _, c := range all {
		if cfg := c.config(); cfg.preroll() > 0 {
			n++
		}
	}
	return min(cmp.Or(r.o.PrerollBytes, prerollMemory)/max(n, 1), prerollLargest)
}

// RecordingNow says whether a camera is to be recorded at this moment.
type RecordingNow struct {
	Active bool
	Why    string    // continuous, schedule, event, manual; empty while not active
	Until  time.Time // UTC: when that ends, as far as is known; zero: it is not
	// Due says that footage should reach the disk by now: of a recording that has
	// just begun it need not.
	Due bool
}

// recordingNow returns what the camera is recorded for. c.mu is held.
func (c *camera) recordingNow() (n RecordingNow) {
	wants, since := c.demand.now()
	if !c.cfg.Record || !wants.on {
		return n
	}
	return RecordingNow{
		Active: true, Why: cmp.Or(wants.why.String(), ModeContinuous), Until: wants.until,
		Due: wants.why == segment.Always || c.state == StateRecording || time.Since(since) >= dueAfter,
	}
}
