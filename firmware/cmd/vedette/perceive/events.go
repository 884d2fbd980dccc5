package perceive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/perception/detections"
	"vedette/perception/events"
	"vedette/recorder"
)

// place is how far a consumer of the log of reports is: behind the batch Seq of
// the store Store.
type place struct {
	Store string `json:"store"`
	Seq   uint64 `json:"seq"`
}

const (
	bucket      = "perception" // of state.db: what consumers remember
	placeEvents = "worker_events"
	placeEvery  = 5 * time.Minute // how seldom a place is written that no event belongs to
	eventBatch  = 256             // batches looked at in one go
)

// put returns what writes a value of a consumer in the transaction of its events.
func (p *Perception) put(key string, value []byte) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error { return p.o.State.WithTransaction(tx).SetBytes(bucket, key, value) }
}

// get returns what a consumer wrote, nil if it has not.
func (p *Perception) get(key string) (value []byte, err error) {
	value, err = p.o.State.GetBytes(bucket, key)
	if errors.Is(err, storm.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of perception: %w", key, err)
	}
	return value, nil
}

// teller makes events of those that workers report, each once: the place in the
// log lasts with the events that were made up to it.
type teller struct {
	*Perception
	at    place
	saved time.Time
}

// tellWorkers runs until ctx is done.
func (p *Perception) tellWorkers(ctx context.Context) error {
	t := teller{Perception: p, saved: time.Now()}
	raw, err := p.get(placeEvents)
	if err != nil {
		return err
	}
	if raw != nil && json.Unmarshal(raw, &t.at) != nil {
		t.at = place{}
	}
	for ctx.Err() == nil {
		changed := p.log.Changed()
		n, err := t.step()
		if err != nil && !errors.Is(err, detections.ErrAway) {
			p.o.Log.Warn("events of workers", "err", err)
		}
		if err == nil && n > 0 {
			continue
		}
		retry := time.After(time.Hour)
		if err != nil {
			retry = time.After(time.Second)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-retry:
		}
	}
	return t.keep(nil)
}

// step takes some batches, and returns how many there were.
func (t *teller) step() (int, error) {
	b := t.log.Bounds()
	if b.StoreID == "" {
		return 0, detections.ErrAway
	}
	if t.at.Store != b.StoreID {
		if t.at.Store != "" { // another disk: what is on it was told by the box that it comes from
			t.at.Seq = b.Last
		}
		t.at.Store = b.StoreID
	}
	list, err := t.log.Since(t.at.Seq, eventBatch)
	if err != nil || len(list) == 0 || t.log.StoreID() != t.at.Store {
		return 0, err
	}
	next := t.at
	var found []events.Event
	for i := range list {
		next.Seq = list[i].Seq
		if list[i].Event != nil {
			found = append(found, workerEvent(&list[i]))
		}
	}
	before := t.at
	t.at = next
	if len(found) > 0 || time.Since(t.saved) >= placeEvery {
		if err := t.keep(found); err != nil {
			t.at = before
			return 0, err
		}
	}
	for _, e := range found {
		t.trigger(e.Camera, e.Type)
	}
	return len(list), nil
}

// keep has events and the place behind them last together.
func (t *teller) keep(found []events.Event) error {
	if t.at == (place{}) {
		return nil
	}
	raw, err := json.Marshal(t.at)
	if err != nil {
		return err
	}
	if err := t.o.Events.Append(found, t.put(placeEvents, raw)); err != nil {
		return err
	}
	t.saved = time.Now()
	return nil
}

// workerEvent is the event of a batch. What the box knows of it itself cannot be
// said by a worker.
func workerEvent(b *detections.Batch) events.Event {
	payload := map[string]any{}
	if json.Unmarshal(b.Event.Payload, &payload) != nil || payload == nil {
		payload = map[string]any{}
	}
	payload["captured_at"] = taken(*b).UTC()
	payload["_prov"] = map[string]any{"source": "worker", "key": b.Producer.ID, "name": b.Producer.Name, "task_type": b.TaskType, "batch_seq": b.Seq, "ticketed": b.Ticketed}
	return events.Event{Time: b.Received, Type: b.Event.Type, Severity: events.Severity(b.Event.Severity), Camera: b.Camera, Payload: payload}
}

// maxWhy bounds what is told of a trigger, in bytes.
const maxWhy = 100

// trigger has a camera recorded because of an event, where its mode asks for that.
func (p *Perception) trigger(camera, why string) {
	_, err := p.o.Recorder.Trigger(camera, recorder.TriggerOptions{Why: "event", Reason: cut(why, maxWhy)})
	// A camera that is not to be recorded for events refuses by naming the field.
	if _, refused := errors.AsType[*recorder.FieldError](err); err != nil && !refused && !errors.Is(err, recorder.ErrNoCamera) {
		p.o.Log.Warn("an event triggers no recording", "camera", camera, "err", err)
	}
}
