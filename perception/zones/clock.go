package zones

import "time"

// clock makes the engine's time, which never falls, of the wall clock, which
// may. Engine time = wall time + skew.
type clock struct {
	skew time.Duration // whole ms
	wall time.Time     // at the last look
	mono time.Duration // at the last look
	last time.Time     // the latest wall time of a batch since the last step
}

// leastStep is the smallest difference between wall clock and monotonic clock
// that counts as a step.
const leastStep = time.Second

// mostLate is how late a batch may become visible before it seems to be of
// another clock.
const mostLate = 5 * time.Second

// look notes both clocks and returns by how much the wall clock was stepped
// since the last look; 0 if it was not.
func (c *clock) look(wall time.Time, mono time.Duration) time.Duration {
	step := wall.Sub(c.wall) - (mono - c.mono)
	first := c.wall.IsZero()
	c.wall, c.mono = wall, mono
	if first || step.Abs() < leastStep {
		return 0
	}
	return step.Truncate(time.Millisecond)
}

// stamped reports whether a batch was stamped after the wall clock was stepped:
// forward, it lies in the future of the clock as it was; backward, it lies before
// one that came earlier or, as the first, nearer to the clock as it is.
func (c *clock) stamped(received time.Time, step time.Duration) bool {
	switch {
	case step > 0:
		return received.After(c.wall.Add(-step))
	case c.last.IsZero():
		return c.wall.Sub(received).Abs() < c.wall.Add(-step).Sub(received).Abs()
	}
	return received.Before(c.last)
}

// step keeps the engine's time going on as if the wall clock had not been
// stepped.
func (c *clock) step(by time.Duration) {
	c.skew -= by
	c.last = time.Time{}
}

// engine returns the engine's time of a wall time. One before now, where the
// engine is, becomes now. Where it lies far before, the clock was set back while
// nobody looked, and time goes on from there: it does not stop the timers.
func (c *clock) engine(wall, now time.Time) time.Time {
	behind := now.Sub(wall.Add(c.skew))
	if behind <= 0 {
		return wall.Add(c.skew)
	}
	if behind > mostLate {
		c.skew += behind.Truncate(time.Millisecond)
	}
	return now
}

// of returns the wall time of an engine time.
func (c *clock) of(engine time.Time) time.Time { return engine.Add(-c.skew).UTC() }
