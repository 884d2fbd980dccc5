package api

import (
	"net/http"

	"vedette/web/auth"
)

func (s *server) listRules(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.rules(r)
	if err != nil {
		return err
	}
	list, err := rules.Rules(r.Context())
	if err != nil {
		return err
	}
	out := make([]HoldRule, len(list))
	for i, o := range list {
		out[i] = ruleView(o)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func ruleView(o HoldRule) HoldRule {
	o.Types, o.Zones = notNil(o.Types), notNil(o.Zones)
	return o
}

func (s *server) addRule(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.rules(r)
	if err != nil {
		return err
	}
	var in HoldRuleInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.Name == nil {
		return needed("name", "")
	}
	o, err := rules.AddRule(r.Context(), in)
	if err != nil {
		return err
	}
	target(r, o.ID)
	writeJSON(w, http.StatusCreated, ruleView(o))
	return nil
}

func (s *server) changeRule(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.rules(r)
	if err != nil {
		return err
	}
	var in HoldRuleInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	o, err := rules.ChangeRule(r.Context(), r.PathValue("rule"), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ruleView(o))
	return nil
}

func (s *server) removeRule(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.rules(r)
	if err != nil {
		return err
	}
	if err := rules.RemoveRule(r.Context(), r.PathValue("rule")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) listIncidents(w http.ResponseWriter, r *http.Request) error {
	incidents, err := s.incidents(r)
	if err != nil {
		return err
	}
	list, err := incidents.Incidents(r.Context())
	if err != nil {
		return err
	}
	out := make([]Incident, len(list))
	for i, x := range list {
		out[i] = incidentView(x)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func incidentView(x Incident) Incident {
	x.Cameras, x.Notes, x.Holds, x.Exports = notNil(x.Cameras), notNil(x.Notes), notNil(x.Holds), notNil(x.Exports)
	return x
}

func (s *server) getIncident(w http.ResponseWriter, r *http.Request) error {
	incidents, err := s.incidents(r)
	if err != nil {
		return err
	}
	x, err := incidents.Incident(r.Context(), r.PathValue("incident"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, incidentView(x))
	return nil
}

func (s *server) openIncident(w http.ResponseWriter, r *http.Request) error {
	incidents, err := s.incidents(r)
	if err != nil {
		return err
	}
	var in IncidentInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	switch {
	case in.Title == nil:
		return needed("title", "")
	case in.State != nil:
		return badField("state", "An incident begins open.")
	}
	x, err := incidents.OpenIncident(r.Context(), in, auth.From(r.Context()).Name)
	if err != nil {
		return err
	}
	target(r, x.ID)
	writeJSON(w, http.StatusCreated, incidentView(x))
	return nil
}

func (s *server) changeIncident(w http.ResponseWriter, r *http.Request) error {
	incidents, err := s.incidents(r)
	if err != nil {
		return err
	}
	var in IncidentInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	x, err := incidents.ChangeIncident(r.Context(), r.PathValue("incident"), in, auth.From(r.Context()).Name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, incidentView(x))
	return nil
}

type noteBody struct {
	Text string `json:"text"`
}

func (s *server) addNote(w http.ResponseWriter, r *http.Request) error {
	incidents, err := s.incidents(r)
	if err != nil {
		return err
	}
	var b noteBody
	if err := decode(w, r, &b); err != nil {
		return err
	}
	if err := needed("text", b.Text); err != nil {
		return err
	}
	x, err := incidents.AddNote(r.Context(), r.PathValue("incident"), b.Text, auth.From(r.Context()).Name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, incidentView(x))
	return nil
}
