package events

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

func openDB(t *testing.T, path string) *storm.DB {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openLog(t *testing.T, o Options) *Log {
	t.Helper()
	l, err := Open(openDB(t, filepath.Join(t.TempDir(), "state.db")), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func seqs(es []Event) []uint64 {
	var out []uint64
	for _, e := range es {
		out = append(out, e.Seq)
	}
	return out
}

func TestEventsAreVisibleAtOnceAndInOrder(t *testing.T) {
	l := openLog(t, Options{})
	for i := range 3 {
		l.Emit(Event{Type: "a", Camera: "yard", Payload: map[string]any{"n": i}})
	}
	got, err := l.Since(1, 10, Filter{})
	if err != nil || !slices.Equal(seqs(got), []uint64{2, 3}) {
		t.Fatalf("Since(1) = %v, %v; want 2 and 3", seqs(got), err)
	}
	if got[0].Payload["n"] != float64(1) || got[0].Severity != Info || got[0].Time.IsZero() {
		t.Errorf("event 2 = %+v, want its payload, info and a time", got[0])
	}
}

// TestReadersSeeEveryEventOnceWhereverItIs crosses the borders between disk,
// memory and events that wait for the disk.
func TestReadersSeeEveryEventOnceWhereverItIs(t *testing.T) {
	l := openLog(t, Options{})
	const total = 1500
	for i := 1; i <= total; i++ {
		l.Emit(Event{Type: "n", Payload: map[string]any{"i": i}})
		if i%400 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, limit := range []int{1, 7, 512, 513, total, total * 2} {
		var got []uint64
		for after := uint64(0); ; {
			es, err := l.Since(after, limit, Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(es) == 0 {
				break
			}
			got = append(got, seqs(es)...)
			after = es[len(es)-1].Seq
		}
		if len(got) != total || got[0] != 1 || got[total-1] != total || !slices.IsSorted(got) {
			t.Errorf("limit %d: %d events, want %d in order", limit, len(got), total)
		}
		latest, err := l.Latest(limit, Filter{})
		if want := min(limit, total); err != nil || len(latest) != want || latest[want-1].Seq != total || latest[0].Seq != uint64(total-want+1) {
			t.Errorf("Latest(%d) = %d events, %v", limit, len(latest), err)
		}
	}
	if es, err := l.Since(^uint64(0), 10, Filter{}); err != nil || es != nil {
		t.Errorf("Since(max) = %v, %v; want none", es, err)
	}
}

func TestFiltersSelect(t *testing.T) {
	l := openLog(t, Options{})
	for i := range 600 {
		l.Emit(Event{Type: []string{"online", "offline"}[i%2], Camera: []string{"", "yard", "gate"}[i%3]})
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.Emit(Event{Type: "online", Camera: "yard"})
	tests := []struct {
		name string
		f    Filter
		want int
	}{
		{"nothing selects all", Filter{}, 601},
		{"a type", Filter{Types: []string{"online"}}, 301},
		{"a camera", Filter{Camera: "yard"}, 201},
		{"both", Filter{Types: []string{"online"}, Camera: "yard"}, 101},
		{"types that begin so", Filter{Types: []string{"none", "on*"}}, 301},
		{"no lower than a severity", Filter{Least: Warning}, 0},
		{"a type nobody emitted", Filter{Types: []string{"none"}}, 0},
		{"a caller's own rule", Filter{Keep: func(e Event) bool { return e.Seq > 590 }}, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up, err := l.Since(0, 1000, tt.f)
			down, err2 := l.Latest(1000, tt.f)
			if errors.Join(err, err2) != nil || len(up) != tt.want || !slices.Equal(seqs(up), seqs(down)) {
				t.Errorf("Since found %d, Latest %d, want %d (%v %v)", len(up), len(down), tt.want, err, err2)
			}
		})
	}
}

func TestNumbersNeverComeAgainAfterALostCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	l, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.Emit(Event{Type: "kept"})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	lost := l.Emit(Event{Type: "lost"})
	db.Close() // the power goes before the next commit

	l, err = Open(openDB(t, path), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if next := l.Emit(Event{Type: "after"}); next <= lost {
		t.Errorf("number %d after the restart, want more than %d", next, lost)
	}
	got, err := l.Since(0, 10, Filter{})
	if err != nil || len(got) != 2 || got[0].Type != "kept" || got[1].Type != "after" {
		t.Errorf("after the restart the log holds %+v, %v", got, err)
	}
}

func TestOrdinaryEventsAreCommittedWithinASecondAndCriticalOnesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		synctest.Wait()

		onDisk := func() int { l.mu.Lock(); defer l.mu.Unlock(); return l.stored }
		l.Emit(Event{Type: "a"})
		synctest.Wait()
		if n := onDisk(); n != 0 {
			t.Errorf("%d on disk at once, want an ordinary event to wait", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := onDisk(); n != 1 {
			t.Errorf("%d on disk after a second, want 1", n)
		}
		l.Emit(Event{Type: "b", Severity: Critical})
		synctest.Wait()
		if n := onDisk(); n != 2 {
			t.Errorf("%d on disk after a critical event, want 2 at once", n)
		}
		l.Emit(Event{Type: "c"})
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
		if n := onDisk(); n != 3 {
			t.Errorf("%d on disk after Run, want 3", n)
		}
	})
}

func TestBurstsShareACommit(t *testing.T) {
	l := openLog(t, Options{})
	before := l.db.Bolt.Stats()
	for range 500 {
		l.Emit(Event{Type: "a"})
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	after := l.db.Bolt.Stats()
	writes := after.TxStats.GetWrite() - before.TxStats.GetWrite()
	if writes > 60 {
		t.Errorf("500 events cost %d page writes, want one commit", writes)
	}
}

func TestAFullBufferRefusesAndCounts(t *testing.T) {
	l := openLog(t, Options{})
	l.db.Close() // nothing can be committed any more
	for range maxPending {
		if l.Emit(Event{Type: "a"}) == 0 {
			t.Fatal("refused before the buffer was full")
		}
	}
	if l.Flush() == nil {
		t.Error("Flush on a closed database: want an error")
	}
	if seq := l.Emit(Event{Type: "a"}); seq != 0 || l.Dropped() != 1 {
		t.Errorf("Emit = %d, dropped %d; want 0 and 1", seq, l.Dropped())
	}
}

func TestPruneByCountAndByAge(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name     string
		count    int
		follower *uint64 // what one of them has read
		age      time.Duration
		ages     []time.Duration
		between  int // index from which events must be left
	}{
		{"few and young stay", 10, nil, time.Hour, []time.Duration{2, 1, 0}, 0},
		{"at the count nothing goes", 3, nil, time.Hour, []time.Duration{2, 1, 0}, 0},
		{"one above the count, the oldest goes", 2, nil, time.Hour, []time.Duration{2, 1, 0}, 1},
		{"the old go", 10, nil, time.Hour, []time.Duration{3 * time.Hour, 2 * time.Hour, 0}, 2},
		{"not what was stamped before the clock was set", 10, nil, time.Hour, []time.Duration{now.Sub(time.Unix(60, 0)), 0}, 0},
		{"not what a follower has yet to read, by age", 10, seen(1), time.Hour, []time.Duration{3 * time.Hour, 2 * time.Hour, 0}, 1},
		{"nor by count", 1, seen(0), time.Hour, []time.Duration{1, 0}, 0},
		{"but of those only as many again", 1, seen(0), time.Hour, []time.Duration{3, 2, 1, 0}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := openLog(t, Options{MaxCount: tt.count})
			if tt.follower != nil {
				l.Follow("webhook", 0)
				l.Follow("webhook", *tt.follower)
				l.Follow("mqtt", 100)
			}
			for _, age := range tt.ages {
				l.Emit(Event{Type: "a", Time: now.Add(-age)})
			}
			if err := errors.Join(l.Flush(), l.Prune(t.Context())); err != nil {
				t.Fatal(err)
			}
			if _, err := l.PruneBefore(t.Context(), now.Add(-tt.age), 100); err != nil {
				t.Fatal(err)
			}
			var left []uint64
			_ = l.view(func(c *bolt.Cursor) {
				for k, v := c.First(); k != nil; k, v = c.Next() {
					if v != nil {
						left = append(left, uint64(k[7]))
					}
				}
			})
			if len(left) != len(tt.ages)-tt.between || left[0] != uint64(tt.between+1) {
				t.Errorf("left %v, want from %d on", left, tt.between+1)
			}
		})
	}
}

func seen(seq uint64) *uint64 { return &seq }

func TestPruneWorksInBatches(t *testing.T) {
	l := openLog(t, Options{MaxCount: 100})
	for range 1000 {
		l.Emit(Event{Type: "a"})
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, err := l.PruneBefore(t.Context(), time.Now().Add(time.Hour), 10); n != 10 || err != nil {
		t.Errorf("a batch of 10 = %d, %v", n, err)
	}
	if err := l.Prune(t.Context()); err != nil || l.stored != 100 {
		t.Errorf("stored = %d, %v; want 100", l.stored, err)
	}
}

func TestASlowSubscriberMissesNothing(t *testing.T) {
	l := openLog(t, Options{})
	sub := l.Subscribe(l.Last(), Filter{Camera: "yard"})
	for i := range 1200 {
		l.Emit(Event{Type: "a", Camera: []string{"yard", "gate"}[i%2]})
		if i%300 == 0 {
			_ = l.Flush()
		}
	}
	var got []uint64
	for len(got) < 600 {
		es, err := sub.Next(t.Context(), 50)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, seqs(es)...)
	}
	for i, s := range got {
		if s != uint64(2*i+1) {
			t.Fatalf("event %d has number %d, want %d", i, s, 2*i+1)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sub.Next(ctx, 50); !errors.Is(err, context.Canceled) {
		t.Errorf("Next at the end = %v, want context.Canceled", err)
	}
}

func TestASubscriberWakesForWhatItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{})
		sub := l.Subscribe(0, Filter{Types: []string{"b"}})
		got := make(chan []Event, 1)
		go func() {
			es, _ := sub.Next(t.Context(), 10)
			got <- es
		}()
		synctest.Wait()
		l.Emit(Event{Type: "a"})
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("woke for an event it did not ask for")
		}
		l.Emit(Event{Type: "b"})
		if es := <-got; len(es) != 1 || es[0].Seq != 2 {
			t.Errorf("got %+v, want event 2", es)
		}
	})
}

func TestOddEventsAreMadeFit(t *testing.T) {
	l := openLog(t, Options{})
	l.Emit(Event{Type: strings.Repeat("x", 1000), Severity: "loud", Payload: map[string]any{"f": func() {}}})
	l.Emit(Event{Payload: map[string]any{"s": strings.Repeat("x", 1<<16)}})
	l.Emit(Event{Type: "bad\xff", Camera: "a\x00b", Payload: map[string]any{"k": "\xff"}})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.recent = nil // read from disk
	got, err := l.Since(0, 10, Filter{})
	if err != nil || len(got) != 3 {
		t.Fatalf("Since = %d events, %v", len(got), err)
	}
	if len(got[0].Type) != maxTypeBytes || got[0].Severity != Info || got[0].Payload["omitted"] != "not JSON" {
		t.Errorf("first = %+v", got[0])
	}
	if got[1].Type != "unnamed" || got[1].Payload["omitted"] != "too long" {
		t.Errorf("second = %+v", got[1])
	}
}

func TestDamagedRowsArePassedOver(t *testing.T) {
	l := openLog(t, Options{})
	l.Emit(Event{Type: "a"})
	l.Emit(Event{Type: "b"})
	if err := errors.Join(l.Flush(), l.db.SetBytes(bucket, key(1), []byte("{"))); err != nil {
		t.Fatal(err)
	}
	again, err := Open(l.db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Since(0, 10, Filter{}); err != nil || len(got) != 1 || got[0].Type != "b" {
		t.Errorf("Since = %+v, %v; want b alone", got, err)
	}
}

// FuzzDecode feeds rows as a damaged file might hold them.
func FuzzDecode(f *testing.F) {
	f.Add(key(1), encode(Event{Type: "a", Severity: Info}, []byte(`{"a":1}`)))
	f.Add([]byte{}, []byte(`{"s":"info","p":[]}`))
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if e, ok := decode(k, v); ok && !e.Severity.valid() {
			t.Errorf("decoded %+v", e)
		}
	})
}

func BenchmarkEmit(b *testing.B) {
	db, err := storm.Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l, _ := Open(db, Options{})
	i := 0
	for b.Loop() {
		if i++; i%500 == 0 {
			_ = l.Flush()
		}
		l.Emit(Event{Type: "a", Camera: "yard", Payload: map[string]any{"reason": fmt.Sprint(i)}})
	}
}
