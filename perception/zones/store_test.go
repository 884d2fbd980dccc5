package zones

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

func openStore(t *testing.T, path string) (*Store, *storm.DB) {
	t.Helper()
	db, err := storm.Open(path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := Open(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

// fires reports whether f makes the store tell of a change.
func fires(s *Store, f func()) bool {
	changed := s.Changed()
	f()
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

func TestZonesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, db := openStore(t, path)
	draft := with(square("ignored", "yard"), func(z *Zone) { z.Labels, z.MinConfidence, z.Record = []string{"person"}, 0, false })
	var z Zone
	if !fires(s, func() {
		var err error
		if z, err = s.Add(draft); err != nil {
			t.Fatal(err)
		}
	}) {
		t.Error("adding told nobody")
	}
	if !strings.HasPrefix(z.ID, "zone_") || len(z.ID) < 20 {
		t.Errorf("id %q", z.ID)
	}
	draft.ID = z.ID
	if !reflect.DeepEqual(z, draft) {
		t.Errorf("added %+v, want %+v", z, draft)
	}
	z.Points[0] = Point{9, 9} // the caller's copy
	if _, err := s.Add(with(square("", "gate"), func(z *Zone) { z.Name = "Gate" })); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = openStore(t, path)
	if got := s.Of("yard"); len(got) != 1 || !reflect.DeepEqual(got[0], draft) {
		t.Errorf("after a restart %+v, want %+v", got, draft)
	}
	if got := s.All(); len(got) != 2 || got[0].Camera != "gate" {
		t.Errorf("all: %+v", got)
	}
	if got := s.Of("nowhere"); got == nil || len(got) != 0 {
		t.Errorf("none is %v, want an empty list", got)
	}
}

func TestZonesAreChangedAndRemoved(t *testing.T) {
	s, _ := openStore(t, filepath.Join(t.TempDir(), "state.db"))
	z, err := s.Add(square("", "yard"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Change(z.ID, func(z *Zone) error { z.ID, z.Camera, z.Name = "x", "y", "Drive"; return nil })
	if err != nil || got.ID != z.ID || got.Camera != "yard" || got.Name != "Drive" {
		t.Errorf("changed to %+v, %v", got, err)
	}
	mine := errors.New("mine")
	var wrong *FieldError
	if fires(s, func() {
		if _, err := s.Change(z.ID, func(z *Zone) error { z.Name = "no"; return mine }); !errors.Is(err, mine) {
			t.Errorf("%v, want what the caller said", err)
		}
		if _, err := s.Change(z.ID, func(z *Zone) error { z.Points[0][0] = 2; return nil }); !errors.As(err, &wrong) || wrong.Field() != "points" {
			t.Errorf("%v, want points to be named", err)
		}
		if _, err := s.Add(Zone{Camera: "yard"}); !errors.As(err, &wrong) {
			t.Errorf("an empty zone: %v", err)
		}
	}) {
		t.Error("what was refused was told")
	}
	if z, err := s.Get(z.ID); err != nil || z.Name != "Drive" || z.Points[0][0] != .25 {
		t.Errorf("after refusals: %+v, %v", z, err)
	}
	if !fires(s, func() { err = s.Remove(z.ID) }) || err != nil {
		t.Errorf("remove: %v, and it is told", err)
	}
	_, err1 := s.Get(z.ID)
	_, err2 := s.Change(z.ID, func(*Zone) error { return nil })
	for _, err := range []error{err1, err2, s.Remove(z.ID)} {
		if !errors.Is(err, ErrNoZone) {
			t.Errorf("%v, want ErrNoZone", err)
		}
	}
}

func TestACameraHasSoManyZonesAndTakesThemAlong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, db := openStore(t, path)
	for i := range MostZones {
		if _, err := s.Add(with(square("", "yard"), func(z *Zone) { z.Name = fmt.Sprint(i) })); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(square("", "yard")); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v, want ErrTooMany", err)
	}
	if _, err := s.Add(square("", "gate")); err != nil {
		t.Errorf("another camera: %v", err)
	}
	if !fires(s, func() {
		if err := s.RemoveCamera("yard"); err != nil {
			t.Fatal(err)
		}
	}) {
		t.Error("removing a camera told nobody")
	}
	if fires(s, func() {
		if err := s.RemoveCamera("yard"); err != nil {
			t.Errorf("twice: %v", err)
		}
	}) {
		t.Error("removing nothing was told")
	}
	db.Close()
	s, _ = openStore(t, path)
	if got := s.All(); len(got) != 1 || got[0].Camera != "gate" {
		t.Errorf("left: %+v", got)
	}
}

func TestAZoneThatCannotBeReadLeavesTheOthersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, db := openStore(t, path)
	good, err := s.Add(square("", "yard"))
	if err != nil {
		t.Fatal(err)
	}
	for id, data := range map[string]string{"zone_bad": "{", "zone_odd": `{"id":"zone_odd","name":"x"}`, "zone_other": `null`,
		"zone_alias": `{"id":"zone_x","camera_id":"yard","name":"x","points":[[0,0],[1,0],[1,1]]}`} {
		if err := db.SetBytes(zonesBucket, []byte(id), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	s, _ = openStore(t, path)
	if got := s.All(); len(got) != 1 || got[0].ID != good.ID {
		t.Errorf("read: %+v", got)
	}
}

func TestTheCheckpointIsOneWithWhatElseIsCommitted(t *testing.T) {
	s, db := openStore(t, filepath.Join(t.TempDir(), "state.db"))
	if _, found, err := s.Checkpoint(); found || err != nil {
		t.Errorf("before the first: %v, %v", found, err)
	}
	if err := s.SaveCheckpoint(Checkpoint{Number: 1, Seq: 10, Store: "a", State: []byte("s")}); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("events could not be written")
	err := db.Bolt.Update(func(tx *bolt.Tx) error {
		if err := s.PutCheckpoint(tx, Checkpoint{Number: 2, Seq: 20}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if cp, found, err := s.Checkpoint(); !found || err != nil || cp.Number != 1 || cp.Seq != 10 || cp.Store != "a" {
		t.Errorf("%+v, %v, %v; want the first", cp, found, err)
	}
	if err := db.SetBytes(placeBucket, []byte(placeKey), []byte("torn")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Checkpoint(); found || !errors.Is(err, ErrCheckpoint) {
		t.Errorf("torn: %v, %v; want ErrCheckpoint", found, err)
	}
}

func TestTheStoreIsSafeForManyAtOnce(t *testing.T) {
	s, _ := openStore(t, filepath.Join(t.TempDir(), "state.db"))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			z, err := s.Add(square("", fmt.Sprint("c", i)))
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if _, err := s.Change(z.ID, func(z *Zone) error { z.Labels = append(z.Labels, fmt.Sprint(len(z.Labels))); return nil }); err != nil {
					t.Error(err)
				}
				s.All()
			}
			if err := s.Remove(z.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.All(); len(got) != 0 {
		t.Errorf("left: %+v", got)
	}
}
