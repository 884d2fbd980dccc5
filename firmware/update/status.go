package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"vedette/firmware/slots"
)

// Busy is what is being done.
type Busy string

// What is done, in its order.
const (
	Idle       Busy = ""
	Receiving  Busy = "receiving"
	Checking   Busy = "checking"
	Installing Busy = "installing"
	Verifying  Busy = "verifying"
	Installed  Busy = "installed" // and waits for the restart
)

// Status is what the panel shows.
type Status struct {
	Slot    string `json:"slot"`
	Version string `json:"version"` // that runs
	Other   Other  `json:"other"`
	Trial   *Trial `json:"trial,omitempty"` // nil = the running slot is good
	Busy    Busy   `json:"busy"`
	Percent int    `json:"percent"` // of what Busy says
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"` // how the last attempt ended
}

// Other is the slot that does not run.
type Other struct {
	Slot    string `json:"slot"`
	Version string `json:"version,omitempty"`
	// State is good, trial (it has tries left), bad, or empty.
	State string `json:"state"`
}

// Trial is that of the running slot.
type Trial struct {
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until,omitzero"` // zero = there is no limit
	WaitingFor string    `json:"waiting_for"`
}

// Status returns how things stand.
func (u *Updater) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	s.Busy = u.busy
	if s.Busy == Idle && u.loaded {
		s.Busy = Installed
	}
	if u.trial != nil {
		s.Trial = &Trial{Since: u.trial.since, Until: u.trial.until, WaitingFor: u.trial.waiting}
	}
	return s
}

func (u *Updater) changed() {
	if u.o.Changed != nil {
		u.o.Changed()
	}
}

// claim makes the caller the one who works; release ends that.
func (u *Updater) claim(b Busy) error {
	u.mu.Lock()
	if u.busy != Idle {
		u.mu.Unlock()
		return ErrBusy
	}
	u.busy = b
	u.status.Percent, u.status.Message, u.status.Error = 0, "", ""
	u.mu.Unlock()
	u.changed()
	return nil
}

func (u *Updater) release(err error) {
	u.mu.Lock()
	u.busy = Idle
	u.status.Percent, u.status.Message = 0, ""
	if err != nil {
		u.status.Error = err.Error()
	}
	u.mu.Unlock()
	u.changed()
}

// show tells how far the work is. Only who has claimed it may.
func (u *Updater) show(b Busy, percent int, message string) {
	u.mu.Lock()
	same := u.busy == b && u.status.Percent == percent && u.status.Message == message
	u.busy, u.status.Percent, u.status.Message = b, percent, message
	u.mu.Unlock()
	if !same {
		u.changed()
	}
}

// note looks at the other slot.
func (u *Updater) note(s slots.State) {
	other := u.o.Running.Other()
	o := Other{Slot: other.String(), State: "bad"}
	switch {
	case s.Good[other]:
		o.State = "good"
	case s.Left[other] > 0:
		o.State = "trial"
	}
	h, err := u.header(other)
	switch {
	case err == nil:
		o.Version = h.Version
	case errors.Is(err, slots.ErrImage):
		o.State = "empty"
	default:
		u.o.Log.Warn("the other slot cannot be read", "err", err)
	}
	u.mu.Lock()
	u.status.Other = o
	u.mu.Unlock()
	u.changed()
}

func (u *Updater) header(s slots.Slot) (slots.Header, error) {
	f, err := os.Open(u.o.Devices[s])
	if err != nil {
		return slots.Header{}, fmt.Errorf("open slot %s: %w", s, err)
	}
	defer f.Close()
	return slots.ReadHeader(f)
}

// failed tells that an update has come to nothing: refused before a slot was touched,
// or failed. That the process stops is no event: the next one tells.
func (u *Updater) failed(ctx context.Context, version string, err error) {
	if ctx.Err() != nil {
		return
	}
	reason, refused := "", true
	switch {
	case errors.Is(err, ErrSignature):
		reason = "signature"
	case errors.Is(err, ErrBoard):
		reason = "board"
	case errors.Is(err, ErrOlder):
		reason = "older"
	case errors.Is(err, ErrDamaged):
		reason = "damaged"
	case errors.Is(err, ErrTooLarge):
		reason = "too_large"
	default:
		refused = false
	}
	payload := map[string]any{"from": u.o.Version, "error": err.Error()}
	if version != "" {
		payload["to"] = version
	}
	if refused {
		payload["reason"] = reason
		u.o.Log.Warn("update refused", "err", err)
		u.o.Emit("update_refused", "warning", payload)
		return
	}
	u.o.Log.Error("update not installed", "err", err)
	u.o.Emit("update_failed", "warning", payload)
}
