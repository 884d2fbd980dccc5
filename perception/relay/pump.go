package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"vedette/perception/detections"
	"vedette/perception/events"
)

// link is a connection to a stream.
type link interface {
	// send sends m, to be answered under token. It may block, as long as the
	// context that the link was made with is not done.
	send(m message, token uint64) error
	// answers are what the stream said, in any order.
	answers() <-chan answer
	// lost gives once why the link is of no use any more.
	lost() <-chan error
	// most is how long a body may be, in bytes.
	most() int
	close()
}

// answer is what the stream said about a message.
type answer struct {
	token uint64
	err   error // nil = the stream has it; errTooLarge = it never will
}

var (
	errMoved    = errors.New("another store is attached")
	errTooLarge = errors.New("the message is larger than the server or the stream takes")
	errSilent   = errors.New("the server does not answer")
)

const (
	readBatches = 128
	// mostPassed bounds what waits behind one message that is not answered.
	mostPassed = 4096
)

// pump moves batches from the source to a link. It is of one goroutine.
type pump struct {
	r    *Relay
	link link
	cfg  config

	store  string // whose batches are sent; empty until there is one
	read   uint64 // the last that was read
	queue  []detections.Batch
	dry    <-chan struct{} // while open there is nothing to read
	window window
	acked  bool
	calm   bool
}

// run pumps until ctx is done or the link fails.
func (p *pump) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		changed := p.r.o.Source.Changed() // before reading, so that nothing is missed
		if err := p.fill(ctx, changed); err != nil {
			return err
		}
		if err := p.wait(ctx.Done(), changed, timer); err != nil {
			return err
		}
	}
	return p.drain()
}

// wait waits for the first thing to happen, and sees to it.
func (p *pump) wait(done, changed <-chan struct{}, timer *time.Timer) error {
	p.settle()
	if p.window.open == 0 && !p.calm {
		p.calm = true
		p.r.fail(nil) // connected, and nothing waits
	}
	var late <-chan time.Time
	if sent, ok := p.window.oldest(); ok {
		timer.Reset(time.Until(sent.Add(p.r.o.AckWait)))
		late = timer.C
	}
	select {
	case <-done:
	case <-changed:
	case <-late:
		return errSilent
	case err := <-p.link.lost():
		p.reap() // what was answered before counts
		return err
	case a := <-p.link.answers():
		return p.take(a)
	}
	return nil
}

// drain gives what is in flight a moment to be answered.
func (p *pump) drain() error {
	end := time.NewTimer(leave)
	defer end.Stop()
	for p.window.open > 0 {
		select {
		case <-end.C:
			return nil
		case err := <-p.link.lost():
			p.reap()
			return err
		case a := <-p.link.answers():
			if err := p.take(a); err != nil {
				return err
			}
		}
	}
	p.settle()
	return nil
}

// reap takes the answers that are there.
func (p *pump) reap() {
	for {
		select {
		case a := <-p.link.answers():
			_ = p.take(a) // the link is gone anyway
		default:
			return
		}
	}
}

// take sees to an answer.
func (p *pump) take(a answer) error {
	if a.err != nil && !errors.Is(a.err, errTooLarge) {
		return a.err
	}
	e, known := p.window.done(a.token)
	if !known {
		return nil // it came twice
	}
	if a.err != nil {
		p.r.drop(e.seq, e.seq, "too_large")
	} else {
		p.acked = true
		p.r.noted()
	}
	p.settle()
	return nil
}

// settle moves the place up to the first that is in flight.
func (p *pump) settle() {
	if seq, n := p.window.settle(); n > 0 {
		p.r.book.advance(p.store, seq, n)
	}
}

// fill sends until the window is full or there is nothing left.
func (p *pump) fill(ctx context.Context, changed <-chan struct{}) error {
	for p.window.open < p.r.o.Window && len(p.window.entries) < mostPassed && ctx.Err() == nil {
		if len(p.queue) == 0 {
			if err := p.next(changed); err != nil || len(p.queue) == 0 {
				return err
			}
		}
		b := &p.queue[0]
		m, err := pack(cmp.Or(p.cfg.Subject, defaultSubject), p.r.o.Box, p.store, b)
		switch {
		case err != nil: // it will never be any better
			p.r.o.Log.Error("relay", "err", err)
			p.window.pass(b.Seq)
			p.r.drop(b.Seq, b.Seq, "unreadable")
		case len(m.body) > p.link.most():
			p.window.pass(b.Seq)
			p.r.drop(b.Seq, b.Seq, "too_large")
		default:
			if err := p.link.send(m, p.window.add(b.Seq, time.Now())); err != nil {
				return fmt.Errorf("send: %w", err)
			}
		}
		p.queue = p.queue[1:]
	}
	return nil
}

// next reads what is behind the last that was read, if there can be anything.
func (p *pump) next(changed <-chan struct{}) error {
	select {
	case <-p.dry:
		p.dry = nil
	default:
		if p.dry != nil {
			return nil
		}
	}
	b := p.r.o.Source.Bounds()
	if b.StoreID == "" {
		p.dry = changed
		return nil
	}
	if b.StoreID != p.store {
		if p.store != "" {
			return errMoved
		}
		p.begin(b)
	}
	if b.First > p.read+1 {
		if p.read > 0 { // else what came before was never wanted, or nobody knows
			p.r.drop(p.read+1, b.First-1, "gone")
		}
		p.read = b.First - 1
		p.window.pass(p.read)
		p.settle()
	}
	list, err := p.r.o.Source.Since(p.read, readBatches)
	if p.r.o.Source.StoreID() != b.StoreID {
		return errMoved // whose they are is not known
	}
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	if len(list) == 0 {
		p.dry = changed
		return nil
	}
	p.queue, p.read = list, list[len(list)-1].Seq
	return nil
}

// begin takes up the store with those bounds: where the relay was in it; at its
// beginning if it was in another before; else with what comes.
func (p *pump) begin(b detections.Bounds) {
	p.store = b.StoreID
	m, known := p.r.book.mark(b.StoreID)
	switch {
	case known:
		// A store that lost its end, as one of a copy, gives its numbers anew.
		if p.read = m.Seq; b.Last > 0 {
			p.read = min(p.read, b.Last)
		}
	case p.r.book.begun():
		p.read = b.First - min(b.First, 1)
	default:
		p.read = b.Last
	}
	p.r.book.advance(p.store, p.read, 0)
}

// drop counts batches that will not be relayed, and tells of them.
func (r *Relay) drop(first, last uint64, why string) {
	r.book.drop(last - first + 1)
	r.drops.add(first, last, why)
}

// dropEvery is the least time from one relay_dropped to the next.
const dropEvery = 10 * time.Minute

// drops makes events of what was dropped, and few of them. It is of Run's goroutine.
type drops struct {
	emit        func(events.Event)
	last        time.Time
	count       uint64
	first, upto uint64
	why         string
}

func (d *drops) add(first, last uint64, why string) {
	if d.count == 0 {
		d.first = first
	}
	d.count += last - first + 1
	d.upto, d.why = last, why
	if d.last.IsZero() || time.Since(d.last) >= dropEvery {
		d.flush()
	}
}

// flush tells of what was not told of yet.
func (d *drops) flush() {
	if d.count == 0 {
		return
	}
	d.emit(events.Event{Type: "relay_dropped", Severity: events.Warning, Payload: map[string]any{
		"count": d.count, "first_seq": d.first, "last_seq": d.upto, "reason": d.why,
	}})
	d.count, d.last = 0, time.Now()
}
