package health

import "testing"

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
