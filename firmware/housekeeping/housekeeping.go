// Package housekeeping deletes what has grown old in the system's database:
// events, and whatever else registers a rule. Sessions are ended by their own
// service, and footage is the sweeper's.
//
// Rules know nothing of each other: one that fails, is slow or has much to do
// takes nothing from the others, and each removes a bounded number of rows in a
// round, in batches, so that no transaction is long.
package housekeeping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Rule is something that goes when it is old.
type Rule struct {
	Name string        // unique: a word for logs and metrics
	Age  time.Duration // how long it is kept; 0 = Prune knows by itself, and needs no clock
	// Least is the shortest Age that makes sense; a shorter one is raised to it.
	Least time.Duration
	// Prune removes what is older than before, limit rows at most, and returns
	// how many it removed. It is called from one goroutine; ctx ends after
	// perRule.
	Prune func(ctx context.Context, before time.Time, limit int) (int, error)
}

// Options tune a Keeper.
type Options struct {
	Every time.Duration // between rounds; default 10 min
	// Now returns the wall clock, and false where it must not decide what is
	// old. Nil means never: then only rules without an age work.
	Now func() (time.Time, bool)
	Log *slog.Logger
}

// Bounds of a round.
const (
	batch      = 256              // rows in one call of Prune
	mostBatch  = 64               // calls in one round, of one rule
	perRule    = 30 * time.Second // after which a rule waits for the next round
	firstAfter = time.Minute      // the start has other things to do
)

// Keeper applies rules.
type Keeper struct {
	o     Options
	rules []Rule

	mu    sync.Mutex
	state map[string]State
}

// State is what became of a rule.
type State struct {
	Removed uint64    // rows, since the start
	Last    time.Time // when it was applied last, well or not
	Err     error     // of the last time
}

// New returns a Keeper of rules. It panics on a rule without a name or Prune,
// or two of one name: a mistake in the program.
func New(rules []Rule, o Options) *Keeper {
	if o.Every <= 0 {
		o.Every = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = func() (time.Time, bool) { return time.Time{}, false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{o: o, state: make(map[string]State, len(rules))}
	for _, r := range rules {
		if _, twice := k.state[r.Name]; twice || r.Name == "" || r.Prune == nil {
			panic(fmt.Sprintf("housekeeping: rule %q is not complete, or there twice", r.Name))
		}
		r.Age = max(r.Age, r.Least)
		k.rules = append(k.rules, r)
		k.state[r.Name] = State{}
	}
	return k
}

// Run applies all rules a minute after the start and once per Options.Every,
// until ctx is done; it returns ctx's cause.
func (k *Keeper) Run(ctx context.Context) error {
	next := time.NewTimer(firstAfter)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-next.C:
		}
		k.Round(ctx)
		next.Reset(k.o.Every)
	}
}

// Round applies all rules once. Only one round runs at a time.
func (k *Keeper) Round(ctx context.Context) {
	now, believed := k.o.Now()
	for _, r := range k.rules {
		if r.Age > 0 && !believed {
			continue
		}
		removed, err := k.apply(ctx, r, now.Add(-r.Age))
		if ctx.Err() != nil {
			err = nil // the next start goes on
		}
		k.mu.Lock()
		s := k.state[r.Name]
		known := s.Err != nil
		k.state[r.Name] = State{s.Removed + uint64(removed), time.Now(), err}
		k.mu.Unlock()
		if err != nil && !known {
			k.o.Log.Error("housekeeping", "rule", r.Name, "err", err)
		}
	}
}

// apply runs one rule, and makes an error of a panic in it.
func (k *Keeper) apply(ctx context.Context, r Rule, before time.Time) (removed int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, perRule, errors.New("it takes too long; the next round goes on"))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for range mostBatch {
		n, err := r.Prune(ctx, before, batch)
		removed += n
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil || n < batch {
			return removed, err
		}
	}
	return removed, nil
}

// State returns what became of each rule, by name.
func (k *Keeper) State() map[string]State {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[string]State, len(k.state))
	for name, s := range k.state {
		out[name] = s
	}
	return out
}
