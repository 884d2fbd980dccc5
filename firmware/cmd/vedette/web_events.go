package main

import (
	"strings"

	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
	"vedette/web/panel"
)

// emitter writes the recorder's events into the log.
func emitter(log *events.Log) func(recorder.Event) {
	return func(e recorder.Event) {
		log.Emit(events.Event{Type: e.Type, Severity: events.Severity(e.Severity), Camera: e.Camera, Payload: e.Payload})
	}
}

func eventView(e events.Event) api.Event {
	return api.Event{Seq: e.Seq, Time: api.Timestamp(e.Time), Type: e.Type, Severity: string(e.Severity), Camera: e.Camera, Payload: e.Payload}
}

// apiEvents lets the API read the event log.
type apiEvents struct{ log *events.Log }

func (a apiEvents) Since(seq uint64, limit int, f api.EventFilter) ([]api.Event, error) {
	return eventViews(a.log.Since(seq, limit, filter(f)))
}

func (a apiEvents) Latest(limit int, f api.EventFilter) ([]api.Event, error) {
	return eventViews(a.log.Latest(limit, filter(f)))
}

func filter(f api.EventFilter) events.Filter {
	out := events.Filter{Types: f.Types, Least: events.Severity(f.Least), Camera: f.Camera}
	out.Keep = func(e events.Event) bool {
		return (e.Camera == "" || f.Sees == nil || f.Sees(e.Camera)) && (f.Operators || !forOperators(e.Type))
	}
	return out
}

// forOperators reports whether events of a type are for those alone who
// operate the box: they tell who comes in from where, and how it is guarded.
func forOperators(eventType string) bool {
	for _, about := range []string{"auth_", "audit_", "backup_", "certificate_", "outgoing_", "secrets_"} {
		if strings.HasPrefix(eventType, about) {
			return true
		}
	}
	return false
}

func eventViews(in []events.Event, err error) ([]api.Event, error) {
	if err != nil {
		return nil, err
	}
	out := make([]api.Event, len(in))
	for i, e := range in {
		out[i] = eventView(e)
	}
	return out, nil
}

// panelEvents lets the panel follow the event log.
type panelEvents struct{ log *events.Log }

func (p panelEvents) Latest(n int) ([]panel.Event, error) {
	return panelViews(p.log.Latest(n, events.Filter{}))
}

func (p panelEvents) Since(seq uint64, limit int) ([]panel.Event, error) {
	return panelViews(p.log.Since(seq, limit, events.Filter{}))
}

func (p panelEvents) Changes() <-chan struct{} { return p.log.Changed() }

func panelViews(in []events.Event, err error) ([]panel.Event, error) {
	if err != nil {
		return nil, err
	}
	out := make([]panel.Event, len(in))
	for i, e := range in {
		out[i] = panel.Event{Seq: e.Seq, Camera: e.Camera, Operators: forOperators(e.Type), Data: eventView(e)}
	}
	return out, nil
}
