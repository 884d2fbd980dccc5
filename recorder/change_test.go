package recorder

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/testkit"
	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// TestChangesAtOnceLoseNothing: two people edit a camera, a third removes it.
func TestChangesAtOnceLoseNothing(t *testing.T) {
	b, url, name := startRecorder(t, t.TempDir()), "rtsp://127.0.0.1:9/none", "Door"
	for range 20 {
		added, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url})
		if err != nil {
			t.Fatal(err)
		}
		user, password := "ann", "secret"
		var all sync.WaitGroup
		all.Go(func() { _, _ = b.UpdateCamera(t.Context(), added.ID, CameraInput{Username: &user}) })
		all.Go(func() { _, _ = b.UpdateCamera(t.Context(), added.ID, CameraInput{Password: &password}) })
		all.Wait()
		if c, err := b.Camera(added.ID); err != nil || c.Username != user || !c.HasPassword {
			t.Fatalf("one of two changes was lost: %+v, %v", c, err)
		}
		all.Go(func() { _, _ = b.UpdateCamera(t.Context(), added.ID, CameraInput{Username: &name}) })
		all.Go(func() {
			if err := b.RemoveCamera(t.Context(), added.ID); err != nil {
				t.Errorf("remove: %v", err)
			}
		})
		all.Wait()
		if stored, err := b.store.all(); err != nil || len(stored) != 0 {
			t.Fatalf("a removed camera is stored: %+v, %v", stored, err)
		}
	}
}

// TestAStoredPasswordGoesToNoOtherHost: who may edit a camera must not be able
// to have its password sent to a machine of theirs.
func TestAStoredPasswordGoesToNoOtherHost(t *testing.T) {
	b, name := startRecorder(t, t.TempDir()), "Door"
	url, elsewhere, path := "rtsp://u:secret@127.0.0.1:9/a", "rtsp://127.0.0.2:9/a", "rtsp://127.0.0.1:9/b"
	if _, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url}); err != nil {
		t.Fatal(err)
	}
	var fe *FieldError
	for _, in := range []CameraInput{{MainURL: &elsewhere}, {SubURL: &elsewhere}} {
		if _, err := b.UpdateCamera(t.Context(), "door", in); !errors.As(err, &fe) || fe.Name != "password" {
			t.Errorf("another host: %v, want the password to be asked for again", err)
		}
	}
	if _, err := b.UpdateCamera(t.Context(), "door", CameraInput{MainURL: &path}); err != nil {
		t.Errorf("another path on the same host: %v", err)
	}
	if _, err := b.UpdateCamera(t.Context(), "door", CameraInput{MainURL: &elsewhere, Password: &name}); err != nil {
		t.Errorf("another host with its password: %v", err)
	}
}

// TestAHoldSurvivesAStopInTheSameMinute: the segment of the press closes only
// while the recorder stops.
func TestAHoldSurvivesAStopInTheSameMinute(t *testing.T) {
	dir, url, name := t.TempDir(), startCamera(t, "door"), "Door"
	b := startRecorder(t, dir)
	if _, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url}); err != nil {
		t.Fatal(err)
	}
	b.waitState(t, "door", StateRecording)
	now := time.Now()
	if _, err := b.Hold(now.Add(-time.Minute), now); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.store.holds(); err != nil || len(kept) != 1 {
		t.Errorf("a hold that waits is not kept: %+v, %v", kept, err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	again := startRecorder(t, dir)
	if got := again.totals()["door"].Held.Rows; got != 1 {
		t.Errorf("%d segments are held after a stop, want 1", got)
	}
	links, err := filepath.Glob(filepath.Join(dir, "volume", "evidence", "door", "*"))
	if err != nil || len(links) != 1 {
		t.Errorf("second names %v, %v; want one", links, err)
	}
}

// TestAHoldThatCouldNotBeSavedIsSavedLater: a state card that fails once must
// not have the hold forgotten.
func TestAHoldThatCouldNotBeSavedIsSavedLater(t *testing.T) {
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{}
	if r.store, err = newStore(db, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r.holds.wait(interval{Camera: "door", From: 1, To: 2})
	if err := r.saveHolds(); err == nil {
		t.Fatal("saved into a closed database")
	}
	if pending, changed := r.holds.unsaved(); !changed || len(pending) != 1 {
		t.Errorf("after a failed save %+v is to be written: %v, want one hold and yes", pending, changed)
	}
}

// TestAViewerOfARemovedCameraIsEnded and does not wait for ever on a hub that
// nobody feeds, though a camera of the same name may come.
func TestAViewerOfARemovedCameraIsEnded(t *testing.T) {
	b, url, name := startRecorder(t, t.TempDir()), startCamera(t, "door"), "Door"
	for range 2 {
		if _, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url}); err != nil {
			t.Fatal(err)
		}
		b.waitState(t, "door", StateRecording)
		r, err := b.Subscribe("door", media.Main)
		if err != nil {
			t.Fatal(err)
		}
		if u, _, err := r.Next(t.Context()); err != nil || u == nil {
			t.Fatalf("the viewer got %v, %v", u, err)
		}
		if err := b.RemoveCamera(t.Context(), "door"); err != nil {
			t.Fatal(err)
		}
		testkit.Until(t, 5*time.Second, "the viewer ended", func() bool {
			_, _, err := r.Next(t.Context())
			return errors.Is(err, hub.ErrClosed)
		})
	}
}
