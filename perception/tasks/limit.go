package tasks

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimits bounds how many keys a Limiter remembers; there are never more
// API keys than that.
const maxLimits = 256

// Limiter is a bucket of tokens for each API key. All methods may be called
// concurrently.
type Limiter struct {
	perSecond rate.Limit
	burst     int

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// NewLimiter returns one that lets each key have perSecond tokens a second, and
// burst of them at once.
func NewLimiter(perSecond float64, burst int) *Limiter {
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, keys: map[string]*rate.Limiter{}}
}

// Admit takes n tokens out of the bucket of key. A wait above zero means that
// there will not be n before that, and that none was taken: it is what
// Retry-After says. Whoever asks for more than fit in the bucket empties it.
func (l *Limiter) Admit(key string, n int) (wait time.Duration) {
	n = min(max(n, 0), l.burst)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.keys[key]
	if b == nil {
		if len(l.keys) >= maxLimits {
			l.keys = map[string]*rate.Limiter{} // generous for once, and never larger
		}
		b = rate.NewLimiter(l.perSecond, l.burst)
		l.keys[key] = b
	}
	r := b.ReserveN(time.Now(), n)
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

// EndKey forgets the bucket of a key that is revoked.
func (l *Limiter) EndKey(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
}
