package index

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// txn is one write transaction. Values go through storm's key-value calls
// without any of its indexes; cursors and fill are those of the shared bolt
// transaction.
type txn struct {
	x         *Index
	tx        *bolt.Tx
	node      storm.Node
	changed   bool
	after     []func() // what memory must learn once the commit is durable; x.mu is held
	lastAudit uint64   // the highest key in use
	audits    int      // entries there are
}

// errUnchanged rolls back a transaction that has nothing to say.
var errUnchanged = errors.New("nothing changed")

func (t *txn) put(bucket string, key, value []byte) error {
	t.changed = true
	return t.node.SetBytes(bucket, key, value)
}

func (t *txn) remove(bucket string, key []byte) error {
	t.changed = true
	return t.node.Delete(bucket, key)
}

func (t *txn) bucket(name string) *bolt.Bucket { return t.node.GetBucket(t.tx, name) }

func (t *txn) then(f func()) { t.after = append(t.after, f) }

// commit writes what waits and what more does, in one transaction; more may
// be nil. So whoever looks a row up inside more finds it in a bucket, waiting
// before or not, and finds no garbage that is forgotten.
func (x *Index) commit(more func(*txn) error) error { return x.commitWaiting(true, more) }

// commitWaiting is commit; without all, burials wait on unless they are old.
func (x *Index) commitWaiting(all bool, more func(*txn) error) error {
	x.write.Lock()
	defer x.write.Unlock()
	defer func() { // whatever came of it: the writer is alive
		x.mu.Lock()
		x.lastRound = x.o.Now()
		x.mu.Unlock()
	}()
	x.mu.RLock()
	pending, cameras, burials, closed := slices.Clone(x.pending), x.cameras[x.named:], x.burials, x.closed
	lastAudit, audits := x.lastAudit, x.audits
	x.mu.RUnlock()
	if !all && len(burials) > 0 && time.Since(burials[0].since) < burialIntervals*x.o.Interval {
		burials = nil
	}
	waiting := len(pending) > 0 || len(burials) > 0
	if closed {
		if more == nil && !waiting {
			return nil
		}
		return ErrClosed
	}
	if more == nil && !waiting && len(cameras) == 0 {
		return nil
	}
	var t *txn
	err := x.db.Bolt.Update(func(tx *bolt.Tx) error {
		t = &txn{x: x, tx: tx, node: x.db.WithTransaction(tx), lastAudit: lastAudit, audits: audits}
		for _, name := range [...]string{rowsBucket, heldBucket, garbageBucket, auditBucket} {
			t.bucket(name).FillPercent = fillPercent
		}
		if err := t.writePending(pending, cameras); err != nil {
			return err
		}
		if err := t.bury(burials); err != nil {
			return err
		}
		if more != nil {
			if err := more(t); err != nil {
				return err
			}
		}
		if !t.changed {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failed = err
	if err != nil {
		return err
	}
	x.commits++
	x.lastCommit = x.o.Now()
	x.named += len(cameras)
	x.pending = slices.DeleteFunc(x.pending, func(e entry) bool {
		_, done := slices.BinarySearchFunc(pending, e.key, byKey)
		return done
	})
	x.burials = slices.Clone(x.burials[len(burials):])
	for _, b := range burials {
		for _, key := range b.keys {
			delete(x.buried, key)
		}
	}
	x.lastAudit, x.audits = t.lastAudit, t.audits
	for _, f := range t.after {
		f()
	}
	select {
	case x.done <- struct{}{}:
	default:
	}
	return nil
}

func (t *txn) writePending(pending []entry, cameras []*camera) error {
	for _, c := range cameras {
		if err := t.put(cameraBucket, ordinalBytes(c.ordinal), encodeCamera(c.ordinal, c.name)); err != nil {
			return fmt.Errorf("write camera %s: %w", c.name, err)
		}
	}
	for _, e := range pending {
		if err := t.put(rowsBucket, keyBytes(e.key), encodeRow(e.key, e.row)); err != nil {
			return fmt.Errorf("write row %016x: %w", e.key, err)
		}
	}
	return nil
}

// find returns the key under which bucket holds r, if it does.
func (t *txn) find(bucket string, r Row) (key uint64, c *camera, ok bool) {
	c = t.x.known(r.Camera)
	if c == nil {
		return 0, nil, false
	}
	key = r.key(c.ordinal)
	v := t.bucket(bucket).Get(keyBytes(key))
	if v == nil {
		return 0, nil, false
	}
	got, err := decodeRow(key, v)
	got.Camera = r.Camera
	return key, c, err == nil && got.SameFile(r)
}

// Condemn moves rows to the garbage list with the reason, in one transaction,
// and returns those it moved. Rows that are not there, or held by now, are
// left out: that is the second look at the locks before anything is deleted.
// At most 256 rows at a time keep the transaction short.
func (x *Index) Condemn(rows []Row, reason string) ([]Garbage, error) {
	var out []Garbage
	now := x.o.Now().UnixMilli()
	err := x.commit(func(t *txn) error {
		out = out[:0]
		for _, r := range rows {
			key, c, ok := t.find(rowsBucket, r)
			if !ok {
				continue
			}
			g := Garbage{Row: r, Condemned: now, Reason: cut(reason)}
			if err := t.remove(rowsBucket, keyBytes(key)); err != nil {
				return err
			}
			if err := t.put(garbageBucket, keyBytes(key), encodeGarbage(key, g)); err != nil {
				return err
			}
			out = append(out, g)
			t.then(func() { c.remove(r, false); c.garbage.count(r, 1) })
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("condemn %d rows: %w", len(rows), err)
	}
	return out, nil
}

// Drop removes rows, held or not, without a trace: their files do not exist.
// It returns how many there were.
func (x *Index) Drop(rows []Row) (int, error) {
	n := 0
	err := x.commit(func(t *txn) error {
		n = 0
		for _, r := range rows {
			for _, bucket := range [...]string{rowsBucket, heldBucket} {
				key, c, ok := t.find(bucket, r)
				if !ok {
					continue
				}
				if err := t.remove(bucket, keyBytes(key)); err != nil {
					return err
				}
				n++
				t.then(func() { c.remove(r, bucket == heldBucket) })
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("drop %d rows: %w", len(rows), err)
	}
	return n, nil
}
