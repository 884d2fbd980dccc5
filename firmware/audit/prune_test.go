package audit

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

var base = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPruningLeavesAChain(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	for i := range 10 {
		if err := l.Append(Entry{Time: base.Add(time.Duration(i) * time.Second), Actor: "a", Action: fmt.Sprint("x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3, 1, 0} {
		if n, err := l.PruneBefore(t.Context(), base.Add(4*time.Second), 3); n != want || err != nil {
			t.Errorf("pruned %d, %v; want %d", n, err, want)
		}
	}
	if r := verify(t, l); !r.OK || r.First != 5 || r.Entries != 6 {
		t.Errorf("%+v", r)
	}
	if n, err := l.PruneBefore(t.Context(), base.Add(99*time.Second), 99); n != 6 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	l = newLog(t, db) // all gone, and nothing is missing
	some(t, l, 1)
	if r := verify(t, l); !r.OK || r.First != 11 {
		t.Errorf("after all had gone: %+v", r)
	}
}

func TestOfTooManyTheOldestGo(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l, err := Open(db, Options{MaxCount: 20})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		some(t, l, 10)
	}
	is := func(entries, last uint64) {
		t.Helper()
		if r := verify(t, l); !r.OK || r.Entries != entries || r.Last != last {
			t.Errorf("%+v, want %d up to %d", r, entries, last)
		}
	}
	is(20, 50)
	if _, err := l.PruneBefore(t.Context(), time.Now().Add(time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	some(t, l, 10)
	is(20, 60)
	if l, err = Open(db, Options{MaxCount: 15}); err != nil {
		t.Fatal(err)
	}
	some(t, l, 1)
	is(15, 61)
}

func TestWhatIsMissingIsNotCounted(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	some(t, newLog(t, db), 10)
	if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(rowsBucket).Delete(seqKey(5)) }); err != nil {
		t.Fatal(err)
	}
	l, err := Open(db, Options{MaxCount: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil { // the one that says so
		t.Fatal(err)
	}
	if r := verify(t, l); r.Entries != 10 || r.First != 1 {
		t.Errorf("%+v", r)
	}
}

func TestTimesThatCannotBeRightDecideNothing(t *testing.T) {
	old, young := base, base.AddDate(0, 6, 0)
	unset, ahead := time.Unix(60, 0), base.AddDate(30, 0, 0)
	tests := []struct {
		name  string
		times []time.Time
		want  int // that go
	}{
		{"old ones go", []time.Time{old, old, young}, 2},
		{"an old one behind a young one stays", []time.Time{old, young, old}, 1},
		{"one from before the clock was set goes with the old one behind it", []time.Time{unset, old, young}, 2},
		{"and stays with the young one behind it", []time.Time{unset, young}, 0},
		{"or if there is none", []time.Time{unset, unset}, 0},
		{"one from a future does not keep what is behind it", []time.Time{old, ahead, old, young}, 3},
		{"the limit holds", []time.Time{unset, unset, unset, unset, unset, old, young}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Open(open(t, filepath.Join(t.TempDir(), "state.db")), Options{Now: func() time.Time { return young.Add(time.Hour) }})
			if err != nil {
				t.Fatal(err)
			}
			for i, at := range tt.times {
				if err := l.Append(Entry{Time: at, Actor: "a", Action: "x", Target: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
			n, err := l.PruneBefore(t.Context(), base.AddDate(0, 3, 0), 4)
			if n != tt.want || err != nil {
				t.Errorf("%d went, %v; want %d", n, err, tt.want)
			}
			if r := verify(t, l); !r.OK || r.Entries != uint64(len(tt.times)-n) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestPagesAndWalksGoOnWhileTheOldestGo(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	some(t, l, 4*chunkRows)
	page, next, err := l.List(Query{Limit: chunkRows})
	if err != nil || len(page) != chunkRows || next != 3*chunkRows+1 {
		t.Fatalf("%d entries, next %d, %v", len(page), next, err)
	}
	prune := func(n int) {
		if got, err := l.PruneBefore(t.Context(), time.Now().Add(time.Hour), n); err != nil || got != n {
			t.Fatal(got, err)
		}
	}
	var c checker
	var rep Report
	var at []byte
	step := func() {
		_ = db.Bolt.View(func(tx *bolt.Tx) error { at = rep.walk(tx, &c, at); return nil })
	}
	step()
	prune(2*chunkRows + 7) // more than was walked along
	for at != nil {
		step()
	}
	if len(c.gaps) != 0 || c.at.Seq != 4*chunkRows {
		t.Errorf("the walk found %v and ended at %d", c.gaps, c.at.Seq)
	}
	total := len(page)
	for next > 0 {
		if page, next, err = l.List(Query{Limit: chunkRows, Before: next}); err != nil {
			t.Fatal(err)
		}
		total += len(page)
	}
	if want := 4*chunkRows - (2*chunkRows + 7); total != want {
		t.Errorf("%d entries, want %d", total, want)
	}
}
