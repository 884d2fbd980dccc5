package recorder

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/recorder/schedule"
	"vedette/recorder/segment"
)

func TestDecideGoesByModeHourAndTriggers(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) // a Saturday
	windows := []Window{{Days: []string{"sat"}, From: "12:00", To: "13:00"}}
	s, err := schedule.New(windows, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	const never = -time.Hour
	one := noon.Add(time.Hour)
	tests := []struct {
		name          string
		mode          string
		at            time.Time
		untrusted     bool
		manual, event time.Duration
		want          wanted
	}{
		{"continuous is always", ModeContinuous, noon, false, never, never, wanted{on: true}},
		{"and not for an event", ModeContinuous, noon, false, time.Minute, time.Minute, wanted{on: true}},
		{"outside of the window", ModeScheduled, noon.Add(-time.Minute), false, never, never, wanted{idle: segment.OffTime}},
		{"inside of it", ModeScheduled, noon, false, never, never, wanted{true, segment.Scheduled, one, segment.OffTime}},
		{"a moment before it", ModeScheduled, noon.Add(-early), false, never, never, wanted{true, segment.Scheduled, one, segment.OffTime}},
		{"more than a moment before it", ModeScheduled, noon.Add(-early - 1), false, never, never, wanted{idle: segment.OffTime}},
		{"as it ends", ModeScheduled, one, false, never, never, wanted{idle: segment.OffTime}},
		{"events do not count with a schedule alone", ModeScheduled, one, false, never, time.Minute, wanted{idle: segment.OffTime}},
		{"but people do", ModeScheduled, one, false, time.Minute, never, wanted{true, segment.Manual, one.Add(time.Minute), segment.OffTime}},
		{"every hour counts when the clock may be wrong", ModeScheduled, one, true, never, never, wanted{true, segment.Scheduled, time.Time{}, segment.OffTime}},
		{"which is nothing to events", ModeEvent, one, true, never, never, wanted{idle: segment.Uneventful}},
		{"nothing happened", ModeEvent, noon, false, never, never, wanted{idle: segment.Uneventful}},
		{"something did", ModeEvent, noon, false, never, time.Minute, wanted{true, segment.ByEvent, noon.Add(time.Minute), segment.Uneventful}},
		{"it lasts a moment longer", ModeEvent, noon, false, never, -linger + 1, wanted{true, segment.ByEvent, noon, segment.Uneventful}},
		{"and no longer", ModeEvent, noon, false, never, -linger, wanted{idle: segment.Uneventful}},
		{"for a person too", ModeEvent, noon, false, -linger + 1, never, wanted{true, segment.Manual, noon, segment.Uneventful}},
		{"a person is stronger, the longer one counts", ModeEvent, noon, false, time.Second, time.Minute, wanted{true, segment.Manual, noon.Add(time.Minute), segment.Uneventful}},
		{"an event inside of the window", ModeScheduledEvent, noon, false, never, time.Minute, wanted{true, segment.ByEvent, noon.Add(time.Minute), segment.Uneventful}},
		{"no event inside of the window", ModeScheduledEvent, noon, false, never, never, wanted{true, segment.Scheduled, one, segment.Uneventful}},
		{"neither", ModeScheduledEvent, one, false, never, never, wanted{idle: segment.Uneventful}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decide(asks{tt.mode, s, tt.at, !tt.untrusted, tt.manual, tt.event})
			if got.on != tt.want.on || got.why != tt.want.why || !got.until.Equal(tt.want.until) || got.idle != tt.want.idle {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWhenToRecordIsChecked(t *testing.T) {
	window := Window{Days: []string{"mon"}, From: "08:00", To: "18:00"}
	tests := []struct {
		name  string
		c     Camera
		field string
	}{
		{"nothing said", Camera{}, ""},
		{"a mode that is none", Camera{RecordMode: "sometimes"}, "record_mode"},
		{"a schedule without a window", Camera{RecordMode: ModeScheduled}, "schedule"},
		{"with events, without a window", Camera{RecordMode: ModeScheduledEvent}, "schedule"},
		{"with a window", Camera{RecordMode: ModeScheduled, Schedule: []Window{window}}, ""},
		{"a window that is none", Camera{Schedule: []Window{{From: "8", To: "9"}}}, "schedule"},
		{"64 windows", Camera{Schedule: slices.Repeat([]Window{window}, 64)}, ""},
		{"65 windows", Camera{Schedule: slices.Repeat([]Window{window}, 65)}, "schedule"},
		{"a pre-roll of a minute", Camera{Preroll: 60}, ""},
		{"a longer one", Camera{Preroll: 61}, "preroll_s"},
		{"a post-roll of 4 s", Camera{Postroll: 4}, "postroll_s"},
		{"of 5 s", Camera{Postroll: 5}, ""},
		{"of 10 min", Camera{Postroll: 600}, ""},
		{"a longer one", Camera{Postroll: 601}, "postroll_s"},
		{"the highest priority", Camera{Priority: 1000}, ""},
		{"a higher one", Camera{Priority: 1001}, "priority"},
		{"one below", Camera{Priority: -1}, "priority"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Name, tt.c.MainURL = "Door", "rtsp://192.0.2.1/"
			err := tt.c.normalise()
			var wrong *FieldError
			if errors.As(err, &wrong); tt.field == "" && err != nil || tt.field != "" && (wrong == nil || wrong.Name != tt.field) {
				t.Errorf("%v, want the field %q", err, tt.field)
			}
		})
	}
}

func TestATriggerNamesTheWrongField(t *testing.T) {
	r := &Recorder{o: Options{Clock: steady{}, Emit: func(Event) {}}, cameras: map[string]*camera{}}
	r.changes.init()
	r.bays.init()
	window := []Window{{Days: []string{"mon"}, From: "08:00", To: "18:00"}}
	for _, cfg := range []Camera{
		{ID: "always", Record: true}, {ID: "never", RecordMode: ModeEvent},
		{ID: "planned", Record: true, RecordMode: ModeScheduled, Schedule: window}, {ID: "door", Record: true, RecordMode: ModeEvent},
	} {
		r.cameras[cfg.ID] = newCamera(r, cfg)
	}
	tests := []struct {
		name, camera string
		o            TriggerOptions
		field        string
	}{
		{"an event", "door", TriggerOptions{Why: "event"}, ""},
		{"nothing said", "door", TriggerOptions{}, "why"},
		{"half a second", "door", TriggerOptions{Why: "event", For: time.Second / 2}, "seconds"},
		{"an hour", "door", TriggerOptions{Why: "event", For: time.Hour}, ""},
		{"more", "door", TriggerOptions{Why: "event", For: time.Hour + 1}, "seconds"},
		{"a long reason", "door", TriggerOptions{Why: "event", Reason: strings.Repeat("x", 101)}, "reason"},
		{"a line break", "door", TriggerOptions{Why: "event", Reason: "a\nb"}, "reason"},
		{"one that is never recorded", "never", TriggerOptions{Why: "manual"}, "record"},
		{"an event, by schedule alone", "planned", TriggerOptions{Why: "event"}, "record_mode"},
		{"a person, by schedule alone", "planned", TriggerOptions{Why: "manual"}, ""},
		{"one that is recorded all the time", "always", TriggerOptions{Why: "event"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			until, err := r.Trigger(tt.camera, tt.o)
			var wrong *FieldError
			if errors.As(err, &wrong); tt.field == "" && (err != nil || !until.After(time.Now())) || tt.field != "" && (wrong == nil || wrong.Name != tt.field) {
				t.Errorf("%v, %v, want the field %q", until, err, tt.field)
			}
		})
	}
	if _, err := r.Trigger("attic", TriggerOptions{Why: "event"}); !errors.Is(err, ErrNoCamera) {
		t.Errorf("a camera that is none: %v", err)
	}
	if n, err := r.TriggerAll(TriggerOptions{Why: "manual"}); err != nil || n != 2 {
		t.Errorf("%d cameras triggered, %v; want the two that are recorded at times", n, err)
	}
}
