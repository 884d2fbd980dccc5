// Package simcam is a simulated network camera: an RTSP server that loops a
// short clip of H.264 and AAC. It owns the clip, its packets and their timing.
// The built-in clip shows the second of the minute of the UTC wall clock, so a
// recording of it can be checked against the time it claims. It is meant for
// development and tests and does not defend itself against hostile clients.
package simcam

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// Options says what to serve and where.
type Options struct {
	Listen string   // TCP host:port; port 0 takes a free one; default "127.0.0.1:8554"
	Paths  []string // names of the streams, without slash; default "cam"

	// User and Password guard every path, by Digest or Basic; an empty User
	// leaves them open.
	User, Password string

	// Clip names a file to loop instead of the built-in clip: MP4 (.mp4, .m4v,
	// .mov; not fragmented) with H.264 or H.265 and AAC, or an H.264 elementary
	// stream with access unit delimiters at 25 pictures a second. Paths then
	// start at evenly spread places of the clip.
	Clip string

	NoAudio bool
	// UDP offers RTP over UDP beside TCP, on two consecutive free ports.
	UDP bool
	// TLS makes it an rtsps:// camera with this configuration.
	TLS *tls.Config

	Log *slog.Logger // default: discard
}

// Server is a simulated camera with one or more streams.
type Server struct {
	o    Options
	clip *clip
	ln   net.Listener
	rtsp *gortsplib.Server

	mu      sync.Mutex
	streams map[string]*stream
}

// New loads the clip and takes the listening address, so that Addr is valid
// and clients may connect, and wait, from now on. Run serves them; a server
// that is not wanted after all is closed by a Run with a cancelled context.
func New(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8554"
	}
	if len(o.Paths) == 0 {
		o.Paths = []string{"cam"}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c, err := loadClip(o.Clip)
	if err != nil {
		return nil, err
	}
	if o.NoAudio {
		c.audio = nil
	}
	ln, err := coalescingListen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &Server{o: o, clip: c, ln: ln}, nil
}

// start begins to answer on the listener of New.
func (s *Server) start() (err error) {
	host, _, err := net.SplitHostPort(s.Addr())
	if err != nil {
		return fmt.Errorf("listening address: %w", err)
	}
	for attempt := 0; ; attempt++ {
		s.rtsp = &gortsplib.Server{
			Handler:        (*handler)(s),
			RTSPAddress:    s.o.Listen,
			WriteQueueSize: 1024,
			TLSConfig:      s.o.TLS,
			Listen:         func(string, string) (net.Listener, error) { return s.ln, nil },
		}
		if s.o.UDP {
			rtp, err := freePortPair(host)
			if err != nil {
				return err
			}
			s.rtsp.UDPRTPAddress = net.JoinHostPort(host, strconv.Itoa(rtp))
			s.rtsp.UDPRTCPAddress = net.JoinHostPort(host, strconv.Itoa(rtp+1))
		}
		if err = s.rtsp.Start(); err == nil {
			break
		}
		if !s.o.UDP || attempt == 5 {
			return fmt.Errorf("start rtsp server on %s: %w", s.Addr(), err)
		}
	}
	streams := map[string]*stream{}
	for i, name := range s.o.Paths {
		st, err := newStream(s.rtsp, s.clip, i, len(s.o.Paths))
		if err != nil {
			s.rtsp.Close()
			return fmt.Errorf("prepare stream %s: %w", name, err)
		}
		streams[strings.Trim(name, "/")] = st
	}
	s.mu.Lock()
	s.streams = streams
	s.mu.Unlock()
	return nil
}

// freePortPair finds an even UDP port whose successor is free too.
func freePortPair(host string) (int, error) {
	for range 100 {
		c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			return 0, fmt.Errorf("find a UDP port: %w", err)
		}
		port := c.LocalAddr().(*net.UDPAddr).Port &^ 1
		c.Close()
		ok := true
		for _, p := range []int{port, port + 1} {
			c, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(p)))
			if err != nil {
				ok = false
				break
			}
			c.Close()
		}
		if ok {
			return port, nil
		}
	}
	return 0, errors.New("no two consecutive UDP ports are free")
}

// Addr returns the host:port that clients connect to.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// URL returns the address of a stream, without credentials.
func (s *Server) URL(path string) string {
	if s.o.TLS != nil {
		return "rtsps://" + s.Addr() + "/" + path
	}
	return "rtsp://" + s.Addr() + "/" + path
}

// Run streams until ctx is done and returns ctx's error, or until the listener
// fails.
func (s *Server) Run(ctx context.Context) error {
	defer s.ln.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.start(); err != nil {
		return err
	}
	start := time.Now()
	var wg sync.WaitGroup
	for _, st := range s.streams {
		wg.Go(func() { st.run(ctx, start) })
	}
	ended := make(chan error, 1)
	go func() { ended <- s.rtsp.Wait() }()
	var err error
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
		s.rtsp.Close()
		<-ended
	case e := <-ended:
		err = fmt.Errorf("rtsp server: %w", e)
		stop()
	}
	wg.Wait()
	for _, st := range s.streams {
		st.close()
	}
	return err
}

// handler answers RTSP requests; it is the Server seen by gortsplib.
type handler Server

// OnConnOpen logs a client.
func (h *handler) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	h.o.Log.Debug("client connected", "remote", ctx.Conn.NetConn().RemoteAddr())
}

// OnConnClose logs the end of a client.
func (h *handler) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	h.o.Log.Debug("client gone", "remote", ctx.Conn.NetConn().RemoteAddr(), "reason", ctx.Error)
}

func (h *handler) find(conn *gortsplib.ServerConn, req *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if h.o.User != "" && !conn.VerifyCredentials(req, h.o.User, h.o.Password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.streams[strings.Trim(path, "/")]
	if st == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, st.out, nil
}

// OnDescribe answers DESCRIBE.
func (h *handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return h.find(ctx.Conn, ctx.Request, ctx.Path)
}

// OnSetup answers SETUP.
func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return h.find(ctx.Conn, ctx.Request, ctx.Path)
}

// OnPlay answers PLAY.
func (h *handler) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}
