package main

import (
	"fmt"
	"time"

	"vedette/firmware/health"
	"vedette/recorder"
)

// How old the progress of the vital parts may be before the watchdog is no
// longer fed. A disk may stall for a while; a writer may not hang.
const (
	syncAge   = time.Minute
	commitAge = 5 * time.Minute
	// sweepAge comes on top of the interval: a sweep takes its time on a slow disk,
	// but says so after each batch.
	sweepAge = 10 * time.Minute
	// panelAge is when the panel is told to hang, which costs no footage.
	panelAge = 15 * time.Second
)

// checks are what the health monitor asks.
func (p *process) checks() []health.Check {
	return []health.Check{
		{Name: "disk", MaxAge: syncAge, Ask: p.checkDisk},
		{Name: "index", MaxAge: commitAge, Ask: p.checkIndex},
		{Name: "sweeper", MaxAge: time.Duration(p.config.Sweep.Interval) + sweepAge, Ask: p.checkSweeper},
		{Name: "cameras", Ask: p.checkCameras},
		{Name: "panel", Ask: p.checkPanel},
		{Name: "memory", Ask: p.memory.check},
		{Name: "system", Ask: p.appliance.check},
		{Name: "watchdog", Ask: p.board.checkWatchdog},
		{Name: "lights", Ask: p.board.checkLights},
		{Name: "temperature", Ask: p.board.checkTemperature},
		{Name: "clock", Ask: func() health.Verdict {
			if !p.clock.Trusted() {
				return health.Verdict{State: health.Degraded, Reason: "the wall clock was not set by anybody yet"}
			}
			return health.Verdict{State: health.Recording}
		}},
	}
}

// checkDisk judges the volumes together: one that is lost while another takes
// its cameras is a trouble, all of them are a fault. The age is that of the
// writer that has been silent longest.
func (p *process) checkDisk() health.Verdict {
	out, there := health.Verdict{State: health.Recording}, 0
	for _, v := range p.recorder.Volumes() {
		state := health.Recording
		switch v.State {
		case recorder.VolumeFull, recorder.VolumeFailed, recorder.VolumeAbsent, recorder.VolumeForeign, recorder.VolumeResting:
			state = health.Fault
		case recorder.VolumePressure:
			state, there = health.Degraded, there+1
		default:
			there++
		}
		if !v.LastCycle.IsZero() { // a failing disk is a fault, but only a wedged writer ends in a reset
			out.Age = max(out.Age, time.Since(v.LastCycle))
		}
		if state != health.Recording && (out.Reason == "" || state == health.Fault && out.State != health.Fault) {
			out.State, out.Reason = state, v.Name+": "+v.Reason
		}
	}
	if out.State == health.Fault && there > 0 {
		out.State = health.Degraded
	}
	return out
}

func (p *process) checkIndex() health.Verdict {
	out := health.Verdict{State: health.Recording}
	for _, v := range p.recorder.Volumes() {
		if v.Index.LastRound.IsZero() {
			continue // not there
		}
		out.Age = max(out.Age, time.Since(v.Index.LastRound))
		switch {
		case v.Index.Err != nil:
			out.State, out.Reason = health.Degraded, v.Name+": "+v.Index.Err.Error()
		case v.Index.Damaged > 0:
			out.State, out.Reason = health.Degraded, fmt.Sprintf("%s: %d damaged rows are passed over; the next start rebuilds the index", v.Name, v.Index.Damaged)
		}
	}
	return out
}

// checkSweeper tells how long the sweepers have been silent.
func (p *process) checkSweeper() health.Verdict {
	out := health.Verdict{State: health.Recording}
	for _, v := range p.recorder.Volumes() {
		if !v.LastSweep.IsZero() {
			out.Age = max(out.Age, time.Since(v.LastSweep))
		}
	}
	return out
}

func (p *process) checkPanel() health.Verdict {
	out := health.Verdict{State: health.Recording}
	if at := p.panel.Alive(); !at.IsZero() {
		out.Age = time.Since(at)
	}
	if out.Age > panelAge {
		out.State, out.Reason = health.Degraded, "the panel hangs"
	}
	return out
}

func (p *process) checkCameras() health.Verdict {
	wanted, recording, away := 0, 0, ""
	for _, c := range p.recorder.Cameras() {
		if c.RecordingNow.Due {
			wanted++
		}
		switch {
		case c.State == recorder.StateRecording:
			recording++
		case c.State == recorder.StateOffline || c.State == recorder.StateError:
			away = fmt.Sprintf("%s: %s", c.Name, c.Reason)
		}
	}
	switch {
	case wanted > 0 && recording == 0 && time.Since(p.started) > time.Minute:
		return health.Verdict{State: health.Fault, Reason: "no camera is recording"}
	case wanted > 0 && recording == 0:
		return health.Verdict{State: health.Starting}
	case away != "":
		return health.Verdict{State: health.Degraded, Reason: away}
	}
	return health.Verdict{State: health.Recording}
}
