package ingest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/simcam"
	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// camera runs a simulated camera until the test ends.
func camera(t *testing.T, o simcam.Options) *simcam.Server {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	s, err := simcam.New(o)
	if err != nil {
		t.Fatal(err)
	}
	background(t, s.Run)
	return s
}

// background runs f until the test ends and expects it to be cancelled.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
}

// recording is an ingester at work with a record of what it said.
type recording struct {
	in *Ingester
	r  *hub.Reader

	mu     sync.Mutex
	states []State
	change chan struct{}
}

func record(t *testing.T, o Options) *recording {
	t.Helper()
	rec := &recording{change: make(chan struct{}, 64)}
	o.Camera = "cam"
	o.Hub = hub.New(hub.Options{})
	o.OnState = func(s State) {
		rec.mu.Lock()
		rec.states = append(rec.states, s)
		rec.mu.Unlock()
		select {
		case rec.change <- struct{}{}:
		default:
		}
	}
	rec.r = o.Hub.Subscribe(hub.ReaderOptions{})
	rec.in = New(o)
	background(t, rec.in.Run)
	return rec
}

// units returns the next units of the reader until enough says so.
func (rec *recording) units(t *testing.T, within time.Duration, enough func(us []*media.AccessUnit) bool) []*media.AccessUnit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var us []*media.AccessUnit
	for !enough(us) {
		it, err := rec.r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d units: %v; state %+v", len(us), err, rec.in.State())
		}
		if it.Unit != nil {
			us = append(us, it.Unit)
		}
	}
	return us
}

// waitState waits for a state that ok accepts.
func (rec *recording) waitState(t *testing.T, within time.Duration, ok func(State) bool) State {
	t.Helper()
	late := time.After(within)
	for {
		rec.mu.Lock()
		for _, s := range rec.states {
			if ok(s) {
				rec.mu.Unlock()
				return s
			}
		}
		rec.mu.Unlock()
		select {
		case <-rec.change:
		case <-late:
			t.Fatalf("the state is %+v", rec.in.State())
		}
	}
}

// pictures returns enough for n pictures.
func pictures(n int) func([]*media.AccessUnit) bool {
	return func(us []*media.AccessUnit) bool { return count(us, 0) >= n }
}

func count(us []*media.AccessUnit, track int) int {
	n := 0
	for _, u := range us {
		if u.Track == track {
			n++
		}
	}
	return n
}

// wellFormed fails unless us are what a recording may rely on.
func wellFormed(t *testing.T, us []*media.AccessUnit) {
	t.Helper()
	var last [2]*media.AccessUnit
	for i, u := range us {
		if i == 0 && (!u.Random || u.Track != 0) {
			t.Errorf("the first unit is not a key frame")
		}
		if l := last[u.Track]; l != nil {
			if u.DTS <= l.DTS || u.Run == l.Run && u.Wall <= l.Wall {
				t.Fatalf("unit %d of track %d: DTS %d after %d, wall %d after %d", i, u.Track, u.DTS, l.DTS, u.Wall, l.Wall)
			}
		}
		last[u.Track] = u
		if n := len(u.AppendSample(nil)); n == 0 || n != u.Size {
			t.Fatalf("unit %d has %d bytes and announces %d", i, n, u.Size)
		}
	}
}

func TestSimulatedCameraIsRecorded(t *testing.T) {
	for _, tr := range []Transport{TCP, UDP} {
		t.Run(string(tr), func(t *testing.T) {
			s := camera(t, simcam.Options{UDP: true, User: "admin", Password: "pa ss/w%rd"})
			rec := record(t, Options{URL: s.URL("cam"), Username: "admin", Password: "pa ss/w%rd", Audio: true, Transport: tr})
			us := rec.units(t, 10*time.Second, pictures(60))
			wellFormed(t, us)
			run := us[0].Run
			v, a := run.Tracks[0], run.Tracks[1]
			if v.Codec != media.H264 || v.Width != 640 || v.Height != 360 || v.FrameRate != 25 || a.Codec != media.AAC || a.SampleRate != 48000 || a.Channels != 1 {
				t.Errorf("tracks %+v", run.Tracks)
			}
			var first [2]*media.AccessUnit
			for _, u := range us {
				if first[u.Track] == nil {
					first[u.Track] = u
				}
				if u.Lossy {
					t.Fatal("a unit is marked lossy")
				}
				late := u.Received.UnixMicro() - u.Wall
				// Early by as much as the first unit was late: a busy machine wakes
				// the camera when it can.
				if late < -100_000 || late > 250_000 {
					t.Errorf("track %d: received %d µs after its wall time", u.Track, late)
				}
			}
			// The camera shows and sounds by the wall clock: picture n is due at
			// n × 40 ms, AAC frame n at n × 64/3 ms.
			if off := first[0].Wall % 40_000; off > 25_000 && off < 39_000 {
				t.Errorf("first picture is %d µs off its grid", off)
			}
			if n := count(us, 1); n < 100 || n > 130 {
				t.Errorf("%d audio frames beside 60 pictures, want about 112", n)
			}
			// Reading in beats and not bending below 8 ms leave a few.
			if err := lipSync(us); err > 15*time.Millisecond || err < -15*time.Millisecond {
				t.Errorf("sound is %v off the picture", err)
			}
		})
	}
}

// lipSync returns how far sound is off, using that simcam sends frame n of
// either track at a multiple of its duration since the epoch: up to half an
// audio frame it is unambiguous.
func lipSync(us []*media.AccessUnit) time.Duration {
	var v, a *media.AccessUnit
	for _, u := range us {
		if u.Track == 0 && v == nil {
			v = u
		} else if u.Track == 1 && a == nil && v != nil {
			a = u
		}
	}
	picture := (v.Wall + 20_000) / 40_000 * 40_000 // its true time
	sound := picture + (a.Wall - v.Wall)
	frame := float64(1024e6) / 48000
	off := float64(sound)/frame - float64(int64(float64(sound)/frame+0.5))
	return time.Duration(off * frame * 1000)
}

func TestAudioIsLeftOutWhenNotWanted(t *testing.T) {
	t.Parallel()
	s := camera(t, simcam.Options{})
	rec := record(t, Options{URL: s.URL("cam")})
	us := rec.units(t, 10*time.Second, pictures(10))
	if len(us[0].Run.Tracks) != 1 || count(us, 1) != 0 {
		t.Errorf("%d tracks, %d audio units; want 1 and 0", len(us[0].Run.Tracks), count(us, 1))
	}
}

func TestStatesAreToldOncePerChange(t *testing.T) {
	t.Parallel()
	s := camera(t, simcam.Options{})
	rec := record(t, Options{URL: s.URL("cam")})
	st := rec.waitState(t, 10*time.Second, func(s State) bool { return s.Phase == Streaming })
	if st.Run == nil || st.Reason != "" {
		t.Errorf("streaming state %+v", st)
	}
}

func TestProbeTellsWhatTheCameraSends(t *testing.T) {
	t.Parallel()
	s := camera(t, simcam.Options{})
	r, err := Probe(t.Context(), Options{URL: s.URL("cam"), Audio: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Codec != media.H264 || r.Width != 640 || r.Height != 360 || r.Audio != media.AAC || r.SampleRate != 48000 || r.Channels != 1 {
		t.Errorf("result %+v", r)
	}
	if r.FPS < 24.5 || r.FPS > 25.5 || r.FirstKey <= 0 || r.FirstKey > 3*time.Second || r.BitsPerSecond < 50_000 || r.BitsPerSecond > 400_000 {
		t.Errorf("measured %+v", r)
	}
}

func TestWrongPasswordIsAnErrorWithoutThePassword(t *testing.T) {
	t.Parallel()
	const canary = "kanarienvogel"
	s := camera(t, simcam.Options{User: "admin", Password: "right"})
	rec := record(t, Options{URL: strings.Replace(s.URL("cam"), "rtsp://", "rtsp://admin:"+canary+"@", 1)})
	st := rec.waitState(t, 10*time.Second, func(s State) bool { return s.Code != "" })
	if st.Phase != Faulty || st.Code != CodeUnauthorized || strings.Contains(st.Reason, canary) {
		t.Errorf("state %+v", st)
	}
	_, err := Probe(t.Context(), Options{URL: s.URL("cam"), Username: "admin", Password: canary})
	var f *Failure
	if !errors.As(err, &f) || f.Code != CodeUnauthorized || strings.Contains(f.Detail+f.Reason, canary) {
		t.Errorf("probe answers %#v", err)
	}
}
