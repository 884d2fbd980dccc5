package index

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// condemned has n rows of camera a, the first two of them garbage.
func condemned(t *testing.T, x *Index, n int) []Garbage {
	t.Helper()
	for i := range n {
		add(t, x, row("a", i))
	}
	g, err := x.Condemn([]Row{row("a", 0), row("a", 1)}, "free_floor")
	if err != nil || len(g) != 2 {
		t.Fatal(g, err)
	}
	return g
}

func TestForgettingIsSeenAtOnceAndCostsNoCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	g := condemned(t, x, 4)
	written := x.Status().Written
	for range 2 { // whoever says it twice is not counted twice
		if err := x.Forget(g, Audit{Reason: "free_floor", Count: 2}); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := x.Garbage(); err != nil || len(left) != 0 {
		t.Errorf("garbage %v, %v", left, err)
	}
	if n := x.Totals().Garbage; n != (Tally{}) {
		t.Errorf("counted as garbage: %+v", n)
	}
	if more := x.Status().Written - written; more != 0 {
		t.Errorf("%d bytes written", more)
	}
	if _, err := x.Condemn([]Row{row("a", 2)}, "age"); err != nil { // takes along what waits
		t.Fatal(err)
	}
	audits, err := x.Audits(5)
	if err != nil || len(audits) != 1 || audits[0].Count != 2 {
		t.Errorf("audits %+v, %v", audits, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, path)
	if left, err := x.Garbage(); err != nil || len(left) != 1 || left[0].Row.Seq != row("a", 2).Seq {
		t.Errorf("after reopening: garbage %v, %v", left, err)
	}
}

func TestSeveralBurialsOfOneCommitHaveAnEntryEach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	g := condemned(t, x, 3)
	for i := range g {
		if err := x.Forget(g[i:i+1], Audit{Reason: "free_floor", Count: uint32(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := x.Condemn([]Row{row("a", 2)}, "age") // commits them
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Forget(last, Audit{Reason: "age", Count: 3}); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil { // commits
		t.Fatal(err)
	}
	if err := x.Forget(g, Audit{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	x = open(t, path)
	audits, err := x.Audits(5)
	if err != nil || len(audits) != 3 || audits[0].Count != 3 || audits[1].Count != 2 || audits[2].Count != 1 {
		t.Errorf("audits %+v, %v; want 3, 2, 1", audits, err)
	}
	if tot := x.Totals(); tot.Garbage.Rows != 0 || tot.Footage().Rows != 0 {
		t.Errorf("totals %+v", tot)
	}
}

// Where power goes before the commit, garbage is garbage again.
func TestACommitThatFailsKeepsWhatIsForgotten(t *testing.T) {
	x := fresh(t)
	g := condemned(t, x, 3)
	if err := x.Forget(g, Audit{Reason: "free_floor", Count: 2}); err != nil {
		t.Fatal(err)
	}
	bad := errors.New("no")
	if err := x.commit(func(*txn) error { return bad }); !errors.Is(err, bad) {
		t.Fatal(err)
	}
	if left, err := x.Garbage(); err != nil || len(left) != 0 || len(x.burials) != 1 {
		t.Errorf("garbage %v, %v; %d burials wait, want 1", left, err, len(x.burials))
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(x.burials) != 0 || len(x.buried) != 0 {
		t.Errorf("%v and %v wait after the commit", x.burials, slices.Collect(maps.Keys(x.buried)))
	}
}

// The place of a row that is forgotten is not free yet, but the file is not
// known either.
func TestAFileThatComesBackAfterItWasForgottenIsARow(t *testing.T) {
	x := fresh(t)
	if err := x.Forget(condemned(t, x, 2), Audit{}); err != nil {
		t.Fatal(err)
	}
	add(t, x, row("a", 0))
	for range 2 {
		if got := all(t, x); len(got) != 1 || !got[0].SameFile(row("a", 0)) {
			t.Errorf("rows %+v", got)
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting returns how many burials wait for a commit.
func waiting(x *Index) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.burials)
}

// A sweep's commit took along what waited, so the minute begins anew.
func TestTheIntervalBeginsAnewWithEachCommit(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		x, err := Open(filepath.Join(dir, "segments.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- x.Run(ctx) }()
		time.Sleep(40 * time.Second)
		g := condemned(t, x, 3)
		synctest.Wait()
		if err := x.Forget(g, Audit{}); err != nil {
			t.Fatal(err)
		}
		add(t, x, row("b", 0))
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if n := x.Status().Pending; n != 1 {
			t.Errorf("%d rows wait 59 s after a commit, want 1", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := x.Status(); s.Pending != 0 || waiting(x) != 1 {
			t.Errorf("61 s after a commit: %+v and %d burials", s, waiting(x))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := waiting(x); n != 0 {
			t.Errorf("%d burials wait after ten intervals", n)
		}
		cancel()
		if err := errors.Join(<-done, x.Close()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
