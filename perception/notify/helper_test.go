package notify

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

// receiver is a sender that behaves as it is told.
type receiver struct {
	answer func(n int, m delivery.Message) delivery.Outcome // n = attempts so far
	hang   bool

	mu    sync.Mutex
	got   []delivery.Message // attempts
	at    []time.Time
	ready chan struct{}
	left  bool
}

func (r *receiver) Send(ctx context.Context, m delivery.Message) delivery.Outcome {
	r.mu.Lock()
	n := len(r.got)
	r.got, r.at = append(r.got, m), append(r.at, time.Now())
	r.mu.Unlock()
	if r.hang {
		<-ctx.Done()
		return delivery.Outcome{Err: ctx.Err()}
	}
	if r.answer == nil {
		return delivery.Outcome{Verdict: delivery.Sent, Status: 200}
	}
	return r.answer(n, m)
}

func (r *receiver) attempts() []delivery.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// seqs returns the numbers of the events of each attempt.
func (r *receiver) seqs() (out []uint64) {
	for _, m := range r.attempts() {
		for _, e := range m.Events {
			out = append(out, e.Seq)
		}
	}
	return out
}

// gaps returns the seconds between attempts.
func (r *receiver) gaps() (out []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := 1; i < len(r.at); i++ {
		out = append(out, int(r.at[i].Sub(r.at[i-1]).Seconds()))
	}
	return out
}

// line is a receiver that keeps a connection.
type line struct{ receiver }

func (l *line) Run(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (l *line) Ready() <-chan struct{}        { l.mu.Lock(); defer l.mu.Unlock(); return l.ready }
func (l *line) Leave()                        { l.mu.Lock(); defer l.mu.Unlock(); l.left = true }

// house is a Service on a log and a database, with receivers by the name of their
// subscription.
type house struct {
	t    *testing.T
	db   *storm.DB
	log  *events.Log
	s    *Service
	to   map[string]sender
	seal Sealer
	own  []events.Event // emitted by the Service
}

func openDB(t *testing.T) *storm.DB {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"), storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newHouse(t *testing.T, to map[string]sender) *house {
	t.Helper()
	h := &house{t: t, db: openDB(t), to: to}
	h.open()
	return h
}

// open opens log and Service, as a start does.
func (h *house) open() {
	h.t.Helper()
	var err error
	if h.log, err = events.Open(h.db, events.Options{}); err != nil {
		h.t.Fatal(err)
	}
	h.s, err = Open(h.db, Options{Source: h.log, Seal: h.seal, Emit: func(e events.Event) {
		h.own = append(h.own, e)
		h.log.Emit(e)
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.s.senders = func(sub *Subscription) (sender, error) {
		if r := h.to[sub.Name]; r != nil {
			return r, nil
		}
		return nil, fmt.Errorf("nobody is called %s", sub.Name)
	}
}

// run begins to serve; the returned func stops cleanly.
func (h *house) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.s.Run(ctx) }()
	logDone := make(chan struct{})
	go func() { defer close(logDone); _ = h.log.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		<-done
		<-logDone
	}
}

// add makes a subscription to everything.
func (h *house) add(name, kind string) View {
	h.t.Helper()
	sub := example(kind)
	sub.Name, sub.Enabled = name, true
	v, err := h.s.Create(h.t.Context(), sub)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// emit adds n events and returns their numbers.
func (h *house) emit(n int, severity events.Severity) (seqs []uint64) {
	for range n {
		seqs = append(seqs, h.log.Emit(events.Event{Type: "zone_enter", Camera: "yard", Severity: severity, Payload: map[string]any{"label": "person"}}))
		if len(seqs)%500 == 0 {
			if err := h.log.Flush(); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	if err := h.log.Flush(); err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
	return seqs
}

func (h *house) results(id string) (out []string) {
	h.t.Helper()
	all, err := h.s.Deliveries(h.t.Context(), id, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range all {
		out = append(out, fmt.Sprintf("%s %d/%d", d.Result, d.EventSeq, d.Attempt))
	}
	return out
}

func example(kind string) Subscription {
	sub := Subscription{Name: "ours", Kind: kind, Enabled: true}
	switch kind {
	case Webhook:
		sub.Webhook = &WebhookConfig{URL: "https://hooks.example/canary-token", Secret: "canary-secret-canary"}
	case Mail:
		sub.Mail = &MailConfig{Host: "mail.example", TLS: "starttls", Username: "me", Password: "canary-password-0", From: "box@example.com", To: []string{"me@example.com"}}
	case MQTT:
		sub.MQTT = &MQTTConfig{URL: "mqtt://broker.example", Username: "me", Password: "canary-password"}
	}
	return sub
}
