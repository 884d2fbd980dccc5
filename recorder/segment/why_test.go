package segment

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/volume"
)

// again has another writer go on where the one of r ended.
func (r *rig) again(t *testing.T, past time.Duration) (stop func()) {
	t.Helper()
	s := r.State()
	next := New(Options{
		Camera: "door", Hub: r.hub, Volume: r.vol, Primed: true, Past: past, Run: s.Counted, Seq: s.Seq, From: s.From,
		LastEnd: s.MissingAt, Missing: Uneventful, Opened: r.Writer.o.Opened, Closed: r.Writer.o.Closed, Gap: r.Writer.o.Gap, Log: r.log,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- next.Run(ctx) }()
	return func() { cancel(); <-done }
}

// finished reports whether the writer's Run is over, of itself.
func (r *rig) finished() bool {
	synctest.Wait()
	r.Writer.mu.Lock()
	defer r.Writer.mu.Unlock()
	return r.over
}

func TestAWriterThatFinishesEndsWithAKeyFrameAndIsContinued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		r.hub.SetPreroll(20 * time.Second)
		c := newCamera(testRun(1, true), start) // a key frame every 2 s
		c.play(r.hub, 5*time.Second)
		r.Finish()
		if r.finished() {
			t.Error("it ended in the middle of a group of pictures")
		}
		c.play(r.hub, 2*time.Second)
		if !r.finished() || r.GoOn() {
			t.Fatal("it goes on behind the key frame")
		}
		c.play(r.hub, 3*time.Second)
		stop := r.again(t, 30*time.Second)
		c.play(r.hub, 5*time.Second)
		stop()
		names := r.names()
		if len(names) != 2 || names[0].End() != start/1000+6000 || names[1].Start != names[0].End() || names[1].Seq != 1 {
			t.Fatalf("segments %+v, want the second to go on where the first ends, after 6 s", names)
		}
		if names[1].End() != start/1000+15_000 {
			t.Errorf("it ends %d ms after the start", names[1].End()-start/1000)
		}
		if len(r.gaps) > 0 || r.closed[1].Gap != None {
			t.Errorf("gaps %v", r.gaps)
		}
	})
}

func TestAWriterMayGoOnAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.play(r.hub, time.Second)
		r.Finish()
		if !r.GoOn() {
			t.Fatal("there was no key frame, and it ended")
		}
		c.play(r.hub, 5*time.Second)
		if r.finished() {
			t.Error("it ended all the same")
		}
		r.stop()
		if names := r.names(); len(names) != 1 || names[0].Duration != 6000 {
			t.Errorf("segments %+v", names)
		}
	})
}

func TestAWriterWithNothingToEndFinishesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		r.Finish()
		if !r.finished() {
			t.Error("it waits for a key frame of a camera that is not there")
		}
		if s := r.State(); s.From != 0 {
			t.Errorf("it says that it is continued at %d", s.From)
		}
	})
}

// TestARunThatEndsFinishesAWriter: there may be no other one.
func TestARunThatEndsFinishesAWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		c.play(r.hub, time.Second)
		r.Finish()
		r.hub.EndRun()
		time.Sleep(time.Second)
		if !r.finished() {
			t.Error("it waits for a key frame of a run that is over")
		}
	})
}

func TestASegmentIsForTheStrongestReasonWhileItIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Target: 10 * time.Second, Ordinal: 1, Why: Scheduled}, volume.Options{})
		c := newCamera(testRun(1, false), start)
		whys := []Why{Scheduled, ByEvent, Scheduled, Manual, ByEvent, Scheduled}
		// Each 10 s; the segments end on a grid of their own, in between.
		for _, y := range whys {
			r.SetWhy(y)
			if y == Manual {
				if o := r.Open(); len(o) == 0 || o[len(o)-1].Why != Manual {
					t.Errorf("the open segment is for %+v", o)
				}
			}
			c.play(r.hub, 10*time.Second)
		}
		r.stop()
		var got []Why
		for _, s := range r.closed {
			got = append(got, s.Why)
		}
		begins := map[Why]bool{}
		for i, s := range r.closed {
			from, to := s.Name.Start-start/1000, s.Name.End()-start/1000-1
			want := whys[min(from/10_000, 5)]
			want = max(want, whys[min(to/10_000, 5)])
			if s.Why != want {
				t.Errorf("segment %d, from %d to %d ms, is for %v, want %v: %v", i, from, to, s.Why, want, got)
			}
			begins[s.Why] = true
		}
		if len(begins) != 3 {
			t.Errorf("segments are for %v", got)
		}
	})
}
