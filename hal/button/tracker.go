package button

import (
	"sync"
	"time"
)

// Edges is what becomes of the edges of a button; *Tracker is one.
type Edges interface {
	Press()
	Release()
	Lost() // nobody knows any more whether it is down
}

// Tracker turns the edges of one button into gestures. Its methods may be called
// concurrently.
type Tracker struct {
	name string
	emit func(Event)

	mu      sync.Mutex
	pressed time.Time // zero while it is not
	stuck   *time.Timer
}

// NewTracker returns a tracker of the button called name. emit is called for each
// gesture, one at a time, and must not call the tracker.
func NewTracker(name string, emit func(Event)) *Tracker {
	return &Tracker{name: name, emit: emit}
}

// Press says that the button went down. One that is down already changes nothing.
func (t *Tracker) Press() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.pressed.IsZero() {
		return
	}
	t.pressed = time.Now()
	t.stuck = time.AfterFunc(Stuck, t.broke)
}

// Release says that it went up. Without a press before it, as after a start with
// the button held, it means nothing.
func (t *Tracker) Release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pressed.IsZero() {
		return
	}
	held := time.Since(t.pressed)
	t.pressed = time.Time{}
	t.stuck.Stop()
	if g := Classify(held); g != 0 && g != Broken { // that was told while it was
		t.emit(Event{t.name, g, held})
	}
}

// Lost says that nobody knows any more whether it is down: the device went.
func (t *Tracker) Lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.pressed.IsZero() {
		t.pressed = time.Time{}
		t.stuck.Stop()
	}
}

func (t *Tracker) broke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.pressed.IsZero() && time.Since(t.pressed) >= Stuck {
		t.emit(Event{t.name, Broken, time.Since(t.pressed)})
	}
}
