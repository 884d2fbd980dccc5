package housekeeping

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rows is something that grows old: each has a time.
type rows struct {
	sync.Mutex
	at    []time.Time
	calls int
	most  int
}

func (r *rows) prune(_ context.Context, before time.Time, limit int) (int, error) {
	r.Lock()
	defer r.Unlock()
	r.calls++
	n := 0
	for n < limit && len(r.at) > 0 && r.at[0].Before(before) {
		r.at, n = r.at[1:], n+1
	}
	r.most = max(r.most, n)
	return n, nil
}

func aged(n int, at time.Time) *rows {
	r := &rows{}
	for range n {
		r.at = append(r.at, at)
	}
	return r
}

func now() (time.Time, bool) { return time.Now(), true }

func TestWhatIsOldGoesAndTheRestStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := aged(1000, start.Add(-25*time.Hour))
		r.at = append(r.at, start.Add(-23*time.Hour), start)
		k := New([]Rule{{Name: "events", Age: time.Hour, Least: 24 * time.Hour, Prune: r.prune}}, Options{Now: now})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		r.Lock()
		if r.calls != 0 {
			t.Error("the start was disturbed")
		}
		r.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.Lock()
		if len(r.at) != 2 || r.most > batch || k.State()["events"].Removed != 1000 {
			t.Errorf("%d left, at most %d at once, %+v", len(r.at), r.most, k.State())
		}
		r.Unlock()
		time.Sleep(2 * time.Hour)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if len(r.at) != 1 {
			t.Errorf("%d left two hours later, want one", len(r.at))
		}
	})
}

func TestARuleThatFailsLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := aged(3, time.Now().Add(-time.Hour))
		endless := 0
		k := New([]Rule{
			{Name: "broken", Age: 1, Prune: func(context.Context, time.Time, int) (int, error) { return 1, errors.New("disk") }},
			{Name: "mad", Age: 1, Prune: func(context.Context, time.Time, int) (int, error) { panic("index out of range") }},
			{Name: "slow", Age: 1, Prune: func(ctx context.Context, _ time.Time, _ int) (int, error) { <-ctx.Done(); return 0, nil }},
			{Name: "endless", Age: 1, Prune: func(_ context.Context, _ time.Time, limit int) (int, error) { endless++; return limit, nil }},
			{Name: "good", Age: 1, Prune: good.prune},
		}, Options{Now: now})
		k.Round(t.Context())
		s := k.State()
		for _, name := range []string{"broken", "mad", "slow"} {
			if s[name].Err == nil {
				t.Errorf("%s: %+v", name, s[name])
			}
		}
		if len(good.at) != 0 || s["good"].Err != nil || endless != mostBatch || s["broken"].Removed != 1 {
			t.Errorf("%d of the good rule are left, %d batches of the endless one: %+v", len(good.at), endless, s)
		}
	})
}

func TestAClockThatIsNotBelievedAgesNothing(t *testing.T) {
	old, ended := aged(1, time.Now().Add(-1000*time.Hour)), 0
	k := New([]Rule{
		{Name: "events", Age: time.Hour, Prune: old.prune},
		{Name: "sessions", Prune: func(context.Context, time.Time, int) (int, error) { ended++; return 0, nil }},
	}, Options{Now: func() (time.Time, bool) { return time.Now(), false }})
	k.Round(t.Context())
	if len(old.at) != 1 || ended != 1 {
		t.Errorf("%d left, sessions looked at %d times", len(old.at), ended)
	}
}
