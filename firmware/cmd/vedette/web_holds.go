package main

import (
	"context"
	"time"

	"vedette/recorder"
	"vedette/web/api"
)

func (a apiRecorder) PlaceHold(_ context.Context, h api.Hold) (api.Hold, int, error) {
	e := recorder.Evidence{
		From: time.Time(h.From), To: time.Time(h.To), Cameras: h.Cameras, Reason: h.Reason, Incident: h.Incident, By: h.By,
	}
	if h.Until != nil {
		e.Until = time.Time(*h.Until)
	}
	placed, n, err := a.r.PlaceHold(e)
	return holdView(placed), n, apiError(err)
}

func (a apiRecorder) Holds(context.Context) ([]api.Hold, error) {
	var out []api.Hold
	for _, e := range a.r.Holds() {
		out = append(out, holdView(e))
	}
	return out, nil
}

func (a apiRecorder) ReleaseHold(_ context.Context, id, by string) error {
	return apiError(a.r.ReleaseHold(id, by))
}

func holdView(e recorder.Evidence) api.Hold {
	h := api.Hold{
		ID: e.ID, From: api.Timestamp(e.From), To: api.Timestamp(e.To), Cameras: e.Cameras,
		Reason: e.Reason, Incident: e.Incident, By: e.By, Created: api.Timestamp(e.Created),
	}
	if !e.Until.IsZero() {
		h.Until = (*api.Timestamp)(&e.Until)
	}
	return h
}
