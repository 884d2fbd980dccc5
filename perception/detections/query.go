package detections

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scanBytes is how many bytes of records one Query reads at most, however little
// it finds.
const scanBytes = 32 << 20

// Query asks for detections of one camera; zero values mean any.
type Query struct {
	Camera   string
	From, To time.Time // of Batch.Time; From counts, To does not
	Label    string
	// MinConfidence leaves out what has less; a detection without a confidence
	// passes.
	MinConfidence float32
	Limit         int
	Cursor        string // what the Query before returned; empty: from the newest
}

// Row is a detection that was found.
type Row struct {
	Batch     *Batch // without Detections; shared by the rows of a batch
	Index     int    // of the detection in its batch
	Detection Detection
}

// ID returns the id of the detection.
func (r Row) ID() string { return DetectionID(r.Batch.Seq, r.Index) }

// place is a detection's, or where a page ended.
type place struct {
	seq   uint64
	index int
}

func (p place) less(o place) bool { return p.seq < o.seq || p.seq == o.seq && p.index < o.index }

func (p place) String() string {
	return strconv.FormatUint(p.seq, 36) + "." + strconv.FormatInt(int64(p.index), 36)
}

func parsePlace(s string) (p place, err error) {
	a, b, ok := strings.Cut(s, ".")
	seq, err1 := strconv.ParseUint(a, 36, 64)
	index, err2 := strconv.ParseUint(b, 36, 31)
	if p = (place{seq, int(index)}); !ok || err1 != nil || err2 != nil || p.String() != s {
		return place{}, ErrCursor
	}
	return p, nil
}

// Query returns the newest detections that q selects: those of the batch received
// last first, and in a batch the last one first. next is the cursor of those that
// follow, empty if there are none; a page may be shorter than q.Limit, even empty,
// and still have a next one, because only so much is read for one call.
//
// It returns ErrAway while nothing is attached, and ErrCursor.
func (l *Log) Query(ctx context.Context, q Query) (rows []Row, next string, err error) {
	s, chunks, err := l.view()
	if err != nil {
		return nil, "", err
	}
	p := page{s: s, q: q, budget: l.scan, below: place{1<<64 - 1, 0}}
	if q.Cursor != "" {
		if p.below, err = parsePlace(q.Cursor); err != nil {
			return nil, "", err
		}
	}
	p.from, p.to = -1<<63, 1<<63-1
	if !q.From.IsZero() {
		p.from = ceilMilli(q.From)
	}
	if !q.To.IsZero() {
		p.to = ceilMilli(q.To)
	}
	for _, c := range slices.Backward(chunks) {
		if err := context.Cause(ctx); err != nil {
			return nil, "", err
		}
		if more, err := p.chunk(ctx, c); err != nil {
			return nil, "", fmt.Errorf("search detections: %w", err)
		} else if more {
			return p.rows, p.below.String(), nil
		}
	}
	return p.rows, "", nil
}

// ceilMilli is the first millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// page is a Query at work.
type page struct {
	s        *store
	q        Query
	from, to int64 // ms
	below    place // everything from here on was seen
	rows     []Row
	read     int64 // bytes
	budget   int64
}

// chunk searches one chunk; more says that the page ends in it, at p.below.
func (p *page) chunk(ctx context.Context, c *chunk) (more bool, err error) {
	camera := ^uint64(0)
	if p.q.Camera != "" {
		i := slices.Index(c.cameras, p.q.Camera)
		if i < 0 {
			return false, nil
		}
		camera = 1 << (i % 64)
	}
	if c.rows == 0 || c.first > p.below.seq || !p.overlaps(c.times) {
		return false, nil
	}
	f, err := p.s.dir.open(chunkName(c.number), false)
	if err != nil {
		return false, ignoreGone(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var buf []byte
	for i := range slices.Backward(c.marks) {
		m := &c.marks[i]
		if !(place{m.seq, 0}).less(p.below) || m.cameras&camera == 0 || !p.overlaps(m.times) {
			continue
		}
		if from, to := c.block(i); p.read > 0 && p.read+to-from > p.budget {
			return true, nil
		} else if p.read += to - from; ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if buf, err = p.s.readBlock(f, c, i, buf); err != nil {
			return false, err
		}
		if more, err := p.block(c, buf, m.seq); more || err != nil {
			return more, err
		}
	}
	return false, nil
}

func (p *page) overlaps(s span) bool { return s[0] < p.to && s[1] >= p.from }

// block searches the records between two marks, the first of which has number
// first.
func (p *page) block(c *chunk, data []byte, first uint64) (more bool, err error) {
	var some []record
	if _, err := p.s.records(c, data, func(r record) (bool, error) {
		if r.seq > p.below.seq {
			return true, nil
		}
		if k, ok := keysOf(r.payload); !ok {
			return true, errRecord
		} else if (p.q.Camera == "" || p.q.Camera == string(k.camera)) && k.time >= p.from && k.time < p.to {
			some = append(some, r)
		}
		return true, nil
	}); err != nil {
		return false, err
	}
	for _, r := range slices.Backward(some) {
		b, err := decode(r.seq, r.payload)
		if err != nil {
			continue // its sum is right, but it is of no version that is known
		}
		if p.batch(&b) {
			return true, nil
		}
	}
	p.below = place{first, 0}
	return false, nil
}

// batch takes the detections of b; more says that there is no room for the next
// one, which lies below p.below.
func (p *page) batch(b *Batch) (more bool) {
	all := b.Detections
	b.Detections = nil
	if b.Seq == p.below.seq {
		all = all[:min(len(all), p.below.index)]
	}
	for i, d := range slices.Backward(all) {
		if p.q.Label != "" && d.Label != p.q.Label || d.Confidence != nil && *d.Confidence < p.q.MinConfidence {
			continue
		}
		if len(p.rows) >= p.q.Limit {
			p.below = place{b.Seq, i + 1}
			return true
		}
		p.rows = append(p.rows, Row{b, i, d})
	}
	return false
}
