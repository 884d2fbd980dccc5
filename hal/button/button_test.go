package button

import (
	"testing"
	"time"
)

func TestClassifyHasABoundaryAtEveryThreshold(t *testing.T) {
	tests := []struct {
		held time.Duration
		want Gesture
	}{
		{0, 0}, {Bounce - 1, 0}, {Bounce, Press},
		{HoldAfter - 1, Press}, {HoldAfter, Hold},
		{LongAfter - 1, Hold}, {LongAfter, Long},
		{Stuck - 1, Long}, {Stuck, Broken}, {time.Hour, Broken},
	}
	for _, tt := range tests {
		if got := Classify(tt.held); got != tt.want {
			t.Errorf("held %v is %v, want %v", tt.held, got, tt.want)
		}
	}
}
