package button

import (
	"os"
	"strings"
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

// docs/LIGHTS.md is what people are told.
func TestGesturesAreAsTheDocumentSays(t *testing.T) {
	doc, err := os.ReadFile("../../docs/LIGHTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, g := range map[string]Gesture{"| Hold 3 s | 3 s | ": Hold, "| Hold 10 s | 10 s | ": Long} {
		held, err := time.ParseDuration(strings.ReplaceAll(strings.Fields(strings.ReplaceAll(row, "|", " "))[1]+"s", " ", ""))
		if err != nil || Classify(held) != g || Classify(held-time.Millisecond) == g || !strings.Contains(string(doc), row) {
			t.Errorf("%q is %v (%v)", row, Classify(held), err)
		}
	}
}
