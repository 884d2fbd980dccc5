package notify

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

// sender hands a message over. What it needs it has from Options.
type sender interface {
	Send(ctx context.Context, m delivery.Message) delivery.Outcome
}

// connected is a sender that keeps a connection.
type connected interface {
	Run(ctx context.Context) error
	// Ready is closed while there is a connection.
	Ready() <-chan struct{}
	// Leave has Run clear at its end what it left behind at the other side.
	Leave()
}

const (
	mostAttempts  = 8
	mostTime      = 24 * time.Hour // for one message, where it was not tried that often
	readAgain     = 5 * time.Second
	haltedAgain   = time.Hour
	stopGrace     = time.Second // for an answer that is on its way when we stop
	skippedEvery  = time.Minute // between deliveries that say what was skipped
	mostInMessage = 100         // events of a mail
	gatherTime    = time.Minute // for company, and between two mails
	gatherHaste   = 5 * time.Second
)

// backoff returns how long to wait after so many attempts.
func backoff(attempts int) time.Duration {
	steps := [...]time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}
	return steps[min(max(attempts, 1), len(steps))-1]
}

// worker serves one subscription, in a goroutine of its own.
type worker struct {
	s      *Service
	sub    Subscription
	broken error // the secrets cannot be opened
	log    *slog.Logger

	cancel context.CancelFunc
	over   chan struct{}
	send   sender
	q      queue
	m      mark

	lastMail time.Time
	skipped  int    // not told of yet
	lastSkip uint64 // the last of them
	toldSkip time.Time

	mu    sync.Mutex // send too, for leave
	shown State
}

func newWorker(s *Service, sub Subscription, broken error) *worker {
	w := &worker{
		s: s, sub: sub, broken: broken, over: make(chan struct{}),
		log: s.o.Log.With("subscription", sub.ID),
	}
	last := s.o.Source.Last()
	m, begun := s.book.mark(sub.ID)
	if !begun { // nobody knows what was sent: all of it again would be worse than none
		m.Cursor = last
	}
	w.m = m
	// A number that the log does not know was given to an event that a power cut
	// took with it. To wait for it could be to wait for ever.
	w.m.Cursor = min(w.m.Cursor, last)
	w.q.read = w.m.Cursor
	w.show()
	return w
}

// begin starts the goroutine; stop ends it and waits.
func (w *worker) begin(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	go func() {
		defer close(w.over)
		w.run(ctx)
	}()
}

func (w *worker) stop() {
	w.cancel()
	<-w.over
	w.s.o.Source.Unfollow(w.follower())
}

// leave is stop for one that does not come back as it was: what it left behind is
// cleared.
func (w *worker) leave() {
	w.mu.Lock()
	if c, ok := w.send.(connected); ok {
		c.Leave()
	}
	w.mu.Unlock()
	w.stop()
}

func (w *worker) follower() string { return "notify/" + w.sub.ID }

// run serves until ctx is done.
func (w *worker) run(ctx context.Context) {
	w.s.o.Source.Follow(w.follower(), w.m.Cursor)
	send := w.open(ctx)
	if send == nil {
		return // ctx is done
	}
	var alive sync.WaitGroup
	defer alive.Wait()
	if c, ok := send.(connected); ok {
		alive.Go(func() {
			if err := c.Run(ctx); err != nil && ctx.Err() == nil {
				w.log.Error("notifications: the connection ended", "err", err)
			}
		})
	}
	for ctx.Err() == nil {
		w.round(ctx)
	}
	w.tellSkipped(true)
}

// round sends what waits, or waits for something to send.
func (w *worker) round(ctx context.Context) {
	changed := w.s.o.Source.Changed()
	if !w.fill(ctx, 0) {
		return
	}
	if len(w.q.refs) == 0 {
		w.tellSkipped(true)
		select {
		case <-ctx.Done():
		case <-changed:
		}
		return
	}
	n := w.gather(ctx)
	if ctx.Err() != nil {
		return
	}
	m, gone := w.load(n)
	if gone > 0 {
		w.q.done(gone)
		w.move()
	}
	if m != nil {
		w.deliver(ctx, *m)
	}
}

// open returns what sends. While the secrets cannot be read nothing is sent: a
// person has to act, and an event an hour says so.
func (w *worker) open(ctx context.Context) sender {
	for {
		if w.broken == nil {
			send, err := w.s.sender(&w.sub)
			if err == nil {
				w.mu.Lock()
				w.send = send
				w.shown.Halted = ""
				w.mu.Unlock()
				return send
			}
			w.broken = err
		}
		const why = "its secrets cannot be read; enter them again"
		w.mu.Lock()
		w.shown.Halted = why
		w.mu.Unlock()
		w.log.Error("notifications halted", "err", w.broken)
		w.s.notes.tell(&w.sub, typeHalted, why)
		again := time.After(haltedAgain)
		for waits := true; waits; {
			changed := w.s.o.Source.Changed()
			w.fill(ctx, 0)
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			case <-again:
				waits = false
			}
		}
		w.sub, w.broken = w.s.reopen(w.sub)
	}
}

// fill looks at what is new in the log, and sheds what is too much; the first busy
// ones stay. It returns false if the log cannot be read, after a while.
func (w *worker) fill(ctx context.Context, busy int) bool {
	for len(w.q.refs) < mostAhead && ctx.Err() == nil {
		durable := w.s.o.Source.Durable()
		es, err := w.s.o.Source.Since(w.q.read, readChunk, events.Filter{})
		if err != nil {
			w.log.Error("notifications: read events", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(readAgain):
			}
			return false
		}
		es = es[:sort.Search(len(es), func(i int) bool { return es[i].Seq > durable })]
		w.q.add(es, w.sub.wants)
		if dropped := w.q.shed(busy); len(dropped) > 0 {
			w.skip(dropped)
		}
		if len(es) < readChunk {
			break
		}
	}
	w.move()
	return true
}

// move notes where everything is done up to.
func (w *worker) move(rows ...Delivery) {
	w.m.Cursor = w.q.cursor()
	w.s.book.note(w.sub.ID, w.m, rows...)
	w.s.o.Source.Follow(w.follower(), w.m.Cursor)
	w.show()
}

// show makes w's state visible.
func (w *worker) show() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = stateOf(w.m, len(w.q.refs), w.shown.Halted)
}

func stateOf(m mark, pending int, halted string) State {
	at := func(ms int64) *time.Time {
		if ms == 0 {
			return nil
		}
		t := time.UnixMilli(ms).UTC()
		return &t
	}
	return State{Cursor: m.Cursor, Pending: pending, LastSentAt: at(m.SentAt), LastError: m.Error, FailingSince: at(m.Failing), Halted: halted}
}

func (w *worker) state() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown
}

// skip remembers what is not sent because too much waits.
func (w *worker) skip(dropped []uint64) {
	w.skipped += len(dropped)
	w.lastSkip = dropped[len(dropped)-1]
	w.tellSkipped(false)
}

// tellSkipped writes one delivery for all that was skipped, now and then or at
// once: one for each would push out all others.
func (w *worker) tellSkipped(now bool) {
	if w.skipped == 0 || !now && !w.toldSkip.IsZero() && time.Since(w.toldSkip) < skippedEvery {
		return
	}
	d := Delivery{At: stamp(), EventSeq: w.lastSkip, Events: several(w.skipped), Result: ResultSkipped,
		Error: fmt.Sprintf("more than %d were waiting", mostWaiting)}
	w.skipped, w.toldSkip = 0, time.Now()
	w.move(d)
}

func several(n int) int {
	if n > 1 {
		return n
	}
	return 0
}

func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// gather returns how many events the next message has, at least one. For mail it
// waits for company: a minute after the first one, but only seconds if one is
// critical, and never less than a minute after the mail before.
func (w *worker) gather(ctx context.Context) int {
	if w.sub.Kind != Mail {
		return 1
	}
	begun := time.Now()
	for {
		changed := w.s.o.Source.Changed()
		w.fill(ctx, 0)
		n := min(len(w.q.refs), mostInMessage)
		due := begun.Add(gatherTime)
		for _, r := range w.q.refs[:n] {
			if r.critical {
				due = begun.Add(gatherHaste)
			}
		}
		if next := w.lastMail.Add(gatherTime); next.After(due) {
			due = next
		}
		wait := time.Until(due)
		if n == mostInMessage || wait <= 0 {
			return n
		}
		select {
		case <-ctx.Done():
			return n
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// load returns the first n events that wait as a message; nil if the log has none
// of them any more. Gone is how many before the first one it has not.
func (w *worker) load(n int) (m *delivery.Message, gone int) {
	var es []events.Event
	for _, r := range w.q.refs[:n] {
		found, err := w.s.o.Source.Since(r.seq-1, 1, events.Filter{})
		if err != nil {
			w.log.Error("notifications: read events", "err", err)
			break
		}
		if len(found) == 0 || found[0].Seq != r.seq {
			if len(es) > 0 {
				break // it is the first one next time
			}
			gone++
			continue
		}
		es = append(es, found[0])
	}
	if gone > 0 {
		w.log.Warn("notifications: events left the log before they were sent", "events", gone)
		w.skipped += gone
		w.lastSkip = w.q.refs[gone-1].seq
	}
	if len(es) == 0 {
		return nil, gone
	}
	id := fmt.Sprintf("%s-%d", w.sub.ID, es[0].Seq)
	if len(es) > 1 {
		id = fmt.Sprintf("%s-%d", id, es[len(es)-1].Seq)
	}
	return &delivery.Message{ID: id, Box: w.s.o.Box(), Events: es}, gone
}

// deliver sends m, which is what waits first, until it is sent or given up.
func (w *worker) deliver(ctx context.Context, m delivery.Message) {
	head := m.Events[0].Seq
	if w.m.Head != head {
		w.m.Head, w.m.Attempts = head, 0
	}
	begun := time.Now()
	for {
		at, started := stamp(), time.Now()
		out := w.attempt(ctx, m)
		if ctx.Err() != nil && out.Verdict != delivery.Sent {
			return // it is the first one again after the next start
		}
		if out.Verdict != delivery.Down {
			w.m.Attempts++
		}
		d := w.delivery(m, at, time.Since(started), out)
		over := out.Verdict == delivery.Sent || out.Verdict == delivery.Refused ||
			w.m.Attempts >= mostAttempts || time.Since(begun) >= mostTime
		if over {
			w.finish(m, d, out)
			return
		}
		w.failed(d, out)
		if !w.wait(ctx, out, len(m.Events), mostTime-time.Since(begun)) {
			return
		}
	}
}

// attempt sends m. When ctx ends it waits a little for the answer: without it a
// clean stop would send again what was sent.
func (w *worker) attempt(ctx context.Context, m delivery.Message) delivery.Outcome {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })()
	return w.send.Send(longer, m)
}

// delivery returns what the ledger says of an attempt.
func (w *worker) delivery(m delivery.Message, at time.Time, took time.Duration, out delivery.Outcome) Delivery {
	last := m.Events[len(m.Events)-1]
	return Delivery{
		At: at, EventSeq: last.Seq, Type: last.Type, Events: several(len(m.Events)), Attempt: w.m.Attempts,
		Status: out.Status, Result: ResultFailed, Error: delivery.Reason(out.Err), TookMS: took.Milliseconds(),
	}
}

// failed notes an attempt after which another follows. Where nobody was asked, it
// is noted when that begins, and not each time.
func (w *worker) failed(d Delivery, out delivery.Outcome) {
	down := out.Verdict == delivery.Down
	known := w.m.Failing != 0 && w.m.Error == d.Error
	w.m.Error = d.Error
	if w.m.Failing == 0 {
		w.m.Failing = d.At.UnixMilli()
	}
	if down && known {
		w.move()
		return
	}
	w.move(d)
}

// finish notes that m is sent, or given up, and goes on to the next.
func (w *worker) finish(m delivery.Message, d Delivery, out delivery.Outcome) {
	w.q.done(len(m.Events))
	w.m.Head, w.m.Attempts = 0, 0
	if out.Verdict == delivery.Sent {
		d.Result = ResultSent
		w.m.SentAt, w.m.Error, w.m.Failing = d.At.UnixMilli(), "", 0
		w.lastMail = time.Now()
	} else {
		d.Result = ResultGivenUp
		w.m.Error = d.Error
		if w.m.Failing == 0 {
			w.m.Failing = d.At.UnixMilli()
		}
		w.s.notes.tell(&w.sub, typeGivenUp, d.Error)
	}
	w.move(d)
}

// wait waits for the next attempt, for no longer than most, and looks at the log
// meanwhile. It returns false if ctx ends first.
func (w *worker) wait(ctx context.Context, out delivery.Outcome, busy int, most time.Duration) bool {
	pause := max(backoff(w.m.Attempts), out.After)
	var ready <-chan struct{}
	if c, ok := w.send.(connected); ok && out.Verdict == delivery.Down {
		ready, pause = c.Ready(), mostTime
	}
	due := time.After(min(pause, max(most, 0)))
	for {
		changed := w.s.o.Source.Changed()
		w.fill(ctx, busy)
		select {
		case <-ctx.Done():
			return false
		case <-due:
			return true
		case <-ready:
			return true
		case <-changed:
		}
	}
}
