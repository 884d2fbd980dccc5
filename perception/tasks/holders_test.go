package tasks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNeverTwoHolders lets many workers of a few keys do what they like, and
// asks after every step who may believe to hold a task.
func TestNeverTwoHolders(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { neverTwoHolders(t, rand.New(rand.NewPCG(seed, 8))) })
	}
}

func neverTwoHolders(t *testing.T, r *rand.Rand) {
	s, l := desk(t, 6)
	type who struct{ key, worker string }
	belief := map[who]map[string]time.Time{} // task: until when
	lease := map[who]string{}
	forget := func(which func(who) bool) {
		for w := range belief {
			if which(w) {
				delete(belief, w)
			}
		}
	}
	taken := 0
	for range 1000 {
		me := who{fmt.Sprint("k", r.IntN(3)), fmt.Sprint("w", r.IntN(4))}
		all := s.List()
		switch one := all[r.IntN(len(all))]; r.IntN(10) {
		default:
			req := Request{Worker: me.worker, TTL: time.Duration(15+r.IntN(286)) * time.Second, Max: r.IntN(5)}
			got, err := l.Acquire(Caller{Key: me.key, Sees: func(c string) bool { return me.key != "k2" || c != "cam0" }}, req)
			if err != nil {
				t.Fatal(err)
			}
			if id := lease[me]; id != "" && id != got.ID {
				if _, known := belief[me]; known {
					t.Fatalf("the lease of %v was %s and is %s", me, id, got.ID)
				}
			}
			lease[me], belief[me] = got.ID, map[string]time.Time{}
			for _, task := range got.Tasks {
				belief[me][task.ID] = got.Expires
				taken++
				if key, worker, _ := l.Holder(task.ID); key != me.key || worker != me.worker {
					t.Fatalf("%v was given %s, which is %s's of %s", me, task.ID, worker, key)
				}
			}
		case 0:
			if _, err := l.Release(me.key, lease[me]); err == nil {
				forget(func(w who) bool { return w == me })
			}
		case 1:
			l.EndKey(me.key)
			forget(func(w who) bool { return w.key == me.key })
		case 2:
			on := r.IntN(2) == 0
			if _, err := s.Change(one.ID, Settings{Enabled: &on}); err != nil {
				t.Fatal(err)
			}
		case 3, 4, 5:
			time.Sleep(time.Duration(r.IntN(40_000)) * time.Millisecond)
		}
		for _, task := range all {
			var holders []who
			for w, tasks := range belief {
				if time.Now().Before(tasks[task.ID]) {
					holders = append(holders, w)
				}
			}
			if len(holders) > 1 {
				t.Fatalf("%v all hold %s", holders, task.ID)
			}
		}
	}
	if taken < 100 {
		t.Errorf("only %d tasks were taken: this shows nothing", taken)
	}
}

func TestLeasesAreSafeFromManyGoroutines(t *testing.T) {
	s, l := desk(t, 8)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key, worker := fmt.Sprint("k", i%2), fmt.Sprint("w", i)
			for range 50 {
				got, err := l.Acquire(Caller{Key: key}, Request{Worker: worker})
				if err != nil {
					t.Error(err)
					return
				}
				for _, task := range got.Tasks {
					// Another's heartbeat may have moved it on, but not to another key.
					if _, err := l.Live(key, task.ID); errors.Is(err, ErrHeld) {
						t.Errorf("%s holds %s for another key", worker, task.ID)
					}
				}
				l.Workers()
				if i < 2 {
					on := worker != "w0"
					if _, err := s.Change(s.List()[0].ID, Settings{Enabled: &on}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}
