package tasks

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bucket is the name of the tasks' bucket in state.db: ids to rows in JSON.
const bucket = "ai_tasks"

// row is a task on disk.
type row struct {
	Camera  string          `json:"camera"`
	Type    string          `json:"type"`
	Profile string          `json:"profile"`
	FPS     float64         `json:"fps"`
	Width   int             `json:"width"`
	Config  json.RawMessage `json:"config"`
	Enabled bool            `json:"enabled"`
	Created int64           `json:"created"` // UTC ms
}

// task makes the task of id from what is stored, or says why not.
func task(id string, stored []byte) (Task, error) {
	var r row
	if err := json.Unmarshal(stored, &r); err != nil {
		return Task{}, err
	}
	t := Task{ID: id, Camera: r.Camera, Type: r.Type, Profile: r.Profile, FPS: r.FPS, Width: r.Width,
		Enabled: r.Enabled, Created: time.UnixMilli(r.Created).UTC()}
	if err := t.checkIdentity(); err != nil {
		return Task{}, err
	}
	return t, t.apply(Settings{Config: append(json.RawMessage{}, r.Config...)})
}

// load reads all tasks, by id.
func (s *Store) load(log *slog.Logger) (all []Task, err error) {
	err = s.db.Bolt.View(func(tx *bolt.Tx) error {
		b := s.db.GetBucket(tx, bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			if v == nil { // storm's own bucket of metadata
				return nil
			}
			t, err := task(string(k), v)
			if err != nil {
				log.Error("an AI task cannot be read and is left out", "task", string(k), "err", err)
				return nil
			}
			all = append(all, t)
			return nil
		})
	})
	slices.SortFunc(all, func(a, b Task) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

func (s *Store) put(t Task) error {
	data, err := json.Marshal(row{t.Camera, t.Type, t.Profile, t.FPS, t.Width, t.Config, t.Enabled, t.Created.UnixMilli()})
	if err != nil {
		return err
	}
	return s.db.SetBytes(bucket, []byte(t.ID), data)
}

// drop removes tasks in one transaction.
func (s *Store) drop(ids []string) error {
	return s.db.Bolt.Update(func(tx *bolt.Tx) error {
		b := s.db.GetBucket(tx, bucket)
		for _, id := range ids {
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
}
