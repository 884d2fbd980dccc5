package auth

import (
	"net/netip"
	"sync"
	"time"
)

// The limits of guessing. An address has five free failures, a user ten;
// after that each further attempt waits twice as long, up to a minute. All
// addresses that have used up their free failures share five attempts a
// minute; the others are held up by nobody, so that whoever mistypes a
// password gets in although it is being guessed from elsewhere.
const (
	freePerAddress = 5
	freePerUser    = 10
	maxDelay       = time.Minute
	forgetAfter    = 30 * time.Minute
	maxLanes       = 4096
	sharedBurst    = 30
	sharedEvery    = 12 * time.Second
)

// throttle slows guessing down. It never locks anybody out for good: every
// delay ends by itself, and the delays that strangers cause for a user name
// do not hold up an address that has hardly failed itself. Attempts that come
// too early are refused without being counted.
type throttle struct {
	mu     sync.Mutex
	lanes  map[string]*lane
	tokens float64
	filled time.Time
}

// lane counts the failures of one address or one user.
type lane struct {
	failures int
	last     time.Time
	next     time.Time // the earliest moment of the next attempt
	told     bool      // that it is held off, since the last attempt
}

func newThrottle() *throttle {
	return &throttle{lanes: map[string]*lane{}, tokens: sharedBurst, filled: time.Now()}
}

// admit decides whether an attempt from address at who (a user, or the setup
// code) may be evaluated now. If so it is counted as a failure at once, so
// that attempts at the same moment do not slip past each other, and success
// takes that back. If not, wait says how long the caller has to hold off, and
// success is nil.
func (t *throttle) admit(address, who string) (success func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	keyA, keyU := addressLane(address), "u:"+who
	a, u := t.lane(keyA, now), t.lane(keyU, now)
	t.lanes[keyA] = a // making room for the second may have put out the first
	fresh := a.failures < freePerAddress
	wait = a.next.Sub(now)
	if !fresh {
		t.refill(now)
		wait = max(wait, u.next.Sub(now))
		if t.tokens < 1 {
			wait = max(wait, time.Duration((1-t.tokens)*float64(sharedEvery)))
		}
	}
	if wait > 0 {
		return nil, wait
	}
	if !fresh {
		t.tokens--
	}
	takeA, takeU := a.fail(now, freePerAddress), u.fail(now, freePerUser)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		takeA()
		takeU()
	}, 0
}

// admitOne is admit for one lane alone, of which free failures are free. No
// address is exempt.
func (t *throttle) admitOne(key string, free int) (success func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	l := t.lane(key, now)
	if wait := l.next.Sub(now); wait > 0 {
		return nil, wait
	}
	take := l.fail(now, free)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		take()
	}, 0
}

// firstRefusal reports whether address is held off for the first time since
// its last attempt, so that a flood is told of once and not a thousand times.
func (t *throttle) firstRefusal(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lane(addressLane(address), time.Now())
	first := !l.told
	l.told = true
	return first
}

// forgive forgets all failures.
func (t *throttle) forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.lanes)
	t.tokens, t.filled = sharedBurst, time.Now()
}

func addressLane(address string) string { return "a:" + network(address) }

// fail counts a failure. What it returns takes it back; those of others in
// the meantime stay.
func (l *lane) fail(now time.Time, free int) (undo func()) {
	was := *l
	l.failures++
	l.last, l.told = now, false
	if over := l.failures - free; over > 0 {
		l.next = now.Add(min(time.Second<<min(over-1, 10), maxDelay))
	}
	return func() {
		l.failures--
		if l.failures == was.failures {
			l.next, l.last = was.next, was.last
		}
	}
}

func (t *throttle) refill(now time.Time) {
	t.tokens = min(t.tokens+float64(now.Sub(t.filled))/float64(sharedEvery), sharedBurst)
	t.filled = now
}

// lane returns the lane of key, empty if it has been quiet for long.
func (t *throttle) lane(key string, now time.Time) *lane {
	l := t.lanes[key]
	if l != nil && now.Sub(l.last) < forgetAfter {
		return l
	}
	if len(t.lanes) >= maxLanes {
		t.evict(now)
	}
	l = &lane{last: now}
	t.lanes[key] = l
	return l
}

// evict makes room, an eighth of the table at least so that its cost is
// spread out: first the quiet lanes go, then those with the fewest failures.
// So a flood of addresses neither grows the table nor clears a guesser.
func (t *throttle) evict(now time.Time) {
	for k, l := range t.lanes {
		if now.Sub(l.last) >= forgetAfter || l.failures == 0 {
			delete(t.lanes, k)
		}
	}
	for most := 2; len(t.lanes) > maxLanes*7/8; most *= 2 {
		for k, l := range t.lanes {
			if l.failures <= most && len(t.lanes) > maxLanes*7/8 {
				delete(t.lanes, k)
			}
		}
	}
}

// network returns what counts as one address: an IPv4 address, or the /64
// that a single IPv6 household has.
func network(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return p.String()
}
