package health

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vedette/hal/watchdog"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestTheWorstCheckDecidesTheState(t *testing.T) {
	say := func(s State) Check { return Check{Name: s.String(), Ask: func() Verdict { return Verdict{State: s} }} }
	tests := []struct {
		name   string
		checks []Check
		want   State
	}{
		{"no checks is recording", nil, Recording},
		{"one degraded outweighs the rest", []Check{say(Recording), say(Degraded), say(Starting)}, Degraded},
		{"fault outweighs degraded and updating", []Check{say(Updating), say(Fault), say(Degraded)}, Fault},
		{"updating outweighs recording", []Check{say(Updating), say(Recording)}, Updating},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := New(tt.checks, nil, nil, quiet()).Round(); got.State != tt.want {
				t.Errorf("state %v, want %v", got.State, tt.want)
			}
		})
	}
}

// TestAWedgedPartEndsInAReset states the promise of the watchdog: an hour of
// health is no reset; a vital check that stops is one within its age plus the
// timeout; one that is not vital is none.
func TestAWedgedPartEndsInAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wedgedAt atomic.Int64
		start := time.Now()
		age := func() Verdict {
			if at := wedgedAt.Load(); at > 0 {
				return Verdict{State: Recording, Age: time.Since(time.Unix(0, at))}
			}
			return Verdict{State: Recording}
		}
		dog := watchdog.NewFake(nil)
		m := New([]Check{
			{Name: "sync", MaxAge: 10 * time.Second, Ask: age},
			{Name: "camera", Ask: func() Verdict { return Verdict{State: Degraded, Age: time.Since(start), Reason: "offline"} }},
		}, dog, func(Report) {}, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()

		time.Sleep(time.Hour)
		if _, _, resets := dog.State(); resets != 0 {
			t.Errorf("healthy for an hour: %d resets", resets)
		}
		if got := m.Last(); got.State != Degraded || !got.Fed {
			t.Errorf("a camera offline gave %v, fed %v; want degraded and fed", got.State, got.Fed)
		}
		wedgedAt.Store(time.Now().UnixNano())
		time.Sleep(10*time.Second + Timeout - time.Second)
		if _, _, resets := dog.State(); resets != 0 {
			t.Errorf("reset before the check was old for a timeout")
		}
		time.Sleep(3 * time.Second)
		if _, _, resets := dog.State(); resets != 1 {
			t.Errorf("wedged: %d resets, want 1", resets)
		}
		if got := m.Last(); got.State != Fault || !got.Checks[0].Stale || got.Checks[0].Reason == "" {
			t.Errorf("a stale vital check gave %+v", got)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		time.Sleep(time.Minute)
		if _, _, resets := dog.State(); resets != 1 {
			t.Errorf("%d resets after a clean stop, want still 1", resets)
		}
	})
}

// A check that asks a disk that hangs must not hang the monitor: the lights go on,
// and what is vital ends in a reset with a name.
func TestACheckThatDoesNotAnswerGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		var asked atomic.Int64
		m := New([]Check{
			{Name: "disk", MaxAge: time.Minute, Ask: func() Verdict {
				asked.Add(1)
				<-hung
				return Verdict{State: Recording}
			}},
			{Name: "clock", Ask: func() Verdict { return Verdict{State: Recording} }},
		}, nil, nil, quiet())
		var said []Cause
		m.Leave = func(c []Cause) { said = c }
		r := m.Round()
		if d := r.Checks[0]; d.Stale || d.State != Degraded || d.Reason != "it does not answer" || r.Checks[1].Reason != "" {
			t.Errorf("at first: %+v", r)
		}
		time.Sleep(time.Minute)
		if r = m.Round(); !r.Checks[0].Stale || len(said) != 1 || said[0].Check != "disk" || asked.Load() != 1 {
			t.Errorf("after a minute: %+v, said %v, asked %d times", r, said, asked.Load())
		}
		close(hung)
		if r = m.Round(); r.State != Recording || len(said) != 0 {
			t.Errorf("after it answered: %+v, said %v", r, said)
		}
	})
}
