package ingest

import (
	"math/rand/v2"
	"testing"
)

const second = int64(1_000_000) // µs

func TestClockMapBendsAndNeverSteps(t *testing.T) {
	tests := []struct {
		name    string
		drift   float64           // of the camera's clock, ppm; positive is fast
		delay   func(i int) int64 // of arrival, µs
		seconds int               // of footage
		within  int64             // of the truth at the end, µs
	}{
		{"a true clock stays", 0, func(int) int64 { return 0 }, 600, 0},
		{"jitter is not followed", 0, func(int) int64 { return rand.Int64N(80_000) }, 600, 5_000},
		{"a late first frame is made up for", 0, func(i int) int64 { return max(0, 200_000-int64(i)*50_000) }, 500, 0},
		{"a camera 100 ppm slow is followed", -100, func(int) int64 { return 0 }, 3600, 10_000},
		{"a camera 100 ppm fast is followed", 100, func(int) int64 { return 0 }, 3600, 10_000},
		{"a network stalled for 20 s changes nothing", 0, func(i int) int64 {
			if i >= 2500 && i < 3000 {
				return int64(3000-i) * 40_000
			}
			return 0
		}, 600, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m clockMap
			const epoch = 1_700_000_000 * second
			last := int64(0)
			for i := range tt.seconds * 25 {
				taken := epoch + int64(i)*40_000 // true time
				media := int64(float64(i) * 40_000 * (1 + tt.drift/1e6))
				m.observe(media, taken+tt.delay(i))
				if !m.started {
					m.start(media)
				}
				wall := m.wall(media)
				if i > 0 {
					// 40 ms of the camera, give or take 500 ppm and rounding.
					if d := wall - last; d < 39_900 || d > 40_100 {
						t.Fatalf("picture %d comes %d µs after the one before", i, d)
					}
				}
				last = wall
				if i == tt.seconds*25-1 {
					if off := wall - taken; off > tt.within || off < -tt.within {
						t.Errorf("at the end it is %d µs off, want within %d", off, tt.within)
					}
				}
			}
			if m.astray() {
				t.Error("it gives up on this clock")
			}
		})
	}
}

func TestClockMapGivesUpOnAClockTwoPercentOff(t *testing.T) {
	for _, drift := range []int64{-20_000, 20_000} {
		var m clockMap
		at := -1
		for i := range 300 * 25 {
			media := int64(i) * (40_000 + 40_000*drift/1_000_000)
			m.observe(media, int64(i)*40_000)
			if !m.started {
				m.start(media)
			}
			if m.astray() {
				at = i / 25
				break
			}
		}
		if at < 50 || at > 200 {
			t.Errorf("drift of %d ppm: gives up after %d s, want between 50 and 200", drift, at)
		}
	}
}
