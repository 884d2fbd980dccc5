package zones

import (
	"testing"
	"time"
)

// TestBatchesAreOfTheClockThatStampedThem: around a step, those from before keep
// the engine's time as it was, and those after it go on from there.
func TestBatchesAreOfTheClockThatStampedThem(t *testing.T) {
	for _, tt := range []struct {
		name     string
		step     time.Duration
		last     time.Duration // of the latest batch, before the step; 0 = none
		received time.Duration // less the clock at the look
		want     bool
	}{
		{"forward: of the new clock", time.Hour, 0, -50 * time.Millisecond, true},
		{"forward: of the old one", time.Hour, 0, -time.Hour - 50*time.Millisecond, false},
		{"back: before one that came earlier", -time.Hour, time.Second, -50 * time.Millisecond, true},
		{"back: behind it", -time.Hour, time.Second, time.Hour - 50*time.Millisecond, false},
		{"back: the first, of the new clock", -time.Hour, 0, -50 * time.Millisecond, true},
		{"back: the first, of the old one", -time.Hour, 0, time.Hour - 50*time.Millisecond, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c clock
			if by := c.look(epoch, 0); by != 0 {
				t.Errorf("the first look sees a step of %v", by)
			}
			if tt.last > 0 {
				c.last = epoch.Add(-tt.last)
			}
			now := epoch.Add(2*time.Second + tt.step)
			if by := c.look(now, 2*time.Second); by != tt.step {
				t.Fatalf("step of %v, want %v", by, tt.step)
			}
			if got := c.stamped(now.Add(tt.received), tt.step); got != tt.want {
				t.Errorf("stamped = %v, want %v", got, tt.want)
			}
			c.step(tt.step)
			if at := c.engine(now, epoch); !at.Equal(epoch.Add(2 * time.Second)) {
				t.Errorf("the engine's time is %v after two seconds", at.Sub(epoch))
			}
			if by := c.look(now.Add(time.Second+leastStep/2), 3*time.Second); by != 0 {
				t.Errorf("half a second counts as a step of %v", by)
			}
		})
	}
}
