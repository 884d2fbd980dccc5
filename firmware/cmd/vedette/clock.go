package main

import (
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"vedette/hal/clock"
)

// wallClock answers the recorder's questions about time. Whether the wall
// clock is trusted is asked of the kernel every few seconds, not per question.
type wallClock struct {
	simulated bool // a simulated board has a right clock
	boot      [16]byte
	// newest returns when the newest footage ends, which an RTC has to agree
	// with. Nil, or false, as long as nobody knows.
	newest func() (time.Time, bool)
	source atomic.Pointer[string] // of the trust; nil = none
	synced bool                   // somebody has set the clock since boot; of refresh alone
	// What refresh found: whether there is an RTC, and how far it was off.
	hasRTC bool
	rtcOff time.Duration
	rtcSet time.Time // when keepRTC last tried; of it alone
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

// refresh asks the kernel. Calls must not overlap.
func (c *wallClock) refresh() {
	synced, err := clock.Synchronised()
	c.synced = c.synced || err == nil && synced
	rtc, err := clock.RTC(os.DirFS("/sys"))
	c.hasRTC, c.rtcOff = err == nil, time.Since(rtc).Abs()
	var newest time.Time
	if c.newest != nil {
		newest, _ = c.newest()
	}
	source := ""
	switch {
	case c.simulated:
		source = "simulated"
	default:
		source = trustedBy(time.Now(), c.synced, rtc, err == nil, newest)
	}
	if source == "" {
		c.source.Store(nil)
		return
	}
	c.source.Store(&source)
}

// rtcLeast is how often the RTC is set at most: a write is all the same to it, but
// one that does not take the time need not be asked each time.
const rtcLeast = time.Hour

// keepRTC sets the real-time clock once the network has set the wall clock and
// they do not agree, as refresh found, so that the next boot begins with the right
// time. Not every kernel does that itself. Calls must not overlap, nor with refresh.
func (c *wallClock) keepRTC(sys fs.FS, log *slog.Logger) {
	if c.trust() != "network" || !c.rtcSet.IsZero() && time.Since(c.rtcSet) < rtcLeast {
		return
	}
	if !c.hasRTC || c.rtcOff <= rtcSlack {
		return
	}
	c.rtcSet = time.Now()
	if err := clock.SetRTC(sys, c.rtcSet); err != nil {
		log.Warn("the next boot may begin with a wrong time", "err", err)
		return
	}
	log.Info("real-time clock set", "was_off_by", c.rtcOff)
}

const (
	// firstYear is when this program was written: any year before it is wrong
	// beyond doubt.
	firstYear = 2026
	// rtcSlack is how far the system's clock may have run from the RTC since
	// boot; a step by hand goes further.
	rtcSlack = 5 * time.Second
	// longestPause is how long a box may have been off before its RTC is not
	// believed without a word from elsewhere.
	longestPause = 366 * 24 * time.Hour
)

// trustedBy returns who vouches for the wall clock now, "" if nobody does: the
// network since boot, or an RTC that set it and agrees with the newest
// footage, which must be older, but not by years.
func trustedBy(now time.Time, synced bool, rtc time.Time, hasRTC bool, newest time.Time) string {
	if now.Year() < firstYear {
		return ""
	}
	if synced {
		return "network"
	}
	off, pause := now.Sub(rtc).Abs(), now.Sub(newest)
	if hasRTC && off <= rtcSlack && !newest.IsZero() && pause >= 0 && pause <= longestPause {
		return "rtc"
	}
	return ""
}

// Now implements recorder.Clock.
func (c *wallClock) Now() time.Time { return time.Now() }

// believed returns the time, and whether anybody vouches for it.
func (c *wallClock) believed() (time.Time, bool) { return c.Now(), c.Trusted() }

// Trusted implements recorder.Clock.
func (c *wallClock) Trusted() bool { return c.source.Load() != nil }

// SinceBoot implements recorder.Clock.
func (c *wallClock) SinceBoot() time.Duration { return clock.SinceBoot() }

// BootID implements recorder.Clock.
func (c *wallClock) BootID() [16]byte { return c.boot }

// trust says where the trust comes from: simulated, network, rtc or none.
func (c *wallClock) trust() string {
	if s := c.source.Load(); s != nil {
		return *s
	}
	return "none"
}
