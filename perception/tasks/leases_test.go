package tasks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func ids(all []Task) []string {
	out := []string{}
	for _, t := range all {
		out = append(out, t.ID)
	}
	return out
}

// desk is a store of n tasks on cameras cam0 …, with leases of them.
func desk(t testing.TB, n int) (*Store, *Leases) {
	s := openStore(t)
	for i := range n {
		add(t, s, fmt.Sprint("cam", i), "detection", Sub)
	}
	return s, NewLeases(s, nil)
}

func acquire(t *testing.T, l *Leases, key, worker string, r Request) Lease {
	t.Helper()
	r.Worker = worker
	got, err := l.Acquire(Caller{Key: key}, r)
	if err != nil {
		t.Fatalf("Acquire for %s: %v", worker, err)
	}
	return got
}

func TestARequestIsChecked(t *testing.T) {
	tests := []struct {
		name  string
		r     Request
		field string
	}{
		{"a name is needed", Request{}, "worker_id"},
		{"a name of 128 bytes will do", Request{Worker: strings.Repeat("w", 128)}, ""},
		{"a name of 129 bytes is too long", Request{Worker: strings.Repeat("w", 129)}, "worker_id"},
		{"a name has no control characters", Request{Worker: "a\nb"}, "worker_id"},
		{"512 tasks may be asked for", Request{Worker: "w", Max: 512}, ""},
		{"513 tasks may not", Request{Worker: "w", Max: 513}, "max_tasks"},
		{"nor less than none", Request{Worker: "w", Max: -1}, "max_tasks"},
		{"the shortest lease", Request{Worker: "w", TTL: 15 * time.Second}, ""},
		{"shorter than the shortest", Request{Worker: "w", TTL: 15*time.Second - 1}, "ttl_secs"},
		{"the longest lease", Request{Worker: "w", TTL: 300 * time.Second}, ""},
		{"longer than the longest", Request{Worker: "w", TTL: 300*time.Second + 1}, "ttl_secs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, l := desk(t, 1)
			_, err := l.Acquire(Caller{Key: "k"}, tt.r)
			var fe *FieldError
			if got := errors.As(err, &fe); got != (tt.field != "") || got && fe.Field() != tt.field || !got && err != nil {
				t.Errorf("Acquire = %v, want an error of %q", err, tt.field)
			}
			if len(l.Workers()) > 0 != (err == nil) {
				t.Error("who asked wrongly is no worker, who asked rightly is one")
			}
		})
	}
	_, l := desk(t, 1)
	if _, err := l.Tasks(Caller{}, "a\x00"); err == nil {
		t.Error("a heartbeat takes any name")
	}
}

func TestALeaseIsRenewedByTheSameCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := desk(t, 3)
		start := time.Now()
		got := acquire(t, l, "k", "w", Request{})
		if !slices.Equal(ids(got.Tasks), ids(s.List())) || !got.Expires.Equal(start.Add(time.Minute)) || got.NextPoll != 20*time.Second || got.Worker != "w" {
			t.Errorf("Acquire = %+v", got)
		}
		time.Sleep(59 * time.Second)
		again := acquire(t, l, "k", "w", Request{TTL: 15 * time.Second})
		if again.ID != got.ID || len(again.Tasks) != 3 || !again.Expires.Equal(start.Add(74*time.Second)) || again.NextPoll != 5*time.Second {
			t.Errorf("renewed = %+v, want the lease %s for 15 s", again, got.ID)
		}
		task := got.Tasks[0].ID
		time.Sleep(15*time.Second - 1)
		if _, err := l.Live("k", task); err != nil {
			t.Errorf("before its end: %v", err)
		}
		if k, w, ok := l.Holder(task); k != "k" || w != "w" || !ok {
			t.Errorf("Holder = %s, %s, %v", k, w, ok)
		}
		time.Sleep(time.Nanosecond)
		if _, err := l.Live("k", task); !errors.Is(err, ErrNoLease) {
			t.Errorf("at its end: %v", err)
		}
		if _, _, ok := l.Holder(task); ok {
			t.Error("at its end somebody holds it")
		}
		if w := l.Workers(); len(w) != 1 || len(w[0].Held) != 0 {
			t.Errorf("at its end the workers are %+v", w)
		}
		if got := acquire(t, l, "k2", "w", Request{}); len(got.Tasks) != 3 {
			t.Errorf("what has expired is not taken by another: %+v", got)
		}
	})
}

func TestATaskHasOneHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 2)
		mine := acquire(t, l, "k", "w", Request{})
		other := acquire(t, l, "k2", "w", Request{})
		if len(other.Tasks) != 0 || other.ID == mine.ID || other.NextPoll != 20*time.Second {
			t.Errorf("another key gets %+v", other)
		}
		if _, err := l.Live("k2", mine.Tasks[0].ID); !errors.Is(err, ErrHeld) {
			t.Errorf("Live for another key = %v", err)
		}
		if _, err := l.Live("k2", "task_none"); !errors.Is(err, ErrNoTask) {
			t.Errorf("Live of none = %v", err)
		}
	})
}

func TestTasksAreSharedAmongTheLiveWorkersOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := desk(t, 7)
		all := ids(s.List())
		if got, _ := l.Tasks(Caller{Key: "k"}, ""); !slices.Equal(ids(got), all) {
			t.Errorf("who has no name gets %v, want all", ids(got))
		}
		if n := len(l.Workers()); n != 0 {
			t.Errorf("who has no name counts: %d workers", n)
		}
		heartbeat := func(key, worker string) []string {
			got, err := l.Tasks(Caller{Key: key}, worker)
			if err != nil {
				t.Fatal(err)
			}
			return ids(got)
		}
		heartbeat("other", "a") // does not count
		if got := heartbeat("k", "b"); !slices.Equal(got, all) {
			t.Errorf("one worker gets %v, want all", got)
		}
		if got := heartbeat("k", "a"); !slices.Equal(got, []string{all[0], all[2], all[4], all[6]}) {
			t.Errorf("the first of two gets %v of %v", got, all)
		}
		if got := heartbeat("k", "b"); !slices.Equal(got, []string{all[1], all[3], all[5]}) {
			t.Errorf("the second of two gets %v of %v", got, all)
		}
		time.Sleep(LiveFor - 1)
		heartbeat("k", "a")
		if got := heartbeat("k", "a"); len(got) != 4 {
			t.Errorf("b is live, but a gets %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := heartbeat("k", "a"); !slices.Equal(got, all) {
			t.Errorf("b is not live, but a gets %v", got)
		}
	})
}

func TestATaskChangesHandsWhenAWorkerComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 4)
		acquire(t, l, "k", "a", Request{TTL: 5 * time.Minute})
		b := acquire(t, l, "k", "b", Request{})
		if len(b.Tasks) != 0 || b.NextPoll != handOver {
			t.Errorf("b gets %v at once and is to come again in %v", ids(b.Tasks), b.NextPoll)
		}
		a := acquire(t, l, "k", "a", Request{TTL: 5 * time.Minute})
		if len(a.Tasks) != 2 {
			t.Errorf("a keeps %v", ids(a.Tasks))
		}
		time.Sleep(handOver - 1)
		if b = acquire(t, l, "k", "b", Request{}); len(b.Tasks) != 0 {
			t.Errorf("a may have a frame of it under way, and b has %v", ids(b.Tasks))
		}
		time.Sleep(time.Nanosecond)
		b = acquire(t, l, "k", "b", Request{})
		if len(b.Tasks) != 2 || slices.Contains(ids(a.Tasks), b.Tasks[0].ID) || b.NextPoll != 20*time.Second {
			t.Errorf("a has %v, b has %v, next in %v", ids(a.Tasks), ids(b.Tasks), b.NextPoll)
		}
	})
}

func TestARequestLimitsWhatIsTakenAndEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		face := add(t, s, "door", "face", Sub)
		add(t, s, "door", "anpr", Sub)
		add(t, s, "yard", "anpr", Sub)
		l := NewLeases(s, nil)
		if got := acquire(t, l, "k", "w", Request{Types: []string{"face", "none"}}); len(got.Tasks) != 1 || got.Tasks[0].ID != face.ID {
			t.Errorf("face alone = %v", ids(got.Tasks))
		}
		one := acquire(t, l, "k", "w", Request{Types: []string{"anpr"}, Max: 1})
		if len(one.Tasks) != 1 || one.Tasks[0].Type != "anpr" {
			t.Fatalf("one of anpr = %+v", one.Tasks)
		}
		time.Sleep(59 * time.Second)
		if _, err := l.Live("k", face.ID); err != nil {
			t.Errorf("what was taken before is gone: %v", err)
		}
		// What it has comes before what it could have.
		for range 20 {
			if got := acquire(t, l, "k", "w", Request{Types: []string{"anpr"}, Max: 1}); got.Tasks[0].ID != one.Tasks[0].ID {
				t.Fatal("another task for no reason")
			}
		}
	})
}

func TestALeaseKeepsToScopeAndToWhatIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		door, yard := add(t, s, "door", "detection", Sub), add(t, s, "yard", "detection", Sub)
		gone := add(t, s, "gone", "detection", Sub)
		there := true
		l := NewLeases(s, func(id string) bool { return id != "gone" || there })
		c := Caller{Key: "k", Sees: func(id string) bool { return id != "yard" }}
		get := func() []string {
			got, err := l.Acquire(c, Request{Worker: "w"})
			if err != nil {
				t.Fatal(err)
			}
			seen, _ := l.Tasks(c, "")
			if !slices.Equal(ids(seen), ids(got.Tasks)) {
				t.Errorf("leased %v, but sees %v", ids(got.Tasks), ids(seen))
			}
			return ids(got.Tasks)
		}
		want := []string{door.ID, gone.ID}
		slices.Sort(want)
		if got := get(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if _, err := l.Live("k", yard.ID); !errors.Is(err, ErrNoLease) {
			t.Errorf("out of scope: %v", err)
		}
		off := false
		if _, err := s.Change(door.ID, Settings{Enabled: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Live("k", door.ID); !errors.Is(err, ErrTaskDisabled) {
			t.Errorf("disabled: %v", err)
		}
		there = false
		if _, err := l.Live("k", gone.ID); !errors.Is(err, ErrTaskDisabled) {
			t.Errorf("without a camera: %v", err)
		}
		if got := get(); len(got) != 0 {
			t.Errorf("got %v of what is off", got)
		}
		if err := s.Remove(gone.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Live("k", gone.ID); !errors.Is(err, ErrNoTask) {
			t.Errorf("removed: %v", err)
		}
		get()
		if _, _, ok := l.Holder(gone.ID); ok {
			t.Error("a task that is no more has a holder")
		}
	})
}

func TestReleaseFreesAtOnceAndForTheKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 3)
		mine := acquire(t, l, "k", "w", Request{})
		if n, err := l.Release("k2", mine.ID); n != 0 || !errors.Is(err, ErrNotYours) {
			t.Errorf("Release by another key = %d, %v", n, err)
		}
		if n, err := l.Release("k", "lease_none"); n != 0 || !errors.Is(err, ErrNoLease) {
			t.Errorf("Release of none = %d, %v", n, err)
		}
		if n, err := l.Release("k", mine.ID); n != 3 || err != nil {
			t.Errorf("Release = %d, %v", n, err)
		}
		if n, err := l.Release("k", mine.ID); n != 0 || err != nil {
			t.Errorf("Release again = %d, %v", n, err)
		}
		// Who has said goodbye has no share either.
		if got := acquire(t, l, "k", "x", Request{}); len(got.Tasks) != 3 {
			t.Errorf("another worker gets %v at once, want all", ids(got.Tasks))
		}
		if got := l.Workers(); len(got) != 2 || got[0].Live || !got[1].Live || len(got[0].Held) != 0 || len(got[1].Held) != 3 {
			t.Errorf("workers are %+v", got)
		}
		if got := acquire(t, l, "k", "w", Request{}); got.ID != mine.ID || len(got.Tasks) != 0 {
			t.Errorf("back again it gets %+v", got)
		}
	})
}

func TestARevokedKeyHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 4)
		acquire(t, l, "k", "a", Request{Max: 1})
		mine := acquire(t, l, "k2", "a", Request{Max: 1})
		acquire(t, l, "k", "b", Request{})
		l.EndKey("k")
		if got := l.Workers(); len(got) != 1 || got[0].Key != "k2" {
			t.Errorf("workers are %+v", got)
		}
		if _, err := l.Live("k2", mine.Tasks[0].ID); err != nil {
			t.Errorf("another key lost its own: %v", err)
		}
		if got := acquire(t, l, "k2", "a", Request{}); len(got.Tasks) != 4 {
			t.Errorf("free are %v, want all", ids(got.Tasks))
		}
	})
}

func TestWorkersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 1)
		for i := range maxWorkers {
			if _, err := l.Tasks(Caller{Key: "k"}, fmt.Sprintf("w%02d", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := l.Tasks(Caller{Key: "k"}, "more"); !errors.Is(err, ErrTooManyWorkers) {
			t.Errorf("worker %d: %v", maxWorkers+1, err)
		}
		if _, err := l.Acquire(Caller{Key: "k"}, Request{Worker: "more"}); !errors.Is(err, ErrTooManyWorkers) {
			t.Errorf("worker %d: %v", maxWorkers+1, err)
		}
		if _, err := l.Tasks(Caller{Key: "k2"}, "more"); err != nil {
			t.Errorf("a worker of another key: %v", err)
		}
		if _, err := l.Tasks(Caller{Key: "k"}, "w00"); err != nil {
			t.Errorf("one that is known: %v", err)
		}
		time.Sleep(LiveFor - 620*time.Millisecond) // w01 and w02 were heard of 60 s ago
		if _, err := l.Tasks(Caller{Key: "k"}, "more"); err != nil {
			t.Errorf("in the place of one that is silent: %v", err)
		}
		names := func() (out []string) {
			for _, w := range l.Workers() {
				out = append(out, w.ID)
			}
			return out
		}
		if got := names(); len(got) != maxWorkers+1 || slices.Contains(got, "w01") || !slices.Contains(got, "w00") || !slices.Contains(got, "w02") {
			t.Errorf("workers are %v, want all but w01", got)
		}
		time.Sleep(knownFor)
		if got := names(); len(got) != 0 {
			t.Errorf("after an hour of silence there are %v", got)
		}
	})
}

func TestAWorkerThatMakesRoomFreesWhatItHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := desk(t, 1)
		acquire(t, l, "k", "first", Request{TTL: 5 * time.Minute})
		time.Sleep(LiveFor)
		for i := range maxWorkers {
			if _, err := l.Tasks(Caller{Key: "k"}, fmt.Sprint("w", i)); err != nil {
				t.Fatal(err)
			}
		}
		if got := acquire(t, l, "k2", "w", Request{}); len(got.Tasks) != 1 {
			t.Error("a worker that is forgotten holds a task")
		}
	})
}

func BenchmarkLive(b *testing.B) {
	s, l := desk(b, 512)
	if _, err := l.Acquire(Caller{Key: "k"}, Request{Worker: "w"}); err != nil {
		b.Fatal(err)
	}
	task := s.List()[100].ID
	for b.Loop() {
		if _, err := l.Live("k", task); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAcquire(b *testing.B) {
	_, l := desk(b, 512)
	for b.Loop() {
		if _, err := l.Acquire(Caller{Key: "k"}, Request{Worker: "w"}); err != nil {
			b.Fatal(err)
		}
	}
}
