package recorder

import (
	"errors"
	"testing"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/ingest"
	"vedette/recorder/segment"
)

func TestStateOfSaysRecordingOnlyOnceDataIsWritten(t *testing.T) {
	streaming := ingest.State{Phase: ingest.Streaming}
	tests := []struct {
		name     string
		record   bool
		main     ingest.State
		progress progress
		state    string
		reason   string
	}{
		{"before the first answer", true, ingest.State{}, progress{}, StateConnecting, ""},
		{"streaming, nothing written yet", true, streaming, progress{}, StateConnecting, "waiting for the first key frame"},
		{"streaming and written", true, streaming, progress{writing: true}, StateRecording, ""},
		{"written, and a trouble that is over", true, streaming, progress{writing: true, trouble: errors.New("old")}, StateRecording, ""},
		{"streaming onto a sick disk", true, streaming, progress{trouble: errors.New("no space left")}, StateError, "cannot write: no space left"},
		{"streaming, recording switched off", false, streaming, progress{}, StateLive, ""},
		{"not reachable", true, ingest.State{Phase: ingest.Offline, Reason: "no answer"}, progress{writing: true}, StateOffline, "no answer"},
		{"refused", false, ingest.State{Phase: ingest.Faulty, Reason: "wrong password"}, progress{}, StateError, "wrong password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if state, reason := stateOf(tt.record, tt.main, tt.progress); state != tt.state || reason != tt.reason {
				t.Errorf("got %s (%s), want %s (%s)", state, reason, tt.state, tt.reason)
			}
		})
	}
}

func TestLeasesCountReaders(t *testing.T) {
	var l leases
	k := segmentKey{"door", 1}
	a, b := l.take(k), l.take(k)
	a()
	a() // given back once, however often it is called
	if !l.held(k) {
		t.Error("one reader left, and the lease was gone")
	}
	b()
	if l.held(k) || l.held(segmentKey{"door", 2}) {
		t.Error("a lease outlived its readers")
	}
}

func TestAHoldReachesTheSegmentThatIsStillOpen(t *testing.T) {
	row := func(camera string, start, end int64) index.Row {
		return index.Row{Camera: camera, Start: start, Duration: uint32(end - start)}
	}
	var h holds
	h.wait(interval{Camera: "door", From: 1000, To: 5000})
	h.closed(nil, row("yard", 1000, 2000)) // another camera
	h.closed(nil, row("door", 4000, 6000)) // overlaps
	h.closed(nil, row("door", 6000, 7000)) // behind it: the hold is done
	h.closed(nil, row("door", 4500, 4600)) // would overlap, but the hold is over
	due := h.take()
	if len(due) != 1 || due[0].row.Start != 4000 {
		t.Errorf("held %+v, want the segment from 4000 alone", due)
	}
	if again := h.take(); len(again) != 0 {
		t.Errorf("given twice: %+v", again)
	}
}

// A writer tells of gaps while it is locked, and the state of a camera is read
// from its writer under the camera's lock: a gap must not wait for that.
func TestAGapIsToldWhileTheCameraIsLocked(t *testing.T) {
	var told []Event
	r := &Recorder{o: Options{Clock: steady{}, Emit: func(e Event) { told = append(told, e) }}}
	c := newCamera(r, Camera{ID: "door"})
	c.mu.Lock()
	done := make(chan struct{})
	go func() { c.lost(1000, 2000, segment.Disk, c.main); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("a gap waits for the camera's lock")
	}
	c.mu.Unlock()
	<-done
	if len(told) != 1 || told[0].Type != "recording_gap" || told[0].Camera != "door" {
		t.Errorf("told %+v", told)
	}
}

func TestInputAppliesWhatItNamesAlone(t *testing.T) {
	str, yes := func(s string) *string { return &s }, true
	c := Camera{ID: "door", Name: "Door", MainURL: "rtsp://192.0.2.1/s?password=hunter2", Username: "u", Password: "p"}
	same := CameraInput{MainURL: str(Mask(c.MainURL)), Record: &yes}
	if err := same.apply(&c); err != nil || c.MainURL != "rtsp://192.0.2.1/s?password=hunter2" || c.Password != "p" || !c.Record {
		t.Errorf("a masked URL that came back changed the camera: %+v, %v", c, err)
	}
	if err := (CameraInput{Password: str("")}).apply(&c); err != nil || c.Password != "" || c.Username != "u" {
		t.Errorf("an empty password did not clear it: %+v, %v", c, err)
	}
	if err := (CameraInput{MainURL: str("rtsp://192.0.2.2/x")}).apply(&c); err != nil || c.MainURL != "rtsp://192.0.2.2/x" {
		t.Errorf("a new URL was not taken: %+v, %v", c, err)
	}
}
