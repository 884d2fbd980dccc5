package sweep

import "time"

// meter measures how fast the recorder writes.
type meter struct {
	counter func() int64
	last    int64
	at      time.Time
	rate    int64 // bytes a second
}

// window is how far back the rate looks, roughly.
const window = 5 * time.Minute

// read returns the counter, or 0 where there is none.
func (m *meter) read() int64 {
	if m.counter == nil {
		return 0
	}
	return m.counter()
}

// update folds what was written since the last call into the rate.
func (m *meter) update(now time.Time) {
	written := m.read()
	elapsed := now.Sub(m.at)
	switch {
	case m.at.IsZero():
	case elapsed < time.Second:
		return // too short to say anything; the next call covers it
	default:
		got := int64(float64(max(written-m.last, 0)) / elapsed.Seconds())
		share := min(elapsed.Seconds()/window.Seconds(), 1)
		m.rate += int64(float64(got-m.rate) * share)
	}
	m.last, m.at = written, now
}

// memory keeps a sweeper from sacrificing footage to a disk that gains
// nothing by it.
type memory struct {
	futile bool
	until  time.Time     // then one file is tried
	wait   time.Duration // doubled each time that fails
	low    int64         // lowest free space seen since, in bytes
	rise   int64         // a rise by this much means that something changed
}

const (
	firstWait   = 5 * time.Minute
	longestWait = 6 * time.Hour
)

// remember notes that deleting did not help.
func (m *memory) remember(now time.Time, free, rise int64) {
	m.wait = min(max(2*m.wait, firstWait), longestWait)
	if !m.futile {
		m.wait = firstWait
	}
	m.futile, m.until, m.low, m.rise = true, now.Add(m.wait), free, max(rise, 1)
}

// forget is called when something changed.
func (m *memory) forget() { *m = memory{} }

// look tells what a sweep may do: nothing, one file to try, or everything.
func (m *memory) look(now time.Time, free int64) (limit int) {
	switch {
	case !m.futile:
		return batch
	case free >= m.low+m.rise:
		m.forget()
		return batch
	case !now.Before(m.until):
		return 1
	}
	m.low = min(m.low, free)
	return 0
}
