package live

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/webrtc/v3"

	"vedette/recorder/media"
)

// Options configures a Server.
type Options struct {
	Source Source       // required
	Log    *slog.Logger // nil is silent

	// Port is the UDP port that all viewers share; 0 lets the system choose.
	// A port that is taken is reported and replaced by a chosen one.
	Port int
	// Loopback offers 127.0.0.1 and ::1 too, for viewers on this machine when
	// it has no other address.
	Loopback bool
	// PublicIPs are further addresses at which viewers reach the shared port,
	// such as that of a router that forwards it.
	PublicIPs []net.IP
	// MaxViewers is how many may watch at once; 0 means 64.
	MaxViewers int
	// Busy, if not nil, gives a reason why nobody else may watch now, "" for none.
	// It must not block.
	Busy func() string
	// OfflineAfter is how long an offer waits for a camera that sends
	// nothing; 0 means 5 s.
	OfflineAfter time.Duration
	// ConnectWithin is how long a viewer may take from the answer to the
	// first packet; 0 means 20 s.
	ConnectWithin time.Duration
	// Owner names who makes a WHEP request: a session of one owner cannot be
	// changed by another. nil means that all are one.
	Owner func(*http.Request) string
}

// Stats are a server's figures. Counters only grow.
type Stats struct {
	Viewers int // sessions, connected or about to be
	Feeds   int // streams being read
	Packets uint64
	Bytes   uint64 // of RTP payload
	Calls   uint64 // system calls that sent media
	Dropped uint64 // access units not sent to a viewer who was too slow
	Resent  uint64 // packets sent again because a viewer asked
	Again   uint64 // GOPs sent again because a viewer had lost its picture
}

type feedKey struct {
	camera string
	stream media.StreamName
}

// Server shows cameras to viewers. Its methods may be called concurrently.
type Server struct {
	o     Options
	log   *slog.Logger
	key   *ecdsa.PrivateKey
	ready chan struct{} // closed when Run has the socket
	count counters

	mu       sync.Mutex
	open     bool
	ctx      context.Context // Run's
	socket   *socket
	mux      mux
	port     int
	cert     *webrtc.Certificate
	sessions map[string]*Session
	reserved int // sessions being made
	feeds    map[feedKey]*feed

	wg sync.WaitGroup // feeds and sessions
}

// New builds a server. Nothing listens before Run.
func New(o Options) (*Server, error) {
	if o.Source == nil {
		return nil, errors.New("live view: no source")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxViewers == 0 {
		o.MaxViewers = 64
	}
	if o.OfflineAfter == 0 {
		o.OfflineAfter = 5 * time.Second
	}
	if o.ConnectWithin == 0 {
		o.ConnectWithin = 20 * time.Second
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("live view: make key: %w", err)
	}
	return &Server{
		o: o, log: o.Log, key: key, ready: make(chan struct{}),
		sessions: map[string]*Session{}, feeds: map[feedKey]*feed{},
	}, nil
}

// Run opens the socket and serves until ctx is done; then it ends every
// session, waits for all of it and returns ctx's error. It returns early only
// if no UDP socket can be had at all. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	conn, err := s.listen()
	if err != nil {
		return fmt.Errorf("live view: listen: %w", err)
	}
	// A burst to one viewer is about one GOP; the system may grant less.
	_ = conn.SetWriteBuffer(2 << 20)
	_ = conn.SetReadBuffer(1 << 20)
	s.mu.Lock()
	s.ctx, s.open = ctx, true
	s.socket = newSocket(conn)
	s.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: silence{}, UDPConn: conn})
	s.port = conn.LocalAddr().(*net.UDPAddr).Port
	s.mu.Unlock()
	close(s.ready)

	<-ctx.Done()
	s.mu.Lock()
	s.open = false
	s.mu.Unlock()
	s.Revoke(func(Info) bool { return true })
	s.wg.Wait()
	if err := s.mux.Close(); err != nil {
		s.log.Warn("close live socket", "err", err)
	}
	return context.Cause(ctx)
}

func (s *Server) listen() (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: s.o.Port})
	if err != nil && s.o.Port != 0 {
		s.log.Error("live view cannot have its UDP port and takes another", "port", s.o.Port, "err", err)
		conn, err = net.ListenUDP("udp", &net.UDPAddr{})
	}
	return conn, err
}

// Port returns the UDP port in use, waiting for Run to open it; 0 if ctx ends
// before.
func (s *Server) Port(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case <-s.ready:
		return s.port
	}
}

// Stats returns the present figures.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Viewers: len(s.sessions), Feeds: len(s.feeds),
		Packets: s.count.packets.Load(), Bytes: s.count.bytes.Load(), Dropped: s.count.dropped.Load(),
		Resent: s.count.resent.Load(), Again: s.count.again.Load(),
	}
	if s.socket != nil {
		st.Calls = s.socket.calls.Load()
	}
	return st
}

// Sessions returns what is being watched, in no order.
func (s *Server) Sessions() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Info, 0, len(s.sessions))
	for _, x := range s.sessions {
		out = append(out, x.info)
	}
	return out
}

// Revoke ends every session that match says yes to, waits until nothing more
// is sent to them, and returns how many they were. match must not call the
// server.
func (s *Server) Revoke(match func(Info) bool) int {
	s.mu.Lock()
	var ended []*Session
	for _, x := range s.sessions {
		if match(x.info) {
			ended = append(ended, x)
		}
	}
	s.mu.Unlock()
	for _, x := range ended {
		x.cancel()
	}
	for _, x := range ended {
		<-x.done
	}
	return len(ended)
}

// session returns the session of that id, or nil.
func (s *Server) session(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// reserve takes one of the places; release gives it back.
func (s *Server) reserve() error {
	busy := ""
	if s.o.Busy != nil {
		busy = s.o.Busy()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case busy != "":
		return refuse(TooManyViewers, busy, nil)
	case !s.open || s.ctx.Err() != nil:
		return refuse(Unavailable, "live view is stopping", nil)
	case len(s.sessions)+s.reserved >= s.o.MaxViewers:
		return refuse(TooManyViewers, fmt.Sprintf("%d viewers are watching already, and no more are allowed", s.o.MaxViewers), nil)
	}
	s.reserved++
	s.wg.Add(1)
	return nil
}

func (s *Server) release() {
	s.mu.Lock()
	s.reserved--
	s.mu.Unlock()
	s.wg.Done()
}

// certificate returns the certificate for a new connection. Browsers compare
// its fingerprint alone, but the library refuses one that the wall clock has
// left behind, and this clock may leap by decades: then another is made.
func (s *Server) certificate(now time.Time) (webrtc.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert == nil || s.cert.Expires().Before(now.Add(24*time.Hour)) {
		cert, err := webrtc.GenerateCertificate(s.key)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("make certificate: %w", err)
		}
		s.cert = cert
	}
	return *s.cert, nil
}

// watch adds v to the feed of a stream, beginning it if nobody watches yet.
// The returned function removes v.
func (s *Server) watch(key feedKey, video media.Codec, v *viewer) (f *feed, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.feeds[key]
	if f == nil || f.video != video || !f.join(v) {
		r, err := s.o.Source.Subscribe(key.camera, key.stream)
		if err != nil {
			return nil, nil, fmt.Errorf("subscribe to %s/%s: %w", key.camera, key.stream, err)
		}
		f = newFeed(key.camera, key.stream, video)
		f.join(v)
		s.feeds[key] = f
		var ctx context.Context
		ctx, f.stop = context.WithCancel(s.ctx)
		s.wg.Add(1)
		go func(f *feed) {
			defer s.wg.Done()
			f.serve(ctx, r)
		}(f)
	}
	return f, func() { s.unwatch(key, f, v) }, nil
}

func (s *Server) unwatch(key feedKey, f *feed, v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.leave(v) > 0 {
		return
	}
	f.stop()
	if s.feeds[key] == f {
		delete(s.feeds, key)
	}
}
