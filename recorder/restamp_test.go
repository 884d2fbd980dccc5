package recorder

import (
	"slices"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// lying is a wall clock that is wrong by off until it is set.
type lying struct {
	mu      sync.Mutex
	start   time.Time
	off     time.Duration
	trusted bool
}

func (c *lying) set() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off, c.trusted = 0, true
}

func (c *lying) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *lying) Trusted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trusted
}

func (c *lying) SinceBoot() time.Duration { return time.Since(c.start) }
func (c *lying) BootID() [16]byte         { return [16]byte{9} }

// TestABoxThatBootsIn1970LosesNoMoment: what it recorded before its clock was
// set, evidence included, has its true time a few seconds later, once, and
// without a hole where the clock was set.
func TestABoxThatBootsIn1970LosesNoMoment(t *testing.T) {
	began := time.Now()
	clock := &lying{start: began, off: -time.Since(time.Unix(100, 0))}
	b := startRecorder(t, t.TempDir(), func(o *Options) { o.Clock = clock })
	b.add(t, "door", CameraInput{})
	b.waitState(t, "door", StateRecording)
	first := time.Now()
	testkit.Until(t, 20*time.Second, "a closed segment of 1970", func() bool {
		s, err := b.Segments(t.Context(), "door", time.Unix(0, 0), time.Unix(1e6, 0), 0)
		return err == nil && len(s) > 1 && !s[0].Open
	})
	if n, err := b.Hold(time.Unix(0, 0), clock.Now()); err != nil || n == 0 {
		t.Fatalf("held %d segments, %v", n, err)
	}
	clock.set()
	testkit.Until(t, 25*time.Second, "nothing is left in 1970", func() bool {
		s, err := b.Segments(t.Context(), "door", time.Unix(0, 0), time.Unix(1e6, 0), 0)
		return err == nil && len(s) == 0 && slices.Contains(b.types(), "footage_restamped")
	})
	now := time.Now()
	tl, err := b.Timeline(t.Context(), "door", began, now)
	if err != nil || len(tl.Gaps) > 0 || len(tl.Ranges) != 1 {
		t.Errorf("timeline %+v, %v; want one stretch without a gap", tl, err)
	}
	if at := time.UnixMilli(tl.Ranges[0].Start); at.Before(began) || at.After(first.Add(time.Second)) {
		t.Errorf("footage begins at %v; the camera came between %v and %v", at, began, first)
	}
	rows, err := b.Segments(t.Context(), "door", began, now, 0)
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for i, r := range rows {
		if r.Held {
			held++
		}
		if i > 0 && r.Start < rows[i-1].End-playbackSeam {
			t.Errorf("segment %d begins %d ms before the one before ends", i, rows[i-1].End-r.Start)
		}
	}
	if held == 0 {
		t.Error("what was held in 1970 is not held any more")
	}
	x, err := b.GOPs(t.Context(), "door", began, now)
	if err != nil || len(x.Gaps) > 0 || len(x.Segments) != len(rows) {
		t.Errorf("%d of %d segments play, gaps %v, %v", len(x.Segments), len(rows), x.Gaps, err)
	}
}
