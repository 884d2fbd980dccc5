package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets of state.db that belong to this package. Keys of the first are
// sequence numbers as eight big-endian bytes.
var (
	rowsBucket  = []byte("audit")
	chainBucket = []byte("audit_chain")
	anchorKey   = []byte("anchor") // what the oldest row is chained to
	headKey     = []byte("head")   // the newest row
)

const (
	pruneBatch = 256
	linkBytes  = 8 + sha256.Size
	maxSeq     = 1 << 53 // beyond that it was not us, and a browser could not count
)

// record is an entry on disk.
type record struct {
	Time    int64             `json:"t"` // UTC ms
	Actor   string            `json:"a"`
	Role    string            `json:"r,omitempty"`
	Via     string            `json:"v,omitempty"`
	Address string            `json:"h,omitempty"`
	Action  string            `json:"x"`
	Target  string            `json:"o,omitempty"`
	Camera  string            `json:"c,omitempty"`
	Result  Result            `json:"s"`
	Detail  map[string]string `json:"d,omitempty"`
}

func wire(e Entry) record {
	return record{e.Time.UnixMilli(), e.Actor, e.Role, e.Via, e.Address, e.Action, e.Target, e.Camera, e.Result, e.Detail}
}

var (
	errRow    = errors.New("it cannot be read")
	errBeyond = errors.New("its number is beyond all of ours")
)

// row is an entry as it lies on disk: its hash and its bytes.
type row struct {
	link
	data []byte
}

// entry reads the bytes of a row.
func (r row) entry() (Entry, error) {
	var e record
	if json.Unmarshal(r.data, &e) != nil {
		return Entry{}, errRow
	}
	return Entry{
		Seq: r.Seq, Time: time.UnixMilli(e.Time).UTC(), Actor: e.Actor, Role: e.Role, Via: e.Via, Address: e.Address,
		Action: e.Action, Target: e.Target, Camera: e.Camera, Result: e.Result, Detail: e.Detail,
	}, nil
}

// decode reads a row: the hash, and then JSON. Its data is value's. If it cannot
// be read the number is that of the key, or 0 if that is none of ours.
func decode(key, value []byte) (row, Entry, error) {
	var r row
	if len(key) != 8 {
		return r, Entry{}, errRow
	}
	if binary.BigEndian.Uint64(key) > maxSeq {
		return r, Entry{}, errBeyond
	}
	r.Seq = binary.BigEndian.Uint64(key)
	if len(value) < sha256.Size {
		return r, Entry{}, errRow
	}
	copy(r.Hash[:], value)
	r.data = value[sha256.Size:]
	e, err := r.entry()
	return r, e, err
}

// chain returns the hash of an entry: over that of the one before, the number
// and the bytes.
func chain(before [sha256.Size]byte, seq uint64, data []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(seqKey(seq))
	h.Write(data)
	copy(sum[:], h.Sum(nil))
	return sum
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func (l link) encode() []byte { return append(seqKey(l.Seq), l.Hash[:]...) }

// readLink returns the zero link, which a chain begins with, if there is none.
func readLink(tx *bolt.Tx, key []byte) (l link, err error) {
	b := tx.Bucket(chainBucket)
	if b == nil || b.Get(key) == nil {
		return l, nil
	}
	v := b.Get(key)
	if len(v) != linkBytes || binary.BigEndian.Uint64(v) > maxSeq {
		return l, errRow
	}
	l.Seq = binary.BigEndian.Uint64(v)
	copy(l.Hash[:], v[8:])
	return l, nil
}

// Flush makes what was appended durable, in one transaction.
func (l *Log) Flush() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	l.mu.Lock()
	rows := l.pending
	surplus := l.stored + len(rows) - l.o.MaxCount
	l.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	removed := 0
	err := l.db.Bolt.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(rowsBucket)
		if err != nil {
			return err
		}
		links, err := tx.CreateBucketIfNotExists(chainBucket)
		if err != nil {
			return err
		}
		b.FillPercent = 0.9 // rows are only added at the end
		for _, r := range rows {
			if err := b.Put(seqKey(r.Seq), append(r.Hash[:], r.data...)); err != nil {
				return err
			}
		}
		// A little at a time, but faster than it can grow.
		if removed, err = remove(b, links, min(surplus, max(pruneBatch, 2*len(rows)))); err != nil {
			return err
		}
		return links.Put(headKey, rows[len(rows)-1].encode())
	})
	if err != nil {
		return fmt.Errorf("store %d audit entries: %w", len(rows), err)
	}
	l.mu.Lock()
	l.pending = append([]row(nil), l.pending[len(rows):]...)
	l.stored += len(rows) - removed
	l.mu.Unlock()
	return nil
}

// remove takes the oldest n rows away, and moves the anchor to the last of them.
func remove(b, links *bolt.Bucket, n int) (removed int, err error) {
	var last link
	c := b.Cursor()
	for k, v := c.First(); k != nil && removed < n; k, v = c.First() {
		// One that cannot be read leaves its number, and a break behind it.
		r, _, _ := decode(k, v)
		last = r.link
		if err := c.Delete(); err != nil {
			return removed, err
		}
		removed++
	}
	if removed == 0 {
		return 0, nil
	}
	return removed, links.Put(anchorKey, last.encode())
}
