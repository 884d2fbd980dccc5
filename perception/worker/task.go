package worker

import (
	"context"
	"errors"
	"time"
)

// reportFor is how long a report is tried: the ticket of its frame lives no
// longer than 120 s.
const reportFor = 90 * time.Second

// work pulls the frames of one task until ctx is done.
func (r *runner) work(ctx context.Context, t Task) {
	var b backoff
	var last Frame     // that was looked at
	var due time.Time  // when the next one may be
	after := uint64(0) // the box is asked for newer ones; 0 = for any
	for ctx.Err() == nil {
		began := time.Now()
		f, err := r.client.frame(ctx, t, after, pollFor)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			after = 0 // a box that was started again counts from the beginning
			sleep(ctx, r.noFrame(t, err, &b))
			continue
		}
		b = backoff{}
		same := f != nil && f.Seq == last.Seq && f.Captured.Equal(last.Captured)
		if f == nil || same {
			// None newer came. The box has waited for it, or we do. Whether it
			// counts from the beginning by now is worth a look.
			if after = 0; same {
				after = last.Seq
			}
			sleep(ctx, time.Second-time.Since(began))
			continue
		}
		// The stream may be faster than the task: others share its sampler.
		// Frames that come at the rate of the task, but unevenly, all pass.
		if now := time.Now(); due.Before(now.Add(-interval(t))) {
			due = now.Add(-interval(t))
		}
		due = due.Add(interval(t))
		if f = r.handle(ctx, f); f == nil {
			return
		}
		last, after = Frame{Seq: f.Seq, Captured: f.Captured}, f.Seq
		sleep(ctx, time.Until(due))
	}
}

// noFrame returns how long to wait after err.
func (r *runner) noFrame(t Task, err error, b *backoff) time.Duration {
	if code(err) == 404 {
		// There is none yet, or no such camera any more, which the lease will say.
		return time.Second + b.next(0)/4
	}
	var s *status
	asked := time.Duration(0)
	if errors.As(err, &s) {
		asked = s.wait
	}
	wait := b.next(asked)
	r.o.Log.Warn("no frame", "task", t.ID, "camera", t.Camera, "err", err, "again_in", wait)
	if !passes(err) {
		r.lookAgain()
	}
	return wait
}

// interval is the time from frame to frame.
func interval(t Task) time.Duration {
	if !(t.FPS > 0.01) {
		return 0
	}
	return time.Duration(float64(time.Second) / t.FPS)
}

// handle has a frame looked at and reports what was seen. It returns the frame
// that was looked at, which is a newer one if this had to wait, or nil when ctx is done.
func (r *runner) handle(ctx context.Context, f *Frame) *Frame {
	came := time.Now()
	select {
	case <-ctx.Done():
		return nil
	case r.slots <- struct{}{}:
	}
	log := r.o.Log.With("task", f.Task.ID, "camera", f.Task.Camera)
	if time.Since(came) > max(interval(f.Task), time.Second) {
		// It is old by now. If there is a newer one, and at once, that is it.
		if newer, err := r.client.frame(ctx, f.Task, f.Seq, 0); err == nil && newer != nil {
			f = newer
		}
	}
	if ctx.Err() != nil {
		<-r.slots
		return nil
	}
	seen, event, err := r.o.Handle(ctx, *f)
	<-r.slots
	if err != nil {
		if ctx.Err() == nil {
			log.Warn("frame not understood", "frame", f.Seq, "err", err)
		}
		return f
	}
	body, err := encode(f, seen, event)
	if err != nil {
		log.Error("what was seen is not JSON", "frame", f.Seq, "err", err)
		return f
	}
	r.report(ctx, f, body)
	return f
}

// report tells the box, until it has taken the report, will not, or the frame
// is too old.
func (r *runner) report(ctx context.Context, f *Frame, body []byte) {
	ctx, cancel := context.WithTimeout(ctx, reportFor)
	defer cancel()
	var b backoff
	for {
		err := r.client.report(ctx, body)
		if err == nil || ctx.Err() != nil {
			return
		}
		log := r.o.Log.With("task", f.Task.ID, "camera", f.Task.Camera, "frame", f.Seq, "err", err)
		if !passes(err) {
			log.Warn("report refused")
			// No lease, out of scope, disabled, another's: the next renewal knows.
			if c := code(err); c == 401 || c == 403 || c == 404 || c == 409 {
				r.lookAgain()
			}
			return
		}
		var s *status
		asked := time.Duration(0)
		if errors.As(err, &s) {
			asked = s.wait
		}
		wait := b.next(asked)
		log.Info("report not taken yet", "again_in", wait)
		if !sleep(ctx, wait) {
			return
		}
	}
}
