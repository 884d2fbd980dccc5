package index

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// A read transaction that stays open makes the file grow with every commit,
// so none outlives a chunk: rows are copied out, and yielded after its end.
const (
	chunkRows = 512     // rows copied out at a time
	chunkScan = 1 << 14 // rows looked at in one transaction
)

// hit is one row copied out of a transaction.
type hit struct {
	row  Row
	held bool
}

const anyCamera = -1

// query selects rows by key, ascending.
type query struct {
	from, to uint64 // keys, to excluded
	unlocked bool   // leave held rows out
	camera   int    // ordinal, or anyCamera
	low, end int64  // rows that overlap [low, end), in ms
}

// chunk appends the next rows of q to dst and moves q.from behind them.
// Once q.from reaches q.to there are no more.
func (x *Index) chunk(q *query, limit int, dst []hit) ([]hit, error) {
	// Waiting rows are read before the transaction begins: a row that is
	// committed in between is seen twice, never not at all.
	x.mu.RLock()
	if x.closed {
		x.mu.RUnlock()
		return dst, ErrClosed
	}
	i, _ := slices.BinarySearchFunc(x.pending, q.from, byKey)
	n, _ := slices.BinarySearchFunc(x.pending[i:], q.to, byKey)
	pending := slices.Clone(x.pending[i : i+n])
	cameras := x.cameras
	x.mu.RUnlock()

	err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		m := merger{x: x, pending: pending}
		m.open(0, x.db.GetBucket(tx, rowsBucket), q.from)
		if !q.unlocked {
			m.open(1, x.db.GetBucket(tx, heldBucket), q.from)
		}
		for range chunkScan {
			p, ok := m.next()
			if !ok || p.key >= q.to {
				q.from = q.to
				return nil
			}
			q.from = p.key + 1
			c := int(keyCamera(p.key))
			if q.camera != anyCamera && c != q.camera || c >= len(cameras) {
				continue // not worth decoding
			}
			r, ok := m.row(p)
			if !ok || !r.overlaps(q.low, q.end) {
				continue
			}
			r.Camera = cameras[c].name
			dst = append(dst, hit{r, p.held})
			if len(dst) >= limit {
				return nil
			}
		}
		return nil
	})
	return dst, err
}

// merger walks unlocked, held and waiting rows as one sequence by key. Of a
// row that is in several of them the committed one counts.
type merger struct {
	x       *Index
	cur     [2]*bolt.Cursor // unlocked, held
	key     [2]uint64
	value   [2][]byte // nil at the end
	pending []entry
}

func (m *merger) open(i int, b *bolt.Bucket, from uint64) {
	m.cur[i] = b.Cursor()
	k, v := m.cur[i].Seek(keyBytes(from))
	m.set(i, k, v)
}

// set takes one answer of a cursor, or the next if that is storm's own bucket,
// which has no value.
func (m *merger) set(i int, k, v []byte) {
	if k != nil && v == nil {
		k, v = m.cur[i].Next()
	}
	if m.value[i] = v; v != nil {
		m.key[i] = binary.BigEndian.Uint64(k)
	}
}

// place is where the merger stands: at a waiting row, or at a value.
type place struct {
	key     uint64
	held    bool
	waiting *Row
	value   []byte
}

// next moves on and returns where it was.
func (m *merger) next() (p place, ok bool) {
	best := -1
	for i := range m.cur {
		if m.value[i] != nil && (best < 0 || m.key[i] < m.key[best]) {
			best = i
		}
	}
	if len(m.pending) > 0 && (best < 0 || m.pending[0].key <= m.key[best]) {
		e := &m.pending[0]
		m.pending = m.pending[1:]
		if best < 0 || e.key < m.key[best] {
			return place{key: e.key, waiting: &e.row}, true
		}
	}
	if best < 0 {
		return place{}, false
	}
	p = place{key: m.key[best], held: best == 1, value: m.value[best]}
	k, v := m.cur[best].Next()
	m.set(best, k, v)
	return p, true
}

// row returns the row at p, but for the camera's name; not if it is damaged.
func (m *merger) row(p place) (Row, bool) {
	if p.waiting != nil {
		return *p.waiting, true
	}
	r, err := decodeRow(p.key, p.value)
	if err != nil && m.x.damaged.Add(1) == 1 {
		m.x.o.Log.Error("index row is damaged and passed over; it is rebuilt at the next start", "err", err)
	}
	return r, err == nil
}

// values yields what a bucket holds from a key on, without the bucket that
// storm keeps inside: its name, taken for a time, lies in the year 5297.
func values(b *bolt.Bucket, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		cur := b.Cursor()
		for k, v := cur.Seek(from); k != nil; k, v = cur.Next() {
			if v != nil && !yield(k, v) {
				return
			}
		}
	}
}

// Range yields the rows of a camera that overlap [from, to), in UTC ms, by
// start; an empty camera means all of them. It ends early when yield answers
// false. No transaction is open while yield runs, so it may take its time and
// may call the index; it sees changes made meanwhile.
func (x *Index) Range(camera string, from, to int64, yield func(r Row, held bool) bool) error {
	q := query{from: 0, to: lastKey, camera: anyCamera, low: from, end: to}
	if camera != "" {
		c := x.known(camera)
		if c == nil {
			return nil
		}
		q.camera = int(c.ordinal)
	}
	x.mu.RLock()
	longest := int64(x.longest)
	x.mu.RUnlock()
	if low := from - longest; from > longest {
		q.from = makeKey(min(low, maxStart), 0)
	}
	if to <= maxStart {
		q.to = makeKey(max(to, 0)+maxShift, 0)
	}
	hits := make([]hit, 0, 64)
	for q.from < q.to {
		var err error
		if hits, err = x.chunk(&q, chunkRows, hits[:0]); err != nil {
			return fmt.Errorf("read index: %w", err)
		}
		for _, h := range hits {
			if !yield(h.row, h.held) {
				return nil
			}
		}
	}
	return nil
}

// Oldest returns the first n unlocked rows by start for which skip, if not
// nil, answers false. Skip may call the index.
func (x *Index) Oldest(n int, skip func(Row) bool) ([]Row, error) {
	q := query{from: 0, to: lastKey, unlocked: true, camera: anyCamera, low: math.MinInt64, end: math.MaxInt64}
	out := make([]Row, 0, max(n, 0))
	var hits []hit
	for q.from < q.to && len(out) < n {
		var err error
		if hits, err = x.chunk(&q, min(n-len(out), chunkRows), hits[:0]); err != nil {
			return nil, fmt.Errorf("read oldest rows: %w", err)
		}
		for _, h := range hits {
			if skip == nil || !skip(h.row) {
				out = append(out, h.row)
			}
		}
	}
	return out, nil
}

// Garbage returns the rows that are condemned and not forgotten, by start.
func (x *Index) Garbage() ([]Garbage, error) {
	x.mu.RLock()
	cameras, buried, closed := x.cameras, maps.Clone(x.buried), x.closed
	x.mu.RUnlock()
	if closed {
		return nil, fmt.Errorf("read garbage: %w", ErrClosed)
	}
	var out []Garbage
	err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		for k, v := range values(x.db.GetBucket(tx, garbageBucket), nil) {
			key := binary.BigEndian.Uint64(k)
			if _, gone := buried[key]; gone {
				continue
			}
			g, err := decodeGarbage(key, v)
			if err != nil || int(keyCamera(key)) >= len(cameras) {
				x.damaged.Add(1)
				continue
			}
			g.Row.Camera = cameras[keyCamera(key)].name
			out = append(out, g)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read garbage: %w", err)
	}
	return out, nil
}

// Audits returns the newest n committed entries of the audit list, newest first.
func (x *Index) Audits(n int) ([]Audit, error) {
	x.mu.RLock()
	cameras, last, closed := x.cameras, x.lastAudit, x.closed
	x.mu.RUnlock()
	if closed {
		return nil, fmt.Errorf("read audit entries: %w", ErrClosed)
	}
	var out []Audit
	err := x.db.Bolt.View(func(tx *bolt.Tx) error {
		b := x.db.GetBucket(tx, auditBucket)
		for key := last; key > 0 && len(out) < n; key-- {
			v := b.Get(keyBytes(key))
			if v == nil {
				return nil
			}
			a, ordinals, err := decodeAudit(key, v)
			if err != nil {
				x.damaged.Add(1)
				continue
			}
			for _, c := range ordinals {
				if int(c) < len(cameras) {
					a.Cameras = append(a.Cameras, cameras[c].name)
				}
			}
			out = append(out, a)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read audit entries: %w", err)
	}
	return out, nil
}
