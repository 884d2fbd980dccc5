package live

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// patience is how long a network test waits for what must come.
const patience = 10 * time.Second

// cameras is a Source over hubs, as the recorder has them.
type cameras map[string]map[media.StreamName]*hub.Hub

func (c cameras) HasStream(camera string, stream media.StreamName) bool {
	return c[camera][stream] != nil
}

func (c cameras) Run(ctx context.Context, camera string, stream media.StreamName) (*media.Run, error) {
	return c[camera][stream].WaitRun(ctx)
}

func (c cameras) Subscribe(camera string, stream media.StreamName) (Reader, error) {
	return hubReader{c[camera][stream].Subscribe(hub.ReaderOptions{Primed: true, Overflow: hub.SkipToNewest})}, nil
}

type hubReader struct{ *hub.Reader }

func (r hubReader) Next(ctx context.Context) (*media.AccessUnit, bool, error) {
	it, err := r.Reader.Next(ctx)
	return it.Unit, it.Gap, err
}

// box is a running server behind HTTP.
type box struct {
	*Server
	http *httptest.Server
	hubs cameras
}

// begin starts a server and, when the test ends, proves that nothing of it
// is left running.
func begin(t *testing.T, hubs cameras, o Options) *box {
	t.Helper()
	before := runtime.NumGoroutine()
	o.Source, o.Loopback = hubs, true
	o.Owner = func(r *http.Request) string { return r.Header.Get("X-Owner") }
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := http.NewServeMux()
	m.Handle("POST /c/{id}/whep", s.Create())
	m.Handle("PATCH /c/{id}/whep/{session}", s.Trickle())
	m.Handle("DELETE /c/{id}/whep/{session}", s.Delete())
	b := &box{Server: s, http: httptest.NewServer(m), hubs: hubs}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Run = %v, want %v", err, context.Canceled)
		}
		if st := s.Stats(); st.Viewers != 0 || st.Feeds != 0 {
			t.Errorf("after Run: %d viewers and %d feeds, want none", st.Viewers, st.Feeds)
		}
		b.http.Close()
		http.DefaultClient.CloseIdleConnections()
		until(t, "every goroutine has ended", func() bool { return runtime.NumGoroutine() <= before })
	})
	return b
}

// until polls for what another goroutine or the network brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	buf := make([]byte, 1<<20)
	t.Errorf("waited %v in vain until %s\n%s", patience, what, buf[:runtime.Stack(buf, true)])
}

// post sends an offer as HTTP and returns the answer's status, header and body.
func (b *box) do(t *testing.T, method, path, contentType, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.http.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	b.http.Config.Handler.ServeHTTP(rec, req)
	return rec.Code, rec.Header(), rec.Body.String()
}

// watcher is a viewer: a peer connection that keeps its video packets.
type watcher struct {
	pc      *webrtc.PeerConnection
	packets chan *rtp.Packet
	sound   chan *rtp.Packet
}

func newWatcher(t *testing.T) *watcher {
	t.Helper()
	var e webrtc.SettingEngine
	e.LoggerFactory = silence{}
	e.SetIncludeLoopbackCandidate(true)
	var m webrtc.MediaEngine
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}, webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(&m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{pc: pc, packets: make(chan *rtp.Packet, 4096), sound: make(chan *rtp.Packet, 4096)}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		into := w.packets
		if tr.Kind() == webrtc.RTPCodecTypeAudio {
			into = w.sound
		}
		for {
			p, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			into <- p
		}
	})
	t.Cleanup(func() {
		if err := pc.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// offer returns the SDP without candidates: what a browser sends at once.
func (w *watcher) offer(t *testing.T) string {
	t.Helper()
	o, err := w.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

func (w *watcher) accept(t *testing.T, answer string) {
	t.Helper()
	if err := w.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
}

// unit reads the packets of one picture: up to the marker.
func (w *watcher) unit(t *testing.T) (ps []*rtp.Packet, payloads [][]byte) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case p := <-w.packets:
			ps, payloads = append(ps, p), append(payloads, p.Payload)
			if p.Marker {
				return ps, payloads
			}
		case <-timeout:
			t.Fatalf("no whole picture in %v, %d packets of it", patience, len(ps))
		}
	}
}

// publish puts a GOP of n pictures on h, the first of idr bytes.
func publish(h *hub.Hub, run *media.Run, from int64, n, idr int) (units []*media.AccessUnit) {
	c := run.Tracks[0].Codec
	for i := range n {
		u := videoUnit(run, from+int64(i), i == 0, nalOf(c, 1, 3000+i))
		if i == 0 {
			u = videoUnit(run, from, true, nalOf(c, 5, idr))
		}
		h.Publish(u)
		units = append(units, u)
	}
	return units
}
