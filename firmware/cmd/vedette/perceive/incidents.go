package perceive

import (
	"context"
	"errors"
	"strings"
	"time"

	"vedette/perception/events"
	"vedette/perception/incidents"
	"vedette/recorder"
	"vedette/web/api"
)

// HoldRules returns what the API needs of rules by which events hold footage.
func (p *Perception) HoldRules() api.HoldRules { return incidentDesk{p} }

// Incidents returns what the API needs of incidents.
func (p *Perception) Incidents() api.Incidents { return incidentDesk{p} }

type incidentDesk struct{ *Perception }

func (d incidentDesk) Rules(context.Context) ([]api.HoldRule, error) {
	out := []api.HoldRule{}
	for _, r := range d.rules.List() {
		out = append(out, ruleView(r))
	}
	return out, nil
}

func (d incidentDesk) AddRule(_ context.Context, in api.HoldRuleInput) (api.HoldRule, error) {
	r := incidents.DefaultRule()
	changeRule(&r, in)
	r, err := d.rules.Add(r)
	return ruleView(r), incidentErr(err)
}

func (d incidentDesk) ChangeRule(_ context.Context, id string, in api.HoldRuleInput) (api.HoldRule, error) {
	r, err := d.rules.Change(id, func(r *incidents.Rule) { changeRule(r, in) })
	return ruleView(r), incidentErr(err)
}

func (d incidentDesk) RemoveRule(_ context.Context, id string) error {
	return incidentErr(d.rules.Remove(id))
}

func changeRule(r *incidents.Rule, in api.HoldRuleInput) {
	set(&r.Name, in.Name)
	set(&r.Enabled, in.Enabled)
	set(&r.Types, in.Types)
	if in.Cameras.Said {
		r.Cameras = in.Cameras.IDs
	}
	set(&r.Zones, in.Zones)
	if in.MinSeverity != nil {
		r.MinSeverity = events.Severity(*in.MinSeverity)
	}
	set(&r.Before, in.Before)
	set(&r.After, in.After)
	set(&r.KeepDays, in.KeepDays)
	set(&r.OpenIncident, in.OpenIncident)
}

func ruleView(r incidents.Rule) api.HoldRule {
	return api.HoldRule{
		ID: r.ID, Name: r.Name, Enabled: r.Enabled, Types: append([]string{}, r.Types...), Cameras: r.Cameras, Zones: append([]string{}, r.Zones...),
		MinSeverity: string(r.MinSeverity), Before: r.Before, After: r.After, KeepDays: r.KeepDays, OpenIncident: r.OpenIncident,
	}
}

func incidentErr(err error) error {
	switch {
	case errors.Is(err, incidents.ErrNoIncident), errors.Is(err, incidents.ErrNoRule):
		return api.ErrNotFound
	case errors.Is(err, incidents.ErrTooMany):
		return errors.Join(api.ErrConflict, err)
	}
	return err
}

func (d incidentDesk) Incidents(context.Context) ([]api.Incident, error) {
	out := []api.Incident{}
	held := d.held()
	for _, in := range d.book.List() {
		out = append(out, incidentView(in, held[in.ID]))
	}
	return out, nil
}

func (d incidentDesk) Incident(_ context.Context, id string) (api.Incident, error) {
	return d.view(d.book.Get(id))
}

func (d incidentDesk) view(in incidents.Incident, err error) (api.Incident, error) {
	if err != nil {
		return api.Incident{}, incidentErr(err)
	}
	return incidentView(in, d.held()[in.ID]), nil
}

// held returns the ids of holds by the incident that they belong to.
func (p *Perception) held() map[string][]string {
	out := map[string][]string{}
	for _, h := range p.o.Recorder.Holds() {
		if h.Incident != "" {
			out[h.Incident] = append(out[h.Incident], h.ID)
		}
	}
	return out
}

func (d incidentDesk) OpenIncident(_ context.Context, in api.IncidentInput, by string) (api.Incident, error) {
	var cameras []string
	set(&cameras, in.Cameras)
	return d.view(d.book.Open(deref(in.Title), cameras, by))
}

func (d incidentDesk) ChangeIncident(_ context.Context, id string, in api.IncidentInput, by string) (api.Incident, error) {
	return d.view(d.book.Change(id, incidents.Change{Title: in.Title, State: in.State, Cameras: in.Cameras}, by))
}

func (d incidentDesk) AddNote(_ context.Context, id, text, by string) (api.Incident, error) {
	return d.view(d.book.Note(id, text, by))
}

// Exported notes what was taken away with the incident that it is of.
func (p *Perception) Exported(x api.Export, at time.Time, manifest string, bytes int64) error {
	if x.Incident == "" {
		return nil
	}
	return p.book.Exported(x.Incident, incidents.Export{
		At: at, By: x.By, Cameras: x.Cameras, From: x.From, To: x.To, ManifestSHA256: manifest, Bytes: bytes,
	})
}

func incidentView(in incidents.Incident, holds []string) api.Incident {
	out := api.Incident{
		ID: in.ID, Title: in.Title, State: in.State, Cameras: append([]string{}, in.Cameras...), Created: api.Timestamp(in.Created), By: in.By,
		Notes: make([]api.Note, len(in.Notes)), Holds: append([]string{}, holds...), Exports: make([]api.IncidentExport, len(in.Exports)),
	}
	for i, n := range in.Notes {
		out.Notes[i] = api.Note{At: api.Timestamp(n.At), By: n.By, Text: n.Text}
	}
	for i, x := range in.Exports {
		out.Exports[i] = api.IncidentExport{
			At: api.Timestamp(x.At), By: x.By, Cameras: x.Cameras, From: api.Timestamp(x.From), To: api.Timestamp(x.To),
			ManifestSHA256: x.ManifestSHA256, Bytes: x.Bytes,
		}
	}
	return out
}

// lasting is the event log for rules: they hold footage for what a power cut does
// not take any more.
type lasting struct{ *events.Log }

// Since is the log's, up to what lasts.
func (l lasting) Since(seq uint64, limit int, f events.Filter) ([]events.Event, error) {
	last := l.Durable()
	f.Keep = func(e events.Event) bool { return e.Seq <= last }
	return l.Log.Since(seq, limit, f)
}

// Last returns the highest number that lasts.
func (l lasting) Last() uint64 { return l.Durable() }

// ruleHold begins what a rule is called as the one who holds.
const ruleHold = "rule:"

// holder has the recorder keep footage for rules.
type holder struct{ r *recorder.Recorder }

func (h holder) Hold(x incidents.Hold) (string, error) {
	e, _, err := h.r.PlaceHold(recorder.Evidence{
		From: x.From, To: x.To, Cameras: []string{x.Camera}, Reason: cut(x.Reason, mostReason), Incident: x.Incident, By: x.By, Until: x.Until,
	})
	if e.ID != "" { // it is placed, whatever is still to be tried again
		return e.ID, nil
	}
	return "", err
}

func (h holder) Extend(id string, from, to, until time.Time) error {
	return h.r.ExtendHold(id, from, to, until)
}

func (h holder) Holds() (out []incidents.Hold) {
	for _, e := range h.r.Holds() {
		if strings.HasPrefix(e.By, ruleHold) && len(e.Cameras) == 1 {
			out = append(out, incidents.Hold{ID: e.ID, Camera: e.Cameras[0], From: e.From, To: e.To, Until: e.Until, By: e.By, Reason: e.Reason, Incident: e.Incident})
		}
	}
	return out
}

// mostReason bounds what is told of a hold, in bytes.
const mostReason = 500

// cut bounds a text, in bytes.
func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
