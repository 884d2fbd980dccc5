package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// tailRows is how many of the newest rows Open looks at.
const tailRows = 256

// Report is what a walk along the chain found.
type Report struct {
	OK          bool
	Entries     uint64
	First, Last uint64
	BrokenAt    uint64 // the first entry that does not fit, or is missing
	Reason      string
}

// gap is a place where the chain does not fit together.
type gap struct {
	seq    uint64
	reason string
}

// checker follows the chain.
type checker struct {
	at     link // the row before
	unsure bool // at.Hash is not known
	gaps   []gap
}

func (c *checker) broke(seq uint64, reason string) {
	if n := len(c.gaps); n == 0 || n < tailRows && c.gaps[n-1].seq != seq {
		c.gaps = append(c.gaps, gap{seq, reason})
	}
}

// next looks at the next row.
func (c *checker) next(r row, err error) {
	switch {
	case errors.Is(err, errBeyond): // always the last
		c.broke(maxSeq, "the entry was added by somebody else")
		return
	case err != nil:
		c.broke(c.at.Seq+1, "the entry cannot be read")
	case r.Seq > c.at.Seq+1:
		c.broke(c.at.Seq+1, "entries are missing")
	case r.Seq <= c.at.Seq:
		c.broke(r.Seq, "the entry was removed before")
	case !c.unsure && chain(c.at.Hash, r.Seq, r.data) != r.Hash:
		c.broke(r.Seq, "the entry is not the one that was written")
	}
	c.at, c.unsure = link{max(c.at.Seq, r.Seq), r.Hash}, err != nil
}

// end compares the last row with what the database says it is.
func (c *checker) end(head link, err error) {
	switch {
	case err != nil:
		c.broke(c.at.Seq+1, "the head cannot be read")
	case head.Seq > c.at.Seq:
		c.broke(c.at.Seq+1, "the newest entries are missing")
	case head.Seq < c.at.Seq:
		c.broke(head.Seq+1, "the entry was added by somebody else")
	case head != c.at && !c.unsure:
		c.broke(c.at.Seq, "the entry is not the one that was written")
	}
}

// Verify walks along the whole chain, in short transactions. An error is one of
// the disk; a chain that does not fit together is a Report.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	if err := l.Flush(); err != nil {
		return Report{}, err
	}
	var c checker
	var rep Report
	var at []byte // the key to go on from
	for begun := false; !begun || at != nil; begun = true {
		err := l.db.Bolt.View(func(tx *bolt.Tx) error {
			at = rep.walk(tx, &c, at)
			return nil
		})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return Report{}, fmt.Errorf("verify audit: %w", err)
		}
	}
	rep.OK, rep.Last = len(c.gaps) == 0, c.at.Seq
	if rep.Entries == 0 {
		rep.Last = 0
	}
	if !rep.OK {
		rep.BrokenAt, rep.Reason = c.gaps[0].seq, c.gaps[0].reason
	}
	return rep, nil
}

// walk follows the chain for chunkRows rows, from a key on or from the oldest if
// it is nil, and returns where to go on, or nil at the end.
func (rep *Report) walk(tx *bolt.Tx, c *checker, at []byte) (next []byte) {
	switch anchor, err := readLink(tx, anchorKey); {
	case err != nil && at == nil:
		c.broke(0, "the anchor cannot be read")
		c.unsure = true
	case err == nil && (at == nil || anchor.Seq > c.at.Seq): // the latter: pruned meanwhile
		c.at, c.unsure = anchor, false
	}
	head, headErr := readLink(tx, headKey)
	if b := tx.Bucket(rowsBucket); b != nil {
		cur, n := b.Cursor(), 0
		for k, v := cur.Seek(at); k != nil; k, v = cur.Next() {
			if n++; n > chunkRows {
				return slices.Clone(k)
			}
			r, e, err := decode(k, v)
			c.next(r, err)
			if named := namedBy(e); len(named) > 0 { // what a start found does not heal
				c.broke(named[0], e.Detail["reason"])
			}
			if rep.Entries++; rep.First == 0 {
				rep.First = r.Seq
			}
		}
	}
	c.end(head, headErr)
	return nil
}

// load finds where the chain goes on, and the places near its end where it does
// not fit together, but for those that an entry names already.
func (l *Log) load() (broken []gap, err error) {
	err = l.db.Bolt.View(func(tx *bolt.Tx) error {
		var c checker
		head, err := readLink(tx, headKey)
		known, first := l.tail(tx, &c)
		c.end(head, err)
		l.head = head
		if c.at.Seq >= head.Seq {
			l.head = c.at // what is there is what the next one is chained to
		}
		broken = slices.DeleteFunc(c.gaps, func(g gap) bool { return known[g.seq] })
		switch b := tx.Bucket(rowsBucket); {
		case b == nil:
		case len(broken) > 0 || first > c.at.Seq:
			l.stored = b.Stats().KeyN // this reads all of it
		default:
			l.stored = int(c.at.Seq - first + 1)
		}
		return nil
	})
	return broken, err
}

// places lists as many places as fit in a text.
func places(gaps []gap) string {
	text := ""
	for _, g := range gaps {
		more := text + fmt.Sprint(g.seq) + " "
		if len(more) > maxText {
			break // the next start names them
		}
		text = more
	}
	return strings.TrimSpace(text)
}

// tail follows the chain through the newest rows. It returns the places where
// an entry says already that it is broken, and the number of the oldest row.
func (l *Log) tail(tx *bolt.Tx, c *checker) (known map[uint64]bool, first uint64) {
	known = map[uint64]bool{}
	anchor, err := readLink(tx, anchorKey)
	c.at, c.unsure = anchor, err != nil
	b := tx.Bucket(rowsBucket)
	if b == nil {
		return known, 0
	}
	cur := b.Cursor()
	oldest, _, _ := decode(cur.First())
	k, v := cur.Last()
	for n := 0; n < tailRows && k != nil; n++ {
		k, v = cur.Prev()
	}
	switch {
	case k == nil:
		if k, v = cur.First(); err != nil {
			c.broke(0, "the anchor cannot be read")
		}
	default: // the one before the tail has to be believed
		r, _, err := decode(k, v)
		c.at, c.unsure = r.link, err != nil
		k, v = cur.Next()
	}
	for ; k != nil; k, v = cur.Next() {
		r, e, err := decode(k, v)
		c.next(r, err)
		for _, at := range namedBy(e) {
			known[at] = true
		}
	}
	return known, oldest.Seq
}

// namedBy returns the places that e says are broken.
func namedBy(e Entry) (at []uint64) {
	if e.Action != actionBroken {
		return nil
	}
	for _, text := range strings.Fields(e.Detail["at"]) {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			at = append(at, n)
		}
	}
	return at
}
