package awful

import "testing"

// TestAwfulCameras follows every script beside one good camera, which must not
// notice.
func TestAwfulCameras(t *testing.T) {
	good := goodNeighbour(t)
	t.Run("all at once", func(t *testing.T) {
		for _, r := range refusals(t) {
			t.Run(r.name, func(t *testing.T) { t.Parallel(); r.refuse(t) })
		}
		for _, o := range oddities(t) {
			t.Run(o.name, func(t *testing.T) { t.Parallel(); o.record(t) })
		}
	})
	good.lostNothing(t)
}
