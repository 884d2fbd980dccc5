package recorder

import (
	"context"
	"sync"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/segment"
)

// The states of a camera, as the API names them.
const (
	StateDisabled   = "disabled"
	StateConnecting = "connecting"
	StateRecording  = "recording"
	StateLive       = "live"
	StateOffline    = "offline"
	StateError      = "error"
)

// camera supervises one camera: a session and a hub for each stream, and the
// copies of the main one on disk. Its hubs outlive sessions and configurations,
// so that viewers stay.
type camera struct {
	r            *Recorder
	id           string // for those who must not take mu: a writer's Gap and Closed
	ordinal      int    // staggers the ends of segments between cameras
	hubs         map[media.StreamName]*hub.Hub
	main, mirror *copies // run while the camera is recorded, and mirrored
	demand       demand  // says when that is

	// changing serialises whole changes of the configuration, control start
	// and stop.
	changing sync.Mutex
	control  sync.Mutex
	cancel   context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	cfg    Camera
	states map[media.StreamName]ingest.State
	record bool // main runs
	state  string
	reason string
	since  time.Time
	told   string // type of the last event about the state
	// ran says that the camera was started before in this process, and
	// recorded whether it was recording then.
	ran, recorded bool
}

func newCamera(r *Recorder, cfg Camera) *camera {
	c := &camera{
		r: r, id: cfg.ID, cfg: cfg, state: StateDisabled, since: r.o.Clock.Now(),
		hubs:   map[media.StreamName]*hub.Hub{media.Main: hub.New(hub.Options{}), media.Sub: hub.New(hub.Options{CacheBytes: 4 << 20})},
		states: map[media.StreamName]ingest.State{},
	}
	c.main, c.mirror = &copies{c: c}, &copies{c: c, mirror: true}
	c.demand.changes.init()
	c.demand.configure(&cfg, r.o.Location)
	c.demand.derive(r.o.Clock)
	return c
}

// config returns a copy of the configuration.
func (c *camera) config() Camera {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg
}

// start begins to receive and record. r.mu is held, or the camera is not yet
// known to anybody.
func (c *camera) start(ctx context.Context) {
	c.control.Lock()
	defer c.control.Unlock()
	if c.cancel != nil {
		return
	}
	cfg := c.config()
	ctx, c.cancel = context.WithCancel(ctx)
	c.done = make(chan struct{})
	var parts []func(context.Context) error
	mainURL, subURL := cfg.URLs()
	parts = append(parts, c.r.receive(c, cfg, media.Main, mainURL))
	if subURL != "" {
		sub := c.r.receive(c, cfg, media.Sub, subURL)
		parts = append(parts, func(ctx context.Context) error {
			// Not before the main stream was let in: a camera counts wrong
			// passwords, and one attempt at a time is enough.
			if _, err := c.hubs[media.Main].WaitRun(ctx); err != nil {
				return err
			}
			return sub(ctx)
		})
	}
	c.mu.Lock()
	c.states = map[media.StreamName]ingest.State{media.Main: {Phase: ingest.Connecting}}
	c.record = cfg.Record
	c.mu.Unlock()
	c.main.reset()
	c.mirror.reset()
	if cfg.Record {
		parts = append(parts, c.main.run)
		if cfg.Mirror != "" {
			parts = append(parts, c.mirror.run)
		}
	}
	c.hubs[media.Main].SetPreroll(cfg.prerollKept())
	c.demand.derive(c.r.o.Clock)
	c.update()
	c.r.group.Add(1)
	go func(done chan struct{}) {
		defer c.r.group.Done()
		defer close(done)
		var parallel sync.WaitGroup
		for _, run := range parts {
			parallel.Go(func() { _ = run(ctx) }) // each ends with ctx alone
		}
		parallel.Wait()
	}(c.done)
}

// stop ends receiving and recording and waits; footage is handed to the
// volume, not yet durable.
func (c *camera) stop() {
	c.control.Lock()
	defer c.control.Unlock()
	if c.cancel == nil {
		return
	}
	c.cancel()
	<-c.done
	c.cancel = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran, c.recorded = true, c.record
}

// receiver returns what receives a stream of c until its context is done.
func receiver(c *camera, cfg Camera, stream media.StreamName, url string) func(context.Context) error {
	return ingest.New(ingest.Options{
		Camera: cfg.ID, Stream: stream, URL: url, Username: cfg.Username, Password: cfg.Password, Audio: cfg.Audio,
		Hub: c.hubs[stream], Clock: c.r.ingestClock(), Runs: &c.r.runs, Log: c.r.o.Log,
		OnState: func(s ingest.State) { c.received(stream, s) }, Dial: c.r.o.Dial,
	}).Run
}

// received takes note of the state of a stream.
func (c *camera) received(stream media.StreamName, s ingest.State) {
	c.mu.Lock()
	c.states[stream] = s
	c.mu.Unlock()
	c.update()
}

func (r *Recorder) ingestClock() ingest.Clock {
	return ingest.Clock{
		Now: r.o.Clock.Now, Trusted: r.o.Clock.Trusted, BootID: r.o.Clock.BootID(),
		Mono: func() int64 { return r.o.Clock.SinceBoot().Microseconds() },
	}
}

// update derives the state anew, and tells of it if it changed.
func (c *camera) update() {
	c.mu.Lock()
	state, reason := stateOf(c.cfg.Record, c.states[media.Main], c.progress())
	changed, before := state != c.state || reason != c.reason, c.state
	if changed {
		if state != c.state {
			c.since = c.r.o.Clock.Now()
		}
		c.state, c.reason = state, reason
	}
	id := c.cfg.ID
	c.mu.Unlock()
	if !changed {
		return
	}
	c.r.changes.notify()
	if state != before {
		c.tell(id, before, state, reason)
	}
}

// progress is how far the copies are: one that is written is enough. c.mu is
// held.
func (c *camera) progress() (p progress) {
	if !c.record {
		return p
	}
	wants, _ := c.demand.now()
	p.waits = waits(wants)
	for _, k := range []*copies{c.mirror, c.main} { // the trouble of the first counts
		w, _ := k.current()
		if w == nil {
			continue
		}
		s := w.State()
		p.writing = p.writing || s.Writing
		p.trouble = s.Err
	}
	if !wants.on {
		p.trouble = nil
	} else if c.main.lacks() && !p.writing {
		p.trouble = errNoVolume // and not in the moment of a move
	}
	return p
}

// progress is how far recording is.
type progress struct {
	writing bool   // footage reaches the disk
	trouble error  // why not
	waits   string // what for, while that is no trouble; empty: for nothing
}

// waits says why there may be no footage although a camera is recorded.
func waits(w wanted) string {
	switch {
	case w.on && w.why == segment.Always:
		return ""
	case w.on:
		return "recording begins"
	case w.idle == segment.OffTime:
		return "waiting for its schedule"
	}
	return "waiting for an event"
}

// stateOf derives the state of a camera from its main session and its
// writer: recording is said only once data is written.
func stateOf(record bool, main ingest.State, p progress) (state, reason string) {
	switch main.Phase {
	case ingest.Connecting:
		return StateConnecting, ""
	case ingest.Offline:
		return StateOffline, main.Reason
	case ingest.Faulty:
		return StateError, main.Reason
	}
	switch {
	case !record:
		return StateLive, ""
	case p.writing:
		return StateRecording, ""
	case p.trouble != nil:
		return StateError, "cannot write: " + p.trouble.Error()
	case p.waits != "":
		return StateLive, p.waits
	}
	return StateConnecting, "waiting for the first key frame"
}

// byMode reports whether the camera is recorded at times alone.
func (c *camera) byMode() bool {
	cfg := c.config()
	return cfg.Record && cfg.mode() != ModeContinuous
}

// tell emits one event for a change of state that people care about. A camera
// that connects and fails again and again is told of once.
func (c *camera) tell(id, before, state, reason string) {
	kind, severity := "camera_"+state, Info
	switch state {
	case StateOffline, StateError:
		severity = Warning
	case StateRecording, StateLive:
		if c.byMode() && (before == StateRecording || before == StateLive) {
			return // it comes and goes all day
		}
	case StateConnecting:
		if before != StateRecording {
			return
		}
		kind, severity = "camera_interrupted", Warning
	default:
		return
	}
	c.mu.Lock()
	again := c.told == kind
	c.told = kind
	c.mu.Unlock()
	if again {
		return
	}
	payload := map[string]any{"state": state}
	if reason != "" {
		payload["reason"] = reason
	}
	c.r.emit(kind, severity, id, payload)
}
