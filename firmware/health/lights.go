package health

import "vedette/hal/led"

// Lights are the patterns of a board's lights by role. A board with a single
// light shows Status alone, which tells every state apart by itself.
type Lights struct {
	Status, Fault, Disk led.Pattern
}

// LightsFor returns what the lights show in state s; diskBusy says that the
// footage disk is being written.
func LightsFor(s State, diskBusy bool) Lights {
	l := Lights{}
	switch s {
	case Starting:
		l.Status = led.Blink
	case Recording:
		l.Status = led.Solid
	case Updating:
		l.Status = led.Fast
	case Degraded:
		l.Status, l.Fault = led.Pulse, led.Blink
	case Fault:
		l.Status, l.Fault = led.Fast, led.Solid
	}
	if diskBusy {
		l.Disk = led.Solid
	}
	return l
}
