package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/firmware/update"
	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
)

func TestTwoLongHoldsAreAReset(t *testing.T) {
	at := time.Unix(1e9, 0)
	var l longHolds
	steps := []struct {
		after time.Duration // since the hold before ended
		held  time.Duration
		want  bool
	}{
		{time.Hour, 10 * time.Second, false},
		{15 * time.Second, 10 * time.Second, true}, // began 5 s later
		{12 * time.Second, 10 * time.Second, false},
		{17 * time.Second, 10 * time.Second, false}, // 7 s later: a first one again
		{35 * time.Second, 31 * time.Second, true},  // held long, and begun in time
	}
	for i, s := range steps {
		at = at.Add(s.after)
		if got := l.second(at, s.held); got != s.want {
			t.Errorf("hold %d: %v, want %v", i, got, s.want)
		}
	}
}

func TestErrorsOfAnUpdateAreToldApart(t *testing.T) {
	for err, want := range map[error]string{
		update.ErrSignature: api.RefusedSignature, update.ErrBoard: api.RefusedBoard, update.ErrOlder: api.RefusedOlder,
		update.ErrDamaged: api.RefusedDamaged, update.ErrTooLarge: api.RefusedDamaged,
	} {
		var r *api.UpdateRefusedError
		if got := refused(fmt.Errorf("why: %w", err)); !errors.As(got, &r) || r.Code != want {
			t.Errorf("%v: %v, want %s", err, got, want)
		}
	}
	for err, want := range map[error]error{
		update.ErrBusy: api.ErrUpdateBusy, update.ErrTrial: api.ErrConflict, update.ErrNoSpace: api.ErrConflict, update.ErrNothing: api.ErrConflict,
	} {
		if got := refused(err); !errors.Is(got, want) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if refused(nil) != nil {
		t.Error("nothing wrong is an error")
	}
}

// TestAResetErasesFootageAndNothingElse: a directory that is no volume is left alone,
// and told; the second start erases nothing.
func TestAResetErasesFootageAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	db, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	store, err := events.Open(db, events.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{flags: runFlags{data: dir}, log: log, events: store}
	volumes := []recorder.VolumeOptions{{Name: "a", Dir: filepath.Join(dir, "a")}, {Name: "b", Dir: filepath.Join(dir, "b")}}
	footage, index, id, stranger := put("a/2026/door/1.mp4"), put("a/index.db"), put("a/volume.json"), put("b/holiday.jpg")
	p.eraseFootage(volumes)
	if _, err := os.Stat(footage); err != nil {
		t.Fatalf("erased without being asked: %v", err)
	}
	marker := put(eraseMarker)
	p.eraseFootage(volumes)
	for _, gone := range []string{footage, index, id, marker} {
		if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Errorf("what is no footage went too: %v", err)
	}
}
