package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"vedette/recorder/media"
)

// Limits of a session.
const (
	dialTimeout   = 5 * time.Second
	connectLimit  = 10 * time.Second // from the call to the answer to PLAY
	noVideoLimit  = 10 * time.Second // from PLAY to the first picture's packet
	noKeyLimit    = 60 * time.Second // from PLAY to the first key frame
	stallLimit    = 10 * time.Second
	farewell      = 2 * time.Second // for TEARDOWN
	udpPatience   = 3 * time.Second // before falling back to TCP
	maxDials      = 4               // first connection, redirects, change of transport
	floodRate     = 100_000_000 / 8 // bytes a second allowed for long
	floodBurst    = 32 << 20        // bytes beyond that before the session ends
	packetCost    = 640             // bytes that a packet counts at least: 20,000 a second are a flood
	never         = 365 * 24 * time.Hour
	watchInterval = time.Second
)

// session is one RTSP session.
type session struct {
	o         *Options
	secret    redactor
	transport Transport
	publish   func(*media.AccessUnit)
	onRun     func(*media.Run)
	onPlay    func(video, audio *source) // told before packets come

	client *gortsplib.Client
	cancel context.CancelCauseFunc
	dials  atomic.Int32

	mu     sync.Mutex // packets of UDP tracks come concurrently
	conn   *pacedConn // the newest
	pipe   *pipeline
	video  int // packets
	all    int
	credit int // bytes left before it is a flood
	start  time.Time

	wire    atomic.Int64 // bytes received over TCP
	counted int64        // bytes taken off credit as packets; charge compares
}

func newSession(o *Options, secret redactor, t Transport) *session {
	return &session{o: o, secret: secret, transport: t,
		publish: func(*media.AccessUnit) {}, onRun: func(*media.Run) {}, onPlay: func(_, _ *source) {}}
}

// run connects, receives until the session ends, and returns a *Failure, or
// ctx's error if ctx ended.
func (s *session) run(ctx context.Context) error {
	u, err := s.address()
	if err != nil {
		return err
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	defer s.cancel(nil)
	s.client = s.newClient(u)
	if err := s.client.Start(); err != nil {
		return explain(err, "start", s.secret)
	}
	// Requests end when the client is closed, which must not happen in one of
	// its own callbacks.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { s.close(); close(closed) })
	defer func() {
		if stop() {
			s.close()
		} else {
			<-closed
		}
	}()
	limit := time.AfterFunc(connectLimit, func() {
		s.cancel(&Failure{Code: CodeUnreachable, Reason: "the camera does not answer"})
	})
	err = s.play(u)
	if !limit.Stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = s.receive(ctx)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return explain(err, "session", s.secret)
}

// address returns the URL with credentials.
func (s *session) address() (*base.URL, error) {
	u, err := base.ParseURL(s.o.URL)
	if err != nil || u.Host == "" {
		// The parser's error repeats the URL: it is left out.
		return nil, &Failure{Code: CodeAddress, Reason: "the stream address is not a valid rtsp:// or rtsps:// URL"}
	}
	if s.o.Username != "" || s.o.Password != "" {
		u.User = url.UserPassword(s.o.Username, s.o.Password)
	}
	return u, nil
}

func (s *session) newClient(u *base.URL) *gortsplib.Client {
	dial := s.dialer(u)
	c := &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host,
		// The library measures silence with the wall clock, which steps; this
		// package watches by itself and bounds every phase.
		ReadTimeout:           never,
		InitialUDPReadTimeout: udpPatience,
		UserAgent:             "vedette",
		DialContext:           dial,
		DialTLSContext:        s.tlsDialer(dial),
		ListenPacket:          listenPacket,
		OnTransportSwitch: func(err error) {
			s.o.Log.Info("camera sends nothing over UDP, trying TCP", "camera", s.o.Camera, "detail", s.secret.clean(err))
		},
		OnPacketsLost: func(uint64) {}, // counted by the grouper
		OnDecodeError: func(error) {},
		OnResponse:    s.onResponse,
	}
	if s.transport != UDP {
		p := gortsplib.ProtocolTCP
		c.Protocol = &p
	}
	return c
}

// dialer refuses to carry the credentials to another host.
func (s *session) dialer(u *base.URL) func(context.Context, string, string) (net.Conn, error) {
	host := u.Hostname()
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if h, _, err := net.SplitHostPort(addr); err != nil || !strings.EqualFold(h, host) {
			return nil, &Failure{Code: CodeRejected, Reason: "the camera redirects to another host, which is not followed"}
		}
		if s.dials.Add(1) > maxDials {
			return nil, &Failure{Code: CodeRejected, Reason: "the camera redirects in a circle"}
		}
		connect := s.o.Dial
		if connect == nil {
			connect = (&net.Dialer{}).DialContext
		}
		dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := connect(dialCtx, network, addr)
		if err != nil {
			return nil, err
		}
		p := &pacedConn{Conn: &meteredConn{Conn: c, bytes: &s.wire}, hurried: s.o.Hub.Hurried}
		s.mu.Lock()
		s.conn = p
		s.mu.Unlock()
		return p, nil
	}
}

// close says goodbye to the camera and waits for the client's goroutines. A
// camera that does not let go is cut off.
func (s *session) close() {
	force := time.AfterFunc(farewell, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conn != nil {
			s.conn.Close()
		}
	})
	defer force.Stop()
	s.client.Close()
}

// play goes from DESCRIBE to PLAY.
func (s *session) play(u *base.URL) error {
	desc, _, err := s.client.Describe(u)
	if err != nil {
		return explain(err, "describe", s.secret)
	}
	video, audio, unknown, f := choose(desc, s.o.Audio)
	if f != nil {
		f.Reason = s.secret.text(f.Reason) // it may quote the camera
		return f
	}
	if unknown != "" && audio == nil && s.o.Audio {
		s.o.Log.Info("camera's sound cannot be recorded", "camera", s.o.Camera, "codec", printable(unknown))
	}
	s.onPlay(video, audio)
	s.pipe = newPipeline(s.o, video, audio)
	s.pipe.publish, s.pipe.onRun = s.publish, s.onRun
	s.credit, s.start = floodBurst, time.Now()

	if err := s.setup(desc.BaseURL, video, 0); err != nil {
		return err
	}
	if audio != nil {
		if err := s.setup(desc.BaseURL, audio, 1); err != nil {
			return err
		}
	}
	if _, err := s.client.Play(nil); err != nil {
		return explain(err, "play", s.secret)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.begun.Store(true)
	}
	return nil
}

func (s *session) setup(baseURL *base.URL, src *source, track int) error {
	if _, err := s.client.Setup(baseURL, src.media, 0, 0); err != nil {
		return explain(err, "setup", s.secret)
	}
	push := s.pipe.pushVideo
	if track == 1 {
		push = s.pipe.pushAudio
	}
	s.client.OnPacketRTP(src.media, src.forma, func(p *rtp.Packet) { s.packet(track, p, push) })
	s.client.OnPacketRTCP(src.media, func(p rtcp.Packet) {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			s.report(track, src.media, sr)
		}
	})
	return nil
}

// packet is the hot path, 400 times a second at 4 Mb/s: it must not block nor
// do more than it does. Most of a session's cost is the RTSP library's: one
// allocation for the payload, which is kept, three small ones, and system
// calls. A read buffer beyond its 4 KiB made no difference that could be
// measured at 16 cameras.
func (s *session) packet(track int, p *rtp.Packet, push func(*rtp.Packet)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	if track == 0 {
		s.video++
	}
	s.counted += int64(len(p.Payload) + 64)
	if s.credit -= max(len(p.Payload)+64, packetCost); s.credit < 0 {
		return // the watch ends the session
	}
	if p.Extension {
		// The payload is what is kept, and would keep a header of up to 64 KiB.
		p.Payload = bytes.Clone(p.Payload)
	}
	defer s.guard()
	push(p)
}

// charge takes off the credit what came over TCP and was no packet of ours:
// the library reads and drops it, at whatever speed it comes. s.mu is held.
func (s *session) charge() {
	if other := s.wire.Swap(0) - s.counted; other > 0 {
		s.credit -= int(other)
	}
	s.counted = 0
}

// guard turns a panic over what a camera sent, in a codec parser of a library,
// into the end of the session.
func (s *session) guard() {
	if r := recover(); r != nil {
		s.o.Log.Error("panic while reading from a camera", "camera", s.o.Camera, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		s.cancel(&Failure{Code: CodeBadStream, Reason: "the camera sends video that cannot be understood"})
	}
}

func (s *session) report(track int, m *description.Media, sr *rtcp.SenderReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	if sr.NTPTime == 0 {
		return
	}
	s.pipe.pushReport(track, sr.RTPTime, ntpTime(sr.NTPTime))
}

// ntpTime converts RFC 3550's 32.32 format; era 0.
func ntpTime(v uint64) time.Time {
	const toUnix = 2208988800
	return time.Unix(int64(v>>32)-toUnix, int64((v&0xffffffff)*1e9>>32))
}

// onResponse keeps the RTP-Info of the answer to PLAY.
func (s *session) onResponse(res *base.Response) {
	v, ok := res.Header["RTP-Info"]
	if !ok {
		return
	}
	var info headers.RTPInfo
	if info.Unmarshal(v) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pipe == nil || len(info) > 2 {
		return
	}
	// Servers list the tracks in the order of SETUP.
	for i, e := range info {
		if e.Timestamp != nil {
			s.pipe.hint[i] = hint{ok: true, rtp: *e.Timestamp}
		}
	}
}

// receive watches over the session until it ends.
func (s *session) receive(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.client.Wait() }()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	w := watch{}
	for {
		select {
		case err := <-ended:
			return explain(err, "receive", s.secret)
		case <-ctx.Done():
			s.close()
			<-ended
			return context.Cause(ctx)
		case <-tick.C:
			s.mu.Lock()
			s.charge()
			f := w.look(s.video, s.all, s.pipe.run != nil, s.credit < 0)
			if f == nil {
				f = w.fruitless(s.pipe.stats.Pictures, s.pipe.run != nil)
			}
			if f == nil {
				f = w.restless(s.pipe.stats.Runs)
			}
			s.credit = min(s.credit+floodRate, floodBurst)
			s.mu.Unlock()
			if f != nil {
				s.close()
				<-ended
				return f
			}
		}
	}
}

// streamed returns how long this session has had a run.
func (s *session) streamed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pipe == nil || s.pipe.run == nil {
		return 0
	}
	return time.Since(s.start)
}
