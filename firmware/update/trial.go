package update

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vedette/firmware/slots"
)

// trial is that of the running slot. It must have been healthy without a break for a
// while, before its time is up.
type trial struct {
	since time.Time
	until time.Time     // zero = there is no limit
	need  time.Duration // of health without a break
	// cameras says that at least one has to be recorded, as one was before.
	cameras bool

	healthy time.Time // since when it has been; zero = it is not
	waiting string
	over    bool // its time is up, and this was told
}

const usualNeed = 2 * time.Minute // where the boot loader has not told how long the trial lasts

// newTrial: two fifths of the time that was given must be healthy; and it ends a
// twentieth before that time, so that the story can be told before the guard, which is
// outside of this process, resets the machine.
func newTrial(started time.Time, given time.Duration, p *pending) *trial {
	t := &trial{since: started, need: usualNeed, cameras: p != nil && p.CamerasRecording > 0}
	if given > 0 {
		t.need, t.until = given*2/5, started.Add(given-given/20)
	}
	return t
}

// verdict is what a look at a trial brings.
type verdict int

const (
	wait verdict = iota
	confirm
	giveUp
)

// look judges the trial at a moment.
func (t *trial) look(now time.Time, h Health) verdict {
	why := h.Waiting
	if h.OK && t.cameras && h.Cameras == 0 {
		h.OK, why = false, "no camera is recorded, and before the update one was"
	}
	switch {
	case !h.OK:
		t.healthy = time.Time{}
		if t.waiting = why; why == "" {
			t.waiting = "it is not healthy"
		}
	case t.healthy.IsZero():
		t.healthy = now
		fallthrough
	default:
		t.waiting = fmt.Sprintf("healthy for %v of %v", now.Sub(t.healthy).Truncate(time.Second), t.need)
		if now.Sub(t.healthy) >= t.need {
			return confirm
		}
	}
	if !t.until.IsZero() && !now.Before(t.until) {
		return giveUp
	}
	return wait
}

// begin ends the story of the last update, or begins the trial of the running slot.
func (u *Updater) begin() {
	for _, dir := range []string{u.o.Dir, u.o.RunDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			u.o.Log.Error("no place for updates", "err", err)
		}
	}
	s, err := u.o.Store.Load()
	if err != nil {
		u.o.Log.Error("state of the slots not read", "err", err)
		return
	}
	p := u.readPending()
	if p == nil || !p.here(u.o.BootID) {
		u.leftover(p)
	}
	running := u.o.Running
	if p != nil && p.FromSlot == running.String() {
		s = u.cameBack(s, p)
		p = nil
	}
	if s.Good[running] {
		u.confirmed(p)
	} else {
		u.mu.Lock()
		u.trial = newTrial(u.o.Started, u.o.Trial, p)
		u.mu.Unlock()
		u.o.Log.Info("the running system is on trial", "slot", running.String(), "seconds", u.o.Trial.Seconds())
	}
	u.note(s)
}

// leftover removes a bundle that the last start left, and tells of it unless it was
// installed.
func (u *Updater) leftover(p *pending) {
	_, err := os.Stat(u.bundle())
	u.discard()
	if err == nil && p == nil {
		u.o.Log.Warn("an update was interrupted by a restart")
		u.o.Emit("update_failed", "warning", map[string]any{"from": u.o.Version, "error": "it was interrupted by a restart"})
	}
}

// cameBack handles an update whose old system runs: it waits for the restart, or it
// was never started, or it was given up. It returns the state as it is then.
func (u *Updater) cameBack(s slots.State, p *pending) slots.State {
	if p.here(u.o.BootID) {
		u.setLoaded(s.First.String() == p.ToSlot)
		return s
	}
	to := u.o.Running.Other()
	kind, payload := "update_rolled_back", map[string]any{"from": p.From, "to": p.To}
	if reason := whyBack(s, to, p); reason != "" {
		payload["reason"] = reason
	} else {
		kind, payload["error"] = "update_failed", "it was interrupted by a restart before it was activated"
	}
	if u.o.Why != nil {
		if last := u.o.Why(); last != "" {
			payload["last_words"] = last
		}
	}
	err := u.o.Store.Update(func(now slots.State) (slots.State, error) {
		s = now.MarkBad(to)
		return s, nil
	})
	if err != nil {
		u.o.Log.Error("slot not marked bad", "slot", to.String(), "err", err)
	}
	u.o.Log.Warn("the update is not what runs", "to", p.To, "why", payload)
	u.o.Emit(kind, "critical", payload)
	u.removePending()
	return s
}

// whyBack tells why the old system runs again; "" if the new one was never activated.
func whyBack(s slots.State, to slots.Slot, p *pending) string {
	fell, back := s.FellBack()
	switch {
	case p.NotConfirmed != "":
		return "it did not prove itself in time: " + p.NotConfirmed
	case back && fell == to:
		return "it did not prove itself in time, and the guard went back"
	case s.First != to:
		return ""
	case s.Left[to] == 0:
		return fmt.Sprintf("it was started %d times, and did not prove itself", slots.MaxTries)
	}
	return "the boot loader found nothing in its slot that it could start"
}

// tryOut looks at the trial, if there is one.
func (u *Updater) tryOut(now time.Time) {
	u.mu.Lock()
	t := u.trial
	u.mu.Unlock()
	if t == nil {
		return
	}
	h := u.o.Health()
	u.mu.Lock()
	before := t.waiting
	v := t.look(now, h)
	told := t.over
	t.over = told || v == giveUp
	changed := before != t.waiting
	waiting := t.waiting
	u.mu.Unlock()
	switch {
	case v == confirm:
		u.prove()
	case v == giveUp && !told:
		u.notConfirmed(waiting)
	}
	if changed {
		u.changed()
	}
}

// prove makes the running slot a good one, or is called again in a second.
func (u *Updater) prove() {
	running := u.o.Running
	err := u.o.Store.Update(func(s slots.State) (slots.State, error) { return s.MarkGood(running), nil })
	if err != nil {
		u.o.Log.Error("slot not marked good", "slot", running.String(), "err", err)
		return
	}
	u.o.Log.Info("the running system has proved itself", "slot", running.String())
	u.confirmed(u.readPending())
	u.mu.Lock()
	u.trial = nil
	u.mu.Unlock()
	u.look()
}

// confirmed tells that the running slot is good, those outside first.
func (u *Updater) confirmed(p *pending) {
	err := os.MkdirAll(filepath.Dir(u.o.Confirmed), 0o755)
	if err == nil {
		err = os.WriteFile(u.o.Confirmed, nil, 0o644)
	}
	if err != nil {
		u.o.Log.Error("the guard is not told that the slot is good", "err", err)
	}
	if p == nil || p.ToSlot != u.o.Running.String() {
		return
	}
	u.o.Emit("update_confirmed", "info", map[string]any{"from": p.From, "to": p.To, "slot": p.ToSlot})
	u.removePending()
}

// notConfirmed gives the running slot up, unless there is nothing to go back to: then
// it is better than none, and its trial goes on.
func (u *Updater) notConfirmed(waiting string) {
	running := u.o.Running
	payload := map[string]any{"version": u.o.Version, "slot": running.String(), "waiting_for": waiting}
	s, err := u.o.Store.Load()
	u.o.Log.Error("the running system has not proved itself in time", "waiting_for", waiting, "err", err)
	if err == nil && !s.Good[running.Other()] {
		payload["stays"] = true
		u.o.Emit("update_not_confirmed", "critical", payload)
		return
	}
	// The reason first: without it nobody could tell why the other system runs.
	if p := u.readPending(); p != nil && p.ToSlot == running.String() {
		p.NotConfirmed = waiting
		if err := u.writePending(*p); err != nil {
			u.o.Log.Error("reason not noted", "err", err)
		}
	}
	u.o.Emit("update_not_confirmed", "critical", payload)
	err = u.o.Store.Update(func(s slots.State) (slots.State, error) { return s.MarkBad(running), nil })
	if err != nil { // the boot loader counts on
		u.o.Log.Error("slot not marked bad", "slot", running.String(), "err", err)
	}
	u.mu.Lock()
	u.trial = nil
	u.mu.Unlock()
	u.o.Reboot()
}
