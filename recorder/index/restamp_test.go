package index

import (
	"errors"
	"slices"
	"testing"
)

// TestRestampMovesRowsWithEverythingTheyAre: held rows stay held, bounds and
// totals follow, and all of it is there after a reopening.
func TestRestampMovesRowsWithEverythingTheyAre(t *testing.T) {
	x := fresh(t)
	old := func(i int) Row {
		r := row("door", i)
		r.Start, r.Flags = int64(1000+i*minute), Audio
		return r
	}
	add(t, x, old(0), old(1), old(2), row("door", 0), row("yard", 0))
	if _, err := x.Hold("door", old(1).Start, old(1).Start+1); err != nil {
		t.Fatal(err)
	}
	before := x.Totals()
	to := t0 + 5*minute
	moved, err := x.Restamp([]Move{{old(0), to}, {old(1), to}, {Row{Camera: "door", Start: 5}, to}, {Row{Camera: "none"}, to}})
	if err != nil || len(moved) != 2 || moved[0].Start != to || moved[1].Start != to || moved[1].shift != 1 {
		t.Fatalf("moved %+v, %v; want two rows, the second filed a place further", moved, err)
	}
	check := func(x *Index) {
		t.Helper()
		if got := x.Totals(); got.CameraTotals != before.CameraTotals {
			t.Errorf("totals %+v, want %+v", got.CameraTotals, before.CameraTotals)
		}
		rows, held := list(t, x, "door", 0, 1<<60)
		starts := make([]int64, len(rows))
		for i, r := range rows {
			starts[i] = r.Start
		}
		if want := []int64{old(2).Start, t0, to, to}; !slices.Equal(starts, want) || !slices.Equal(held, []uint32{1}) {
			t.Errorf("starts %v, held %v; want %v and 1", starts, held, want)
		}
		if first, last, ok := x.Bounds("door"); !ok || first != old(2).Start || last != to+minute {
			t.Errorf("bounds %d to %d, %v", first, last, ok)
		}
		var left []uint32
		if err := x.Untrusted(func(r Row, _ bool) bool { left = append(left, r.Seq); return true }); err != nil || !slices.Equal(left, []uint32{2}) {
			t.Errorf("untrusted: %v, %v; want 2 alone", left, err)
		}
	}
	check(x)
	path := x.path
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); err != nil {
		t.Error(err)
	}
	check(open(t, path))
}

// TestBoundsDoNotLagBehindRowsThatMove: readers see a commit before the count
// follows it; who sees no row of 1970 any more is not told that footage begins
// there, then or later.
func TestBoundsDoNotLagBehindRowsThatMove(t *testing.T) {
	x := fresh(t)
	r := row("door", 0)
	to := r.Start
	r.Start = 1000
	add(t, x, r, row("door", 1))
	check := func(when string, want int64) {
		t.Helper()
		if first, last, ok := x.Bounds("door"); !ok || first != want || last != to+2*minute {
			t.Errorf("%s: bounds %d to %d, %v; want %d to %d", when, first, last, ok, want, to+2*minute)
		}
	}
	err := x.move(func(t *txn) error {
		_, err := t.restampAll([]Move{{r, to}})
		check("before the commit", r.Start)
		t.tx.OnCommit(func() { check("committed", to) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	check("counted", to)
}

func TestRestampRefusesWhatCannotBeWritten(t *testing.T) {
	x := fresh(t)
	add(t, x, row("door", 0), row("door", 1))
	if _, err := x.Restamp([]Move{{row("door", 0), t0 + 9*minute}, {row("door", 1), -1}}); !errors.Is(err, ErrRow) {
		t.Errorf("restamped to before 1970: %v", err)
	}
	if rows, _ := list(t, x, "door", 0, 1<<60); len(rows) != 2 || rows[0].Start != t0 {
		t.Errorf("half of it was done: %+v", rows)
	}
}

// TestAddAllIsDurableAndHolds more rows than one transaction takes.
func TestAddAllIsDurableAndHolds(t *testing.T) {
	x := fresh(t)
	var rows []Row
	for i := range 3*addBatch/2 + 1 {
		rows = append(rows, row("door", i))
	}
	rows = append(rows, rows[7]) // known already
	held := func(r Row) bool { return r.Seq%100 == 0 }
	for range 2 { // adding again changes nothing
		if err := x.AddAll(rows, held); err != nil {
			t.Fatal(err)
		}
	}
	if s := x.Status(); s.Pending != 0 {
		t.Errorf("%d rows wait", s.Pending)
	}
	got := x.Totals()
	if want := int64(len(rows) - 1); got.Footage().Rows != want || got.Held.Rows != (want+99)/100 {
		t.Errorf("totals %+v, want %d rows, every hundredth held", got.CameraTotals, want)
	}
	if err := x.AddAll([]Row{{Camera: ""}}, nil); !errors.Is(err, ErrRow) {
		t.Errorf("a row that is none: %v", err)
	}
}

func BenchmarkAddAll(b *testing.B) {
	x := fresh(b)
	rows := make([]Row, addBatch)
	for i := 0; b.Loop(); i++ {
		for k := range rows {
			rows[k] = row("door", i*addBatch+k)
		}
		if err := x.AddAll(rows, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*addBatch), "µs/row")
}
