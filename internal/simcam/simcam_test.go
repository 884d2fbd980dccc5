package simcam

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// serve runs a camera until the test ends.
func serve(t *testing.T, o Options) *Server {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
	return s
}

// watch plays url and hands every packet to got, one call at a time.
func watch(t *testing.T, url string, p gortsplib.Protocol, got func(*description.Media, format.Format, *rtp.Packet)) {
	t.Helper()
	u, err := base.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &p}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	desc, _, err := c.Describe(u)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	c.OnPacketRTPAny(func(m *description.Media, f format.Format, pkt *rtp.Packet) {
		mu.Lock()
		defer mu.Unlock()
		got(m, f, pkt)
	})
	if _, err := c.Play(nil); err != nil {
		t.Fatal(err)
	}
}

func TestCameraSendsPicturesAndSoundAtTheirPace(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    gortsplib.Protocol
	}{{"over TCP", gortsplib.ProtocolTCP}, {"over UDP", gortsplib.ProtocolUDP}} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, Options{Paths: []string{"a", "b"}, UDP: true, User: "u", Password: "p w"})
			var video, audio []uint32
			var once sync.Once
			enough := make(chan struct{})
			watch(t, "rtsp://u:p%20w@"+s.Addr()+"/b", tt.p, func(m *description.Media, _ format.Format, p *rtp.Packet) {
				select {
				case <-enough:
					return
				default:
				}
				if m.Type == description.MediaTypeAudio {
					audio = append(audio, p.Timestamp)
				} else if p.Marker {
					video = append(video, p.Timestamp)
				}
				if len(video) >= 20 && len(audio) >= 20 {
					once.Do(func() { close(enough) })
				}
			})
			select {
			case <-enough:
			case <-time.After(5 * time.Second):
				t.Fatalf("%d pictures and %d audio frames after 5 s", len(video), len(audio))
			}
			for i := 1; i < 20; i++ {
				if video[i]-video[i-1] != 3600 || audio[i]-audio[i-1] != 1024 {
					t.Fatalf("steps of %d and %d ticks, want 3600 and 1024", video[i]-video[i-1], audio[i]-audio[i-1])
				}
			}
		})
	}
}

func TestWrongPasswordAndWrongPathAreRefused(t *testing.T) {
	s := serve(t, Options{User: "u", Password: "right"})
	for url, want := range map[string]base.StatusCode{
		"rtsp://u:wrong@" + s.Addr() + "/cam":  base.StatusUnauthorized,
		"rtsp://u:right@" + s.Addr() + "/none": base.StatusNotFound,
		"rtsp://u:right@" + s.Addr() + "/cam":  base.StatusOK,
	} {
		u, _ := base.ParseURL(url)
		c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_, res, err := c.Describe(u)
		c.Close()
		if res == nil || res.StatusCode != want {
			t.Errorf("%s answers %v, %v; want %v", u.Path, res, err, want)
		}
	}
}

func TestFrameFollowsTheWallClock(t *testing.T) {
	full := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for _, tt := range []struct {
		at   time.Duration
		want int
	}{{0, 0}, {39 * time.Millisecond, 0}, {40 * time.Millisecond, 1}, {59*time.Second + 999*time.Millisecond, 1499}, {time.Minute, 0}} {
		if got := FrameAt(full.Add(tt.at)); got != tt.want {
			t.Errorf("%v after the minute shows picture %d, want %d", tt.at, got, tt.want)
		}
	}
}

func TestReadBarcodeRefusesWhatIsNone(t *testing.T) {
	row := func(s string) func(x, y float64) uint8 {
		return func(x, _ float64) uint8 { return 255 * (s[int(x*16)] - '0') }
	}
	for _, tt := range []struct {
		name, row string
		frame     int
		ok        bool
	}{
		{"picture 187", "1000010111011001", 187, true},
		{"wrong parity", "1000010111011101", 187, false},
		{"no frame around it", "0000010111011001", 0, false},
		{"a number beyond the clip", "1011111111111101", 2047, false},
	} {
		frame, ok := ReadBarcode(row(tt.row))
		if ok != tt.ok || ok && frame != tt.frame {
			t.Errorf("%s: got %d, %v; want %d, %v", tt.name, frame, ok, tt.frame, tt.ok)
		}
	}
}

func TestNewRefusesAMissingClipAndABusyAddress(t *testing.T) {
	if _, err := New(Options{Listen: "127.0.0.1:0", Clip: "/nonexistent.mp4"}); err == nil {
		t.Error("a missing clip is accepted")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := New(Options{Listen: ln.Addr().String()}); err == nil {
		t.Error("a busy address is accepted")
	}
}
