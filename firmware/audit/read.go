package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	maxScan   = 10_000 // rows looked at for one List
	chunkRows = 500    // rows read in one transaction of an export or a walk
)

// Query selects entries; zero values select all.
type Query struct {
	Before        uint64 // entries with a smaller number
	Limit         int    // default 100, at most 1000
	Actor, Camera string
	Action        string    // the action, or its words up to a dot: user for user.add
	Text          string    // in actor, target, address or detail; case does not matter
	From, To      time.Time // [From, To)
}

func (q *Query) match(e Entry) bool {
	switch {
	case q.Actor != "" && !strings.EqualFold(q.Actor, e.Actor),
		q.Camera != "" && q.Camera != e.Camera,
		q.Action != "" && q.Action != e.Action && !strings.HasPrefix(e.Action, q.Action+"."),
		!q.From.IsZero() && e.Time.Before(q.From), !q.To.IsZero() && !e.Time.Before(q.To):
		return false
	}
	if q.Text == "" {
		return true
	}
	texts := append([]string{e.Actor, e.Target, e.Address, e.Camera, e.Action}, slices.Collect(maps.Values(e.Detail))...)
	return strings.Contains(strings.ToLower(strings.Join(texts, "\n")), strings.ToLower(q.Text))
}

// List returns entries, newest first, and the Before of the next page, 0 if
// there is none. It looks at 10,000 entries at most: a page may be short, or
// empty, and the next one go on.
func (l *Log) List(q Query) ([]Entry, uint64, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	p := page{q: q}
	waiting := l.waiting()
	for _, r := range slices.Backward(waiting) {
		if q.Before > 0 && r.Seq >= q.Before {
			continue
		}
		if p.full(r.Seq) {
			return p.out, p.next, nil
		}
		e, err := r.entry()
		p.take(e, err)
	}
	below := q.Before
	if len(waiting) > 0 && (below == 0 || waiting[0].Seq < below) {
		below = waiting[0].Seq // they may be on disk by now
	}
	if err := l.db.Bolt.View(func(tx *bolt.Tx) error { p.read(tx, below); return nil }); err != nil {
		return nil, 0, fmt.Errorf("list audit: %w", err)
	}
	return p.out, p.next, nil
}

// waiting returns what is not on disk yet, or was not a moment ago.
func (l *Log) waiting() []row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending // never changed up to its length
}

// page is a page of entries that is being put together.
type page struct {
	q       Query
	out     []Entry
	next    uint64
	scanned int
}

// full reports whether the entry seq belongs on another page.
func (p *page) full(seq uint64) bool {
	if len(p.out) == p.q.Limit || p.scanned == maxScan {
		p.next = seq + 1
		return true
	}
	p.scanned++
	return false
}

func (p *page) take(e Entry, err error) {
	if err == nil && p.q.match(e) { // what cannot be read is Verify's to tell
		p.out = append(p.out, e)
	}
}

// read goes on with what is on disk, from the entry before below on, or from
// the newest if below is 0.
func (p *page) read(tx *bolt.Tx, below uint64) {
	b := tx.Bucket(rowsBucket)
	if b == nil {
		return
	}
	c := b.Cursor()
	k, v := c.Last()
	if below > 0 {
		if k, _ = c.Seek(seqKey(below)); k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	for ; k != nil; k, v = c.Prev() {
		r, e, err := decode(k, v)
		if r.Seq > 0 && p.full(r.Seq) { // no page ends at what is none of ours
			return
		}
		p.take(e, err)
	}
}
