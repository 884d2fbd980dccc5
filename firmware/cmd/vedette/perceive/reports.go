package perceive

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"vedette/perception/detections"
	"vedette/web/api"
)

// Reports returns what the API needs of the log of what workers saw.
func (p *Perception) Reports() api.Detections { return reportDesk{p} }

type reportDesk struct{ *Perception }

func (d reportDesk) Append(ctx context.Context, r api.Report) (duplicate bool, err error) {
	b := detections.Batch{
		Time: r.Time, Camera: r.Camera, TaskType: r.TaskType, TaskID: r.Task, FrameID: r.FrameID, Profile: r.Profile, FrameSeq: r.FrameSeq,
		Ticketed: r.Ticketed, Producer: detections.Producer{ID: r.Key, Name: r.KeyName}, Detections: make([]detections.Detection, len(r.Detections)),
	}
	for i, s := range r.Detections {
		b.Detections[i] = detections.Detection(s)
	}
	if r.Event != nil {
		b.Event = &detections.WorkerEvent{Type: r.Event.Type, Severity: r.Event.Severity, Payload: r.Event.Payload}
	}
	_, duplicate, err = d.log.Append(ctx, b)
	switch {
	case errors.Is(err, detections.ErrFull):
		return false, api.ErrFull
	case errors.Is(err, detections.ErrTooLarge):
		return false, &api.FieldError{Name: "detections", Message: "The detections are larger than a report may be."}
	case err != nil && ctx.Err() == nil: // it may be there; the worker asks again
		if !errors.Is(err, detections.ErrAway) {
			d.o.Log.Warn("a report was not kept", "camera", r.Camera, "err", err)
		}
		return false, api.ErrUnavailable
	}
	if err == nil && !duplicate {
		d.draw(r, d.o.Now())
	}
	return duplicate, err
}

func (d reportDesk) Detections(ctx context.Context, q api.DetectionQuery) ([]api.Detection, string, error) {
	found, next, err := d.log.Query(ctx, detections.Query{
		Camera: q.Camera, From: q.From, To: q.To, Label: q.Label, MinConfidence: float32(q.MinConfidence), Limit: q.Limit, Cursor: q.Cursor,
	})
	switch {
	case errors.Is(err, detections.ErrAway):
		return nil, "", api.ErrUnavailable
	case errors.Is(err, detections.ErrCursor):
		return nil, "", &api.FieldError{Name: "cursor", Message: "The cursor is none that came with this query."}
	case err != nil:
		return nil, "", err
	}
	out := make([]api.Detection, len(found))
	for i, f := range found {
		out[i] = detectionView(f.Batch, f.Index, f.Detection)
	}
	return out, next, nil
}

func (d reportDesk) Outbox(ctx context.Context, who api.Caller, after uint64, limit int) ([]api.OutboxRow, error) {
	out := []api.OutboxRow{}
	for len(out) < limit && ctx.Err() == nil {
		list, err := d.log.Since(after, limit)
		if errors.Is(err, detections.ErrAway) {
			return nil, api.ErrUnavailable
		}
		if err != nil || len(list) == 0 {
			return out, err
		}
		after = list[len(list)-1].Seq
		for _, b := range list {
			if who.Sees == nil || who.Sees(b.Camera) {
				out = append(out, outboxRow(b))
			}
		}
	}
	return out[:min(len(out), limit)], ctx.Err()
}

// Acknowledge remembers how far a key is, in memory: an acknowledged row may go,
// and goes by its age. What is lost with a restart is that it need not be told.
func (d reportDesk) Acknowledge(_ context.Context, who api.Caller, through uint64) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acked[who.Key] = max(d.acked[who.Key], min(through, d.log.Bounds().Last))
	return d.acked[who.Key], nil
}

// kept is the number up to which all who take the outbox have it.
func (p *Perception) kept() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var least uint64
	for _, n := range p.acked {
		if least == 0 || n < least {
			least = n
		}
	}
	if seq, enabled := p.relay.Cursor(); enabled && (least == 0 || seq < least) {
		least = max(seq, 1) // somebody waits for all there is
	}
	return least
}

func outboxRow(b detections.Batch) api.OutboxRow {
	row := api.OutboxRow{
		Seq: b.Seq, Received: api.Timestamp(b.Received), Camera: b.Camera, TaskType: b.TaskType, Time: api.Timestamp(taken(b)),
		FrameID: b.FrameID, Ticketed: b.Ticketed, Detections: make([]api.Detection, len(b.Detections)),
	}
	for i := range b.Detections {
		row.Detections[i] = detectionView(&b, i, b.Detections[i])
	}
	if b.Event != nil {
		row.Event = &api.WorkerEvent{Type: b.Event.Type, Severity: b.Event.Severity, Payload: b.Event.Payload}
	}
	return row
}

// taken is when the picture of a batch was taken, as far as known.
func taken(b detections.Batch) time.Time {
	if b.Time.IsZero() {
		return b.Received
	}
	return b.Time
}

func detectionView(b *detections.Batch, i int, s detections.Detection) api.Detection {
	if s.Attributes == nil {
		s.Attributes = json.RawMessage("{}")
	}
	return api.Detection{
		ID: detections.DetectionID(b.Seq, i), Camera: b.Camera, TaskType: b.TaskType, Time: api.Timestamp(taken(*b)), Label: s.Label,
		Confidence: s.Confidence, Box: s.Box, Track: s.Track, Attributes: s.Attributes, FrameID: b.FrameID,
		By: api.Provenance{Key: b.Producer.ID, Name: b.Producer.Name, Ticketed: b.Ticketed},
	}
}
