package audit

import (
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// plausible is when clocks begin to mean something: an entry with an earlier
// time was written before the clock was set.
var plausible = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// PruneBefore removes entries older than before, the oldest first and limit at
// most, and returns how many. What is left still proves itself. Entries whose
// time cannot be right go with the next one whose time can.
func (l *Log) PruneBefore(ctx context.Context, before time.Time, limit int) (n int, err error) {
	l.commit.Lock()
	defer l.commit.Unlock()
	err = l.db.Bolt.View(func(tx *bolt.Tx) (err error) {
		if b := tx.Bucket(rowsBucket); b != nil {
			n, err = due(ctx, b.Cursor(), before, l.o.Now(), limit)
		}
		return err
	})
	if err != nil || n == 0 {
		return 0, err
	}
	err = l.db.Bolt.Update(func(tx *bolt.Tx) error {
		links, err := tx.CreateBucketIfNotExists(chainBucket)
		if err != nil {
			return err
		}
		n, err = remove(tx.Bucket(rowsBucket), links, n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune audit: %w", err)
	}
	l.mu.Lock()
	l.stored -= n
	l.mu.Unlock()
	return n, nil
}

// due returns how many of the oldest rows are to go.
func due(ctx context.Context, c *bolt.Cursor, before, now time.Time, limit int) (n int, err error) {
	seen := 0
	for k, v := c.First(); k != nil && n < limit && seen < maxScan; k, v = c.Next() {
		seen++
		_, e, err := decode(k, v)
		if err != nil || e.Time.Before(plausible) || e.Time.After(now) {
			if seen%chunkRows == 0 && ctx.Err() != nil {
				return 0, ctx.Err()
			}
			continue
		}
		if !e.Time.Before(before) {
			break
		}
		n = seen
	}
	return min(n, limit), nil
}
