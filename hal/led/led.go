// Package led owns the lights of a board: the patterns they can show and how
// a light is set. It knows no policy: what a pattern means is decided by
// whoever sets it.
package led

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Pattern is what a light does until it is told otherwise. Patterns are left
// to the kernel's triggers where a board has them, so that they go on while
// the process is wedged.
type Pattern uint8

// The patterns every light can show.
const (
	Off   Pattern = iota
	Solid         // on
	Blink         // 500 ms on, 500 ms off
	Fast          // 125 ms on, 125 ms off
	Pulse         // 100 ms on, 1900 ms off
)

// String returns "off", "solid", "blink", "fast" or "pulse".
func (p Pattern) String() string {
	switch p {
	case Off:
		return "off"
	case Solid:
		return "solid"
	case Blink:
		return "blink"
	case Fast:
		return "fast"
	case Pulse:
		return "pulse"
	}
	return fmt.Sprintf("pattern %d", uint8(p))
}

// Times returns how long the light is on and off in one period. Off and
// Solid have no period: both are 0.
func (p Pattern) Times() (on, off time.Duration) {
	switch p {
	case Blink:
		return 500 * time.Millisecond, 500 * time.Millisecond
	case Fast:
		return 125 * time.Millisecond, 125 * time.Millisecond
	case Pulse:
		return 100 * time.Millisecond, 1900 * time.Millisecond
	}
	return 0, 0
}

// ErrPattern is returned by Set for a pattern that does not exist.
var ErrPattern = errors.New("no such light pattern")

// check returns ErrPattern for a pattern that is none.
func (p Pattern) check() error {
	if p > Pulse {
		return fmt.Errorf("set light to %v: %w", p, ErrPattern)
	}
	return nil
}

// Light is one light. Implementations are safe for concurrent use.
type Light interface {
	// Set shows p from now on. Setting the pattern that is already shown
	// does nothing. It returns ErrPattern for an unknown pattern.
	Set(p Pattern) error
}

// Fake is a light in memory. The zero value is dark and ready.
type Fake struct {
	mu      sync.Mutex
	pattern Pattern
	changes int
}

// Set implements Light.
func (f *Fake) Set(p Pattern) error {
	if err := p.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pattern != p {
		f.pattern = p
		f.changes++
	}
	return nil
}

// Pattern returns what the light shows.
func (f *Fake) Pattern() Pattern {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pattern
}
