package recorder

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/recorder/index"
)

// TestADiskThatIsTakenOutOfUseLosesNothing: its camera goes on on the other disk,
// every file of it is whole, nothing of it is open, and it comes back when it is
// wanted again.
func TestADiskThatIsTakenOutOfUseLosesNothing(t *testing.T) {
	dir, home := t.TempDir(), "one"
	options, _, _ := pair(t, dir)
	b := startRecorder(t, dir, options)
	b.add(t, "door", CameraInput{Volume: &home})
	b.waitOn(t, "door", "one")
	began := time.Now()
	testkit.Until(t, 10*time.Second, "footage on one", func() bool {
		c, err := b.Camera("door")
		return err == nil && !c.LastWritten.IsZero()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.RestVolume(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if open, err := filepath.Glob(filepath.Join(dir, "one", "footage", "*", "*", "*.part")); err != nil || len(open) != 0 {
		t.Errorf("files that grow on a disk at rest: %v, %v", open, err)
	}
	x, err := index.Open(filepath.Join(dir, "one", indexFile), index.Options{})
	if err != nil {
		t.Fatalf("its index is in use still: %v", err)
	}
	if v := b.Volumes()[0]; v.Name != "one" || v.State != VolumeResting {
		t.Errorf("%s is %s: %s", v.Name, v.State, v.Reason)
	}
	b.waitOn(t, "door", "two")
	time.Sleep(2 * retryFirst) // the bay looks again: it must stay as it is
	if v := b.Volumes()[0]; v.State != VolumeResting {
		t.Errorf("later it is %s: %s", v.State, v.Reason)
	}
	if err := x.Close(); err != nil { // till now nobody else could open it
		t.Error(err)
	}
	if err := b.WakeVolume("one"); err != nil {
		t.Fatal(err)
	}
	b.waitOn(t, "door", "one")
	for _, g := range b.missing(t, "door", began) {
		if g.End-g.Start > 3000 { // a key frame has to come
			t.Errorf("missing from %d to %d", g.Start, g.End)
		}
	}
	if err := errors.Join(b.RestVolume(ctx, "attic"), b.WakeVolume("attic")); !errors.Is(err, ErrNoVolume) {
		t.Errorf("a volume that is none: %v", err)
	}
}
