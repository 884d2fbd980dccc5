package index

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	berrors "go.etcd.io/bbolt/errors"
)

// TestRowsOfAFailedCommitKeepWaiting: a disk without room refuses the commit.
func TestRowsOfAFailedCommitKeepWaiting(t *testing.T) {
	x := fresh(t)
	add(t, x, row("a", 0))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 30_000 {
		add(t, x, row("a", i+1))
	}
	x.db.Bolt.MaxSize = 64 << 10
	if err := x.Flush(); !errors.Is(err, berrors.ErrMaxSizeReached) {
		t.Fatalf("Flush = %v", err)
	}
	if s := x.Status(); s.Err == nil || s.Pending != 30_000 {
		t.Errorf("status %+v", s)
	}
	if _, err := x.Condemn([]Row{row("a", 0)}, "test"); err == nil {
		t.Error("condemned although the commit must fail")
	}
	if n := len(all(t, x)); n != 30_001 {
		t.Errorf("%d rows are visible, want 30001", n)
	}
	x.db.Bolt.MaxSize = 0
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if s := x.Status(); s.Err != nil || s.Pending != 0 || len(all(t, x)) != 30_001 {
		t.Errorf("status %+v, %d rows", s, len(all(t, x)))
	}
}

// TestReadersAlwaysSeeEveryRow: while rows are added and committed, held and
// released, none may vanish or show twice.
func TestReadersAlwaysSeeEveryRow(t *testing.T) {
	x := fresh(t)
	x.db.Bolt.NoSync = true
	const base = 300
	for i := range base {
		add(t, x, row("a", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	worker := func(f func(i int) error) {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	worker(func(i int) error { return x.Add(row("a", base+i)) })
	worker(func(int) error { return x.Flush() })
	worker(func(i int) error {
		from := t0 + int64(i%base)*minute
		rows, err := x.Hold("a", from, from+minute)
		_, err2 := x.Release(rows)
		return errors.Join(err, err2)
	})
	worker(func(int) error {
		var next uint32
		last := int64(0)
		err := x.Range("a", 0, math.MaxInt64, func(r Row, _ bool) bool {
			if r.Seq != next || r.Start <= last {
				t.Errorf("row %d where %d should be", r.Seq, next)
				return false
			}
			next, last = next+1, r.Start
			return true
		})
		if err == nil && next < base {
			t.Errorf("saw only %d rows", next)
		}
		return err
	})
	worker(func(int) error {
		x.Totals()
		x.Cameras()
		x.Status()
		if first, _, ok := x.Bounds("a"); !ok || first != t0 {
			t.Errorf("bounds begin at %d", first)
		}
		_, err := x.Oldest(5, nil)
		return err
	})
	wg.Wait()
}
