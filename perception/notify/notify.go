// Package notify owns telling others what happened: subscriptions to the event log,
// and for each a goroutine that hands its events to a web server, a mail server or
// an MQTT broker, in order.
//
// Subscriptions know nothing of each other: one that hangs delays no other. What
// was handed over is durable soon afterwards, so a crash repeats a delivery, under
// the same id, and never leaves one out. It must never send unsigned what was to be
// signed, connect other than through Options, or make an event of every failure.
package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
	"vedette/perception/notify/mqtt"
)

// Source is the event log, as far as it is used.
type Source interface {
	// Since returns at most limit events behind seq, ascending. Once an event was
	// returned, none with a lower number may appear.
	Since(seq uint64, limit int, f events.Filter) ([]events.Event, error)
	// Last returns the highest number there is, or 0.
	Last() uint64
	// Durable returns the highest number that a power cut does not take any more:
	// nothing behind it is sent.
	Durable() uint64
	// Changed returns a channel that is closed when events come, or become durable.
	Changed() <-chan struct{}
	// Follow keeps what is behind seen from being pruned, until Unfollow.
	Follow(name string, seen uint64)
	Unfollow(name string)
}

// Sealer makes secrets unreadable to whoever has the state database alone.
// What is sealed for one place opens for no other.
type Sealer interface {
	SealText(table, id, field, plain string) (string, error)
	// OpenText undoes it. A text that was never sealed comes back as it is.
	OpenText(table, id, field, stored string) (string, error)
}

// Options is what a Service needs of others. All but Source have defaults that
// do: none of them lets a connection go anywhere.
type Options struct {
	Source Source
	Seal   Sealer // nil = secrets lie on disk as they are
	// HTTP connects to web servers, Dial to mail servers and brokers: both guarded,
	// so that nobody is reached that must not be.
	HTTP *http.Client
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Check, if not nil, returns an error in words for people for a host that can
	// never be reached through HTTP or Dial.
	Check func(host string, port int) error
	Roots *x509.CertPool      // vouch for mail servers and brokers; nil = the system's
	Box   func() delivery.Box // who we are; its ID does not change
	State mqtt.State          // cameras and zones for brokers; nil = none
	Emit  func(events.Event)  // takes notification_given_up and notification_halted
	Log   *slog.Logger
}

// Service keeps subscriptions and serves them. Run is called once; all other
// methods may be called concurrently, before and after it too.
type Service struct {
	o      Options
	book   *book
	notes  *notices
	tests  chan struct{} // how many may be tried at once
	change sync.Mutex    // one change of subscriptions at a time

	// senders, if not nil, makes what sends: for tests.
	senders func(*Subscription) (sender, error)

	mu      sync.Mutex
	entries map[string]*entry
	runCtx  context.Context // nil = Run has not begun, or has ended
}

// entry is a subscription and what serves it.
type entry struct {
	sub    Subscription // secrets opened
	broken error        // why they cannot be opened; nil = they can
	worker *worker      // nil = nobody: disabled, or Run does not run
}

// mostTests is how many tests run at once.
const mostTests = 2

// Open returns the Service whose subscriptions are in db, which stays the caller's
// to close after Run has returned. It starts nothing.
func Open(db *storm.DB, o Options) (*Service, error) {
	if o.Seal == nil {
		o.Seal = unsealed{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Emit == nil {
		o.Emit = func(events.Event) {}
	}
	if o.Box == nil {
		o.Box = func() delivery.Box { return delivery.Box{ID: "box", Name: "Vedette"} }
	}
	if o.Dial == nil {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errNoWay }
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: &http.Transport{DialContext: o.Dial}}
	}
	s := &Service{o: o, tests: make(chan struct{}, mostTests), entries: map[string]*entry{}}
	s.notes = newNotices(o.Emit)
	var err error
	if s.book, err = openBook(db); err != nil {
		return nil, fmt.Errorf("open notifications: %w", err)
	}
	stored, err := s.book.subscriptions()
	if err != nil {
		return nil, fmt.Errorf("open notifications: %w", err)
	}
	for _, sub := range stored {
		e := &entry{sub: sub}
		e.broken = e.sub.each(o.Seal.OpenText)
		s.entries[sub.ID] = e
	}
	return s, nil
}

var errNoWay = errors.New("nobody said how to connect")

// Run serves all subscriptions until ctx is done, makes durable what was done, and
// returns the error of that, or ctx's cause.
func (s *Service) Run(ctx context.Context) error {
	bookCtx, stopBook := context.WithCancel(context.WithoutCancel(ctx))
	bookDone := make(chan struct{})
	go func() {
		defer close(bookDone)
		s.book.run(bookCtx, s.o.Log)
	}()

	s.change.Lock()
	s.mu.Lock()
	s.runCtx = ctx
	for _, e := range s.entries {
		s.start(e)
	}
	s.mu.Unlock()
	s.change.Unlock()

	<-ctx.Done()
	s.change.Lock() // a change that is under way finds out by itself
	s.mu.Lock()
	s.runCtx = nil
	var running []*worker
	for _, e := range s.entries {
		if e.worker != nil {
			running = append(running, e.worker)
			e.worker = nil
		}
	}
	s.mu.Unlock()
	for _, w := range running {
		w.stop()
	}
	s.change.Unlock()
	stopBook()
	<-bookDone
	if err := s.book.flush(); err != nil {
		return fmt.Errorf("stop notifications: %w", err)
	}
	return context.Cause(ctx)
}

// start gives e a goroutine, if it is to have one. s.mu is held.
func (s *Service) start(e *entry) {
	if s.runCtx == nil || !e.sub.Enabled {
		return
	}
	e.worker = newWorker(s, e.sub, e.broken)
	e.worker.begin(s.runCtx)
}

// notices are the events about subscriptions: of each kind one an hour for each.
type notices struct {
	emit func(events.Event)
	mu   sync.Mutex
	last map[string]time.Time
	kept map[string]int // since then not told of
}

const noticeEvery = time.Hour

func newNotices(emit func(events.Event)) *notices {
	return &notices{emit: emit, last: map[string]time.Time{}, kept: map[string]int{}}
}

// tell emits an event of that type about sub, unless there was one within the hour;
// the next one then says how many it stands for.
func (n *notices) tell(sub *Subscription, kind, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := sub.ID + " " + kind
	if at, told := n.last[key]; told && time.Since(at) < noticeEvery {
		n.kept[key]++
		return
	}
	payload := map[string]any{"subscription": sub.ID, "name": sub.Name, "kind": sub.Kind, "times": n.kept[key] + 1}
	if why != "" {
		payload["reason"] = why
	}
	n.last[key], n.kept[key] = time.Now(), 0
	n.emit(events.Event{Type: kind, Severity: events.Warning, Payload: payload})
}

// forget drops what is known of a subscription.
func (n *notices) forget(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, kind := range []string{typeGivenUp, typeHalted} {
		delete(n.last, id+" "+kind)
		delete(n.kept, id+" "+kind)
	}
}

// The types of the events about subscriptions. None of them is sent to the one it
// is about.
const (
	typePrefix  = "notification_"
	typeGivenUp = "notification_given_up"
	typeHalted  = "notification_halted"
	typeTest    = "notification_test"
)

// unsealed is for services that nobody gave a Sealer.
type unsealed struct{}

func (unsealed) SealText(_, _, _, plain string) (string, error)  { return plain, nil }
func (unsealed) OpenText(_, _, _, stored string) (string, error) { return stored, nil }
