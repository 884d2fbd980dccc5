package notify

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// The places in state.db: buckets inside of one, with values in JSON.
const (
	bucketAll           = "notify"
	bucketSubscriptions = "subscriptions" // id: Subscription, secrets sealed
	bucketMarks         = "marks"         // id: mark
	bucketDeliveries    = "deliveries"    // id, 0, number as eight big-endian bytes: Delivery
)

const (
	mostDeliveries = 200 // kept of each subscription
	flushSpacing   = time.Second
	flushLazily    = 30 * time.Second
	// plausible is 2020-01-01 in UTC ms: what is older was stamped by a clock that
	// had not been set, and its age is not known.
	plausible = 1577836800000
)

// What became of a delivery.
const (
	ResultSent    = "sent"
	ResultFailed  = "failed" // this attempt; another follows
	ResultGivenUp = "given_up"
	ResultSkipped = "skipped" // too many were waiting
)

// Delivery is an attempt, or why there was none.
type Delivery struct {
	At       time.Time `json:"at"`        // UTC, ms
	EventSeq uint64    `json:"event_seq"` // of several the last
	Type     string    `json:"type"`
	Events   int       `json:"events,omitempty"` // how many, if more than one
	Attempt  int       `json:"attempt"`          // from 1; 0 = none was made
	Status   int       `json:"status"`           // of HTTP, or 0
	Result   string    `json:"result"`
	Error    string    `json:"error,omitempty"`
	TookMS   int64     `json:"took_ms"`
}

// numbered is a delivery with its number on disk.
type numbered struct {
	n uint64
	d Delivery
}

// mark is how far a subscription is, on disk.
type mark struct {
	Cursor   uint64 `json:"c"`
	Head     uint64 `json:"h,omitempty"` // the event that is tried, and how often it was
	Attempts int    `json:"n,omitempty"`
	SentAt   int64  `json:"s,omitempty"` // UTC ms
	Error    string `json:"e,omitempty"`
	Failing  int64  `json:"f,omitempty"` // since; UTC ms
}

// book keeps subscriptions, marks and deliveries. A mark and the deliveries that
// belong to it are made durable in one transaction, soon: at once where the disk
// has had a second of peace. All methods may be called concurrently.
type book struct {
	db     *storm.DB
	update func(func(*bolt.Tx) error) error // makes a transaction
	wake   chan struct{}

	write sync.Mutex // one transaction at a time, over all that it takes from mu's

	mu    sync.Mutex
	marks map[string]mark
	dirty map[string]bool
	rows  map[string][]numbered // not on disk yet, by subscription
	next  map[string]uint64     // number of the next delivery
	count map[string]int        // deliveries on disk
}

func openBook(db *storm.DB) (*book, error) {
	b := &book{
		db: db, update: db.Bolt.Update, wake: make(chan struct{}, 1), marks: map[string]mark{}, dirty: map[string]bool{},
		rows: map[string][]numbered{}, next: map[string]uint64{}, count: map[string]int{},
	}
	err := b.view(bucketMarks, func(k, v []byte) {
		var m mark
		if json.Unmarshal(v, &m) == nil { // else it begins with what is new
			b.marks[string(k)] = m
		}
	})
	if err != nil {
		return nil, err
	}
	return b, b.view(bucketDeliveries, func(k, _ []byte) {
		if id, n, ok := splitKey(k); ok {
			b.count[id]++
			b.next[id] = n + 1
		}
	})
}

func deliveryKey(id string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(id), 0), n)
}

func splitKey(k []byte) (id string, n uint64, ok bool) {
	at := len(k) - 9
	if at < 1 || k[at] != 0 {
		return "", 0, false
	}
	return string(k[:at]), binary.BigEndian.Uint64(k[at+1:]), true
}

// bucket returns the bucket of that name; nil if nothing was ever stored there.
func bucket(tx *bolt.Tx, name string) *bolt.Bucket {
	if all := tx.Bucket([]byte(bucketAll)); all != nil {
		return all.Bucket([]byte(name))
	}
	return nil
}

// made is bucket that makes it.
func made(tx *bolt.Tx, name string) (*bolt.Bucket, error) {
	all, err := tx.CreateBucketIfNotExists([]byte(bucketAll))
	if err != nil {
		return nil, err
	}
	return all.CreateBucketIfNotExists([]byte(name))
}

func (b *book) view(name string, fn func(k, v []byte)) error {
	return b.db.Bolt.View(func(tx *bolt.Tx) error {
		if in := bucket(tx, name); in != nil {
			return in.ForEach(func(k, v []byte) error { fn(k, v); return nil })
		}
		return nil
	})
}

// subscriptions returns what is stored, secrets as they lie on disk.
func (b *book) subscriptions() (all []Subscription, err error) {
	var damaged error
	err = b.view(bucketSubscriptions, func(k, v []byte) {
		var s Subscription
		if err := json.Unmarshal(v, &s); err != nil || s.ID != string(k) {
			damaged = fmt.Errorf("subscription %q cannot be read", k)
			return
		}
		all = append(all, s)
	})
	return all, errors.Join(err, damaged)
}

// save keeps s, sealed inside of the transaction, and where it begins if begin is
// not nil.
func (b *book) save(s Subscription, seal Sealer, begin *mark) error {
	b.write.Lock()
	defer b.write.Unlock()
	err := b.update(func(tx *bolt.Tx) error {
		sealed := s.clone()
		if err := sealed.each(seal.SealText); err != nil {
			return err
		}
		if err := put(tx, bucketSubscriptions, []byte(s.ID), sealed); err != nil || begin == nil {
			return err
		}
		return put(tx, bucketMarks, []byte(s.ID), begin)
	})
	if err != nil {
		return fmt.Errorf("save subscription %s: %w", s.ID, err)
	}
	if begin != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.marks[s.ID] = *begin
		delete(b.dirty, s.ID)
	}
	return nil
}

func put(tx *bolt.Tx, name string, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	in, err := made(tx, name)
	if err != nil {
		return err
	}
	return in.Put(key, data)
}

// remove forgets a subscription and all about it.
func (b *book) remove(id string) error {
	b.write.Lock()
	defer b.write.Unlock()
	err := b.update(func(tx *bolt.Tx) error {
		for _, name := range []string{bucketSubscriptions, bucketMarks} {
			if in := bucket(tx, name); in != nil {
				if err := in.Delete([]byte(id)); err != nil {
					return err
				}
			}
		}
		_, err := dropOldest(bucket(tx, bucketDeliveries), id, mostDeliveries*2)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove subscription %s: %w", id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.marks, id)
	delete(b.dirty, id)
	delete(b.rows, id)
	delete(b.count, id)
	delete(b.next, id)
	return nil
}

// dropOldest removes the first n deliveries of a subscription, or all.
func dropOldest(in *bolt.Bucket, id string, n int) (dropped int, err error) {
	if in == nil || n <= 0 {
		return 0, nil
	}
	var doomed [][]byte
	c := in.Cursor()
	for k, _ := c.Seek(deliveryKey(id, 0)); k != nil && len(doomed) < n; k, _ = c.Next() {
		if of, _, ok := splitKey(k); !ok || of != id {
			break
		}
		doomed = append(doomed, append([]byte(nil), k...))
	}
	for _, k := range doomed {
		if err := in.Delete(k); err != nil {
			return 0, err
		}
	}
	return len(doomed), nil
}

// mark returns how far a subscription is; false if it never began.
func (b *book) mark(id string) (mark, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok := b.marks[id]
	return m, ok
}

// note keeps how far a subscription is, and what was done for that. Without rows it
// may take flushLazily to be durable.
func (b *book) note(id string, m mark, rows ...Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.marks[id] == m && len(rows) == 0 {
		return
	}
	b.marks[id] = m
	b.dirty[id] = true
	if len(rows) == 0 {
		return
	}
	all := b.rows[id]
	for _, d := range rows {
		all = append(all, numbered{b.next[id], d})
		b.next[id]++
	}
	if n := len(all) - mostDeliveries; n > 0 { // the disk takes nothing
		all = append([]numbered(nil), all[n:]...)
	}
	b.rows[id] = all
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run flushes until ctx is done. A disk that refuses is logged once and tried
// again.
func (b *book) run(ctx context.Context, log *slog.Logger) {
	lazily := time.NewTicker(flushLazily)
	defer lazily.Stop()
	failing := false
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-lazily.C:
		case <-b.wake:
			if peace := time.Since(last); peace < flushSpacing {
				select {
				case <-ctx.Done():
					return
				case <-time.After(flushSpacing - peace):
				}
			}
		}
		err := b.flush()
		if err != nil && !failing {
			log.Error("notifications", "err", err)
		}
		failing = err != nil
		last = time.Now()
	}
}

// flush makes everything noted durable.
func (b *book) flush() error {
	b.write.Lock()
	defer b.write.Unlock()
	b.mu.Lock()
	marks, rows, count := map[string]mark{}, map[string][]numbered{}, map[string]int{}
	for id := range b.dirty {
		marks[id], rows[id], count[id] = b.marks[id], b.rows[id], b.count[id]
	}
	b.mu.Unlock()
	if len(marks) == 0 {
		return nil
	}
	err := b.update(func(tx *bolt.Tx) error {
		for id, m := range marks {
			n, err := commit(tx, id, m, rows[id], count[id])
			if err != nil {
				return fmt.Errorf("subscription %s: %w", id, err)
			}
			count[id] = n
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep deliveries: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, m := range marks {
		b.count[id] = count[id]
		if n := len(rows[id]); n > 0 {
			last := rows[id][n-1].n
			b.rows[id] = slices.DeleteFunc(slices.Clone(b.rows[id]), func(r numbered) bool { return r.n <= last })
		}
		if b.marks[id] == m && len(b.rows[id]) == 0 {
			delete(b.dirty, id)
		}
	}
	return nil
}

// commit writes what is new of one subscription, and returns how many deliveries it
// has then.
func commit(tx *bolt.Tx, id string, m mark, rows []numbered, count int) (int, error) {
	if err := put(tx, bucketMarks, []byte(id), m); err != nil || len(rows) == 0 {
		return count, err
	}
	for _, r := range rows {
		if err := put(tx, bucketDeliveries, deliveryKey(id, r.n), r.d); err != nil {
			return count, err
		}
	}
	count += len(rows)
	dropped, err := dropOldest(bucket(tx, bucketDeliveries), id, count-mostDeliveries)
	return count - dropped, err
}
