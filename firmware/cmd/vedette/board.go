package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"vedette/board"
	"vedette/firmware/health"
	"vedette/hal/button"
	"vedette/hal/led"
	"vedette/hal/thermal"
	"vedette/hal/watchdog"
)

// hardware is the board this process runs on: its lights, buttons and
// watchdog. On the simulated board they are fakes that the panel shows.
type hardware struct {
	board  board.Board
	lights map[string]light // by name
	dog    interface {      // nil = none
		State() (timeout, left time.Duration, resets int)
	}
	wasReset bool // by the watchdog, as far as its driver knows
	// lastWords are what had hung then, as far as it was said.
	lastWords health.Words
	sys       fs.FS        // with the sensors; nil = none, as on the simulated board
	pins      []*led.Pin   // the lights that blink by us
	reader    buttonReader // nil = no button but a simulated one
	watchdog  string       // device file; empty = none
	ledErr    error        // why lights that are wanted are not there
	dogErr    error        // why a watchdog that is wanted is not there
	log       *slog.Logger

	mu        sync.Mutex
	onGesture func(button.Event)
	zones     []thermal.Zone // as the last check read them
}

// light is one that tells what it shows.
type light interface {
	led.Light
	Pattern() led.Pattern
}

// missing tells of what is wanted and not there, nil for nothing.
func missing(err error) health.Verdict {
	if err != nil {
		return health.Verdict{State: health.Degraded, Reason: err.Error()}
	}
	return health.Verdict{State: health.Recording}
}

// checkLights tells of lights that are not there.
func (h *hardware) checkLights() health.Verdict { return missing(h.ledErr) }

// checkWatchdog tells of a watchdog that is not there.
func (h *hardware) checkWatchdog() health.Verdict { return missing(h.dogErr) }

// openWatchdog arms the watchdog of the board and returns it for the health
// monitor; nil if there is none. It counts from now on. One that is wanted and not
// there is told, and keeps nothing from recording.
func (h *hardware) openWatchdog() health.Dog {
	switch {
	case h.watchdog != "":
		k, err := watchdog.Open(h.watchdog)
		if err != nil {
			h.dogErr = fmt.Errorf("a machine that hangs will not be reset: %w", err)
			h.log.Error("no watchdog", "err", h.dogErr)
			return nil
		}
		_, _, resets := k.State()
		h.wasReset = resets > 0
		h.log.Info("watchdog armed", "identity", k.Identity(), "was_reset", h.wasReset)
		h.dog = k
		return k
	case h.board.ID == "sim":
		f := watchdog.NewFake(func() { h.log.Error("the simulated watchdog would have reset the board") })
		h.dog = f
		return f
	}
	return nil
}

// show sets the lights by their role.
func (h *hardware) show(l health.Lights) {
	for _, d := range h.board.LEDs {
		p := map[string]led.Pattern{"status": l.Status, "fault": l.Fault, "disk": l.Disk}[d.Role]
		if err := h.lights[d.Name].Set(p); err != nil {
			h.log.Error("light not set", "light", d.Name, "err", err)
		}
	}
}

// hot is from where on a board is too warm where the kernel does not say, °C, and
// near how close it may come to where the kernel switches off.
const (
	hot  = 85
	near = 10
)

// checkTemperature reads the sensors, and tells of a board that is too warm.
func (h *hardware) checkTemperature() health.Verdict {
	zones := h.measure()
	h.mu.Lock()
	h.zones = zones
	h.mu.Unlock()
	for _, z := range zones {
		limit := float64(hot)
		if z.Critical > 0 {
			limit = z.Critical - near
		}
		if z.Temp < limit {
			continue
		}
		reason := fmt.Sprintf("%s is at %.0f °C", z.Name, z.Temp)
		if z.Critical > 0 {
			reason += fmt.Sprintf(", and the machine switches off at %.0f", z.Critical)
		}
		return health.Verdict{State: health.Degraded, Reason: reason}
	}
	return health.Verdict{State: health.Recording}
}

// temperatures returns what the last check read.
func (h *hardware) temperatures() []thermal.Zone {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.zones
}

// measure reads the sensors of the board.
func (h *hardware) measure() []thermal.Zone {
	if h.sys == nil {
		return nil
	}
	zones, err := thermal.Zones(h.sys)
	if err != nil {
		return nil // the pattern is ours and valid
	}
	return zones
}

// handle says what gestures mean; it is called before anything is pressed.
func (h *hardware) handle(f func(button.Event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onGesture = f
}

// Press implements panel.Board: a press on the simulated button. A real one is
// pressed by hand.
func (h *hardware) Press(_ context.Context, name string, d time.Duration) error {
	if h.board.ID != "sim" || !slices.ContainsFunc(h.board.Buttons, func(b board.Button) bool { return b.Name == name }) {
		return fmt.Errorf("there is no button %q to press from here", name)
	}
	if g := button.Classify(d); g != 0 {
		h.did(button.Event{Button: name, Gesture: g, Held: d})
	}
	return nil
}

// did passes on what a hand did.
func (h *hardware) did(e button.Event) {
	h.mu.Lock()
	f := h.onGesture
	h.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// readButton reads the button, if there is a real one, until ctx is done. What a
// hand did is passed on beside it: stopping the process must not wait for itself.
func (h *hardware) readButton(ctx context.Context) error {
	if h.reader == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	did := make(chan button.Event, 8)
	t := button.NewTracker("main", func(e button.Event) {
		select {
		case did <- e:
		default: // eight at once are nobody's
		}
	})
	var g errgroup.Group
	g.Go(func() error {
		return h.reader(ctx, t, func(err error) { h.log.Error("button cannot be read", "err", err) })
	})
	for {
		select {
		case e := <-did:
			h.log.Info("button", "gesture", e.Gesture.String())
			h.did(e)
		case <-ctx.Done():
			return g.Wait()
		}
	}
}

// blink makes lights blink that the kernel does not, until ctx is done.
func (h *hardware) blink(ctx context.Context) error {
	var g errgroup.Group
	for _, p := range h.pins {
		g.Go(func() error { return p.Run(ctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// The board as the panel shows it.
type (
	boardView struct {
		Board    string        `json:"board"`
		Name     string        `json:"name"`
		State    string        `json:"state"`
		Reasons  []string      `json:"reasons"`
		LEDs     []ledView     `json:"leds"`
		Buttons  []buttonView  `json:"buttons"`
		Watchdog *watchdogView `json:"watchdog,omitempty"`
		Temps    []tempView    `json:"temperatures,omitempty"`
	}
	ledView struct {
		Name    string `json:"name"`
		Label   string `json:"label"`
		Color   string `json:"color"`
		Pattern string `json:"pattern"`
		On      bool   `json:"on"`
	}
	buttonView struct {
		Name  string `json:"name"`
		Label string `json:"label"`
	}
	tempView struct {
		Name    string  `json:"name"`
		Celsius float64 `json:"celsius"`
	}
	watchdogView struct {
		TimeoutS float64 `json:"timeout_s"`
		LeftS    float64 `json:"left_s"`
		Resets   int     `json:"resets"`
		// Hung is what ended the last boot, where that is known.
		Hung   []health.Cause `json:"hung,omitempty"`
		HungAt *time.Time     `json:"hung_at,omitempty"`
	}
)

// view returns the board in the state of a health report.
func (h *hardware) view(r health.Report) boardView {
	v := boardView{Board: h.board.ID, Name: h.board.Name, State: r.State.String(), Reasons: []string{}, LEDs: []ledView{}, Buttons: []buttonView{}}
	for _, c := range r.Checks {
		if c.Reason != "" {
			v.Reasons = append(v.Reasons, c.Name+": "+c.Reason)
		}
	}
	for _, l := range h.board.LEDs {
		p := h.lights[l.Name].Pattern()
		v.LEDs = append(v.LEDs, ledView{l.Name, l.Label, l.Color, p.String(), p != led.Off})
	}
	for _, b := range h.board.Buttons {
		v.Buttons = append(v.Buttons, buttonView{b.Name, b.Label})
	}
	for _, z := range h.temperatures() {
		v.Temps = append(v.Temps, tempView{z.Name, math.Round(z.Temp)})
	}
	if h.dog != nil {
		timeout, left, resets := h.dog.State()
		v.Watchdog = &watchdogView{TimeoutS: timeout.Seconds(), LeftS: left.Round(100 * time.Millisecond).Seconds(), Resets: resets, Hung: h.lastWords.Causes}
		if at := h.lastWords.At; !at.IsZero() {
			v.Watchdog.HungAt = &at
		}
	}
	return v
}
