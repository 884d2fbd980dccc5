package worker

import (
	"context"
	"math/rand/v2"
	"time"
)

// Bounds of the time between attempts.
const (
	minWait = 500 * time.Millisecond
	maxWait = 60 * time.Second
)

// backoff is the time before the next attempt: it doubles with every failure,
// and half of it is chance, so that many workers do not come at once.
type backoff struct{ failures int }

// next returns how long to wait after one more failure. A time that the box
// asks for is kept, and a little more.
func (b *backoff) next(asked time.Duration) time.Duration {
	wait := min(minWait<<min(b.failures, 10), maxWait/2)
	b.failures++
	if asked > 0 {
		return asked + rand.N(max(asked/4, minWait))
	}
	return wait/2 + rand.N(wait/2)
}

// sleep waits for d; it returns false if ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// passes reports whether the same request may be taken later: there was no
// answer, the box is busy, or something on the way is down.
func passes(err error) bool {
	c := code(err)
	return c == 0 || c == 408 || c == 429 || c >= 500
}
