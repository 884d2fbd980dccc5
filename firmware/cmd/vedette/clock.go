package main

import (
	"log/slog"
	"sync/atomic"
	"time"

	"vedette/hal/clock"
)

// wallClock answers the recorder's questions about time. Whether the wall
// clock is trusted is asked of the kernel every few seconds, not per question.
type wallClock struct {
	simulated bool // a simulated board has a right clock
	boot      [16]byte
	trusted   atomic.Bool
}

func newWallClock(simulated bool, log *slog.Logger) *wallClock {
	c := &wallClock{simulated: simulated}
	id, err := clock.BootID()
	if err != nil {
		log.Warn("boot id not known", "err", err)
	}
	c.boot = id
	c.refresh()
	return c
}

// refresh asks the kernel. A box whose clock was set once in its life by an
// operator or a hypervisor may answer "unsynchronised" for ever; a date
// before this program was written is wrong beyond doubt.
func (c *wallClock) refresh() {
	synced, err := clock.Synchronised()
	c.trusted.Store(c.simulated || err == nil && synced && time.Now().Year() >= 2026)
}

// Now implements recorder.Clock.
func (c *wallClock) Now() time.Time { return time.Now() }

// Trusted implements recorder.Clock.
func (c *wallClock) Trusted() bool { return c.trusted.Load() }

// SinceBoot implements recorder.Clock.
func (c *wallClock) SinceBoot() time.Duration { return clock.SinceBoot() }

// BootID implements recorder.Clock.
func (c *wallClock) BootID() [16]byte { return c.boot }

// source says where the trust comes from.
func (c *wallClock) source() string {
	switch {
	case c.simulated:
		return "simulated"
	case c.Trusted():
		return "kernel"
	}
	return "none"
}
