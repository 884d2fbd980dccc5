package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"vedette/board"
	"vedette/firmware/health"
	"vedette/hal/button"
	"vedette/hal/led"
	"vedette/hal/watchdog"
)

// hardware is the board this process runs on: its lights, buttons and
// watchdog. On the simulated board they are fakes that the panel shows.
type hardware struct {
	board  board.Board
	lights map[string]*led.Fake // by name
	dog    interface {          // nil = none
		State() (timeout, left time.Duration, resets int)
	}
	wasReset bool  // by the watchdog, as far as its driver knows
	dogErr   error // why a watchdog that is wanted is not there
	log      *slog.Logger

	mu        sync.Mutex
	onGesture func(button.Event)
}

// openBoard opens the board with the id given; "auto" on a machine that is no
// board of ours gives a board without lights and buttons.
func openBoard(id string, log *slog.Logger) *hardware {
	if id != "sim" {
		log.Info("no known board: running without lights, buttons and watchdog")
		return &hardware{board: board.Board{ID: "generic", Name: "Generic Linux machine"}, log: log}
	}
	h := &hardware{board: board.Sim(), lights: map[string]*led.Fake{}, log: log}
	for _, l := range h.board.LEDs {
		h.lights[l.Name] = &led.Fake{}
	}
	return h
}

// openWatchdog arms the watchdog of the device file path, or of the simulated
// board, and returns it for the health monitor; nil if there is none. It counts
// from now on. One that is wanted and not there is told, and keeps nothing from
// recording.
func (h *hardware) openWatchdog(path string) health.Dog {
	switch {
	case path != "":
		k, err := watchdog.Open(path)
		if err != nil {
			h.dogErr = err
			h.log.Error("no watchdog: a machine that hangs will not be reset", "err", err)
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

// checkWatchdog tells of a watchdog that is wanted and not there.
func (h *hardware) checkWatchdog() health.Verdict {
	if h.dogErr != nil {
		return health.Verdict{State: health.Degraded, Reason: "a machine that hangs will not be reset: " + h.dogErr.Error()}
	}
	return health.Verdict{State: health.Recording}
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

// handle says what gestures mean; it is called before anything is pressed.
func (h *hardware) handle(f func(button.Event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onGesture = f
}

// Press implements panel.Board: a press on the simulated button.
func (h *hardware) Press(_ context.Context, name string, d time.Duration) error {
	for _, b := range h.board.Buttons {
		if b.Name != name {
			continue
		}
		h.mu.Lock()
		f := h.onGesture
		h.mu.Unlock()
		if g := button.Classify(d); g != 0 && f != nil {
			f(button.Event{Button: name, Gesture: g})
		}
		return nil
	}
	return fmt.Errorf("there is no button %q", name)
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
	watchdogView struct {
		TimeoutS float64 `json:"timeout_s"`
		LeftS    float64 `json:"left_s"`
		Resets   int     `json:"resets"`
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
	if h.dog != nil {
		timeout, left, resets := h.dog.State()
		v.Watchdog = &watchdogView{timeout.Seconds(), left.Round(100 * time.Millisecond).Seconds(), resets}
	}
	return v
}
