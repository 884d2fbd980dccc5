package api

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// How much may be read back at a time.
const (
	defaultDetections = 500
	maxDetections     = 5000
	defaultOutbox     = 100
	maxOutbox         = 1000
)

func (s *server) listDetections(w http.ResponseWriter, r *http.Request) error {
	if s.Detections == nil {
		return errNotThere
	}
	q := r.URL.Query()
	query := DetectionQuery{Camera: r.PathValue("id"), Label: q.Get("label"), Cursor: q.Get("cursor")}
	var err error
	if query.From, query.To, err = auditSpan(r); err != nil {
		return err
	}
	if query.Limit, err = queryInt(r, "limit", defaultDetections, 1, maxDetections); err != nil {
		return err
	}
	if text := q.Get("min_confidence"); text != "" {
		if query.MinConfidence, err = strconv.ParseFloat(text, 64); err != nil || !(query.MinConfidence >= 0 && query.MinConfidence <= 1) {
			return badField("min_confidence", "The number min_confidence must be from 0 to 1.")
		}
	}
	list, next, err := s.Detections.Detections(r.Context(), query)
	if err != nil {
		return err
	}
	if list, err = proven(list); err != nil {
		return err
	}
	if next != "" {
		w.Header().Set("X-Next-Cursor", next)
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// proven adds to detections where they came from. The list is copied.
func proven(list []Detection) ([]Detection, error) {
	out := make([]Detection, len(list))
	for i, d := range list {
		var err error
		if d.Attributes, err = withProvenance(d.Attributes, d.By); err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}

// outbox answers with reports for whoever forwards them.
func (s *server) outbox(w http.ResponseWriter, r *http.Request) error {
	if s.Detections == nil {
		return errNotThere
	}
	limit, err := queryInt(r, "limit", defaultOutbox, 1, maxOutbox)
	if err != nil {
		return err
	}
	var after uint64
	if text := r.URL.Query().Get("after_seq"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return badField("after_seq", "The number after_seq must be that of a row, or 0.")
		}
	}
	rows, err := s.Detections.Outbox(r.Context(), machine(r), after, limit)
	if err != nil {
		return err
	}
	out := make([]OutboxRow, len(rows))
	for i, row := range rows {
		if row.Detections, err = proven(row.Detections); err != nil {
			return err
		}
		out[i] = row
	}
	writeJSON(w, http.StatusOK, struct {
		Rows []OutboxRow `json:"rows"`
	}{out})
	return nil
}

type ackBody struct {
	Through *uint64 `json:"through_seq"`
}

func (s *server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	if s.Detections == nil {
		return errNotThere
	}
	var b ackBody
	if err := decodeLax(w, r, &b); err != nil {
		return err
	}
	if b.Through == nil {
		return needed("through_seq", "")
	}
	through, err := s.Detections.Acknowledge(r.Context(), machine(r), *b.Through)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Through uint64 `json:"acknowledged_seq"`
	}{through})
	return nil
}

type triggerBody struct {
	Seconds *float64 `json:"seconds"`
	Reason  string   `json:"reason"`
}

const (
	maxTrigger       = 3600 // s
	maxTriggerReason = 100  // bytes
)

// trigger has a camera recorded for a while.
func (s *server) trigger(w http.ResponseWriter, r *http.Request) error {
	var b triggerBody
	if r.ContentLength != 0 {
		if err := decode(w, r, &b); err != nil {
			return err
		}
	}
	if s.Triggers == nil {
		return errNotThere
	}
	t := Trigger{Reason: b.Reason, By: machine(r).Name}
	if b.Seconds != nil {
		if !(*b.Seconds >= 1 && *b.Seconds <= maxTrigger) {
			return badField("seconds", "The number seconds must be from 1 to %d.", maxTrigger)
		}
		t.For = time.Duration(math.Round(*b.Seconds * float64(time.Second)))
	}
	if len(b.Reason) > maxTriggerReason {
		return badField("reason", "The reason must not be longer than %d bytes.", maxTriggerReason)
	}
	detail(r, "reason", b.Reason)
	until, err := s.Triggers.Trigger(r.Context(), r.PathValue("id"), t)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, struct {
		Until Timestamp `json:"until"`
	}{Timestamp(until)})
	return nil
}

// evidence answers with the picture of an event.
func (s *server) evidence(w http.ResponseWriter, r *http.Request) error {
	if s.Evidence == nil {
		return errNotThere
	}
	data, err := s.Evidence.Evidence(r.Context(), r.PathValue("id"), r.PathValue("frame"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client may be gone
	return nil
}
