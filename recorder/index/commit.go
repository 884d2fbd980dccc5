package index

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// txn is one write transaction. Values go through storm's key-value calls
// without any of its indexes; cursors and fill are those of the shared bolt
// transaction.
type txn struct {
	x       *Index
	tx      *bolt.Tx
	node    storm.Node
	changed bool
	after   []func() // what memory must learn once the commit is durable; x.mu is held
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
// before or not.
func (x *Index) commit(more func(*txn) error) error {
	x.write.Lock()
	defer x.write.Unlock()
	defer func() { // whatever came of it: the writer is alive
		x.mu.Lock()
		x.lastRound = x.o.Now()
		x.mu.Unlock()
	}()
	x.mu.RLock()
	pending, cameras, closed := slices.Clone(x.pending), x.cameras[x.named:], x.closed
	x.mu.RUnlock()
	if closed {
		if more == nil && len(pending) == 0 {
			return nil
		}
		return ErrClosed
	}
	if more == nil && len(pending) == 0 && len(cameras) == 0 {
		return nil
	}
	var t *txn
	err := x.db.Bolt.Update(func(tx *bolt.Tx) error {
		t = &txn{x: x, tx: tx, node: x.db.WithTransaction(tx)}
		for _, name := range [...]string{rowsBucket, heldBucket, garbageBucket, auditBucket} {
			t.bucket(name).FillPercent = fillPercent
		}
		if err := t.writePending(pending, cameras); err != nil {
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
	for _, f := range t.after {
		f()
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

// Forget drops garbage whose files are gone and appends the audit entry, in
// one transaction. Garbage that is not there any more is passed over. With
// nothing to drop, nothing is written, not even the entry.
func (x *Index) Forget(gone []Garbage, a Audit) error {
	err := x.commit(func(t *txn) error {
		dropped := false
		for _, g := range gone {
			c := x.known(g.Row.Camera)
			if c == nil {
				continue
			}
			key := g.Row.key(c.ordinal)
			if t.bucket(garbageBucket).Get(keyBytes(key)) == nil {
				continue
			}
			if err := t.remove(garbageBucket, keyBytes(key)); err != nil {
				return err
			}
			dropped = true
			t.then(func() { c.garbage.count(g.Row, -1) })
		}
		if !dropped {
			return nil
		}
		return t.audit(a)
	})
	if err != nil {
		return fmt.Errorf("forget %d rows: %w", len(gone), err)
	}
	return nil
}

// audit appends a and drops the oldest entry where there are too many.
func (t *txn) audit(a Audit) error {
	x := t.x
	var cameras []uint16
	for _, name := range a.Cameras {
		if c := x.known(name); c != nil {
			cameras = append(cameras, c.ordinal)
		}
	}
	x.mu.RLock()
	key, surplus := x.lastAudit+1, x.audits-maxAudits+1
	x.mu.RUnlock()
	var old [][]byte
	for k := range values(t.bucket(auditBucket), nil) {
		if len(old) >= surplus {
			break
		}
		old = append(old, slices.Clone(k))
	}
	for _, k := range old {
		if err := t.remove(auditBucket, k); err != nil {
			return err
		}
	}
	t.then(func() { x.lastAudit, x.audits = key, x.audits+1-len(old) })
	return t.put(auditBucket, keyBytes(key), encodeAudit(key, a, cameras))
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
