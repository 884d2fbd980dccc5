//go:build !linux

package watchdog

import (
	"errors"
	"time"
)

// Kernel is a watchdog behind the kernel's device file.
type Kernel struct{}

// Open arms a watchdog; there is none on this system.
func Open(string) (*Kernel, error) { return nil, errors.ErrUnsupported }

// Identity is what the driver calls itself.
func (*Kernel) Identity() string { return "" }

// SetTimeout implements Device.
func (*Kernel) SetTimeout(time.Duration) (time.Duration, error) { return 0, ErrClosed }

// Feed implements Device.
func (*Kernel) Feed() error { return ErrClosed }

// Close implements Device.
func (*Kernel) Close(bool) error { return ErrClosed }

// State returns the timeout, what is left of it, and whether it reset the machine.
func (*Kernel) State() (timeout, left time.Duration, resets int) { return 0, 0, 0 }
