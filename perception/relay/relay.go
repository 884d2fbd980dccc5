// Package relay owns handing what workers reported to a NATS JetStream: every batch
// of the log of detections once at least, in its order, under an id by which the
// stream recognizes a batch that comes again.
//
// A batch is done with when the stream said that it has it. How far that is lies in
// state.db, written seldom: after a power cut up to WriteEvery or WriteAfter of
// batches come again. Around a failure a batch may stand behind later ones; seq in
// the message says where it belongs. The package never makes or changes a stream,
// never connects other than through Options.Dial, and sends no password without
// TLS. A batch that the stream will never take, because it is too large, and
// batches that left the log before they were relayed are counted and told of.
package relay

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/perception/detections"
	"vedette/perception/events"
)

// Source is the log of what workers reported.
type Source interface {
	// Since returns batches behind after, ascending, limit at most, perhaps
	// fewer; none only if there are none, or with an error.
	Since(after uint64, limit int) ([]detections.Batch, error)
	// Changed returns a channel that is closed when there are new batches, or
	// another store.
	Changed() <-chan struct{}
	// StoreID names the store that is read; empty while there is none. A number
	// means something in its store alone.
	StoreID() string
	Bounds() detections.Bounds
}

// Sealer makes secrets unreadable to whoever has the state database alone.
// What is sealed for one place opens for no other.
type Sealer interface {
	SealText(table, id, field, plain string) (string, error)
	// OpenText undoes it. A text that was never sealed comes back as it is.
	OpenText(table, id, field, stored string) (string, error)
}

// Options is what a Relay needs of others. Zero values mean the defaults.
type Options struct {
	Source Source
	Seal   Sealer // nil = secrets lie on disk as they are
	Box    string // id of this box; it does not change
	// Dial connects, guarded, so that nobody is reached that must not be; nil =
	// nobody is.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Check, if not nil, returns an error in words for people for a host that can
	// never be reached through Dial.
	Check func(host string, port int) error
	Roots *x509.CertPool     // vouch for servers; nil = the system's
	Emit  func(events.Event) // takes relay_dropped
	Log   *slog.Logger

	Window     int           // messages in flight; default 256
	AckWait    time.Duration // after which a server that does not answer is left; default 10 s
	WriteEvery time.Duration // how long the place may wait for the disk; default 30 s
	WriteAfter int           // messages after which it waits no longer; default 1000

	link func(context.Context, config) (link, error) // for tests; nil = NATS
}

func (o Options) withDefaults() Options {
	if o.Seal == nil {
		o.Seal = unsealed{}
	}
	if o.Dial == nil {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errNoWay }
	}
	if o.Emit == nil {
		o.Emit = func(events.Event) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Window <= 0 {
		o.Window = 256
	}
	if o.AckWait <= 0 {
		o.AckWait = 10 * time.Second
	}
	if o.WriteEvery <= 0 {
		o.WriteEvery = 30 * time.Second
	}
	if o.WriteAfter <= 0 {
		o.WriteAfter = 1000
	}
	return o
}

var errNoWay = errors.New("nobody said how to connect")

const (
	retryFirst = time.Second
	retryMost  = time.Minute
	// leave is how long what is in flight may still be answered at a stop.
	leave       = time.Second
	mostMessage = 300 // bytes of an error that people see
)

// Relay relays, as it is told by its configuration. Run is called once; all other
// methods may be called concurrently, before and after it too.
type Relay struct {
	o      Options
	book   *book
	change sync.Mutex // one change of the configuration at a time
	drops  drops

	mu      sync.Mutex
	shown   Info          // without State
	changed chan struct{} // closed and replaced when the configuration changes
	failure string        // why nothing goes, for people
	lastAck time.Time
}

// Open returns the Relay whose configuration and place are in db, which stays the
// caller's to close after Run has returned. It connects to nobody.
func Open(db *storm.DB, o Options) (*Relay, error) {
	r := &Relay{o: o.withDefaults(), changed: make(chan struct{})}
	if r.o.link == nil {
		r.o.link = r.connect
	}
	r.drops.emit = r.o.Emit
	var err error
	if r.book, err = openBook(db, r.o.WriteAfter); err != nil {
		return nil, fmt.Errorf("open the relay: %w", err)
	}
	cfg, err := r.book.config()
	if err != nil {
		return nil, fmt.Errorf("open the relay: %w", err)
	}
	r.shown = cfg.info()
	return r, nil
}

// Run relays until ctx is done, makes the place durable, and returns the error of
// that, or ctx's cause. Whatever else fails is tried again, for ever.
func (r *Relay) Run(ctx context.Context) error {
	keepCtx, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		r.book.run(keepCtx, r.o.WriteEvery, r.o.Log)
	}()
	wait := retryFirst
	for ctx.Err() == nil {
		changed, enabled := r.current()
		if !enabled {
			r.fail(nil)
			sleep(ctx, changed, nil)
			continue
		}
		acked, err := r.session(ctx, changed)
		if acked {
			wait = retryFirst
		}
		if err == nil {
			continue // another configuration, or another store
		}
		r.fail(err)
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1)) // not all boxes at once
		if sleep(ctx, changed, timer.C) {
			wait = retryFirst
		} else {
			wait = min(2*wait, retryMost)
		}
		timer.Stop()
	}
	stopKeeping()
	<-kept
	r.drops.flush()
	if err := r.book.flush(); err != nil {
		return fmt.Errorf("stop the relay: %w", err)
	}
	return context.Cause(ctx)
}

// sleep waits for the first of the three, and reports whether it was changed.
func sleep(ctx context.Context, changed <-chan struct{}, after <-chan time.Time) bool {
	select {
	case <-ctx.Done():
	case <-after:
	case <-changed:
		return true
	}
	return false
}

func (r *Relay) current() (changed <-chan struct{}, enabled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed, r.shown.Enabled
}

// session serves one connection. It returns nil when it ended because of ctx, of a
// change of the configuration or of another store, and whether anything was
// acknowledged.
func (r *Relay) session(ctx context.Context, changed <-chan struct{}) (acked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	cfg, err := r.book.config()
	if err == nil {
		err = cfg.each(r.o.Seal.OpenText)
	}
	if err != nil {
		return false, err
	}
	// What is in flight at a stop may still be answered, for a moment.
	linkCtx, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	connecting := context.AfterFunc(ctx, drop)
	l, err := r.o.link(linkCtx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return false, nil
		}
		return false, err
	}
	defer l.close()
	connecting()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(leave, drop) })()
	p := &pump{r: r, link: l, cfg: cfg}
	err = p.run(ctx)
	if ctx.Err() != nil || errors.Is(err, errMoved) {
		err = nil
	}
	return p.acked, err
}

// fail notes why nothing goes, and says so once; nil = all is well.
func (r *Relay) fail(err error) {
	text := ""
	if err != nil {
		text = printable(err.Error())
	}
	r.mu.Lock()
	before := r.failure
	r.failure = text
	r.mu.Unlock()
	if text != "" && text != before {
		r.o.Log.Warn("relay", "err", text)
	}
}

// printable returns s as it can be shown: some of it comes from a server.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), mostMessage)], "")
}

// noted is called for what the stream has.
func (r *Relay) noted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure, r.lastAck = "", time.Now()
}

// unsealed is for relays that nobody gave a Sealer.
type unsealed struct{}

func (unsealed) SealText(_, _, _, plain string) (string, error)  { return plain, nil }
func (unsealed) OpenText(_, _, _, stored string) (string, error) { return stored, nil }
