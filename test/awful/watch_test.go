package awful

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/simcam"
	"vedette/recorder/hub"
	"vedette/recorder/ingest"
	"vedette/recorder/media"
	"vedette/recorder/segment"
	"vedette/recorder/volume"
)

// buffer is a bytes.Buffer for concurrent writers.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// watched is a camera being received, with everything that came of it.
type watched struct {
	hub    *hub.Hub
	in     *ingest.Ingester
	log    buffer
	stop   func()
	change chan struct{}

	mu     sync.Mutex
	states []ingest.State
	units  []*media.AccessUnit // the first unitsKept
	gaps   int
}

const unitsKept = 4000

// What a reader does with the units it reads.
const (
	reads = false
	keeps = true // and says later what it got
)

// receive runs an ingester and a reader until the test ends.
func receive(t *testing.T, o ingest.Options, keep bool) *watched {
	t.Helper()
	w := &watched{hub: hub.New(hub.Options{}), change: make(chan struct{}, 1)}
	o.Camera, o.Hub = "awful", w.hub
	o.Log = slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.OnState = func(s ingest.State) {
		w.mu.Lock()
		w.states = append(w.states, s)
		w.mu.Unlock()
		select {
		case w.change <- struct{}{}:
		default:
		}
	}
	w.in = ingest.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	r := w.hub.Subscribe(hub.ReaderOptions{})
	wg.Go(func() {
		for {
			it, err := r.Next(ctx)
			if err != nil {
				return
			}
			w.mu.Lock()
			if it.Gap {
				w.gaps++
			}
			if keep && it.Unit != nil && len(w.units) < unitsKept {
				w.units = append(w.units, it.Unit)
			}
			w.mu.Unlock()
		}
	})
	wg.Go(func() {
		if err := w.in.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
	w.stop = sync.OnceFunc(func() {
		began := time.Now()
		cancel()
		wg.Wait()
		if d := time.Since(began); d > 4*time.Second {
			t.Errorf("it took %v to let go of the camera", d)
		}
	})
	t.Cleanup(func() {
		w.stop()
		if log := w.log.String(); strings.Contains(log, "panic") {
			t.Errorf("the log tells of a panic:\n%s", log)
		}
		for _, secret := range []string{canary, base64.StdEncoding.EncodeToString([]byte("admin:" + canary))} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log shows a password:\n%s", w.log.String())
			}
			for _, s := range w.seen() {
				if strings.Contains(s.Reason, secret) {
					t.Errorf("a reason shows a password: %s", s.Reason)
				}
			}
		}
	})
	return w
}

func (w *watched) seen() []ingest.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]ingest.State(nil), w.states...)
}

func (w *watched) got() []*media.AccessUnit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*media.AccessUnit(nil), w.units...)
}

// failure waits for the first failure.
func (w *watched) failure(t *testing.T, within time.Duration) ingest.State {
	t.Helper()
	late := time.After(within)
	for {
		for _, s := range w.seen() {
			if s.Code != "" {
				return s
			}
		}
		select {
		case <-w.change:
		case <-late:
			t.Fatalf("after %v the state is %+v; log:\n%s", within, w.in.State(), w.log.String())
		}
	}
}

// neighbour is a good camera that is recorded to a volume beside the awful
// ones.
type neighbour struct {
	*watched
	volume *volume.Volume
	writer *segment.Writer
	mu     sync.Mutex
	gaps   []segment.GapReason
}

func goodNeighbour(t *testing.T) *neighbour {
	t.Helper()
	s, err := simcam.New(simcam.Options{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	v, err := volume.Open(t.TempDir(), volume.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	background(t, v.Run)
	background(t, s.Run)
	n := &neighbour{volume: v, watched: receive(t, ingest.Options{URL: s.URL("cam"), Audio: true}, keeps)}
	n.writer = segment.New(segment.Options{Camera: "good", Hub: n.hub, Volume: v, Target: 10 * time.Second, Log: quiet,
		Gap: func(_, _ int64, why segment.GapReason) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.gaps = append(n.gaps, why)
		}})
	background(t, n.writer.Run)
	for range 100 {
		if n.writer.State().Writing {
			return n
		}
		time.Sleep(100 * time.Millisecond) // a real camera in a real socket
	}
	t.Fatalf("the good camera is not recorded: %+v", n.in.State())
	return nil
}

// background runs f until the test ends.
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

// lostNothing fails unless every picture since the beginning came and was
// recorded, in one run.
func (n *neighbour) lostNothing(t *testing.T) {
	t.Helper()
	if st := n.in.State(); st.Phase != ingest.Streaming || len(n.seen()) != 1 {
		t.Errorf("the good camera went through %+v", n.seen())
	}
	us, last, pictures := n.got(), int64(-1), 0
	for _, u := range us {
		if u.Lossy {
			t.Fatal("the good camera lost packets")
		}
		if u.Track != 0 {
			continue
		}
		if pictures++; last >= 0 && u.DTS-last != 3600 {
			t.Fatalf("the good camera's pictures are %d ticks apart", u.DTS-last)
		}
		last = u.DTS
	}
	n.watched.mu.Lock()
	missed := n.watched.gaps
	n.watched.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.writer.State()
	if missed != 0 || len(n.gaps) != 0 || st.Dropped != 0 || !st.Writing || st.Err != nil || pictures < 50 {
		t.Errorf("the good camera: %d pictures, %d holes, gaps %v, writer %+v", pictures, missed, n.gaps, st)
	}
	t.Logf("the good camera: %d pictures one after the other, %d bytes recorded without a gap", pictures, st.Bytes)
}
