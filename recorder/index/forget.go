package index

import (
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// burial is garbage that is forgotten, and the entry that says so, both without
// a commit.
type burial struct {
	keys  []uint64
	audit Audit
	since time.Time
}

// burialIntervals is how long a burial waits for a commit that writes its pages
// anyway, as the next batch that is condemned does: in intervals between the
// commits of rows.
const burialIntervals = 10

// Forget drops garbage whose files are gone and appends the audit entry. Garbage
// that is not there any more is passed over. With nothing to drop, nothing is
// written, not even the entry.
//
// Totals and Garbage know at once. The file does with the next commit that is
// more than one of waiting rows, with the first one after ten intervals, or with
// Flush: by itself this would cost the flash as much as a minute of recording.
// If power goes before, the garbage is there again, without the entry: its files
// are gone still, so it is forgotten anew. Errors: ErrClosed.
func (x *Index) Forget(gone []Garbage, a Audit) error {
	x.write.Lock() // no commit now, so what is found stays there
	defer x.write.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return fmt.Errorf("forget %d rows: %w", len(gone), ErrClosed)
	}
	b := burial{audit: a, since: time.Now()}
	err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		garbage := x.db.GetBucket(tx, garbageBucket)
		for _, g := range gone {
			n, ok := x.ordinals[g.Row.Camera]
			if !ok {
				continue
			}
			key := g.Row.key(n)
			if _, before := x.buried[key]; before || garbage.Get(keyBytes(key)) == nil {
				continue
			}
			x.buried[key] = struct{}{}
			b.keys = append(b.keys, key)
			x.cameras[n].garbage.count(g.Row, -1)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %d rows: %w", len(gone), err)
	}
	if len(b.keys) > 0 {
		x.burials = append(x.burials, b)
	}
	return nil
}

// bury removes what is forgotten and appends the entries.
func (t *txn) bury(burials []burial) error {
	for _, b := range burials {
		for _, key := range b.keys {
			if err := t.remove(garbageBucket, keyBytes(key)); err != nil {
				return fmt.Errorf("forget row %016x: %w", key, err)
			}
		}
		if err := t.audit(b.audit); err != nil {
			return fmt.Errorf("write audit entry: %w", err)
		}
	}
	return nil
}

// audit appends a and drops the oldest entries where there are too many.
func (t *txn) audit(a Audit) error {
	var cameras []uint16
	for _, name := range a.Cameras {
		if c := t.x.known(name); c != nil {
			cameras = append(cameras, c.ordinal)
		}
	}
	var old [][]byte
	for k := range values(t.bucket(auditBucket), nil) {
		if t.audits-len(old) < maxAudits {
			break
		}
		old = append(old, slices.Clone(k))
	}
	for _, k := range old {
		if err := t.remove(auditBucket, k); err != nil {
			return err
		}
	}
	t.lastAudit++
	t.audits += 1 - len(old)
	return t.put(auditBucket, keyBytes(t.lastAudit), encodeAudit(t.lastAudit, a, cameras))
}
