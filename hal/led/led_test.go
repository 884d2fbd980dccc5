package led

import (
	"errors"
	"testing"
)

func TestFakeLightShowsWhatItWasSetTo(t *testing.T) {
	var f Fake
	if got := f.Pattern(); got != Off {
		t.Errorf("a new light shows %v, want off", got)
	}
	for _, p := range []Pattern{Solid, Blink, Fast, Pulse, Off} {
		if err := f.Set(p); err != nil || f.Pattern() != p {
			t.Errorf("set %v: shows %v, %v", p, f.Pattern(), err)
		}
	}
	if err := f.Set(Pulse + 1); !errors.Is(err, ErrPattern) || f.Pattern() != Off {
		t.Errorf("an unknown pattern: %v, shows %v; want ErrPattern and no change", err, f.Pattern())
	}
	before := f.changes
	if f.Set(Off); f.changes != before {
		t.Error("setting the same pattern again counted as a change")
	}
}

func TestPatternsWithAPeriodBlink(t *testing.T) {
	for p := Off; p <= Pulse; p++ {
		on, off := p.Times()
		if steady := p == Off || p == Solid; steady != (on == 0 && off == 0) {
			t.Errorf("%v is on %v and off %v", p, on, off)
		}
	}
}
