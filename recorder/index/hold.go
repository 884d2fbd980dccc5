package index

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Hold makes the unlocked rows of a camera that overlap [from, to), in UTC
// ms, evidence, and returns them; an empty camera means all. It is one
// transaction, waiting rows included, and durable when it returns. What is
// held already is not among the answer.
func (x *Index) Hold(camera string, from, to int64) ([]Row, error) {
	var moved []Row
	err := x.commit(func(t *txn) error {
		moved = moved[:0]
		for _, e := range t.overlapping(t.bucket(rowsBucket), camera, from, to) {
			if err := t.lock(e, x.known(e.row.Camera), true); err != nil {
				return err
			}
			moved = append(moved, e.row)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("hold footage: %w", err)
	}
	return moved, nil
}

// Release makes the held ones among rows ordinary again, and returns them. It is
// one transaction, durable when it returns.
func (x *Index) Release(rows []Row) ([]Row, error) {
	var moved []Row
	err := x.commit(func(t *txn) error {
		moved = moved[:0]
		for _, r := range rows {
			e, c, ok := t.locate(heldBucket, r)
			if !ok {
				continue
			}
			if err := t.lock(e, c, false); err != nil {
				return err
			}
			moved = append(moved, e.row)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("release footage: %w", err)
	}
	return moved, nil
}

// lock moves the row of e, of camera c, to the held bucket, or back.
func (t *txn) lock(e entry, c *camera, hold bool) error {
	source, target, n := rowsBucket, heldBucket, int64(-1)
	if !hold {
		source, target, n = heldBucket, rowsBucket, 1
	}
	if err := t.remove(source, keyBytes(e.key)); err != nil {
		return err
	}
	if err := t.put(target, keyBytes(e.key), encodeRow(e.key, e.row)); err != nil {
		return err
	}
	t.then(func() {
		c.unlocked.count(e.row, n)
		c.held.count(e.row, -n)
	})
	return nil
}

// overlapping collects the rows of one bucket that overlap [from, to).
func (t *txn) overlapping(b *bolt.Bucket, camera string, from, to int64) []entry {
	x := t.x
	x.mu.RLock()
	cameras, longest := x.cameras, int64(x.longest)
	x.mu.RUnlock()
	var found []entry
	for k, v := range values(b, keyBytes(makeKey(min(max(max(from, 0)-longest, 0), maxStart), 0))) {
		key := binary.BigEndian.Uint64(k)
		if keyMs(key)-maxShift >= to {
			break
		}
		r, err := decodeRow(key, v)
		if err != nil || int(keyCamera(key)) >= len(cameras) {
			x.damaged.Add(1)
			continue
		}
		r.Camera = cameras[keyCamera(key)].name
		if (camera == "" || camera == r.Camera) && r.overlaps(from, to) {
			found = append(found, entry{key, r})
		}
	}
	return found
}
