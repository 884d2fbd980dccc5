package main

import (
	"testing"
	"time"

	"vedette/hal/disk"
	"vedette/perception/events"
	"vedette/recorder"
)

func TestADiskThatGetsWorseIsToldOnce(t *testing.T) {
	var told []events.Event
	d := &diskWatch{emit: func(e events.Event) { told = append(told, e) }}
	states := []disk.Status{"", disk.StatusUnknown, disk.Good, disk.Worn, disk.Worn, disk.Failing, disk.Good, disk.StatusUnknown}
	for i := range states[1:] {
		d.tell("one", disk.Health{Status: states[i]}, disk.Health{Status: states[i+1], Reason: "why"})
	}
	var got []events.Severity
	for _, e := range told {
		got = append(got, e.Severity)
		if e.Type != "disk_health" || e.Payload["volume"] != "one" || e.Payload["reason"] != "why" {
			t.Errorf("told %+v", e)
		}
	}
	if len(got) != 3 || got[0] != events.Warning || got[1] != events.Critical || got[2] != events.Info {
		t.Errorf("told %v, want worse, worst, well", got)
	}
}

// The volume of the test lies on a real disk, or on none: both have an answer.
func TestTheDiskBelowAVolumeIsLookedAt(t *testing.T) {
	d := &diskWatch{known: map[string]diskState{}, emit: func(events.Event) {}}
	v := recorder.VolumeStatus{Name: "one", ID: "a", Path: t.TempDir(), Total: 1}
	start := time.Now()
	d.look(v, start)
	v.MediaWritten = 1 << 30
	d.look(v, start.Add(time.Hour))
	s, ok := d.state("one")
	if !ok || s.health.Status == "" || s.health.Status != disk.Good && s.health.Reason == "" {
		t.Errorf("%+v, %v", s, ok)
	}
	if s.amplify < 0 || s.lasts && s.life.Years < 0 {
		t.Errorf("%+v", s)
	}
	d.look(recorder.VolumeStatus{Name: "two", ID: "b"}, start) // not here
	if _, ok := d.state("two"); ok {
		t.Error("a disk that is not here was looked at")
	}
}
