package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/simcam"
	"vedette/internal/testkit"
)

// steady is a clock that everybody believes.
type steady struct{ start time.Time }

func (c steady) Now() time.Time           { return time.Now() }
func (c steady) Trusted() bool            { return true }
func (c steady) SinceBoot() time.Duration { return time.Since(c.start) }
func (c steady) BootID() [16]byte         { return [16]byte{1} }

// bench is a recorder on a temporary disk with its events.
type bench struct {
	*Recorder
	stop func() error

	mu     sync.Mutex
	events []Event
}

func (b *bench) types() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		out = append(out, e.Type)
	}
	return out
}

// startRecorder starts a recorder with one volume; change, if given, sees its
// options first.
func startRecorder(t *testing.T, dir string, change ...func(*Options)) *bench {
	t.Helper()
	db, err := storm.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	o := Options{
		State: db, Volumes: []VolumeOptions{{Name: "one", Dir: filepath.Join(dir, "volume")}},
		Segment: 4 * time.Second, Floor: 1 << 20, Cycle: 500 * time.Millisecond,
		Clock: steady{time.Now()}, Log: slog.New(slog.DiscardHandler),
		Emit: func(e Event) { b.mu.Lock(); b.events = append(b.events, e); b.mu.Unlock() },
	}
	for _, c := range change {
		c(&o)
	}
	b.Recorder, err = New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, b.Close(), db.Close())
	})
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return b
}

func startCamera(t *testing.T, path string) string {
	t.Helper()
	server, err := simcam.New(simcam.Options{Listen: "127.0.0.1:0", Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return server.URL(path)
}

func (b *bench) waitState(t *testing.T, id, want string) {
	t.Helper()
	testkit.Until(t, 15*time.Second, id+" "+want, func() bool {
		c, err := b.Camera(id)
		return err == nil && c.State == want
	})
}

// TestACameraIsRecordedHeldAndFoundAgain walks a camera through its life: it
// is added, records, is held as evidence, renamed without a break, switched
// off, and its footage is there after a restart.
func TestACameraIsRecordedHeldAndFoundAgain(t *testing.T) {
	dir, url, name := t.TempDir(), startCamera(t, "door"), "Front door"
	b := startRecorder(t, dir)
	added, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url})
	if err != nil || added.ID != "front-door" {
		t.Fatalf("added %+v, %v", added, err)
	}
	began := time.Now()
	b.waitState(t, "front-door", StateRecording)
	if _, err := b.AddCamera(t.Context(), CameraInput{ID: &added.ID, Name: &name, MainURL: &url}); !errors.Is(err, ErrCameraExists) {
		t.Errorf("a second camera of the same id: %v, want ErrCameraExists", err)
	}

	testkit.Until(t, 20*time.Second, "a closed segment", func() bool {
		s, err := b.Segments(t.Context(), "front-door", began.Add(-time.Minute), time.Now(), 0)
		return err == nil && len(s) > 1 && !s[0].Open
	})
	if n, err := b.Hold(began.Add(-time.Minute), time.Now()); err != nil || n == 0 {
		t.Fatalf("held %d segments, %v", n, err)
	}
	if err := b.RemoveCamera(t.Context(), "front-door"); !errors.Is(err, ErrHeld) {
		t.Errorf("removing a camera that holds evidence: %v, want ErrHeld", err)
	}

	other := "Door"
	renamed, err := b.UpdateCamera(t.Context(), "front-door", CameraInput{Name: &other})
	if err != nil || renamed.Name != "Door" || renamed.State != StateRecording {
		t.Errorf("renaming gave %+v, %v; want it to go on recording", renamed, err)
	}
	off := false
	if _, err := b.UpdateCamera(t.Context(), "front-door", CameraInput{Record: &off}); err != nil {
		t.Fatal(err)
	}
	b.waitState(t, "front-door", StateLive)
	testkit.Until(t, 5*time.Second, "a gap of recording switched off", func() bool {
		tl, err := b.Timeline(t.Context(), "front-door", began.Add(-time.Minute), time.Now())
		return err == nil && len(tl.Gaps) == 1 && tl.Gaps[0].Reason.String() == "disabled"
	})
	for _, want := range []string{"camera_added", "camera_recording", "evidence_hold"} {
		if !slices.Contains(b.types(), want) {
			t.Errorf("no event %s among %v", want, b.types())
		}
	}
	before, err := b.Timeline(t.Context(), "front-door", began.Add(-time.Minute), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}

	again := startRecorder(t, dir)
	after, err := again.Timeline(t.Context(), "front-door", began.Add(-time.Minute), time.Now())
	if err != nil || len(after.Ranges) != len(before.Ranges) || after.Ranges[0] != before.Ranges[0] {
		t.Errorf("after a restart %+v, before %+v, %v", after.Ranges, before.Ranges, err)
	}
	if got := again.totals()["front-door"]; got.Held.Rows == 0 {
		t.Error("the hold did not survive the restart")
	}
	testkit.Until(t, 5*time.Second, "the volume is in order", func() bool { return len(again.Reports()) == 1 })
	if r := again.Reports()["one"]; r.Changed() {
		t.Errorf("a clean stop left work for recovery: %v", r.String())
	}
}

// TestASegmentIsReadWhileItGrowsAndAfter reads the same segment by its id
// while it is open and once it is closed.
func TestASegmentIsReadWhileItGrowsAndAfter(t *testing.T) {
	b, url, name := startRecorder(t, t.TempDir()), startCamera(t, "yard"), "yard"
	if _, err := b.AddCamera(t.Context(), CameraInput{Name: &name, MainURL: &url}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var first Segment
	testkit.Until(t, 15*time.Second, "an open segment", func() bool {
		s, err := b.Segments(t.Context(), "yard", began.Add(-time.Minute), time.Now().Add(time.Minute), 0)
		if err != nil || len(s) == 0 {
			return false
		}
		first = s[0]
		return first.Open
	})
	read := func() int {
		f, err := b.SegmentFile(t.Context(), "yard", first.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}()
		if !b.leases.held(segmentKey{"yard", first.Start}) {
			t.Error("a segment being read is not leased")
		}
		raw, err := io.ReadAll(f)
		if err != nil || len(raw) < 8 || string(raw[4:8]) != "ftyp" {
			t.Fatalf("read %d bytes, %v", len(raw), err)
		}
		return len(raw)
	}
	early := read()
	testkit.Until(t, 15*time.Second, "it closed", func() bool {
		s, err := b.Segments(t.Context(), "yard", began.Add(-time.Minute), time.Now().Add(time.Minute), 0)
		return err == nil && len(s) > 1 && s[0].ID == first.ID && !s[0].Open
	})
	if late := read(); late < early {
		t.Errorf("the closed segment has %d bytes, it had %d while open", late, early)
	}
	for _, id := range []string{"", "x", "1-2", first.ID + "0", fmt.Sprintf("%d-%s", first.Start+1, b.Volumes()[0].ID[:8])} {
		if _, err := b.SegmentFile(t.Context(), "yard", id); !errors.Is(err, ErrNoFootage) {
			t.Errorf("segment %q: %v, want ErrNoFootage", id, err)
		}
	}
	if _, err := b.SegmentFile(t.Context(), "none", first.ID); !errors.Is(err, ErrNoCamera) {
		t.Errorf("a segment of no camera: %v, want ErrNoCamera", err)
	}
}
