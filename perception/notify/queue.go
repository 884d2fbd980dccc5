package notify

import (
	"slices"

	"vedette/perception/events"
)

const (
	mostWaiting = 1000 // of one subscription; of more the oldest that are not critical are skipped
	mostAhead   = 4000 // read ahead, however critical: the rest waits in the log
	readChunk   = 256  // events read at once
)

// waiting is an event that is to be sent. What it says stays in the log until then.
type waiting struct {
	seq      uint64
	critical bool
}

// queue holds what a subscription is to send, ascending. One goroutine uses it.
type queue struct {
	read uint64 // everything up to here was looked at
	refs []waiting
}

// cursor returns up to where everything is done.
func (q *queue) cursor() uint64 {
	if len(q.refs) > 0 {
		return q.refs[0].seq - 1
	}
	return q.read
}

// add looks at es, which follow what was looked at before.
func (q *queue) add(es []events.Event, wants func(*events.Event) bool) {
	for i := range es {
		e := &es[i]
		if wants(e) {
			q.refs = append(q.refs, waiting{e.Seq, e.Severity == events.Critical})
		}
		q.read = e.Seq
	}
}

// shed drops the oldest that are not critical until no more than mostWaiting wait,
// and returns what it dropped. The first busy ones are being sent and stay.
func (q *queue) shed(busy int) (dropped []uint64) {
	surplus := len(q.refs) - mostWaiting
	if surplus <= 0 {
		return nil
	}
	kept := q.refs[:min(busy, len(q.refs))]
	rest := slices.Clone(q.refs[len(kept):])
	for _, r := range rest {
		if surplus > 0 && !r.critical {
			surplus--
			dropped = append(dropped, r.seq)
			continue
		}
		kept = append(kept, r)
	}
	q.refs = kept
	return dropped
}

// done drops the first n.
func (q *queue) done(n int) { q.refs = slices.Delete(q.refs, 0, n) }
