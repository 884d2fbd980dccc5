package sampler

import (
	"sync"
	"sync/atomic"
	"time"

	"vedette/recorder/media"
)

// The states of a want.
const (
	Connecting      = "connecting"       // nothing was seen yet
	Sampling        = "sampling"         // pictures come
	Offline         = "offline"          // the camera sends nothing
	Error           = "error"            // pictures could come but do not; tried again by itself
	Stopped         = "stopped"          // the sampler does not run
	BudgetExhausted = "budget_exhausted" // the board can decode no more
)

// State says how one want fares.
type State struct {
	Camera  string
	Profile media.StreamName
	State   string  // one of the constants above
	Reason  string  // a sentence for people; empty while sampling
	FPS     float64 // granted, pictures a second
	Width   int     // granted, pixels
	KeyOnly bool    // key frames alone are decoded

	Frames    uint64    // since the want came up
	Bytes     uint64    // of these frames
	Restarts  uint64    // of the decoder, because it failed
	LastFrame time.Time // when the newest one was captured; zero = none
	Rate      float64   // pictures a second as they come
}

// slot is the place of one want: its newest picture and how it fares. Frames are
// read without a lock.
type slot struct {
	id     id
	latest atomic.Pointer[Frame]
	wake   atomic.Pointer[chan struct{}] // closed when latest is replaced, or the slot is over

	mu     sync.Mutex
	over   bool // no longer wanted
	grants Grant
	st     State
	seq    uint64
	last   time.Time     // when the newest frame came
	pace   time.Duration // between frames, smoothed
}

func newSlot(key id, seq uint64) *slot {
	s := &slot{id: key, seq: seq, st: State{Camera: key.camera, Profile: key.profile, State: Connecting}}
	wake := make(chan struct{})
	s.wake.Store(&wake)
	return s
}

// grant gives s its share.
func (s *slot) grant(g Grant, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.grants
	s.grants = g
	s.st.FPS, s.st.Width = g.FPS, g.Width
	switch {
	case stopped:
		s.st.State, s.st.Reason = Stopped, "the sampler has stopped"
	case g.Exhausted:
		s.latest.Store(nil) // it would look like the camera's picture for ever
		s.st.State, s.st.Reason = BudgetExhausted, "the board can decode no more: cameras of higher priority take all of the budget"
	case was.Exhausted:
		s.st.State, s.st.Reason = Connecting, ""
	}
}

func (s *slot) granted() Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants
}

// set says how the want fares, unless the budget says it already.
func (s *slot) set(state, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grants.Exhausted && state != Stopped {
		return
	}
	s.st.State, s.st.Reason = state, reason
}

func (s *slot) frames() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st.Frames
}

func (s *slot) restarted() {
	s.mu.Lock()
	s.st.Restarts++
	s.mu.Unlock()
}

func (s *slot) keyOnly(yes bool) {
	s.mu.Lock()
	s.st.KeyOnly = yes
	s.mu.Unlock()
}

// put makes f, which gets its number here, the newest picture. It returns false
// if nobody wants it any more.
func (s *slot) put(f *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.grants.Exhausted {
		return false
	}
	s.seq++
	f.Camera, f.Profile, f.Seq = s.id.camera, s.id.profile, s.seq
	s.st.State, s.st.Reason = Sampling, ""
	s.st.Frames++
	s.st.Bytes += uint64(len(f.JPEG))
	s.st.LastFrame = f.Captured
	now := time.Now()
	if d := now.Sub(s.last); !s.last.IsZero() && s.pace > 0 {
		s.pace += (d - s.pace) / 8
	} else if !s.last.IsZero() {
		s.pace = d
	}
	s.last = now
	s.latest.Store(f)
	s.rouse()
	return true
}

// rouse wakes everybody who waits. s.mu is held.
func (s *slot) rouse() {
	wake := make(chan struct{})
	close(*s.wake.Swap(&wake))
}

// retire ends s and returns its last sequence number.
func (s *slot) retire() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.latest.Store(nil)
	s.rouse()
	return s.seq
}

func (s *slot) gone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

func (s *slot) state(now time.Time) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.st
	if s.pace > 0 {
		// Frames that do not come any more count as well.
		st.Rate = float64(time.Second) / float64(max(s.pace, now.Sub(s.last)/2))
	}
	return st
}
