package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Tally counts segments.
type Tally struct {
	Rows  int64
	Bytes int64
}

func (t *Tally) count(r Row, n int64) {
	t.Rows += n
	t.Bytes += n * r.Bytes
}

func (t *Tally) plus(o Tally) {
	t.Rows += o.Rows
	t.Bytes += o.Bytes
}

// CameraTotals counts the segments of one camera.
type CameraTotals struct {
	Unlocked Tally // what a sweep may take
	Held     Tally // evidence
	Garbage  Tally // condemned, files perhaps still there
}

// Totals counts the segments of a volume; rows that wait for their commit are
// in it.
type Totals struct {
	CameraTotals
	Cameras map[string]CameraTotals
}

// Footage counts everything that can be watched: unlocked and held.
func (t CameraTotals) Footage() Tally {
	return Tally{t.Unlocked.Rows + t.Held.Rows, t.Unlocked.Bytes + t.Held.Bytes}
}

// camera is what memory knows of one camera. Name and ordinal never change;
// the rest is guarded by Index.mu.
type camera struct {
	name    string
	ordinal uint16
	top     uint64 // no key of the camera is higher, garbage included

	unlocked, held, garbage Tally

	// first and last bound the footage in UTC ms. They are exact unless marked
	// stale: then the row that set them is gone and nobody has asked since.
	first, last           int64
	staleFirst, staleLast bool
	removals              uint64 // how often a row was taken out of the count
}

// add counts a new unlocked row.
func (c *camera) add(r Row, key uint64) {
	c.unlocked.count(r, 1)
	c.extend(r, key)
}

func (c *camera) extend(r Row, key uint64) {
	c.top = max(c.top, key)
	if c.unlocked.Rows+c.held.Rows == 1 {
		c.first, c.last, c.staleFirst, c.staleLast = r.Start, r.End(), false, false
		return
	}
	if r.Start <= c.first {
		c.first, c.staleFirst = r.Start, false
	}
	if r.End() >= c.last {
		c.last, c.staleLast = r.End(), false
	}
}

// remove takes a row out of the count.
func (c *camera) remove(r Row, held bool) {
	if held {
		c.held.count(r, -1)
	} else {
		c.unlocked.count(r, -1)
	}
	c.removals++
	c.staleFirst = c.staleFirst || r.Start <= c.first
	c.staleLast = c.staleLast || r.End() >= c.last
}

// camera returns the record of name and makes one if there is none. x.mu is
// held for writing.
func (x *Index) camera(name string) (*camera, error) {
	if n, ok := x.ordinals[name]; ok {
		return x.cameras[n], nil
	}
	if len(x.cameras) > math.MaxUint16 {
		return nil, fmt.Errorf("more than %d cameras: %w", math.MaxUint16+1, ErrRow)
	}
	c := &camera{name: name, ordinal: uint16(len(x.cameras))}
	x.cameras = append(x.cameras, c)
	x.ordinals[name] = c.ordinal
	return c, nil
}

// known returns the record of name, or nil.
func (x *Index) known(name string) *camera {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n, ok := x.ordinals[name]; ok {
		return x.cameras[n]
	}
	return nil
}

// Totals returns the counts. It reads memory alone.
func (x *Index) Totals() Totals {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := Totals{Cameras: make(map[string]CameraTotals, len(x.cameras))}
	for _, c := range x.cameras {
		one := CameraTotals{c.unlocked, c.held, c.garbage}
		t.Unlocked.plus(one.Unlocked)
		t.Held.plus(one.Held)
		t.Garbage.plus(one.Garbage)
		if one != (CameraTotals{}) {
			t.Cameras[c.name] = one
		}
	}
	return t
}

// Cameras returns the cameras that have footage, sorted.
func (x *Index) Cameras() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	names := make([]string, 0, len(x.cameras))
	for _, c := range x.cameras {
		if c.unlocked.Rows+c.held.Rows > 0 {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return names
}

// Bounds returns the first start and the last end of the footage of a camera,
// in UTC ms; ok is false if there is none, or the file cannot be read. The
// answer comes from memory unless the oldest or newest row went since.
func (x *Index) Bounds(name string) (first, last int64, ok bool) {
	c := x.known(name)
	if c == nil {
		return 0, 0, false
	}
	x.mu.RLock()
	first, last, ok = c.first, c.last, c.unlocked.Rows+c.held.Rows > 0
	staleFirst, staleLast, removals := c.staleFirst, c.staleLast, c.removals
	if x.moving > 0 { // rows may be elsewhere already, though not by the count
		first, staleFirst, staleLast = 0, true, true
	}
	x.mu.RUnlock()
	if !ok || !staleFirst && !staleLast {
		return first, last, ok
	}
	found := false
	err := x.Range(name, first, math.MaxInt64, func(r Row, _ bool) bool {
		if !found {
			first, found = r.Start, true
			if staleLast {
				last = r.End()
			}
		}
		last = max(last, r.End())
		return staleLast // only then every row counts
	})
	if err != nil || !found {
		return 0, 0, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.moving > 0 || c.removals != removals {
		return first, last, true // what was read may be gone: the next who asks looks again
	}
	if staleFirst && c.first <= first {
		c.first, c.staleFirst = first, false
	}
	if staleLast && c.last >= last {
		c.last, c.staleLast = last, false
	}
	return first, last, true
}

// load fills memory from the file, at Open.
func (x *Index) load() error {
	return x.db.Bolt.View(func(tx *bolt.Tx) error {
		for k, v := range values(x.db.GetBucket(tx, cameraBucket), nil) {
			name, err := decodeCamera(binary.BigEndian.Uint16(k), v)
			if err != nil {
				return fmt.Errorf("%w: camera %x", ErrDamaged, k)
			}
			if _, err := x.camera(name); err != nil {
				return err
			}
		}
		x.named = len(x.cameras)
		err := errors.Join(
			x.loadRows(x.db.GetBucket(tx, rowsBucket), func(c *camera) *Tally { return &c.unlocked }),
			x.loadRows(x.db.GetBucket(tx, heldBucket), func(c *camera) *Tally { return &c.held }),
		)
		if err != nil {
			return err
		}
		return x.loadRest(tx)
	})
}

func (x *Index) loadRows(b *bolt.Bucket, tally func(*camera) *Tally) error {
	for k, v := range values(b, nil) {
		key := binary.BigEndian.Uint64(k)
		r, err := parseRow(key, v) // Verify has just checked the sums
		if err != nil || int(keyCamera(key)) >= len(x.cameras) {
			return fmt.Errorf("%w: row %016x", ErrDamaged, key)
		}
		c := x.cameras[keyCamera(key)]
		tally(c).count(r, 1)
		c.extend(r, key)
		x.longest = max(x.longest, r.Duration)
	}
	return nil
}

func (x *Index) loadRest(tx *bolt.Tx) error {
	for k, v := range values(x.db.GetBucket(tx, garbageBucket), nil) {
		key := binary.BigEndian.Uint64(k)
		g, err := decodeGarbage(key, v)
		if err != nil || int(keyCamera(key)) >= len(x.cameras) {
			return fmt.Errorf("%w: garbage %016x", ErrDamaged, key)
		}
		c := x.cameras[keyCamera(key)]
		c.garbage.count(g.Row, 1)
		c.top = max(c.top, key)
	}
	for k := range values(x.db.GetBucket(tx, auditBucket), nil) {
		x.lastAudit = binary.BigEndian.Uint64(k)
		x.audits++
	}
	return nil
}
