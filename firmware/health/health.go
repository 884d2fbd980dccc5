// Package health owns the verdict on the whole process: named checks with
// ages, the one state that lights and panel show, and the decision to feed
// the watchdog. The watchdog is fed only while every vital check is fresh, so
// a wedged part ends in a reset.
package health

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// State is the state of the box, worst last.
type State uint8

// The states, as DESIGN's lights show them.
const (
	Stopped State = iota
	Starting
	Recording
	Updating
	Degraded
	Fault
)

// String returns the lower-case name of the state.
func (s State) String() string {
	switch s {
	case Stopped:
		return "stopped"
	case Starting:
		return "starting"
	case Recording:
		return "recording"
	case Updating:
		return "updating"
	case Degraded:
		return "degraded"
	case Fault:
		return "fault"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Verdict is what one check says now.
type Verdict struct {
	State  State         // Recording when all is well
	Age    time.Duration // since the part last made progress
	Reason string        // for people; empty when all is well
}

// Check is one named question. Ask is not called again before it has answered; it
// should not block, and one that does grows old: the monitor goes on.
type Check struct {
	Name string
	// MaxAge makes the check vital: older progress than that stops the
	// feeding of the watchdog. 0 = not vital.
	MaxAge time.Duration
	Ask    func() Verdict
}

// Dog is the part of a watchdog the monitor uses.
type Dog interface {
	SetTimeout(time.Duration) (time.Duration, error)
	Feed() error
	Close(disarm bool) error
}

// Timeout is what the watchdog is asked for: boards cap at about 16 s, and
// some wrap longer requests.
const Timeout = 15 * time.Second

// Report is the outcome of one round.
type Report struct {
	State  State
	Checks []Result
	Fed    bool // the watchdog was fed
}

// Result is a check with its verdict.
type Result struct {
	Name string
	Verdict
	Stale bool // vital, and older than it may be
}

// Monitor asks the checks and feeds the watchdog. Create it with New.
type Monitor struct {
	checks []Check
	dog    Dog // nil = none
	show   func(Report)
	log    *slog.Logger

	// Leave, if not nil, is told which vital checks keep the watchdog unfed,
	// whenever others do than before; nil once all are fresh again. It must not
	// block. Set it before Run.
	Leave func([]Cause)
	stale []string // those that were told last

	asked    []*asked // by check; nil = it has answered
	verdicts []Verdict

	mu   sync.Mutex
	last Report
}

// New returns a monitor. dog may be nil. show is called with every report
// from the goroutine of Run.
func New(checks []Check, dog Dog, show func(Report), log *slog.Logger) *Monitor {
	return &Monitor{
		checks: checks, dog: dog, show: show, log: log, last: Report{State: Starting},
		asked: make([]*asked, len(checks)), verdicts: make([]Verdict, len(checks)),
	}
}

// asked is a question that is open.
type asked struct {
	since  time.Time
	answer chan Verdict // buffered: who asked may have gone
}

// patience is how long a check may take to answer.
const patience = 500 * time.Millisecond

// ask asks check i, or waits on for what it was asked before.
func (m *Monitor) ask(i int) Verdict {
	q := m.asked[i]
	if q == nil {
		q = &asked{time.Now(), make(chan Verdict, 1)}
		m.asked[i] = q
		go func() { q.answer <- m.checks[i].Ask() }() // one that hangs cannot be waited for
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case m.verdicts[i] = <-q.answer:
		m.asked[i] = nil
		return m.verdicts[i]
	case <-limit.C:
	}
	v := m.verdicts[i]
	v.Age += time.Since(q.since)
	v.State, v.Reason = max(v.State, Degraded), "it does not answer"
	return v
}

// Round asks every check once, feeds the watchdog if all vital ones are
// fresh, and returns the report.
func (m *Monitor) Round() Report {
	r := Report{State: Recording, Fed: m.dog != nil}
	for i, c := range m.checks {
		res := Result{Name: c.Name, Verdict: m.ask(i)}
		if res.Stale = c.MaxAge > 0 && res.Age > c.MaxAge; res.Stale {
			r.Fed = false
			res.State = Fault
			res.Reason = fmt.Sprintf("no progress for %v", res.Age.Round(time.Second))
		}
		r.State = max(r.State, res.State)
		r.Checks = append(r.Checks, res)
	}
	if r.Fed {
		if err := m.dog.Feed(); err != nil {
			m.log.Error("watchdog not fed", "err", err)
			r.Fed = false
		}
	}
	m.leave(r)
	m.mu.Lock()
	changed := m.last.State != r.State
	m.last = r
	m.mu.Unlock()
	if changed {
		m.log.Info("state changed", "state", r.State.String(), "reasons", reasons(r))
	}
	return r
}

// leave tells which checks are stale, if others are than before.
func (m *Monitor) leave(r Report) {
	var causes []Cause
	var names []string
	for _, c := range r.Checks {
		if c.Stale {
			causes = append(causes, Cause{c.Name, c.Reason})
			names = append(names, c.Name)
		}
	}
	if m.Leave != nil && !slices.Equal(names, m.stale) {
		m.stale = names
		m.Leave(causes)
	}
}

func reasons(r Report) (out []string) {
	for _, c := range r.Checks {
		if c.Reason != "" {
			out = append(out, c.Name+": "+c.Reason)
		}
	}
	return out
}

// Last returns the newest report.
func (m *Monitor) Last() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// Run asks every second and feeds the watchdog until ctx is done; then it
// disarms the watchdog, and returns ctx's cause. Let it outlive whatever
// must drain: the drain is watched too.
func (m *Monitor) Run(ctx context.Context) error {
	if m.dog != nil {
		if got, err := m.dog.SetTimeout(Timeout); err != nil {
			m.log.Error("watchdog timeout not set", "asked", Timeout, "err", err)
		} else if got != Timeout {
			m.log.Warn("watchdog chose its own timeout", "asked", Timeout, "got", got)
		}
		defer func() {
			if err := m.dog.Close(true); err != nil {
				m.log.Error("watchdog not disarmed", "err", err)
			}
		}()
	}
	tick := time.NewTicker(time.Second) // well under a third of any timeout in use
	defer tick.Stop()
	for {
		m.show(m.Round())
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
