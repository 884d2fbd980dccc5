package index

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Move is a row that is to begin at another moment.
type Move struct {
	Row   Row
	Start int64 // UTC ms
}

// Restamp gives rows another start and the Trusted flag, in one transaction:
// their files were renamed, because the clock they were named by was wrong.
// Held rows stay held. Rows that are not there are passed over; a place that
// is taken is shifted as Add does. It returns the rows as they are now. Errors:
// ErrRow if a start cannot be written or no place is free, and nothing changed.
func (x *Index) Restamp(moves []Move) ([]Row, error) {
	var out []Row
	err := x.move(func(t *txn) (err error) {
		out, err = t.restampAll(moves)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("restamp %d rows: %w", len(moves), err)
	}
	return out, nil
}

// move is commit for rows that get other starts. Readers of the file see them
// before the count follows, so Bounds does not believe the count meanwhile; and
// what waits is committed before, lest readers find a row under both starts.
func (x *Index) move(how func(*txn) error) error {
	if err := x.commit(nil); err != nil {
		return err
	}
	count := func(n int) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.moving += n
	}
	count(1)
	defer count(-1)
	return x.commit(how)
}

func (t *txn) restampAll(moves []Move) (now []Row, err error) {
	for _, m := range moves {
		for _, bucket := range [...]string{rowsBucket, heldBucket} {
			key, c, ok := t.find(bucket, m.Row)
			if !ok {
				continue
			}
			row, err := t.restamp(bucket, key, c, m)
			if err != nil {
				return nil, err
			}
			now = append(now, row)
		}
	}
	return now, nil
}

// restamp moves the row under key of a bucket.
func (t *txn) restamp(bucket string, key uint64, c *camera, m Move) (Row, error) {
	row, err := decodeRow(key, t.bucket(bucket).Get(keyBytes(key)))
	if err != nil {
		return Row{}, err
	}
	row.Camera = m.Row.Camera
	before := row
	row.Start, row.Flags = m.Start, row.Flags|Trusted
	if err := row.check(); err != nil {
		return Row{}, err
	}
	if err := t.remove(bucket, keyBytes(key)); err != nil {
		return Row{}, err
	}
	if !t.free(c, &row) {
		return Row{}, fmt.Errorf("%s: no place at %d: %w", row.Camera, row.Start, ErrRow)
	}
	now := row.key(c.ordinal)
	if err := t.put(bucket, keyBytes(now), encodeRow(now, row)); err != nil {
		return Row{}, err
	}
	held := bucket == heldBucket
	t.then(func() {
		c.remove(before, held)
		if held {
			c.held.count(row, 1)
		} else {
			c.unlocked.count(row, 1)
		}
		c.extend(row, now)
	})
	return row, nil
}

// free sets r.shift to the first place that nobody has.
func (t *txn) free(c *camera, r *Row) bool {
	buckets := [...]*bolt.Bucket{t.bucket(rowsBucket), t.bucket(heldBucket), t.bucket(garbageBucket)}
	for shift := range maxShift + 1 {
		r.shift = uint8(shift)
		k := keyBytes(r.key(c.ordinal))
		if !slices.ContainsFunc(buckets[:], func(b *bolt.Bucket) bool { return b.Get(k) != nil }) {
			return true
		}
	}
	return false
}

// Untrusted yields the rows without the Trusted flag, by start, until yield
// answers false. It reads the whole index, one bounded transaction after the
// other.
func (x *Index) Untrusted(yield func(r Row, held bool) bool) error {
	return x.Range("", 0, maxStart+1, func(r Row, held bool) bool {
		return r.Flags&Trusted != 0 || yield(r, held)
	})
}

// AddAll is Add for many rows at once, durable when it returns: rows are
// committed 512 at a time. Rows that held, if not nil, answers true for become
// evidence in the same transaction.
func (x *Index) AddAll(rows []Row, held func(Row) bool) error {
	for some := range slices.Chunk(rows, addBatch) {
		for _, r := range some {
			if err := x.Add(r); err != nil {
				return err
			}
		}
		if err := x.commit(func(t *txn) error { return t.holdEach(some, held) }); err != nil {
			return fmt.Errorf("add %d rows: %w", len(some), err)
		}
	}
	return nil
}

const addBatch = 512

// holdEach makes rows evidence that held answers true for.
func (t *txn) holdEach(rows []Row, held func(Row) bool) error {
	if held == nil {
		return nil
	}
	for _, r := range rows {
		if !held(r) {
			continue
		}
		e, c, ok := t.locate(rowsBucket, r)
		if !ok {
			continue // held already
		}
		if err := t.lock(e, c, true); err != nil {
			return err
		}
	}
	return nil
}

// locate finds the row of the file of r in a bucket, wherever it was shifted
// to.
func (t *txn) locate(bucket string, r Row) (entry, *camera, bool) {
	c := t.x.known(r.Camera)
	if c == nil {
		return entry{}, nil, false
	}
	for shift := range maxShift + 1 {
		r.shift = uint8(shift)
		key := r.key(c.ordinal)
		v := t.bucket(bucket).Get(keyBytes(key))
		if v == nil {
			continue
		}
		got, err := decodeRow(key, v)
		got.Camera = r.Camera
		if err == nil && got.SameFile(r) {
			return entry{key, got}, c, true
		}
	}
	return entry{}, nil, false
}
