package live

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"vedette/recorder/media"
)

// Request is a viewer's wish.
type Request struct {
	Camera string
	Stream media.StreamName // "" is the main stream
	Owner  string           // whom the session belongs to; see Server.Revoke
	SDP    string           // the offer
}

// Info describes a session.
type Info struct {
	ID     string
	Camera string
	Stream media.StreamName // the one sent, which may not be the one asked for
	Owner  string
	Video  media.Codec
	Audio  media.Codec // 0: no sound
	Note   string      // why there is no sound, or ""
}

// Candidate is an ICE candidate as browsers write it (RTCIceCandidateInit).
type Candidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitempty"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex,omitempty"`
	UsernameFragment *string `json:"usernameFragment,omitempty"`
}

// maxCandidates bounds what one session may add: each is an address that the
// server sends checks to.
const maxCandidates = 32

// Session is one viewer. Its methods may be called concurrently.
type Session struct {
	info   Info
	server *Server
	pc     *webrtc.PeerConnection
	sender *sender
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	done   chan struct{}
	etag   string
	ufrag  string // the viewer's

	connected chan struct{}
	once      sync.Once

	mu         sync.Mutex
	candidates int
}

// Info returns what the session carries.
func (x *Session) Info() Info { return x.info }

// ID returns the session's name, which cannot be guessed.
func (x *Session) ID() string { return x.info.ID }

// Done is closed when the session has ended and nothing more is sent.
func (x *Session) Done() <-chan struct{} { return x.done }

// Close ends the session and waits for it. Closing twice is not an error.
func (x *Session) Close() {
	x.cancel()
	<-x.done
}

// AddCandidate tells where the viewer may be reached. An empty candidate
// (the end of them) and a name that only the viewer's own network can resolve
// are passed over; others that cannot be used are BadOffer.
func (x *Session) AddCandidate(c Candidate) error {
	text := strings.TrimPrefix(c.Candidate, "candidate:")
	if text == "" {
		return nil
	}
	x.mu.Lock()
	x.candidates++
	tooMany := x.candidates > maxCandidates
	x.mu.Unlock()
	if tooMany {
		return refuse(BadOffer, fmt.Sprintf("more than %d candidates", maxCandidates), nil)
	}
	parsed, err := ice.UnmarshalCandidate(text)
	if err != nil {
		return refuse(BadOffer, "the candidate cannot be read", err)
	}
	if strings.HasSuffix(parsed.Address(), ".local") {
		return nil
	}
	init := webrtc.ICECandidateInit{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex}
	if err := x.pc.AddICECandidate(init); err != nil {
		return refuse(BadOffer, "the candidate cannot be used", err)
	}
	return nil
}

// Offer makes a session for the viewer's offer and returns the answer, which
// names every address of the server. ctx bounds the making alone; the session
// lives until Close, until the viewer goes, or until Run's ctx is done. Errors
// are of type *Error.
func (s *Server) Offer(ctx context.Context, r Request) (*Session, string, error) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, "", refuse(Unavailable, "live view is not ready yet", ctx.Err())
	}
	video, audio, err := parseOffer(r.SDP)
	if err != nil {
		return nil, "", refuse(BadOffer, "the offer cannot be used", err)
	}
	if err := s.reserve(); err != nil {
		return nil, "", err
	}
	defer s.release()
	p, err := s.plan(ctx, r.Camera, r.Stream, video, audio)
	if err != nil {
		return nil, "", err
	}
	x, answer, err := s.connect(ctx, r, p)
	if err != nil {
		return nil, "", err
	}
	s.start(x)
	return x, answer, nil
}

// connect builds the peer connection and its answer.
func (s *Server) connect(ctx context.Context, r Request, p plan) (*Session, string, error) {
	id := token()
	x := &Session{
		server: s, done: make(chan struct{}), connected: make(chan struct{}), etag: `"` + token() + `"`, ufrag: firstUfrag(r.SDP),
		info: Info{ID: id, Camera: r.Camera, Stream: p.stream, Owner: r.Owner, Video: p.video.codec, Note: p.note},
	}
	x.ctx, x.cancel = context.WithCancel(s.ctx)
	x.sender = &sender{cork: &cork{socket: s.socket}, count: &s.count, video: newOutlet(webrtc.RTPCodecTypeVideo, id), resends: resendPerSecond}
	if p.audio != nil {
		x.info.Audio = p.audio.codec
		x.sender.audio = newOutlet(webrtc.RTPCodecTypeAudio, id)
	}
	pc, err := s.peer(p, x.sender.cork)
	if err != nil {
		x.cancel()
		return nil, "", refuse(BadOffer, "the offer cannot be used", err)
	}
	x.pc = pc
	x.sender.report = pc.WriteRTCP
	answer, err := x.answer(ctx, r.SDP)
	if err != nil {
		x.cancel()
		_ = pc.Close() // it never carried anything
		return nil, "", err
	}
	return x, answer, nil
}

// peer makes a connection that knows just the formats of p.
func (s *Server) peer(p plan, c *cork) (*webrtc.PeerConnection, error) {
	cert, err := s.certificate(time.Now())
	if err != nil {
		return nil, err
	}
	var engine webrtc.MediaEngine
	formats := []offered{p.video}
	if p.audio != nil {
		formats = append(formats, *p.audio)
	}
	for _, f := range formats {
		params, kind := f.parameters()
		if err := engine.RegisterCodec(params, kind); err != nil {
			return nil, fmt.Errorf("register %s: %w", f.codec, err)
		}
	}
	delay := webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}
	if err := engine.RegisterHeaderExtension(delay, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly); err != nil {
		return nil, fmt.Errorf("register playout delay: %w", err)
	}
	settings := s.settings(&sessionMux{mux: s.mux, cork: c, port: s.port})
	// No interceptors: this package answers NACKs and reports by itself, from
	// packets that all viewers share.
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&engine), webrtc.WithSettingEngine(settings))
	return api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
}

// answer negotiates and waits for the candidates, which are the machine's own
// addresses and known at once.
func (x *Session) answer(ctx context.Context, offer string) (string, error) {
	bad := func(err error) error { return refuse(BadOffer, "the offer cannot be used", err) }
	for _, o := range []*outlet{x.sender.video, x.sender.audio} {
		if o == nil {
			continue
		}
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
		if _, err := x.pc.AddTransceiverFromTrack(o, init); err != nil {
			return "", bad(err)
		}
	}
	x.pc.OnConnectionStateChange(x.changed)
	if err := x.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", bad(err)
	}
	answer, err := x.pc.CreateAnswer(nil)
	if err != nil {
		return "", bad(err)
	}
	gathered := webrtc.GatheringCompletePromise(x.pc)
	if err := x.pc.SetLocalDescription(answer); err != nil {
		return "", bad(err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", refuse(Unavailable, "the viewer went away", ctx.Err())
	}
	return announce(x.pc.LocalDescription().SDP, x.server.addresses(), x.server.port), nil
}

// changed follows the connection: the first packet goes out when it is there,
// and the session ends when it is lost.
func (x *Session) changed(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		x.once.Do(func() { close(x.connected) })
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		x.cancel()
	}
}

// start makes x known and runs it. The caller holds a reservation.
func (s *Server) start(x *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[x.info.ID] = x
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		x.run()
		s.mu.Lock()
		delete(s.sessions, x.info.ID)
		s.mu.Unlock()
		close(x.done)
	}()
}

// run sends until the session ends, then closes the connection and waits for
// what it started.
func (x *Session) run() {
	var wg sync.WaitGroup
	err := x.serve(x.ctx, &wg)
	x.cancel()
	if cerr := x.pc.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close connection: %w", cerr))
	}
	wg.Wait()
	if err != nil {
		x.server.log.Info("live session ended", "camera", x.info.Camera, "stream", x.info.Stream, "err", err)
	}
}

func (x *Session) serve(ctx context.Context, wg *sync.WaitGroup) error {
	within := time.NewTimer(x.server.o.ConnectWithin)
	defer within.Stop()
	for _, ready := range []<-chan struct{}{x.connected, x.sender.video.bound} {
		select {
		case <-ready:
		case <-within.C:
			return errors.New("viewer did not connect in time")
		case <-ctx.Done():
			return nil
		}
	}
	v := newViewer(&x.server.count)
	f, leave, err := x.server.watch(feedKey{x.info.Camera, x.info.Stream}, x.info.Video, v)
	if err != nil {
		return err
	}
	defer leave()
	for _, t := range x.pc.GetSenders() {
		wg.Go(func() { x.listen(t, f, v) })
	}
	v.serve(ctx, x.sender.send)
	return nil
}

// listen reads the viewer's RTCP until the connection is closed.
func (x *Session) listen(t *webrtc.RTPSender, f *feed, v *viewer) {
	video := t.Track() == webrtc.TrackLocal(x.sender.video)
	buf := make([]byte, 1500)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil || !video {
			continue
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.TransportLayerNack:
				x.sender.resend(p.Nacks, time.Now())
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if v.mayRepeat(time.Now()) && f.again(v) {
					x.server.count.again.Add(1)
				}
			}
		}
	}
}

// token returns 128 random bits in text.
func token() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process first
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// firstSequence returns where a stream's sequence numbers begin: random, and
// low enough not to wrap among the first packets (RFC 3711, 3.3.1).
func firstSequence() uint16 { return uint16(mathrand.IntN(1 << 15)) }

// firstUfrag returns the ICE user name of an offer, or "".
func firstUfrag(text string) string {
	_, rest, ok := strings.Cut(text, "a=ice-ufrag:")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
