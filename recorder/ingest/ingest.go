// Package ingest keeps one RTSP session with one camera alive and turns what
// it sends into access units on a hub. It owns the session's runs: grouping of
// packets, time lines, the mapping to the wall clock, parameter changes. It
// never decodes, never copies a payload, never blocks on its readers, and
// never shows a password.
package ingest

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// Backoff between sessions: these and up to half as much again, so that
// cameras of one switch do not all come back at once. That is 1 s to 60 s.
const (
	backoffMin   = time.Second
	backoffMax   = 40 * time.Second
	goodRun      = 30 * time.Second // a run this long resets the backoff
	backoffLogin = 5 * time.Minute  // after a refused password: cameras lock out
)

// Clock is what the ingester knows of time. Its functions may be called from
// several goroutines and must not block.
type Clock struct {
	Now     func() time.Time // wall clock with monotonic reading; default time.Now
	Mono    func() int64     // µs since boot; default: µs since the ingester was made
	Trusted func() bool      // the wall clock is right; default: yes
	BootID  [16]byte
}

// Transport is how RTP packets travel.
type Transport string

// The transports. The zero Transport is TCP.
const (
	TCP Transport = "tcp" // interleaved in the RTSP connection
	UDP Transport = "udp" // with fallback to TCP when nothing arrives
)

// Options says which stream of which camera to receive and where to put it.
type Options struct {
	Camera   string
	Stream   media.StreamName // default Main
	URL      string           // rtsp:// or rtsps://; credentials in it count unless Username is set
	Username string
	Password string
	Audio    bool // receive sound too, if the camera offers a kind that can be recorded

	Transport Transport
	TLS       TLSPolicy
	// Dial connects to the camera; nil = a net.Dialer. An error with a method
	// Refused() string says that the address is not let through, and why.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Hub   *hub.Hub
	Clock Clock
	Runs  *RunIDs // shared by all ingesters of a box; default: an own one

	// OnState is told every change of state, one call at a time, in order. It
	// must not block.
	OnState func(State)
	Log     *slog.Logger // default: discard
}

// TLSPolicy says which certificates of rtsps:// cameras are accepted. Cameras
// come with self-signed ones, so the zero policy accepts any and says in the
// log that it did not verify; credentials are then safe from listeners, not
// from an impostor.
type TLSPolicy struct {
	Verify bool   // demand a certificate that the system's roots vouch for
	SHA256 string // accept exactly the certificate with this fingerprint, in hexadecimal
}

// Phase is the coarse state of a session.
type Phase uint8

// The phases.
const (
	Connecting Phase = iota // before the first answer
	Streaming               // access units flow
	Offline                 // not reachable, or it broke off; tried again by itself
	Faulty                  // a person must change something: password, path, codec
)

// String returns "connecting", "streaming", "offline" or "error".
func (p Phase) String() string {
	return [...]string{"connecting", "streaming", "offline", "error"}[p]
}

// State is what an ingester is doing. Reason and Code are set in Offline and
// Faulty: a sentence for people, and a word for programs. None of it holds an
// address with credentials.
type State struct {
	Phase  Phase
	Run    *media.Run // Streaming only
	Reason string
	Code   Code
	// Since is when the state began, by Options.Clock.
	Since time.Time
}

// RunIDs gives every run of a box its number. The zero value is ready; it may
// be used concurrently.
type RunIDs struct{ last atomic.Uint64 }

// Next returns micros (UTC µs of the start of a run), or the next free number
// after the last one given.
func (r *RunIDs) Next(micros int64) uint64 {
	for {
		last := r.last.Load()
		id := max(uint64(max(micros, 1)), last+1)
		if r.last.CompareAndSwap(last, id) {
			return id
		}
	}
}

// Ingester receives one stream of one camera.
type Ingester struct {
	o      Options
	secret redactor

	notify sync.Mutex // keeps announcements in order
	mu     sync.Mutex
	state  State
}

// New returns an ingester; Run works.
func New(o Options) *Ingester {
	o = withDefaults(o)
	return &Ingester{o: o, secret: newRedactor(&o), state: State{Phase: Connecting, Since: o.Clock.Now()}}
}

func withDefaults(o Options) Options {
	if o.Stream == "" {
		o.Stream = media.Main
	}
	if o.Clock.Now == nil {
		o.Clock.Now = time.Now
	}
	if o.Clock.Mono == nil {
		start := time.Now()
		o.Clock.Mono = func() int64 { return time.Since(start).Microseconds() }
	}
	if o.Clock.Trusted == nil {
		o.Clock.Trusted = func() bool { return true }
	}
	if o.Runs == nil {
		o.Runs = &RunIDs{}
	}
	if o.OnState == nil {
		o.OnState = func(State) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hub == nil {
		o.Hub = hub.New(hub.Options{})
	}
	return o
}

// State returns the present state. It may be called concurrently.
func (in *Ingester) State() State {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.state
}

// Run keeps a session alive until ctx is done and returns ctx's error. What a
// camera does wrong ends its session, never Run.
func (in *Ingester) Run(ctx context.Context) error {
	delay := backoffMin
	transport := in.o.Transport
	for {
		s := newSession(&in.o, in.secret, transport)
		s.onRun = func(r *media.Run) { in.set(State{Phase: Streaming, Run: r}) }
		s.publish = in.o.Hub.Publish
		err := s.run(ctx)
		in.o.Hub.EndRun()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f := in.failed(err)
		if f.Code == CodeTransport && transport != UDP {
			transport = UDP // the camera speaks UDP alone
		}
		delay = in.wait(ctx, f, s.streamed(), delay)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// failed publishes why a session ended.
func (in *Ingester) failed(err error) *Failure {
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{Code: CodeClosed, Reason: "the camera closed the connection", Detail: in.secret.clean(err)}
	}
	phase := Offline
	if f.Code.needsPerson() {
		phase = Faulty
	}
	if in.set(State{Phase: phase, Reason: f.Reason, Code: f.Code}) {
		in.o.Log.Warn("camera stopped streaming", "camera", in.o.Camera, "stream", in.o.Stream, "reason", f.Reason, "detail", f.Detail)
	}
	return f
}

// wait sleeps before the next session and returns the delay after that.
func (in *Ingester) wait(ctx context.Context, f *Failure, streamed, delay time.Duration) time.Duration {
	if streamed >= goodRun {
		delay = backoffMin
	}
	pause := delay + rand.N(delay/2)
	if f.Code == CodeUnauthorized {
		pause = backoffLogin
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return min(2*delay, backoffMax)
}

// set stores and announces s if it differs from the present state, and reports
// whether it did.
func (in *Ingester) set(s State) bool {
	in.notify.Lock()
	defer in.notify.Unlock()
	old := in.State()
	if old.Phase == s.Phase && old.Run == s.Run && old.Reason == s.Reason {
		return false
	}
	s.Since = in.o.Clock.Now()
	in.mu.Lock()
	in.state = s
	in.mu.Unlock()
	in.o.OnState(s)
	return true
}
