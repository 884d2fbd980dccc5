package recorder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// company records who works beside which volume.
type company struct {
	mu     sync.Mutex
	calls  []string // names of volumes
	dirs   []string
	at     int // how many there are at this moment
	most   int
	linger time.Duration // how long one takes to return
}

func (c *company) beside(ctx context.Context, volume, dir string) {
	c.mu.Lock()
	c.calls, c.dirs = append(c.calls, volume), append(c.dirs, dir)
	c.at++
	c.most = max(c.most, c.at)
	c.mu.Unlock()
	<-ctx.Done()
	time.Sleep(c.linger)
	// The volume must be there to the last.
	if err := os.MkdirAll(filepath.Join(dir, "perception"), 0o755); err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at--
}

func (c *company) seen() ([]string, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls), c.at
}

// TestOneWorksBesideThePrimaryVolumeAlone: beside the first of the
// configuration, until that is taken out of use, then beside the other, and it
// stays there when the first comes back.
func TestOneWorksBesideThePrimaryVolumeAlone(t *testing.T) {
	dir, c := t.TempDir(), &company{linger: 300 * time.Millisecond}
	options, _, _ := pair(t, dir)
	b := startRecorder(t, dir, options, func(o *Options) { o.Beside = c.beside })
	on := func(want ...string) {
		t.Helper()
		testkit.Until(t, 10*time.Second, "work beside a volume", func() bool {
			calls, at := c.seen()
			return slices.Equal(calls, want) && at == 1
		})
	}
	on("one")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.RestVolume(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if p := b.bays.named("one"); p != nil {
		t.Error("the volume is still there")
	}
	on("one", "two")
	if err := b.WakeVolume("one"); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, 20*time.Second, "one is back", func() bool { return b.Volumes()[0].State == VolumeOK })
	on("one", "two")
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if _, at := c.seen(); at != 0 || c.most != 1 {
		t.Errorf("%d work on after the stop, and there were %d at once", at, c.most)
	}
	if c.dirs[0] != filepath.Join(dir, "one") {
		t.Errorf("it was told the directory %s", c.dirs[0])
	}
}

// TestAVolumeThatRestsIsClosedAfterWhatWorksBesideIt: RestVolume says that the
// disk may be unplugged, so nothing may be open on it then.
func TestAVolumeThatRestsIsClosedAfterWhatWorksBesideIt(t *testing.T) {
	c := &company{linger: 2 * time.Second}
	b := startRecorder(t, t.TempDir(), func(o *Options) { o.Beside = c.beside })
	testkit.Until(t, 10*time.Second, "work beside the volume", func() bool { _, at := c.seen(); return at == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.RestVolume(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if _, at := c.seen(); at != 0 {
		t.Error("the volume was closed before")
	}
}

// TestAnOtherDirectoryOnAVolumeIsNobodysFootage: neither recovery nor a check
// touches or counts what lies beside the footage.
func TestAnOtherDirectoryOnAVolumeIsNobodysFootage(t *testing.T) {
	dir := t.TempDir()
	if err := startRecorder(t, dir).stop(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "volume", "perception", "log", "0001.log")
	if err := errors.Join(os.MkdirAll(filepath.Dir(log), 0o755), os.WriteFile(log, make([]byte, 10000), 0o644)); err != nil {
		t.Fatal(err)
	}
	b := startRecorder(t, dir)
	testkit.Until(t, 10*time.Second, "the volume is in order", func() bool { return len(b.Reports()) == 1 })
	if r := b.Reports()["one"]; r.Changed() || len(r.Problems) > 0 {
		t.Errorf("recovery had work with it: %v", r.String())
	}
	if v := b.Volumes()[0]; v.Footage != 0 {
		t.Errorf("%d bytes of footage, want none", v.Footage)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(log); err != nil || info.Size() != 10000 {
		t.Errorf("the file is %v, %v", info, err)
	}
}
