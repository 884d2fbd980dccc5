package sampler

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/jpeg"
	"math"
	"os/exec"
	"sync"
	"testing"
	"time"

	"vedette/internal/simcam"
	"vedette/internal/testkit"
	"vedette/recorder/hub"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
)

// hubs are streams as the recorder has them, by camera.
type hubs struct {
	mu sync.Mutex
	of map[string]*hub.Hub
}

// door returns the streams of a box with one camera.
func door(h *hub.Hub) *hubs { return &hubs{of: map[string]*hub.Hub{"door": h}} }

func (h *hubs) get(camera string) *hub.Hub {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of[camera]
}

type hubReader struct{ r *hub.Reader }

func (h hubReader) Next(ctx context.Context) (*media.AccessUnit, bool, error) {
	it, err := h.r.Next(ctx)
	return it.Unit, it.Gap, err
}
func (h hubReader) Close() { h.r.Close() }

func (h *hubs) Subscribe(camera string, _ media.StreamName) (Reader, error) {
	hb := h.get(camera)
	if hb == nil {
		return nil, fmt.Errorf("no camera %s", camera)
	}
	return hubReader{hb.Subscribe(hub.ReaderOptions{Overflow: hub.SkipToNewest, Primed: true})}, nil
}

// receive has a hub filled from an RTSP address until the test ends.
func receive(t *testing.T, url string) *hub.Hub {
	t.Helper()
	h := hub.New(hub.Options{})
	in := ingest.New(ingest.Options{Camera: "door", URL: url, Hub: h})
	run(t, in.Run)
	return h
}

// run runs f until the test ends, and waits for it.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = f(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func ffmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testkit.Lacking(t, "the test needs ffmpeg")
	}
}

// simulated starts a simulated camera and returns its hub.
func simulated(t *testing.T) *hub.Hub {
	t.Helper()
	cam, err := simcam.New(simcam.Options{Listen: "127.0.0.1:0", NoAudio: true})
	if err != nil {
		t.Fatal(err)
	}
	run(t, cam.Run)
	return receive(t, cam.URL("cam"))
}

// collect returns the next n frames.
func collect(t *testing.T, s *Sampler, n int, each ...func(*Frame)) []*Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var frames []*Frame
	var after uint64
	for len(frames) < n {
		f, err := s.Frame(ctx, "door", media.Main, after, 20*time.Second)
		if err != nil {
			t.Fatalf("frame %d: %v; %+v", len(frames), err, s.States())
		}
		frames, after = append(frames, f), f.Seq
		for _, look := range each {
			look(f)
		}
	}
	return frames
}

// shown returns which picture of the simulated camera's clip a frame shows, and
// checks that the frame is as large as it says.
func shown(t *testing.T, f *Frame) int {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(f.JPEG))
	if err != nil {
		t.Fatalf("frame %d: %v", f.Seq, err)
	}
	b := img.Bounds()
	if b.Dx() != f.Width || b.Dy() != f.Height {
		t.Errorf("frame %d is %d×%d and says %d×%d", f.Seq, b.Dx(), b.Dy(), f.Width, f.Height)
	}
	n, ok := simcam.ReadBarcode(func(x, y float64) uint8 {
		return color.GrayModel.Convert(img.At(int(x*float64(b.Dx())), int(y*float64(b.Dy())))).(color.Gray).Y
	})
	if !ok {
		t.Fatalf("frame %d shows no barcode", f.Seq)
	}
	return n
}

func TestEveryFrameShowsTheMomentItSaysItIsFrom(t *testing.T) {
	ffmpeg(t)
	for _, c := range []struct {
		name    string
		fps     float64
		frames  int
		between time.Duration
	}{
		{"all pictures decoded, five a second", 5, 24, 200 * time.Millisecond},
		{"key frames alone", 0.5, 3, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{Streams: door(simulated(t)), Budget: 100})
			s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: c.fps, Width: 320}})
			run(t, s.Run)
			frames := collect(t, s, c.frames)
			for i, f := range frames {
				// The clip follows the wall clock; the camera's way to us takes a
				// moment, and then the difference is the same for all frames.
				off := math.Remainder(float64(simcam.FrameAt(f.Captured)-shown(t, f)), simcam.ClipFrames)
				if off < -1 || off > 8 {
					t.Errorf("frame %d shows a picture %v from the one of its time", i, off)
				}
				if f.Width != 320 || f.Height != 180 {
					t.Errorf("frame %d is %d×%d, want 320×180", i, f.Width, f.Height)
				}
				if i > 0 && f.Seq <= frames[i-1].Seq {
					t.Errorf("number %d comes after %d", f.Seq, frames[i-1].Seq)
				}
			}
			n := len(frames)
			got := frames[n-1].Captured.Sub(frames[0].Captured) / time.Duration(n-1)
			if got < c.between*9/10 || got > c.between*13/10 {
				t.Errorf("frames are %v apart, want about %v", got, c.between)
			}
			if st := s.States()[0]; st.State != Sampling || st.KeyOnly != (c.fps < 1) || st.Restarts != 0 || st.Frames < uint64(n) || st.Rate <= 0 {
				t.Errorf("state = %+v", st)
			}
		})
	}
}

func TestGStreamersStreamsAreSampled(t *testing.T) {
	ffmpeg(t)
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	for _, path := range []string{"h264", "h264-bframes", "h264-slices", "h264-interlaced", "h265"} {
		for _, fps := range []float64{0.5, 6} {
			t.Run(fmt.Sprintf("%s at %v a second", path, fps), func(t *testing.T) {
				t.Parallel()
				s := New(Options{Streams: door(receive(t, cam.URL(path))), Budget: 100})
				held := hold(s)
				s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: fps, Width: 1000}})
				run(t, s.Run)
				collect(t, s, 3, func(f *Frame) {
					if f.Width != 640 || f.Height != 360 {
						t.Errorf("frame is %d×%d, want 640×360, not enlarged", f.Width, f.Height)
					}
				})
				// On a busy machine some may be held, not all.
				if least := held(); fps < 1 && least > 0 {
					t.Errorf("every key frame came after %d more were fed", least)
				}
			})
		}
	}
}

// hold counts how many units were fed behind that of a picture when it came, and
// returns the least of these counts.
func hold(s *Sampler) (least func() int) {
	var mu sync.Mutex
	var fed []time.Time
	count := 1 << 20
	s.decode = func(ctx context.Context, p plan) (decoder, error) {
		put := p.picture
		p.picture = func(f *Frame) {
			mu.Lock()
			behind := 0
			for _, at := range fed {
				if at.After(f.Captured) {
					behind++
				}
			}
			count = min(count, behind)
			mu.Unlock()
			put(f)
		}
		d, err := s.startChild(ctx, p)
		return watched{d, func(u *media.AccessUnit) {
			mu.Lock()
			fed = append(fed, time.UnixMicro(u.Wall).Add(u.Run.Tracks[u.Track].Duration(u.PTS-u.DTS)).Truncate(time.Millisecond))
			mu.Unlock()
		}}, err
	}
	return func() int { mu.Lock(); defer mu.Unlock(); return count }
}

// watched is a decoder whose units are seen before it gets them.
type watched struct {
	decoder
	see func(*media.AccessUnit)
}

func (w watched) feed(u *media.AccessUnit, copies int) error {
	w.see(u)
	return w.decoder.feed(u, copies)
}

func TestAHardwareDecoderThatIsNotThereGivesWayToSoftware(t *testing.T) {
	ffmpeg(t)
	s := New(Options{Streams: door(simulated(t)), Budget: 100, Hardware: []string{"hevc_v4l2m2m", "h264_v4l2m2m"}})
	s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: 5, Width: 320}})
	run(t, s.Run)
	collect(t, s, 2)
	if st := s.States()[0]; st.State != Sampling || st.Restarts != 0 {
		t.Errorf("state = %+v", st)
	}
	if _, broken := s.broken["h264_v4l2m2m"]; !broken {
		t.Error("the hardware decoder was not tried")
	}
}
