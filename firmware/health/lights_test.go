package health

import (
	"os"
	"strings"
	"testing"
)

func TestEveryStateLooksDifferent(t *testing.T) {
	seen := map[Lights]State{}
	for s := Stopped; s <= Fault; s++ {
		l := LightsFor(s, false)
		if other, taken := seen[l]; taken {
			t.Errorf("%v looks like %v: %+v", s, other, l)
		}
		seen[l] = s
		if busy := LightsFor(s, true); busy.Disk == l.Disk || busy.Status != l.Status {
			t.Errorf("%v with a busy disk: %+v", s, busy)
		}
	}
}

// docs/LIGHTS.md is what people are told; the panel's test reads it too.
func TestTheLightsAreAsTheDocumentSays(t *testing.T) {
	doc, err := os.ReadFile("../../docs/LIGHTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for s := Stopped; s <= Fault; s++ {
		l := LightsFor(s, false)
		row := "| " + strings.Join([]string{s.String(), l.Status.String(), l.Fault.String()}, " | ") + " | "
		if strings.Count(string(doc), row) != 1 {
			t.Errorf("docs/LIGHTS.md has no row %q", row)
		}
	}
}
