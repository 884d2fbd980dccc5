package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/media"
)

const minute = 60_000

// t0 is 2026-11-23 20:00 UTC in ms.
const t0 = int64(1795464000000)

// row is the i-th minute of a camera.
func row(camera string, i int) Row {
	return Row{
		Start: t0 + int64(i)*minute, Duration: minute, Bytes: int64(30e6 + i), Seq: uint32(i), Camera: camera,
		Codec: media.H264, Width: 1920, Height: 1080, Gap: byte(i % 3), Flags: Trusted | Audio,
	}
}

func open(t testing.TB, path string) *Index {
	t.Helper()
	x, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func fresh(t testing.TB) *Index { return open(t, filepath.Join(t.TempDir(), "segments.db")) }

func add(t testing.TB, x *Index, rows ...Row) {
	t.Helper()
	for _, r := range rows {
		if err := x.Add(r); err != nil {
			t.Fatal(err)
		}
	}
}

// list returns the rows of a range, held ones marked by their sequence.
func list(t testing.TB, x *Index, camera string, from, to int64) (rows []Row, held []uint32) {
	t.Helper()
	err := x.Range(camera, from, to, func(r Row, h bool) bool {
		rows = append(rows, r)
		if h {
			held = append(held, r.Seq)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, held
}

func all(t testing.TB, x *Index) []Row {
	rows, _ := list(t, x, "", math.MinInt64, math.MaxInt64)
	return rows
}

func seqs(rows []Row) []uint32 {
	out := make([]uint32, len(rows))
	for i, r := range rows {
		out[i] = r.Seq
	}
	return out
}

func TestRangeOverlapsAreHalfOpen(t *testing.T) {
	x := fresh(t)
	for i := range 4 {
		add(t, x, row("a", i), row("b", i+10))
	}
	tests := []struct {
		name     string
		from, to int64
		want     []uint32
	}{
		{"a moment inside one segment", t0 + 1000, t0 + 1001, []uint32{0}},
		{"the end of a segment is not part of it", t0 + minute, t0 + minute + 1, []uint32{1}},
		{"the last ms is", t0 + minute - 1, t0 + minute, []uint32{0}},
		{"an empty range has nothing", t0 + minute, t0 + minute, nil},
		{"a range before all", 0, t0, nil},
		{"a range behind all", t0 + 4*minute, math.MaxInt64, nil},
		{"everything there is", math.MinInt64, math.MaxInt64, []uint32{0, 1, 2, 3}},
	}
	for _, committed := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, committed %v", tt.name, committed), func(t *testing.T) {
				rows, _ := list(t, x, "a", tt.from, tt.to)
				if !slices.Equal(seqs(rows), tt.want) {
					t.Errorf("got %v, want %v", seqs(rows), tt.want)
				}
			})
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRowsAreTheSameAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	want := []Row{row("front", 0), row("yard", 0), row("front", 1)}
	want[1].Start += 5
	want[2].Camera = "front"
	add(t, x, want...)
	if _, err := x.Hold("yard", t0, t0+minute); err != nil {
		t.Fatal(err)
	}
	before := x.Totals()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	y := open(t, path)
	if got := all(t, y); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if after := y.Totals(); !sameTotals(before, after) {
		t.Errorf("totals %+v became %+v", before, after)
	}
	if got := y.Cameras(); !slices.Equal(got, []string{"front", "yard"}) {
		t.Errorf("cameras %v", got)
	}
}

func sameTotals(a, b Totals) bool {
	return a.CameraTotals == b.CameraTotals && maps.Equal(a.Cameras, b.Cameras)
}

func TestAStartThatIsTakenGetsTheNextFreePlaceAndStaysTrue(t *testing.T) {
	x := fresh(t)
	first, second, later := row("a", 1), row("a", 1), row("a", 1)
	second.Seq, second.Bytes = 70, 5
	later.Seq, later.Start = 71, first.Start+1
	other := row("b", 1)
	add(t, x, first)
	for range 3 { // pending, committed, and again: the same file counts once
		add(t, x, first, second, later, other)
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	rows, _ := list(t, x, "a", 0, math.MaxInt64)
	want := []Row{first, second, later}
	if len(rows) != 3 {
		t.Fatalf("%d rows, want 3: %+v", len(rows), rows)
	}
	for i := range want {
		if !rows[i].SameFile(want[i]) {
			t.Errorf("row %d is %+v, want %+v", i, rows[i], want[i])
		}
	}
	if got := x.Totals().Unlocked.Rows; got != 4 {
		t.Errorf("%d rows counted, want 4", got)
	}
	if g, err := x.Condemn(rows[1:2], "test"); err != nil || len(g) != 1 || !g[0].Row.SameFile(second) {
		t.Errorf("condemned %+v, %v; want the second file", g, err)
	}
	add(t, x, second)
	if got := len(all(t, x)); got != 3 {
		t.Errorf("%d rows after a condemned file was added again, want 3", got)
	}
}

func TestTheSecondFileOfOneStartIsRefusedOnlyWhen256AreThere(t *testing.T) {
	x := fresh(t)
	for i := range 256 {
		r := row("a", 0)
		r.Seq = uint32(i)
		add(t, x, r)
	}
	r := row("a", 0)
	r.Seq = 256
	if err := x.Add(r); !errors.Is(err, ErrRow) {
		t.Errorf("the 257th gave %v, want ErrRow", err)
	}
}

func TestRowsTheIndexCannotHoldAreRefused(t *testing.T) {
	x := fresh(t)
	for name, spoil := range map[string]func(*Row){
		"no camera":           func(r *Row) { r.Camera = "" },
		"before 1970":         func(r *Row) { r.Start = -1 },
		"after the year 9999": func(r *Row) { r.Start = maxStart + 1 },
		"negative size":       func(r *Row) { r.Bytes = -1 },
		"size beyond 48 bits": func(r *Row) { r.Bytes = maxBytes + 1 },
	} {
		r := row("a", 0)
		spoil(&r)
		if err := x.Add(r); !errors.Is(err, ErrRow) {
			t.Errorf("%s: %v, want ErrRow", name, err)
		}
	}
	edge := Row{Camera: "a", Start: maxStart, Bytes: maxBytes, Duration: math.MaxUint32, Seq: math.MaxUint32}
	add(t, x, edge, Row{Camera: "a"})
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := all(t, x); len(got) != 2 || !got[1].SameFile(edge) {
		t.Errorf("the edges came back as %+v", got)
	}
}

func TestOldestSkipsWhatItIsToldTo(t *testing.T) {
	x := fresh(t)
	for i := range 2000 {
		add(t, x, row("a", i))
		if i == 1500 {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := x.Oldest(600, func(r Row) bool { return r.Seq < 1000 })
	if err != nil || len(got) != 600 || got[0].Seq != 1000 || got[599].Seq != 1599 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	if got, err := x.Oldest(5, func(Row) bool { return true }); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v although all are skipped", got, err)
	}
	if got, err := x.Oldest(0, nil); err != nil || len(got) != 0 {
		t.Errorf("Oldest(0) = %v, %v", got, err)
	}
}

func TestRunCommitsOncePerIntervalAndAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		x, err := Open(filepath.Join(dir, "segments.db"), Options{Batch: 8})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- x.Run(ctx) }()
		add(t, x, row("a", 0))
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if n := x.Status().Pending; n != 1 {
			t.Errorf("%d rows wait before the minute is over, want 1", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := x.Status(); s.Pending != 0 || time.Since(s.LastCommit) != time.Second {
			t.Errorf("after the minute: %+v", s)
		}
		for i := range 8 {
			add(t, x, row("b", i))
		}
		synctest.Wait()
		if n := x.Status().Pending; n != 0 {
			t.Errorf("%d rows wait although the batch is full", n)
		}
		add(t, x, row("c", 0))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if n := x.Status().Pending; n != 0 {
			t.Errorf("%d rows wait after the end", n)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClosedIndexSaysSo(t *testing.T) {
	x := fresh(t)
	add(t, x, row("a", 0))
	if err := errors.Join(x.Close(), x.Close()); err != nil {
		t.Fatal(err)
	}
	if err := x.Add(row("a", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Add = %v", err)
	}
	if _, err := x.Oldest(1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Oldest = %v", err)
	}
	if _, err := x.Hold("a", 0, math.MaxInt64); !errors.Is(err, ErrClosed) {
		t.Errorf("Hold = %v", err)
	}
	if _, err := x.Garbage(); !errors.Is(err, ErrClosed) {
		t.Errorf("Garbage = %v", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	open(t, path)
	if _, err := Open(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
}

func TestYieldMayTakeItsTimeAndCallTheIndex(t *testing.T) {
	x := fresh(t)
	for i := range 1200 {
		add(t, x, row("a", i))
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := x.Range("a", 0, math.MaxInt64, func(r Row, _ bool) bool {
		if n++; n%100 == 0 { // a commit inside would hang if a transaction were open
			add(t, x, row("b", n))
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
			if open := x.db.Bolt.Stats().OpenTxN; open != 0 {
				t.Fatalf("%d read transactions are open inside yield", open)
			}
		}
		return true
	})
	if err != nil || n != 1200 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestAgainstAModel does the same random work on the index and on a slice.
func TestAgainstAModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	rng := rand.New(rand.NewPCG(1, 2))
	type state struct {
		row  Row
		held bool
	}
	var model []state
	next := make([]int, 3)
	for step := range 1500 {
		switch rng.IntN(12) {
		default:
			c := rng.IntN(3)
			r := row(string(rune('a'+c)), next[c])
			next[c] += 1 + rng.IntN(2)
			add(t, x, r)
			model = append(model, state{row: r})
		case 0:
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		case 1, 2:
			hold := rng.IntN(2) == 0
			camera, from := string(rune('a'+rng.IntN(3))), t0+rng.Int64N(400)*minute
			var err error
			if hold {
				_, err = x.Hold(camera, from, from+3*minute)
			} else {
				rows, _ := list(t, x, camera, from, from+3*minute)
				_, err = x.Release(rows)
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range model {
				if s.row.Camera == camera && s.row.overlaps(from, from+3*minute) {
					model[i].held = hold
				}
			}
		case 3:
			rows, err := x.Oldest(1+rng.IntN(4), nil)
			if err != nil {
				t.Fatal(err)
			}
			if g, err := x.Condemn(rows, "test"); err != nil || len(g) != len(rows) {
				t.Fatal(g, err)
			}
			model = slices.DeleteFunc(model, func(s state) bool {
				return slices.ContainsFunc(rows, s.row.SameFile)
			})
		case 4:
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			x = open(t, path)
		}
		if step%25 != 0 {
			continue
		}
		order := func(a, b state) int {
			return cmp.Or(cmp.Compare(a.row.Start, b.row.Start), cmp.Compare(a.row.Camera, b.row.Camera))
		}
		slices.SortFunc(model, order)
		var got []state
		var unlocked, held Tally
		if err := x.Range("", 0, math.MaxInt64, func(r Row, h bool) bool {
			got = append(got, state{r, h})
			if h {
				held.count(r, 1)
			} else {
				unlocked.count(r, 1)
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(got, func(a, b state) int { return cmp.Compare(a.row.Start, b.row.Start) }) {
			t.Fatalf("step %d: rows are not in the order of time", step)
		}
		slices.SortFunc(got, order)
		if !slices.EqualFunc(got, model, func(a, b state) bool { return a.row.SameFile(b.row) && a.held == b.held }) {
			t.Fatalf("step %d: index %d rows, model %d rows, or not the same", step, len(got), len(model))
		}
		if tot := x.Totals(); tot.Unlocked != unlocked || tot.Held != held {
			t.Fatalf("step %d: totals %+v, counted %+v and %+v", step, tot, unlocked, held)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); err != nil {
		t.Errorf("a file in order is refused: %v", err)
	}
}

func TestAnEmptyFileIsDamagedAndAMissingOneIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	if err := Verify(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("empty: %v, want ErrDamaged", err)
	}
}
