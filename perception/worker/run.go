package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// runner keeps the lease, and one goroutine for each task.
type runner struct {
	o      Options
	client *client
	slots  chan struct{} // one for each Handle that may run
	kick   chan struct{} // the lease should be looked at now

	// Both are by task, and of the goroutine of run alone.
	running map[string]*running
	ending  map[string]chan struct{} // closed when a goroutine that was told to end has

	tasks sync.WaitGroup
}

// running is a task that is being worked on.
type running struct {
	task   Task
	cancel context.CancelFunc
	done   chan struct{}
}

// run keeps the lease until ctx is done or the box refuses.
func (r *runner) run(ctx context.Context) (err error) {
	id := ""
	defer func() {
		r.setTasks(ctx, nil)
		r.tasks.Wait()
		if id != "" && !errors.Is(err, ErrRefused) {
			r.release(ctx, id)
		}
	}()
	var b backoff
	over := time.Now() // when the box gives the tasks to others, if it does not hear of us
	for {
		asked := time.Now()
		l, err := r.client.lease(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var wait time.Duration
		switch c := code(err); {
		case err == nil:
			b, id, over = backoff{}, l.ID, asked.Add(r.o.TTL)
			r.setTasks(ctx, l.Tasks)
			wait = r.pollAfter(l.NextPoll)
		case c == 401 || c == 403:
			return fmt.Errorf("worker: lease tasks: %w (%d)", ErrRefused, c)
		default:
			var s *status
			if errors.As(err, &s) {
				wait = s.wait
			}
			wait = b.next(wait)
			r.o.Log.Warn("no lease", "err", err, "again_in", wait)
		}
		if !r.rest(ctx, wait, over) {
			return context.Cause(ctx)
		}
	}
}

// pollAfter returns when to renew: when the box says, a little sooner by
// chance, and in time for two more attempts in any case.
func (r *runner) pollAfter(seconds float64) time.Duration {
	wait := r.o.TTL / 3
	if seconds > 0 {
		wait = min(wait, time.Duration(seconds*float64(time.Second)))
	}
	wait = max(wait, time.Second)
	return wait - rand.N(wait/10)
}

// rest waits until it is time for the next call, and ends the tasks when their
// time is over before that. It returns false when ctx is done.
func (r *runner) rest(ctx context.Context, wait time.Duration, over time.Time) bool {
	next := time.NewTimer(wait)
	defer next.Stop()
	end := time.NewTimer(time.Until(over))
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-next.C:
			return true
		case <-r.kick:
			return sleep(ctx, minWait+rand.N(minWait)) // what upset one task may upset them all
		case <-end.C:
			if len(r.running) > 0 {
				r.o.Log.Warn("the lease is over")
				r.setTasks(ctx, nil)
			}
		}
	}
}

// setTasks starts what is new and ends what is gone; what changed does both,
// one after the other.
func (r *runner) setTasks(ctx context.Context, tasks []Task) {
	for id, done := range r.ending {
		select {
		case <-done:
			delete(r.ending, id)
		default:
		}
	}
	want := map[string]Task{}
	for _, t := range tasks {
		want[t.ID] = t
	}
	for id, run := range r.running {
		if t, ok := want[id]; ok && same(t, run.task) {
			delete(want, id)
			continue
		}
		run.cancel()
		r.ending[id] = run.done
		delete(r.running, id)
	}
	for id, t := range want {
		ctx, cancel := context.WithCancel(ctx)
		run, before := &running{t, cancel, make(chan struct{})}, r.ending[id]
		r.running[id] = run
		r.o.Log.Info("task", "task", id, "camera", t.Camera, "type", t.Type)
		r.tasks.Go(func() {
			defer close(run.done)
			defer cancel()
			if before != nil {
				<-before
			}
			r.work(ctx, t)
		})
	}
}

func same(a, b Task) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// lookAgain has the lease renewed soon.
func (r *runner) lookAgain() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// release gives the tasks back. Nobody waits long for it: they come free by
// themselves.
func (r *runner) release(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := r.client.release(ctx, id); err != nil {
		r.o.Log.Info("the lease was not given back and will expire", "err", err)
	}
}
