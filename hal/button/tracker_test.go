package button

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestEdgesBecomeGestures(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *Tracker)
		want []Gesture
	}{
		{"a press", func(t *Tracker) { t.Press(); time.Sleep(100 * time.Millisecond); t.Release() }, []Gesture{Press}},
		{"bounce", func(t *Tracker) { t.Press(); time.Sleep(Bounce / 2); t.Release() }, nil},
		{"three seconds", func(t *Tracker) { t.Press(); time.Sleep(HoldAfter); t.Release() }, []Gesture{Hold}},
		{"ten seconds", func(t *Tracker) { t.Press(); time.Sleep(LongAfter); t.Release() }, []Gesture{Long}},
		{"down twice", func(t *Tracker) {
			t.Press()
			time.Sleep(2 * time.Second)
			t.Press()
			time.Sleep(2 * time.Second)
			t.Release()
			t.Release()
		}, []Gesture{Hold}},
		{"stuck is told while it is, and is no gesture afterwards", func(t *Tracker) {
			t.Press()
			time.Sleep(Stuck + time.Second)
			t.Release()
			t.Press()
			time.Sleep(time.Second)
			t.Release()
		}, []Gesture{Broken, Press}},
		{"held since before the start", func(t *Tracker) { t.Release() }, nil},
		{"the device goes while it is held", func(t *Tracker) {
			t.Press()
			time.Sleep(5 * time.Second)
			t.Lost()
			t.Lost()
			time.Sleep(2 * Stuck)
			t.Release()
		}, nil},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var got []Gesture
			tr := NewTracker("main", func(e Event) { got = append(got, e.Gesture) })
			tt.do(tr)
			synctest.Wait()
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}
