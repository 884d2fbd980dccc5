package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a report may hold.
const (
	maxSightings  = 1000
	maxTaskType   = 64  // bytes
	maxName       = 256 // bytes of a label, a track or a frame id
	maxAttributes = 16 << 10
)

// The policies of Options.Tickets.
const (
	ticketsOff     = "off"
	ticketsWarn    = "warn"
	ticketsEnforce = "enforce"
)

var (
	workerEvent = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	// reserved are the events that are the box's own.
	reserved = []string{"zone_", "camera_", "disk_", "sweep_", "system_", "entry_", "gate_", "raid_"}
)

// reportBody is the body of POST /ai/events. Each detection is read by itself, so that
// what is wrong with it can be named.
type reportBody struct {
	Camera     string            `json:"camera_id"`
	TaskType   string            `json:"task_type"`
	Time       string            `json:"timestamp"`
	FrameID    string            `json:"frame_id"`
	Ticket     string            `json:"frame_ticket"`
	Detections []json.RawMessage `json:"detections"`
	Event      *workerEventBody  `json:"event"`
}

type workerEventBody struct {
	Type     string          `json:"event_type"`
	Severity string          `json:"severity"`
	Payload  json.RawMessage `json:"payload"`
}

type sightingBody struct {
	Label      string          `json:"label"`
	Confidence *float64        `json:"confidence"`
	Box        []*float64      `json:"bbox"`
	Track      string          `json:"track_id"`
	Attributes json.RawMessage `json:"attributes"`
}

// report takes what a worker saw.
func (s *server) report(w http.ResponseWriter, r *http.Request) error {
	if s.Detections == nil {
		return errNotThere
	}
	if err := s.admit(r, UsePost); err != nil {
		return err
	}
	var b reportBody
	if err := decodeLax(w, r, &b); err != nil {
		return err
	}
	rep, err := b.report()
	if err != nil {
		return err
	}
	if err := s.place(r, &b, &rep); err != nil {
		return err
	}
	duplicate, err := s.Detections.Append(r.Context(), rep)
	if err != nil {
		return workError(err)
	}
	if duplicate {
		writeJSON(w, http.StatusOK, struct {
			Ingested  int  `json:"detections_ingested"`
			Duplicate bool `json:"duplicate"`
		}{0, true})
		return nil
	}
	writeJSON(w, http.StatusOK, struct {
		Ingested int  `json:"detections_ingested"`
		Ticketed bool `json:"ticketed"`
	}{len(rep.Detections), rep.Ticketed})
	return nil
}

// place finds out what the report is of, by its ticket or by what it says, and
// whether whoever sends it may say so.
func (s *server) place(r *http.Request, b *reportBody, rep *Report) error {
	who := machine(r)
	rep.Key, rep.KeyName = who.Key, who.Name
	if b.Camera != "" && !who.Sees(b.Camera) {
		return errForbidden // before anybody looks at a ticket
	}
	if b.Ticket != "" && s.Tasks != nil && s.Tickets != ticketsOff {
		t, err := s.Tasks.CheckTicket(who, b.Ticket)
		if err != nil {
			return workError(err)
		}
		if !who.Sees(t.Camera) {
			return errForbidden
		}
		if err := b.agrees(t); err != nil {
			return err
		}
		rep.Camera, rep.TaskType, rep.Profile, rep.Task = t.Camera, t.Type, t.Profile, t.Task
		rep.FrameID, rep.FrameSeq, rep.Time, rep.Ticketed = t.FrameID, t.FrameSeq, t.Captured, true
		return nil
	}
	if err := needed("camera_id", b.Camera, "task_type", b.TaskType); err != nil {
		return err
	}
	if s.Tickets == ticketsEnforce {
		return &failure{status: http.StatusUnauthorized, code: "ticket_needed", field: "frame_ticket", message: "Reports need the ticket of their frame on this box."}
	}
	if _, err := s.Recorder.of(r).Camera(r.Context(), b.Camera); err != nil {
		return err
	}
	if err := s.unticketed(r, rep); err != nil {
		return err
	}
	if s.Tickets != ticketsOff && s.warned.first(who.Key, time.Now()) {
		s.log.Warn("a worker reports without tickets", "key", who.Key, "name", who.Name, "camera", b.Camera)
	}
	return nil
}

// agrees refuses a body that says something else than its ticket.
func (b *reportBody) agrees(t Ticket) error {
	for _, f := range []struct {
		name, said string
		is         []string
	}{
		{"camera_id", b.Camera, []string{t.Camera}},
		{"task_type", b.TaskType, []string{t.Type}},
		{"frame_id", b.FrameID, []string{t.FrameID, strconv.FormatUint(t.FrameSeq, 10)}},
	} {
		if f.said != "" && !slices.Contains(f.is, f.said) {
			return &failure{status: http.StatusConflict, code: "contradiction", field: f.name, message: "The field says something else than the ticket."}
		}
	}
	return nil
}

// unticketed finds the task of a report that comes without a ticket. A type that the
// camera has no task of is welcome; one whose tasks are disabled is not.
func (s *server) unticketed(r *http.Request, rep *Report) error {
	if s.Tasks == nil {
		return nil
	}
	all, err := s.Tasks.Tasks(r.Context(), rep.Camera)
	if err != nil {
		return err
	}
	disabled := false
	for _, t := range all {
		switch {
		case t.Type != rep.TaskType:
		case !t.Enabled:
			disabled = true
		default:
			rep.Task, rep.Profile = t.ID, t.Profile
			return nil
		}
	}
	if disabled {
		return workError(ErrTaskDisabled)
	}
	return nil
}

// report checks what can be checked without knowing anybody.
func (b *reportBody) report() (Report, error) {
	rep := Report{Camera: b.Camera, TaskType: b.TaskType, FrameID: b.FrameID, Detections: make([]Sighting, len(b.Detections))}
	if b.Camera == "" && b.Ticket == "" {
		return rep, needed("camera_id", "")
	}
	if b.TaskType == "" && b.Ticket == "" {
		return rep, needed("task_type", "")
	}
	if len(b.TaskType) > maxTaskType {
		return rep, badField("task_type", "The field must not be longer than %d bytes.", maxTaskType)
	}
	if len(b.FrameID) > maxName {
		return rep, badField("frame_id", "The field must not be longer than %d bytes.", maxName)
	}
	if b.Camera != "" && !pathValues["id"].MatchString(b.Camera) {
		return rep, badField("camera_id", "This is not the id of a camera.")
	}
	if b.Time != "" {
		t, err := timeField("timestamp", b.Time)
		if err != nil {
			return rep, err
		}
		rep.Time = t
	}
	if len(b.Detections) > maxSightings {
		return rep, badField("detections", "There must not be more than %d detections.", maxSightings)
	}
	for i, raw := range b.Detections {
		var err error
		if rep.Detections[i], err = sighting(raw, fmt.Sprintf("detections[%d]", i)); err != nil {
			return rep, err
		}
	}
	if b.Detections == nil && b.Event != nil {
		rep.Detections = nil
	}
	var err error
	rep.Event, err = b.Event.event()
	return rep, err
}

// sighting reads one detection; at names it.
func sighting(raw json.RawMessage, at string) (Sighting, error) {
	var b sightingBody
	if len(raw) == 0 || raw[0] != '{' {
		return Sighting{}, notUnderstood(at, "The field must be an object.")
	}
	if err := laxError(json.Unmarshal(raw, &b), at+"."); err != nil {
		return Sighting{}, err
	}
	out := Sighting{Label: b.Label, Track: b.Track}
	for _, f := range []struct{ name, value string }{{"label", b.Label}, {"track_id", b.Track}} {
		if len(f.value) > maxName {
			return out, badField(at+"."+f.name, "The field must not be longer than %d bytes.", maxName)
		}
	}
	if b.Confidence != nil {
		if !(*b.Confidence >= 0 && *b.Confidence <= 1) {
			return out, badField(at+".confidence", "The field must be a number from 0 to 1.")
		}
		c := float32(*b.Confidence)
		out.Confidence = &c
	}
	if b.Box != nil {
		if len(b.Box) != 4 {
			return out, badField(at+".bbox", "The field must be a list of four numbers.")
		}
		out.Box = new([4]float32)
		for i, v := range b.Box {
			if v == nil || !(*v >= 0 && *v <= 1) {
				return out, badField(at+".bbox", "The numbers of the field must be from 0 to 1.")
			}
			out.Box[i] = float32(*v)
		}
	}
	fields, err := object(b.Attributes, at+".attributes")
	if err != nil {
		return out, err
	}
	out.Attributes = b.Attributes
	if fields[provSource] != nil || fields[provWhole] != nil {
		out.Attributes, err = withoutProvenance(fields)
	} else if len(fields) == 0 {
		out.Attributes = nil
	}
	return out, err
}

// object reads an object that may be missing, and returns nil then.
func object(raw json.RawMessage, at string) (fields map[string]json.RawMessage, err error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case len(raw) > maxAttributes:
		return nil, badField(at, "The field must not be longer than %d KiB.", maxAttributes>>10)
	case raw[0] != '{':
		return nil, notUnderstood(at, "The field must be an object.")
	}
	var all any // where numbers are read too
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, badField(at, "The field holds a number that is too large, or none.")
	}
	return fields, json.Unmarshal(raw, &fields)
}

// What the box says of a detection by itself, whatever the worker says.
const (
	provSource = "source"
	provWhole  = "_prov"
)

// withoutProvenance takes out what the box writes itself.
func withoutProvenance(fields map[string]json.RawMessage) (json.RawMessage, error) {
	delete(fields, provSource)
	delete(fields, provWhole)
	if len(fields) == 0 {
		return nil, nil
	}
	return json.Marshal(fields)
}

// withProvenance returns attributes as they are read back.
func withProvenance(raw json.RawMessage, by Provenance) (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
			fields = map[string]json.RawMessage{} // what was kept is not what was given
		}
	}
	prov, err := json.Marshal(by)
	if err != nil {
		return nil, fmt.Errorf("write provenance: %w", err)
	}
	fields[provSource], fields[provWhole] = json.RawMessage(`"worker"`), prov
	return json.Marshal(fields)
}

// event checks the event of a report, which may be nil.
func (b *workerEventBody) event() (*WorkerEvent, error) {
	if b == nil {
		return nil, nil
	}
	e := &WorkerEvent{Type: b.Type, Severity: b.Severity, Payload: b.Payload}
	switch {
	case b.Type == "":
		return nil, needed("event.event_type", "")
	case !workerEvent.MatchString(b.Type):
		return nil, badField("event.event_type", "The field must be 1 to 64 of a-z, 0-9 and underscores.")
	case slices.ContainsFunc(reserved, func(p string) bool { return strings.HasPrefix(b.Type, p) }):
		return nil, badField("event.event_type", "Events that begin so are the box's own.")
	}
	switch b.Severity {
	case "":
		e.Severity = "info"
	case "info", "warning":
	case "critical":
		e.Severity = "warning" // what is critical is for the box to say
	default:
		return nil, badField("event.severity", "The field must be info, warning or critical.")
	}
	fields, err := object(b.Payload, "event.payload")
	if len(fields) == 0 {
		e.Payload = nil
	}
	return e, err
}

// hourly remembers who was told something in the last hour.
type hourly struct {
	mu sync.Mutex
	at map[string]time.Time
}

// first reports whether nothing was told to key for an hour.
func (h *hourly) first(key string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		h.at = map[string]time.Time{}
	}
	if t, ok := h.at[key]; ok && now.Sub(t) < time.Hour {
		return false
	}
	for k, t := range h.at { // keys come and go
		if now.Sub(t) >= time.Hour {
			delete(h.at, k)
		}
	}
	h.at[key] = now
	return true
}
