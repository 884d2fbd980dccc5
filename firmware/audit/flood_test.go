package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFloodIsCounted(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Run(ctx) })
		for i := range 10_000 {
			if err := l.Append(Entry{Actor: "eve", Address: fmt.Sprintf("10.0.0.1:%d", 1024+i), Action: "denied", Result: Denied}); err != nil {
				t.Error(err)
			}
			if i%1000 == 0 {
				time.Sleep(4 * time.Second)
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		list, _, err := l.List(Query{Limit: 1000})
		if err != nil || len(list) != alike+1 || list[0].Detail["repeated"] != fmt.Sprint(10_000-alike) {
			t.Errorf("%d entries, newest %+v, %v", len(list), list[0], err)
		}
		cancel()
		wg.Wait()
	})
}

func TestWhoFloodsPushesNobodyOut(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Run(ctx) })
		// Every try by another name and from another address, for an hour.
		tries, deeds := 0, 0
		for range 60 {
			for i := range 3000 {
				if i%1000 == 0 {
					time.Sleep(20 * time.Second)
				}
				tries++
				if err := l.Append(Entry{Actor: fmt.Sprint("u", tries), Address: fmt.Sprint("fd00::", tries), Action: "login.failed", Result: Failed}); err != nil {
					t.Fatal(err)
				}
				if i == 1500 {
					deeds++
					if err := l.Append(Entry{Actor: "owner", Action: "camera.update", Target: fmt.Sprint(i)}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		cancel()
		wg.Wait()
		counted, kept := 0, 0
		for next := uint64(0); ; {
			list, n, err := l.List(Query{Limit: 1000, Before: next, Action: "login"})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				if more, err := strconv.Atoi(e.Detail["repeated"]); err == nil {
					if counted += more; e.Actor != "" || e.Address != "" {
						t.Fatalf("one of many is named: %+v", e)
					}
					continue
				}
				kept++
			}
			if next = n; next == 0 {
				break
			}
		}
		if kept > 2*refusals || kept+counted != tries {
			t.Errorf("%d kept and %d counted of %d", kept, counted, tries)
		}
		if r := verify(t, l); !r.OK || r.Entries > 2*refusals+200 {
			t.Errorf("%+v", r)
		}
		if list, _, err := l.List(Query{Limit: 1000, Actor: "owner"}); err != nil || len(list) != deeds {
			t.Errorf("%d of %d deeds are kept, %v", len(list), deeds, err)
		}
	})
}

func TestADeedIsNotTakenForAnother(t *testing.T) {
	now := base
	try := func(e Entry, n int) (kept int) {
		f := flood{lanes: map[string]*lane{}}
		for i := range n {
			if e.Result == OK && i%2 == 1 {
				e.Camera = fmt.Sprint(i)
			}
			if f.admit(e, now) {
				kept++
			}
		}
		return kept
	}
	tests := []struct {
		name string
		e    Entry
		n    int
		want int
	}{
		{"thirty refusals", Entry{Actor: "a", Action: "x", Result: Denied}, alike, alike},
		{"one more", Entry{Actor: "a", Action: "x", Result: Denied}, alike + 1, alike},
		{"deeds to different cameras", Entry{Actor: "a", Action: "x", Result: OK}, 2 * alike, 2 * alike},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := try(tt.e, tt.n); got != tt.want {
				t.Errorf("%d kept, want %d", got, tt.want)
			}
		})
	}
	f := flood{lanes: map[string]*lane{}}
	for i := range 2 * floodLanes {
		f.admit(Entry{Actor: fmt.Sprint(i), Action: "x", Result: Denied}, now)
	}
	if len(f.lanes) > floodLanes+1 {
		t.Errorf("%d lanes", len(f.lanes))
	}
	if f.refused != refusals {
		t.Errorf("%d refusals kept", f.refused)
	}
	if !f.admit(Entry{Actor: "late", Action: "x", Result: Denied}, now.Add(refusalTime)) {
		t.Error("an hour later: want it kept")
	}
	f = flood{lanes: map[string]*lane{}}
	for i := range 2 * floodLanes {
		if !f.admit(Entry{Actor: "a", Action: "x", Result: OK, Target: fmt.Sprint(i)}, now) {
			t.Fatalf("deed %d is not kept", i)
		}
	}
	if len(f.lanes) > floodLanes {
		t.Errorf("%d lanes", len(f.lanes))
	}
	same := Entry{Actor: "a", Action: "x", Result: OK, Target: "t"}
	f, kept := flood{lanes: map[string]*lane{}}, 0
	for range 100 {
		if f.admit(same, now) {
			kept++
		}
	}
	if out := f.over(now, true); kept != alike || len(out) != 1 || out[0].Target != "t" || out[0].Detail["repeated"] != "70" {
		t.Errorf("%d kept, and then %+v", kept, out)
	}
}
