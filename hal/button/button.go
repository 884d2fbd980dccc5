// Package button owns the push buttons of a board: it turns presses and
// releases into the three gestures that mean something. It knows no policy.
package button

import (
	"context"
	"fmt"
	"time"
)

// Gesture is what a person did with a button.
type Gesture uint8

// The gestures, by how long the button was held when it was released. A
// press held for longer than Stuck is no gesture: it is a fault.
const (
	Press  Gesture = 1 + iota // shorter than HoldAfter
	Hold                      // at least HoldAfter
	Long                      // at least LongAfter
	Broken                    // held for Stuck: reported once, while still held
)

// The thresholds of the gestures, and the shortest press that is not bounce.
const (
	Bounce    = 20 * time.Millisecond
	HoldAfter = 3 * time.Second
	LongAfter = 10 * time.Second
	Stuck     = 60 * time.Second
)

// retry is how long a device that is not there is left alone.
const retry = 5 * time.Second

// keepReading has read pass on edges until ctx is done, and returns its cause. When
// read ends before, nobody knows any more whether the button is down: lost is told
// why, once until read calls well, and it is tried again.
func keepReading(ctx context.Context, e Edges, lost func(error), read func(well func()) error) error {
	told := false
	for {
		err := read(func() { told = false })
		e.Lost()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !told {
			lost(fmt.Errorf("read button: %w", err))
			told = true
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retry):
		}
	}
}

// String returns "press", "hold", "long" or "broken".
func (g Gesture) String() string {
	switch g {
	case Press:
		return "press"
	case Hold:
		return "hold"
	case Long:
		return "long"
	case Broken:
		return "broken"
	}
	return "none"
}

// Classify returns the gesture of a press that lasted held, or 0 if it was
// shorter than Bounce. It never returns a destructive gesture for a stuck
// button: from Stuck on it returns Broken.
func Classify(held time.Duration) Gesture {
	switch {
	case held < Bounce:
		return 0
	case held < HoldAfter:
		return Press
	case held < LongAfter:
		return Hold
	case held < Stuck:
		return Long
	}
	return Broken
}

// Event is a finished gesture on a named button.
type Event struct {
	Button  string
	Gesture Gesture
	Held    time.Duration // how long it was down
}
