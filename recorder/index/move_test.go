package index

import (
	"math"
	"path/filepath"
	"slices"
	"testing"
)

func TestHoldAndReleaseMoveRowsWaitingOrNot(t *testing.T) {
	x := fresh(t)
	for i := range 6 {
		add(t, x, row("a", i), row("b", i))
		if i == 2 {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	moved, err := x.Hold("a", t0+2*minute, t0+4*minute)
	if err != nil || !slices.Equal(seqs(moved), []uint32{2, 3}) {
		t.Fatalf("held %v, %v; want 2 (committed) and 3 (waiting)", seqs(moved), err)
	}
	if again, err := x.Hold("a", t0+2*minute, t0+4*minute); err != nil || len(again) != 0 {
		t.Errorf("held again: %v, %v; want none", again, err)
	}
	rows, held := list(t, x, "a", 0, math.MaxInt64)
	if !slices.Equal(seqs(rows), []uint32{0, 1, 2, 3, 4, 5}) || !slices.Equal(held, []uint32{2, 3}) {
		t.Errorf("rows %v, held %v", seqs(rows), held)
	}
	if tot := x.Totals(); tot.Held.Rows != 2 || tot.Unlocked.Rows != 10 || tot.Cameras["a"].Held != tot.Held {
		t.Errorf("totals %+v", tot)
	}
	oldest, err := x.Oldest(20, nil)
	if err != nil || len(oldest) != 10 || slices.ContainsFunc(oldest, func(r Row) bool { return r.Camera == "a" && (r.Seq == 2 || r.Seq == 3) }) {
		t.Errorf("oldest has held rows: %v, %v", oldest, err)
	}
	if g, err := x.Condemn(moved, "free_floor"); err != nil || len(g) != 0 {
		t.Errorf("condemned held rows: %v, %v", g, err)
	}
	if back, err := x.Release([]Row{row("a", 3), row("a", 4), row("b", 3), row("a", 99)}); err != nil || !slices.Equal(seqs(back), []uint32{3}) {
		t.Errorf("released %v, %v; want 3: the others are not held", back, err)
	}
	if back, err := x.Release([]Row{row("a", 3)}); err != nil || len(back) != 0 {
		t.Errorf("released again: %v, %v", back, err)
	}
	if tot := x.Totals(); tot.Held.Rows != 1 || tot.Held.Bytes != row("a", 2).Bytes || tot.Unlocked.Rows != 11 {
		t.Errorf("totals after release %+v", tot)
	}
}

func TestCondemnedRowsAreGarbageUntilForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	for i := range 5 {
		add(t, x, row("a", i))
	}
	rows, _ := x.Oldest(3, nil)
	g, err := x.Condemn(append(rows, row("a", 99), row("nobody", 1)), "free_floor")
	if err != nil || len(g) != 3 || g[0].Reason != "free_floor" || g[0].Condemned == 0 {
		t.Fatalf("condemned %+v, %v", g, err)
	}
	if again, err := x.Condemn(rows, "free_floor"); err != nil || len(again) != 0 {
		t.Errorf("condemned twice: %v, %v", again, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, path)
	kept, err := x.Garbage()
	if err != nil || len(kept) != 3 || kept[1] != g[1] {
		t.Errorf("after reopening: %+v, %v; want %+v", kept, err, g)
	}
	if tot := x.Totals(); tot.Garbage.Rows != 3 || tot.Unlocked.Rows != 2 || tot.Footage().Rows != 2 {
		t.Errorf("totals %+v", tot)
	}
	a := Audit{Time: 7, Reason: "free_floor", Count: 2, Bytes: 9, Oldest: 1, Newest: 2, Cameras: []string{"a"}}
	for range 2 { // forgetting twice is no error and leaves one entry
		if err := x.Forget(kept[:2], a); err != nil {
			t.Fatal(err)
		}
	}
	kept, _ = x.Garbage()
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	audits, err := x.Audits(10)
	if len(kept) != 1 || err != nil || len(audits) != 1 || audits[0].Cameras[0] != "a" || audits[0].Count != 2 {
		t.Errorf("garbage %v, audits %+v, %v", kept, audits, err)
	}
}

func TestDropRemovesRowsOfBothKinds(t *testing.T) {
	x := fresh(t)
	add(t, x, row("a", 0), row("a", 1), row("a", 2))
	if _, err := x.Hold("a", t0, t0+1); err != nil {
		t.Fatal(err)
	}
	if n, err := x.Drop([]Row{row("a", 0), row("a", 2), row("a", 9)}); err != nil || n != 2 {
		t.Errorf("dropped %d, %v; want 2", n, err)
	}
	if tot := x.Totals(); tot.Footage().Rows != 1 || tot.Held.Rows != 0 {
		t.Errorf("totals %+v", tot)
	}
}

func TestBoundsFollowWhatGoes(t *testing.T) {
	x := fresh(t)
	if _, _, ok := x.Bounds("a"); ok {
		t.Error("bounds of a camera nobody knows")
	}
	for i := range 4 {
		add(t, x, row("a", i), row("b", i+100))
	}
	check := func(first, last int) {
		t.Helper()
		f, l, ok := x.Bounds("a")
		if !ok || f != t0+int64(first)*minute || l != t0+int64(last)*minute {
			t.Errorf("bounds %d to %d (%v), want minutes %d to %d", (f-t0)/minute, (l-t0)/minute, ok, first, last)
		}
	}
	check(0, 4)
	if _, err := x.Condemn([]Row{row("a", 0)}, "test"); err != nil {
		t.Fatal(err)
	}
	check(1, 4)
	if _, err := x.Drop([]Row{row("a", 3)}); err != nil {
		t.Fatal(err)
	}
	check(1, 3)
	add(t, x, row("a", 8))
	check(1, 9)
	if _, err := x.Drop([]Row{row("a", 1), row("a", 2), row("a", 8)}); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := x.Bounds("a"); ok {
		t.Error("bounds of a camera without footage")
	}
	add(t, x, row("a", 6))
	check(6, 7)
}
