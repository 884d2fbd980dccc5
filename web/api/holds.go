package api

import (
	"net/http"
	"slices"
	"time"

	"vedette/web/auth"
)

// Hold is footage that nothing deletes until the hold is released.
type Hold struct {
	ID       string     `json:"id"`
	From     Timestamp  `json:"from"`
	To       Timestamp  `json:"to"`
	Cameras  []string   `json:"cameras"`
	Reason   string     `json:"reason,omitempty"`
	Incident string     `json:"incident,omitempty"`
	By       string     `json:"by"`
	Created  Timestamp  `json:"created"`
	Until    *Timestamp `json:"until,omitempty"`
}

// holdBody is the body of POST /holds.
type holdBody struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Cameras  []string `json:"cameras"`
	Reason   string   `json:"reason"`
	Incident string   `json:"incident"`
	Until    string   `json:"until"`
}

func (in *holdBody) hold() (Hold, error) {
	h := Hold{Cameras: in.Cameras, Reason: in.Reason, Incident: in.Incident}
	for _, f := range []struct {
		name, text string
		into       *Timestamp
	}{{"from", in.From, &h.From}, {"to", in.To, &h.To}} {
		if err := needed(f.name, f.text); err != nil {
			return Hold{}, err
		}
		t, err := timeField(f.name, f.text)
		if err != nil {
			return Hold{}, err
		}
		*f.into = Timestamp(t)
	}
	if in.Until != "" {
		until, err := timeField("until", in.Until)
		if err != nil {
			return Hold{}, err
		}
		h.Until = (*Timestamp)(&until)
	}
	return h, nil
}

// placeHold locks footage.
func (s *server) placeHold(w http.ResponseWriter, r *http.Request) error {
	var in holdBody
	if err := decode(w, r, &in); err != nil {
		return err
	}
	h, err := in.hold()
	if err != nil {
		return err
	}
	who := auth.From(r.Context())
	h.By = who.Name
	placed, locked, err := s.Recorder.of(r).PlaceHold(r.Context(), h)
	if err != nil {
		return err
	}
	target(r, placed.ID)
	writeJSON(w, http.StatusCreated, struct {
		Hold
		Locked int `json:"segments"` // locked at once
	}{placed, locked})
	return nil
}

// listHolds lists the holds of the cameras that the caller may see, of one
// camera or that touch a range if asked for.
func (s *server) listHolds(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	from, to, err := time.Time{}, time.UnixMilli(maxMillis), error(nil)
	if q.Get("from") != "" {
		if from, err = queryTime(q, "from"); err != nil {
			return err
		}
	}
	if q.Get("to") != "" {
		if to, err = queryTime(q, "to"); err != nil {
			return err
		}
	}
	all, err := s.Recorder.of(r).Holds(r.Context())
	if err != nil {
		return err
	}
	camera := q.Get("camera")
	all = slices.DeleteFunc(all, func(h Hold) bool {
		return camera != "" && !slices.Contains(h.Cameras, camera) ||
			!time.Time(h.From).Before(to) || !time.Time(h.To).After(from)
	})
	writeJSON(w, http.StatusOK, struct {
		Holds []Hold `json:"holds"`
	}{notNil(all)})
	return nil
}

// releaseHold gives footage back to retention.
func (s *server) releaseHold(w http.ResponseWriter, r *http.Request) error {
	if err := s.Recorder.of(r).ReleaseHold(r.Context(), r.PathValue("hold"), auth.From(r.Context()).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
