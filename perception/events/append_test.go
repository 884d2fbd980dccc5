package events

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// put returns what writes a value beside events.
func put(value string) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("beside"))
		if err != nil {
			return err
		}
		return b.Put([]byte("cursor"), []byte(value))
	}
}

func beside(t *testing.T, l *Log) (value string) {
	t.Helper()
	if err := l.db.Bolt.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte("beside")); b != nil {
			value = string(b.Get([]byte("cursor")))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestWhatIsAppendedLastsWithWhatGoesAlong(t *testing.T) {
	l := openLog(t, Options{})
	l.Emit(Event{Type: "before"})
	if err := l.Append([]Event{{Type: "a"}, {Type: "b"}}, put("2")); err != nil {
		t.Fatal(err)
	}
	l.Emit(Event{Type: "after"})
	if got, _ := l.Since(0, 10, Filter{}); !slices.Equal(seqs(got), []uint64{1, 2, 3, 4}) || l.Durable() != 0 || beside(t, l) != "" {
		t.Fatalf("before the commit: %v visible, %d durable, %q beside", seqs(got), l.Durable(), beside(t, l))
	}
	if err := l.Flush(); err != nil || l.Durable() != 4 || beside(t, l) != "2" {
		t.Errorf("after it: %v, %d durable, %q beside; want 4 and 2", err, l.Durable(), beside(t, l))
	}
	if err := l.Append(nil, put("3")); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil || beside(t, l) != "3" {
		t.Errorf("without events: %v, %q beside, want 3", err, beside(t, l))
	}
	again, err := Open(l.db, Options{})
	if err != nil || again.Durable() != 4 {
		t.Errorf("opened again: %d durable, %v", again.Durable(), err)
	}
}

func TestAFailingCommitTakesBothAndBothAreTriedAgain(t *testing.T) {
	l := openLog(t, Options{})
	sick := errors.New("sick")
	if err := l.Append([]Event{{Type: "a"}}, func(tx *bolt.Tx) error {
		if sick != nil {
			return sick
		}
		return put("1")(tx)
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); !errors.Is(err, sick) || l.Durable() != 0 {
		t.Fatalf("Flush = %v, %d durable", err, l.Durable())
	}
	if got, err := Open(l.db, Options{}); err != nil || got.stored != 0 {
		t.Fatalf("%d events on disk without what goes along: %v", got.stored, err)
	}
	sick = nil
	if err := l.Flush(); err != nil || l.Durable() != 1 || beside(t, l) != "1" {
		t.Errorf("tried again: %v, %d durable, %q beside", err, l.Durable(), beside(t, l))
	}
}

func TestAFullBufferRefusesTheWholeOfWhatIsAppended(t *testing.T) {
	l := openLog(t, Options{})
	for range maxPending - 1 {
		l.Emit(Event{Type: "n"})
	}
	if err := l.Append([]Event{{Type: "a"}, {Type: "b"}}, put("x")); !errors.Is(err, ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
	if err := l.Flush(); err != nil || beside(t, l) != "" || l.Durable() != maxPending-1 {
		t.Errorf("Flush = %v, %q beside, %d durable", err, beside(t, l), l.Durable())
	}
	if err := l.Append(make([]Event, 2*maxPending), nil); err != nil {
		t.Errorf("many, after the disk took those before: %v", err)
	}
}

func TestReadersWakeWhenEventsBecomeDurable(t *testing.T) {
	l, err := Open(openDB(t, filepath.Join(t.TempDir(), "state.db")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.Emit(Event{Type: "a"})
	changed := l.Changed()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was woken")
	}
}

func TestNumbersGoOnWhenAllThatIsOldWent(t *testing.T) {
	l := openLog(t, Options{})
	l.Emit(Event{Type: "a", Time: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)})
	l.Emit(Event{Type: "b", Time: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.PruneBefore(t.Context(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 100); err != nil {
		t.Fatal(err)
	}
	again, err := Open(l.db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if seq := again.Emit(Event{Type: "c"}); seq <= 2 {
		t.Errorf("the next event is %d again", seq)
	}
}
