package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

func open(t testing.TB, path string) *storm.DB {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newLog(t testing.TB, db *storm.DB) *Log {
	t.Helper()
	l, err := Open(db, Options{Broken: func(seq uint64, reason string) { t.Logf("broken at %d: %s", seq, reason) }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// some appends n entries of different targets.
func some(t testing.TB, l *Log, n int) {
	t.Helper()
	for i := range n {
		if err := l.Append(Entry{Actor: fmt.Sprint("user", i%7), Action: "camera.update", Target: fmt.Sprint(i), Address: fmt.Sprintf("10.0.%d.%d:99", i/200, i%200)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, l *Log) Report {
	t.Helper()
	r, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEntriesAreFoundByPages(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	for i := range 50 {
		e := Entry{Time: time.Unix(int64(1000+i), 0), Actor: fmt.Sprint("u", i%2), Action: []string{"user.add", "users", "camera.update"}[i%3], Camera: fmt.Sprint("c", i%5), Target: fmt.Sprint("t", i)}
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 50}, {"an actor", Query{Actor: "U1"}, 25}, {"a word of actions", Query{Action: "user"}, 17}, {"an action", Query{Action: "user.add"}, 17},
		{"a camera", Query{Camera: "c0"}, 10}, {"a time", Query{From: time.Unix(1010, 0), To: time.Unix(1020, 0)}, 10}, {"a text", Query{Text: "T49"}, 1}, {"nobody", Query{Actor: "x"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Limit = 7
			var seen []uint64
			for pages := 0; ; pages++ {
				list, next, err := l.List(tt.q)
				if err != nil || pages > 20 {
					t.Fatal(err, pages)
				}
				for _, e := range list {
					if len(seen) > 0 && e.Seq >= seen[len(seen)-1] {
						t.Fatalf("%d after %d", e.Seq, seen[len(seen)-1])
					}
					seen = append(seen, e.Seq)
				}
				if tt.q.Before = next; next == 0 {
					break
				}
			}
			if len(seen) != tt.want {
				t.Errorf("%d entries, want %d", len(seen), tt.want)
			}
		})
	}
}

func TestEntriesAreDurableWithinASecond(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Run(ctx) })
		if err := l.Append(Entry{Actor: "a", Action: "x"}); err != nil {
			t.Fatal(err)
		}
		onDisk := func() (n int) {
			_ = db.Bolt.View(func(tx *bolt.Tx) error {
				if b := tx.Bucket(rowsBucket); b != nil {
					n = b.Stats().KeyN
				}
				return nil
			})
			return n
		}
		time.Sleep(commitEvery + time.Millisecond)
		synctest.Wait()
		if n := onDisk(); n != 1 {
			t.Errorf("%d rows on disk after a second", n)
		}
		if err := l.Append(Entry{Actor: "a", Action: "last"}); err != nil {
			t.Fatal(err)
		}
		cancel()
		wg.Wait()
		if n := onDisk(); n != 2 {
			t.Errorf("%d rows on disk after Run", n)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				if err := l.Append(Entry{Actor: fmt.Sprint(g), Action: fmt.Sprint("x", i)}); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					_, _, _ = l.List(Query{Limit: 3})
				}
				if i%25 == 0 {
					_, _ = l.Verify(context.Background())
				}
			}
		})
	}
	wg.Wait()
	if r := verify(t, l); !r.OK || r.Entries != 400 {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotWaitIsDurableAtOnce(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	for i := range 2 * alike {
		if err := l.Append(Entry{Actor: "a", Action: "reset", Sync: i > 0}); err != nil {
			t.Fatal(err)
		}
	}
	if l.stored != 2*alike || len(l.pending) != 0 {
		t.Errorf("%d stored, %d wait", l.stored, len(l.pending))
	}
}

func TestADiskThatTakesNothing(t *testing.T) {
	good := open(t, filepath.Join(t.TempDir(), "state.db"))
	some(t, newLog(t, good), 1)
	db, err := storm.Open(filepath.Join(t.TempDir(), "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t, db)
	db.Close()
	for i := range maxPending + 5 {
		if err := l.Append(Entry{Actor: "a", Action: "x", Target: fmt.Sprint(i)}); (err != nil) != (i >= maxPending) || err != nil && !errors.Is(err, ErrFull) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := l.Append(Entry{Actor: "a", Action: "x", Sync: true}); !errors.Is(err, ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	l.db = good // it takes things again
	l.head.Seq, l.pending = 1, nil
	if err := l.Append(Entry{Actor: "a", Action: "after", Sync: true}); err != nil {
		t.Fatal(err)
	}
	got, _, err := l.List(Query{Limit: 2})
	if err != nil || len(got) != 2 || got[0].Action != "after" || got[1].Action != "audit.lost" || got[1].Detail["entries"] != "6" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestARareActorIsFoundInBoundedSteps(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	if err := l.Append(Entry{Actor: "rare", Action: "x"}); err != nil {
		t.Fatal(err)
	}
	for range 15 {
		some(t, l, 1000)
	}
	list, next, err := l.List(Query{Actor: "rare"})
	if err != nil || len(list) != 0 || next != 15_001-maxScan+1 {
		t.Fatalf("%d entries, next %d, %v", len(list), next, err)
	}
	if list, next, err = l.List(Query{Actor: "rare", Before: next}); err != nil || len(list) != 1 || next != 0 {
		t.Errorf("%d entries, next %d, %v", len(list), next, err)
	}
}

func TestNothingIsSeenTwiceOrPassedOver(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	l := newLog(t, db)
	some(t, l, 10)
	if err := l.Append(Entry{Actor: "a", Action: "x"}); err != nil {
		t.Fatal(err)
	}
	waiting := l.pending
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.pending = waiting // as a reader sees it that looked before the commit
	// What is none of ours lies between two pages.
	if err := db.Bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(rowsBucket).Put(append(seqKey(6), 1), []byte("x")) }); err != nil {
		t.Fatal(err)
	}
	for limit := 1; limit < 12; limit++ {
		var got []uint64
		for before := uint64(0); ; {
			list, next, err := l.List(Query{Limit: limit, Before: before})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				got = append(got, e.Seq)
			}
			if before = next; next == 0 {
				break
			}
		}
		if fmt.Sprint(got) != "[11 10 9 8 7 6 5 4 3 2 1]" {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
	var out bytes.Buffer
	if err := l.Export(t.Context(), &out, JSONL, time.Time{}, time.Time{}); err != nil || strings.Count(out.String(), "\n") != 11 {
		t.Errorf("exported %q, %v", out.String(), err)
	}
}

func TestAPageHasAMost(t *testing.T) {
	l := newLog(t, open(t, filepath.Join(t.TempDir(), "state.db")))
	some(t, l, 1200)
	for limit, want := range map[int]int{-1: 100, 0: 100, 1000: 1000, 5000: 1000} {
		if list, _, err := l.List(Query{Limit: limit}); err != nil || len(list) != want {
			t.Errorf("limit %d: %d entries, %v", limit, len(list), err)
		}
	}
}

func TestTheHeadIsLeftInTheLog(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l, err := Open(db, Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		some(t, l, 3)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
		time.Sleep(headEvery + time.Second)
		cancel()
		wg.Wait()
		if n := strings.Count(out.String(), fmt.Sprintf("seq=3 sha256=%x", l.head.Hash)); n != 2 {
			t.Errorf("%d times in %q, want it once an hour and at the end", n, out.String())
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(b, open(b, filepath.Join(b.TempDir(), "state.db")))
	for i := 0; b.Loop(); i++ {
		if err := l.Append(Entry{Actor: "owner", Role: "admin", Via: "0123456789abcdef", Address: "192.168.1.23", Action: "camera.update", Camera: "yard", Target: fmt.Sprint(i)}); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			if err := l.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
