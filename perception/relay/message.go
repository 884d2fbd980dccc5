package relay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vedette/perception/detections"
)

// message is a batch on its way.
type message struct {
	subject string
	id      string // the same whenever the batch is sent, and no other's
	body    []byte
}

// row is the body of a message: the row of the outbox, as the API has it.
type row struct {
	Seq        uint64 `json:"seq"`
	Received   stamp  `json:"received_at"`
	Camera     string `json:"camera_id"`
	TaskType   string `json:"task_type"`
	Time       stamp  `json:"timestamp"`
	FrameID    string `json:"frame_id,omitempty"`
	Ticketed   bool   `json:"ticketed"`
	Detections []seen `json:"detections"`
	Event      *event `json:"event,omitempty"`
}

type seen struct {
	ID         string          `json:"id"`
	Camera     string          `json:"camera_id"`
	TaskType   string          `json:"task_type"`
	Time       stamp           `json:"timestamp"`
	Label      string          `json:"label"`
	Confidence *float32        `json:"confidence"`
	Box        *[4]float32     `json:"bbox"`
	Track      string          `json:"track_id,omitempty"`
	Attributes json.RawMessage `json:"attributes"`
	FrameID    string          `json:"frame_id,omitempty"`
}

type event struct {
	Type     string          `json:"event_type"`
	Severity string          `json:"severity"`
	Payload  json.RawMessage `json:"payload,omitempty"`
}

type origin struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Task     string `json:"task,omitempty"`
	Ticketed bool   `json:"ticketed"`
}

type stamp time.Time

// MarshalJSON implements json.Marshaler.
func (t stamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// pack returns the message of b, which is of that store.
func pack(prefix, box, store string, b *detections.Batch) (message, error) {
	m := message{
		subject: prefix + "." + token(box) + "." + token(b.Camera) + "." + token(b.TaskType),
		id:      box + "-" + store + "-" + strconv.FormatUint(b.Seq, 10),
	}
	taken := b.Time
	if taken.IsZero() {
		taken = b.Received
	}
	out := row{
		Seq: b.Seq, Received: stamp(b.Received), Camera: b.Camera, TaskType: b.TaskType, Time: stamp(taken), FrameID: b.FrameID,
		Ticketed: b.Ticketed, Detections: make([]seen, len(b.Detections)),
	}
	for i := range b.Detections {
		d := &b.Detections[i]
		attributes, err := proven(d.Attributes, origin{b.Producer.ID, b.Producer.Name, b.TaskID, b.Ticketed})
		if err != nil {
			return m, fmt.Errorf("pack batch %d: %w", b.Seq, err)
		}
		out.Detections[i] = seen{
			ID: detections.DetectionID(b.Seq, i), Camera: b.Camera, TaskType: b.TaskType, Time: stamp(taken), Label: d.Label,
			Confidence: d.Confidence, Box: d.Box, Track: d.Track, Attributes: attributes, FrameID: b.FrameID,
		}
	}
	if e := b.Event; e != nil {
		out.Event = &event{e.Type, e.Severity, e.Payload}
		if !json.Valid(e.Payload) { // what is kept is not what was given
			out.Event.Payload = nil
		}
	}
	var err error
	if m.body, err = json.Marshal(out); err != nil {
		return m, fmt.Errorf("pack batch %d: %w", b.Seq, err)
	}
	return m, nil
}

// proven returns attributes with where they come from.
func proven(raw json.RawMessage, from origin) (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(raw) > 0 && (json.Unmarshal(raw, &fields) != nil || fields == nil) {
		fields = map[string]json.RawMessage{}
	}
	text, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	fields["source"], fields["_prov"] = json.RawMessage(`"worker"`), text
	return json.Marshal(fields)
}

// token returns s as one token of a subject: what has a meaning there, or may not
// be there, is an underscore.
func token(s string) string {
	if s == "" {
		return "_"
	}
	return strings.Map(func(r rune) rune {
		if odd(r) {
			return '_'
		}
		return r
	}, s)
}
