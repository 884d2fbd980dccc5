package recorder

import (
	"sync"
	"time"
)

// notifier wakes everybody who waits for the next change.
type notifier struct {
	mu sync.Mutex
	ch chan struct{}
}

func (n *notifier) init() { n.ch = make(chan struct{}) }

// Changed returns a channel that is closed at the next change.
func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}

// meterReading estimates a rate of bytes from a counter, smoothed over about a
// minute. It is not for concurrent use.
type meterReading struct {
	last int64
	at   time.Time
	rate float64 // bytes per second
}

// sample takes the counter's reading at now.
func (m *meterReading) sample(count int64, now time.Time) {
	if !m.at.IsZero() {
		if dt := now.Sub(m.at).Seconds(); dt > 0 {
			weight := min(1, dt/60)
			if m.rate == 0 {
				weight = 1
			}
			m.rate += weight * (float64(max(0, count-m.last))/dt - m.rate)
		}
	}
	m.last, m.at = count, now
}

// rateMeter is a meterReading for concurrent use.
type rateMeter struct {
	mu sync.Mutex
	m  meterReading
}

// sample takes the counter's reading at now.
func (m *rateMeter) sample(count int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m.sample(count, now)
}

// perSecond returns the rate in bytes per second.
func (m *rateMeter) perSecond() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(m.m.rate)
}
