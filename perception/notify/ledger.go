package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// table names the class of secrets that subscriptions have.
const table = "notifications"

// each replaces every secret of s by what change makes of it.
func (s *Subscription) each(change func(table, id, field, text string) (string, error)) error {
	for field, text := range s.secrets() {
		changed, err := change(table, s.ID, field, *text)
		if err != nil {
			return fmt.Errorf("%s of subscription %s: %w", field, s.ID, err)
		}
		*text = changed
	}
	return nil
}

// Reseal changes how the secrets of all subscriptions lie on disk, inside of tx:
// each is what change makes of what is stored. It returns how many there are.
func (s *Service) Reseal(tx *bolt.Tx, change func(table, id, field, stored string) (string, error)) (n int, err error) {
	in := bucket(tx, bucketSubscriptions)
	if in == nil {
		return 0, nil
	}
	var all []Subscription
	err = in.ForEach(func(k, v []byte) error {
		var sub Subscription
		if err := json.Unmarshal(v, &sub); err != nil {
			return fmt.Errorf("subscription %q cannot be read: %w", k, err)
		}
		all = append(all, sub)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for i := range all {
		for _, text := range all[i].secrets() {
			if *text != "" {
				n++
			}
		}
		if err := all[i].each(change); err != nil {
			return 0, err
		}
		if err := put(tx, bucketSubscriptions, []byte(all[i].ID), all[i]); err != nil {
			return 0, fmt.Errorf("save subscription %s: %w", all[i].ID, err)
		}
	}
	return n, nil
}

// Deliveries returns the newest deliveries of a subscription, the newest first,
// limit at most. It returns ErrNotFound for one that is not there.
func (s *Service) Deliveries(_ context.Context, id string, limit int) ([]Delivery, error) {
	s.mu.Lock()
	_, is := s.entries[id]
	s.mu.Unlock()
	if !is {
		return nil, ErrNotFound
	}
	b := s.book
	b.write.Lock() // nothing moves from memory to disk meanwhile
	defer b.write.Unlock()
	b.mu.Lock()
	fresh := b.rows[id]
	b.mu.Unlock()
	out := []Delivery{}
	for i := len(fresh) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, fresh[i].d)
	}
	err := b.db.Bolt.View(func(tx *bolt.Tx) error {
		in := bucket(tx, bucketDeliveries)
		if in == nil {
			return nil
		}
		c := in.Cursor()
		step := c.Prev
		if k, _ := c.Seek(append([]byte(id), 1)); k == nil { // behind the last one
			step = c.Last
		}
		k, v := step()
		for ; k != nil && len(out) < limit; k, v = c.Prev() {
			if of, _, ok := splitKey(k); !ok || of != id {
				return nil
			}
			var d Delivery
			if json.Unmarshal(v, &d) == nil {
				out = append(out, d)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of subscription %s: %w", id, err)
	}
	return out, nil
}

// PruneBefore removes deliveries from before that time, limit at most, and returns
// how many. Those that a clock stamped which had not been set go by count.
func (s *Service) PruneBefore(_ context.Context, before time.Time, limit int) (int, error) {
	b := s.book
	b.write.Lock()
	defer b.write.Unlock()
	var doomed [][]byte
	removed := map[string]int{}
	err := b.view(bucketDeliveries, func(k, v []byte) {
		var d Delivery
		id, _, ok := splitKey(k)
		if len(doomed) < limit && ok && json.Unmarshal(v, &d) == nil && d.At.UnixMilli() >= plausible && d.At.Before(before) {
			doomed = append(doomed, append([]byte(nil), k...))
			removed[id]++
		}
	})
	if err == nil && len(doomed) > 0 { // else nothing is written
		err = b.update(func(tx *bolt.Tx) error {
			for _, k := range doomed {
				if err := bucket(tx, bucketDeliveries).Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return 0, fmt.Errorf("prune deliveries: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range removed {
		b.count[id] -= n
	}
	return len(doomed), nil
}
