// Package watchdog owns the hardware that resets a board when nobody feeds
// it. It knows no policy: who may feed it is the health monitor's business.
package watchdog

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// ErrClosed is returned by a device that was closed.
var ErrClosed = errors.New("watchdog closed")

// Device is a watchdog as the kernel's watchdog API shapes it
// (Documentation/watchdog/watchdog-api.rst). Implementations are safe for
// concurrent use. A device resets the machine when Feed was not called for
// the timeout.
type Device interface {
	// SetTimeout asks for t and returns what the device really does, which
	// may be less: believe the answer. EINVAL for a value out of range.
	SetTimeout(t time.Duration) (time.Duration, error)
	// Feed restarts the countdown.
	Feed() error
	// Close with disarm stops the countdown; without it the countdown goes
	// on and ends in a reset.
	Close(disarm bool) error
}

// FakeMax is the longest timeout of a Fake, as on a Raspberry Pi.
const FakeMax = 15 * time.Second

// Fake behaves like a device: it counts whole seconds, refuses what is out
// of range, and counts the resets that would have come. After a reset it is
// unfed and counts on, as a rebooted board would.
type Fake struct {
	mu      sync.Mutex
	timeout time.Duration
	timer   *time.Timer
	fed     time.Time
	resets  int
	closed  bool
	onReset func()
}

// NewFake returns an armed fake with a timeout of FakeMax. onReset, if not
// nil, is called at each reset on a goroutine of the timer.
func NewFake(onReset func()) *Fake {
	f := &Fake{timeout: FakeMax, fed: time.Now(), onReset: onReset}
	f.timer = time.AfterFunc(f.timeout, f.reset)
	return f
}

func (f *Fake) reset() {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	f.resets++
	f.fed = time.Now()
	f.timer.Reset(f.timeout)
	call := f.onReset
	f.mu.Unlock()
	if call != nil {
		call()
	}
}

// SetTimeout implements Device.
func (f *Fake) SetTimeout(t time.Duration) (time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, ErrClosed
	}
	if t < time.Second || t > FakeMax {
		return 0, fmt.Errorf("set watchdog timeout to %v: %w", t, syscall.EINVAL)
	}
	f.timeout = t.Truncate(time.Second)
	f.restart()
	return f.timeout, nil
}

// Feed implements Device.
func (f *Fake) Feed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.restart()
	return nil
}

func (f *Fake) restart() {
	f.fed = time.Now()
	f.timer.Reset(f.timeout)
}

// Close implements Device.
func (f *Fake) Close(disarm bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if disarm {
		f.closed = true
		f.timer.Stop()
	}
	return nil
}

// State returns the timeout, what is left of it, and the resets so far.
func (f *Fake) State() (timeout, left time.Duration, resets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.timeout, 0, f.resets
	}
	return f.timeout, max(0, f.timeout-time.Since(f.fed)), f.resets
}
