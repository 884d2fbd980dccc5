package index

import (
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func given(rows ...Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestRebuildHoldsEveryFileOnceInWhateverOrder(t *testing.T) {
	const n = loadBatch + 5001
	rows := make([]Row, 0, n)
	for i := range n {
		rows = append(rows, Row{Start: t0 + int64(i/2)*minute, Duration: minute, Bytes: int64(i), Seq: uint32(i), Camera: string(rune('a' + i%2))})
	}
	twin := rows[9]
	twin.Seq++ // two files with one start
	rows = append(rows, twin, rows[3])
	shuffled := slices.Clone(rows)
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for name, order := range map[string][]Row{"by time": rows, "shuffled": shuffled} {
		path := filepath.Join(t.TempDir(), "segments.db")
		if err := os.WriteFile(path, []byte("what was there before"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{Held: func(r Row) bool { return r.Seq < 10 }}
		if err := Rebuild(path, given(order...), o); err != nil {
			t.Fatal(err)
		}
		x := open(t, path)
		got := all(t, x)
		if len(got) != n+1 || x.Totals().Held.Rows != 10 || x.Totals().Unlocked.Rows != n+1-10 {
			t.Errorf("%s: %d rows, totals %+v; want %d rows, 10 held", name, len(got), x.Totals(), n+1)
		}
		if !slices.IsSortedFunc(got, func(a, b Row) int { return int(a.Start - b.Start) }) {
			t.Errorf("%s: not in order", name)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if perRow := (info.Size() - growBytes) / n; perRow > 64 {
			t.Errorf("%s: %d bytes a row, want 64 at most", name, perRow)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
}

func TestAFailedRebuildLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	x := open(t, path)
	add(t, x, row("a", 0))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	sick := errors.New("disk is sick")
	err := Rebuild(path, func(yield func(Row, error) bool) { _ = yield(row("a", 1), nil) && yield(Row{}, sick) }, Options{})
	if !errors.Is(err, sick) {
		t.Errorf("Rebuild = %v", err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
	if got := seqs(all(t, open(t, path))); !slices.Equal(got, []uint32{0}) {
		t.Errorf("the old index has %v", got)
	}
}

func TestRebuildRefusesWhatIsNoRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	if err := Rebuild(path, given(Row{Start: -1, Camera: "a"}), Options{}); !errors.Is(err, ErrRow) {
		t.Errorf("Rebuild = %v, want ErrRow", err)
	}
}

func TestRebuildOfNothingIsAnEmptyIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	if err := Rebuild(path, given(), Options{}); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, open(t, path))); n != 0 {
		t.Errorf("%d rows", n)
	}
}
