package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestATaskGetsNoMoreFramesThanItAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x", FPS: 2})
		filming(t, b, 33*time.Millisecond, "door")
		stop := start(t, b, Options{})
		time.Sleep(100 * time.Second)
		stop()
		if n := len(b.reported()); n < 190 || n > 202 {
			t.Errorf("%d frames in 100 s, want 200", n)
		}
	})
}

func TestASlowHandleGetsTheNewestFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "a", Type: "x", FPS: 5}, Task{ID: "t2", Camera: "b", Type: "x", FPS: 5})
		filming(t, b, 200*time.Millisecond, "a", "b")
		var at atomic.Int64
		stop := start(t, b, Options{Handle: func(_ context.Context, f Frame) ([]Detection, *Event, error) {
			if at.Add(1) > 1 {
				t.Error("two at once")
			}
			if age := time.Since(f.Captured); age > 250*time.Millisecond {
				t.Errorf("a frame of %v ago", age)
			}
			time.Sleep(3 * time.Second)
			at.Add(-1)
			return nil, nil, nil
		}})
		time.Sleep(60 * time.Second)
		stop()
		counts := map[string]int{}
		for _, r := range b.reported() {
			counts[r.task]++
		}
		if counts["t1"] < 8 || counts["t2"] < 8 {
			t.Errorf("reports: %v", counts)
		}
	})
}
