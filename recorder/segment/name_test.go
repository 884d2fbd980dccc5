package segment

import (
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/volume"
)

// TestRunsOfTheSameMillisecondGetNamesOfTheirOwn: a camera that sends nonsense
// begins several runs at once, and each would be number 0 of its run.
func TestRunsOfTheSameMillisecondGetNamesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, volume.Options{})
		for id := range uint64(4) {
			newCamera(testRun(id+1, false), start).next(r.hub)
		}
		newCamera(testRun(9, false), start+5000).play(r.hub, 3*time.Second)
		r.stop()
		if s := r.State(); s.Err != nil {
			t.Errorf("recording ended in %v", s.Err)
		}
		seen := map[string]bool{}
		for _, o := range r.opened {
			if path := o.Name.Path(); seen[path] {
				t.Errorf("%s was begun twice", path)
			} else {
				seen[path] = true
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d segments were begun, want 5", len(seen))
		}
	})
}
