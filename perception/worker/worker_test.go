package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func nothing(context.Context, Frame) ([]Detection, *Event, error) { return nil, nil, nil }

// start runs a worker against b; stop ends it and returns what Run did.
func start(t *testing.T, b *box, o Options) (stop func() error) {
	t.Helper()
	o.URL, o.HTTPClient = "http://box", &http.Client{Transport: b}
	if o.Key == "" {
		o.Key = goodKey
	}
	if o.WorkerID == "" {
		o.WorkerID = "w"
	}
	if o.Handle == nil {
		o.Handle = nothing
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	return func() error {
		cancel()
		return <-done
	}
}

// filming shoots every camera at that rate for as long as the test runs.
func filming(t *testing.T, b *box, every time.Duration, cameras ...string) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, c := range cameras {
		wg.Go(func() { b.film(ctx, c, every) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestEveryFrameIsReportedInOrderWithItsTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "detection", FPS: 5, Config: json.RawMessage(`{"a":1}`)})
		filming(t, b, 200*time.Millisecond, "door")
		confidence := 0.5
		stop := start(t, b, Options{Handle: func(_ context.Context, f Frame) ([]Detection, *Event, error) {
			if string(f.JPEG) != "door" || f.Width != 640 || f.Height != 360 || f.Task.ID != "t1" || string(f.Task.Config) != `{"a":1}` ||
				!f.Captured.Equal(time.Now()) || f.Age != 0 {
				t.Errorf("frame is %+v", f)
			}
			if f.Seq%2 == 0 {
				return nil, nil, nil
			}
			return []Detection{{Label: "cat", Confidence: &confidence, Box: &[4]float64{0, 0.25, 0.5, 1}, Track: "1"}},
				&Event{Type: "cat_seen", Severity: "info", Payload: map[string]any{"n": 1}}, nil
		}})
		time.Sleep(20*time.Second - time.Millisecond)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		got := b.reported()
		if len(got) != 100 {
			t.Errorf("%d frames reported, want 100", len(got))
		}
		for i, r := range got {
			if r.seq != uint64(i+1) || r.Camera != "door" || r.Type != "detection" || r.Timestamp.IsZero() {
				t.Fatalf("report %d is %+v", i, r)
			}
		}
		if len(got[1].Detections) != 0 || got[1].Event != nil || !strings.Contains(got[1].raw, `"detections":[]`) {
			t.Errorf("of nothing: %s", got[1].raw)
		}
		if want := `"detections":[{"label":"cat","confidence":0.5,"bbox":[0,0.25,0.5,1],"track_id":"1"}],"event":{"event_type":"cat_seen","severity":"info","payload":{"n":1}}`; !strings.Contains(got[0].raw, want) {
			t.Errorf("of a cat: %s", got[0].raw)
		}
	})
}

func TestTheLeaseIsKeptAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "detection"}, Task{ID: "t2", Camera: "door", Type: "anpr"})
		filming(t, b, time.Second, "door")
		stop := start(t, b, Options{TTL: 30 * time.Second, TaskTypes: []string{"detection"}, MaxTasks: 4})
		for range 600 {
			time.Sleep(time.Second)
			synctest.Wait()
			b.mu.Lock()
			h, other := b.holders["t1"], b.holders["t2"]
			b.mu.Unlock()
			if left := time.Until(h.until); h.worker != "w" || left < 15*time.Second || other.worker != "" {
				t.Fatalf("t1 is held by %q for %v more, t2 by %q", h.worker, left, other.worker)
			}
		}
		if n := len(b.called("POST /api/v1/ai/leases")); n < 60 || n > 75 {
			t.Errorf("%d renewals in 10 minutes, want about 63", n)
		}
		stop()
		if n := len(b.called("DELETE /api/v1/ai/leases/lease_w")); n != 1 || len(b.holders) != 0 {
			t.Errorf("given back %d times; held are %v", n, b.holders)
		}
	})
}

func TestTwoWorkersShareAndOneTakesOverFromTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "a", Type: "x"}, Task{ID: "t2", Camera: "b", Type: "x"})
		filming(t, b, time.Second, "a", "b")
		var one, two atomic.Value
		note := func(v *atomic.Value) func(context.Context, Frame) ([]Detection, *Event, error) {
			return func(_ context.Context, f Frame) ([]Detection, *Event, error) {
				v.Store(f.Task.ID)
				return nil, nil, nil
			}
		}
		stop := start(t, b, Options{WorkerID: "one", Handle: note(&one)})
		time.Sleep(2 * time.Second)
		stopTwo := start(t, b, Options{WorkerID: "two", Handle: note(&two)})
		time.Sleep(time.Minute)
		one.Store("")
		two.Store("")
		time.Sleep(5 * time.Second)
		if one.Load() != "t1" || two.Load() != "t2" {
			t.Errorf("one works on %v, two on %v", one.Load(), two.Load())
		}
		stop()
		seen := len(b.reported())
		time.Sleep(25 * time.Second)
		var now []string
		for _, r := range b.reported()[seen:] {
			now = append(now, r.task)
		}
		if !slices.Contains(now, "t1") || !slices.Contains(now, "t2") {
			t.Errorf("after one has gone, two reports %v", now)
		}
		stopTwo()
	})
}

func TestABusyBoxIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	for _, path := range []string{"/api/v1/ai/leases", "/api/v1/cameras/door/frame", "/api/v1/ai/events"} {
		for _, code := range []int{429, 503} {
			t.Run(fmt.Sprint(path, code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x", FPS: 5})
					filming(t, b, 200*time.Millisecond, "door")
					busy := true
					b.fault = func(r *http.Request) (int, string) {
						if r.URL.Path == path && busy {
							busy = false
							return code, "7"
						}
						return 0, ""
					}
					stop := start(t, b, Options{})
					defer stop()
					time.Sleep(30 * time.Second)
					var at []time.Time
					for _, c := range b.called("") {
						if c.path == path {
							at = append(at, c.at)
						}
					}
					if len(at) < 2 || at[1].Sub(at[0]) < 7*time.Second || at[1].Sub(at[0]) > 10*time.Second {
						t.Fatalf("it came at %v", at)
					}
					if got := b.reported(); len(got) == 0 || path == "/api/v1/ai/events" && got[0].seq != 1 {
						t.Errorf("reported are %v", got)
					}
				})
			})
		}
	}
}

func TestAReportIsSentUntilItArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, 100*time.Second, "door") // one frame within this test
		tries := 0
		b.fault = func(r *http.Request) (int, string) {
			if r.URL.Path != "/api/v1/ai/events" {
				return 0, ""
			}
			tries++
			return []int{-1, 500, 502, -1, 0}[min(tries-1, 4)], ""
		}
		stop := start(t, b, Options{})
		defer stop()
		time.Sleep(30 * time.Second)
		if got := b.reported(); len(got) != 1 || tries != 5 {
			t.Errorf("after %d tries there are %d reports", tries, len(got))
		}
	})
}

func TestAReportIsGivenUpWhenItsTicketIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, time.Second, "door")
		var mu sync.Mutex
		bodies := map[string]time.Duration{}
		first := map[string]time.Time{}
		b.fault = func(r *http.Request) (int, string) {
			if r.URL.Path != "/api/v1/ai/events" {
				return 0, ""
			}
			var in report
			json.NewDecoder(r.Body).Decode(&in)
			mu.Lock()
			defer mu.Unlock()
			if first[in.Ticket].IsZero() {
				first[in.Ticket] = time.Now()
			}
			bodies[in.Ticket] = time.Since(first[in.Ticket])
			return 503, ""
		}
		stop := start(t, b, Options{})
		time.Sleep(5 * time.Minute)
		stop()
		if len(bodies) < 3 || len(bodies) > 5 {
			t.Errorf("%d frames in 5 minutes of refusal", len(bodies))
		}
		for name, d := range bodies {
			if d > 120*time.Second {
				t.Errorf("%s was sent for %v", name, d)
			}
		}
	})
}

func TestAReportThatIsRefusedIsNotSentAgain(t *testing.T) {
	for _, tt := range []struct {
		code int
		look bool // the lease is looked at soon
	}{{400, false}, {401, true}, {403, true}, {404, true}, {409, true}, {413, false}, {422, false}} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
				filming(t, b, time.Minute, "door")
				b.fault = func(r *http.Request) (int, string) {
					if r.URL.Path == "/api/v1/ai/events" {
						return tt.code, ""
					}
					return 0, ""
				}
				stop := start(t, b, Options{})
				defer stop()
				time.Sleep(10 * time.Second)
				if n := len(b.called("POST /api/v1/ai/events")); n != 1 {
					t.Errorf("sent %d times", n)
				}
				if n := len(b.called("POST /api/v1/ai/leases")); (n == 2) != tt.look || n > 2 {
					t.Errorf("the lease was asked for %d times", n)
				}
			})
		})
	}
}

func TestWhatIsSeenMustBeJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, time.Second, "door")
		stop := start(t, b, Options{Handle: func(context.Context, Frame) ([]Detection, *Event, error) {
			nan := math.NaN()
			return []Detection{{Confidence: &nan}}, nil, nil
		}})
		time.Sleep(10 * time.Second)
		stop()
		if n := len(b.called("GET /api/v1/cameras")); n < 10 || len(b.called("POST /api/v1/ai/events")) != 0 {
			t.Errorf("%d frames were pulled, and %d reports sent", n, len(b.called("POST /api/v1/ai/events")))
		}
	})
}

func TestAnErrorOfHandleIsNotAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, time.Second, "door")
		stop := start(t, b, Options{Handle: func(_ context.Context, f Frame) ([]Detection, *Event, error) {
			if f.Seq < 5 {
				return nil, nil, errors.New("what is this?")
			}
			return nil, nil, nil
		}})
		time.Sleep(10 * time.Second)
		stop()
		if got := b.reported(); len(got) < 5 || got[0].seq != 5 {
			t.Errorf("reported are %v", got)
		}
	})
}

func TestABoxThatIsAwayIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, time.Second, "door")
		var handled atomic.Int64
		stop := start(t, b, Options{Handle: func(context.Context, Frame) ([]Detection, *Event, error) {
			handled.Add(1)
			return nil, nil, nil
		}})
		time.Sleep(10 * time.Second)
		b.setFault(func(*http.Request) (int, string) { return -1, "" })
		time.Sleep(65 * time.Second)
		frames := len(b.called("GET"))
		time.Sleep(10 * time.Minute)
		if n := len(b.called("GET")) - frames; n != 0 {
			t.Errorf("the lease is over, and %d frames were asked for", n)
		}
		if n := len(b.called("POST /api/v1/ai/leases")); n < 15 || n > 60 {
			t.Errorf("the lease was asked for %d times in 10 minutes", n)
		}
		b.setFault(nil)
		before := len(b.reported())
		time.Sleep(40 * time.Second)
		if got := b.reported()[before:]; len(got) < 8 {
			t.Errorf("after it came back, %d reports", len(got))
		}
		stop()
	})
}

func TestABoxThatStartsAnewCountsFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		filming(t, b, time.Second, "door")
		stop := start(t, b, Options{})
		time.Sleep(100 * time.Second)
		b.restart()
		before := len(b.reported())
		time.Sleep(60 * time.Second)
		stop()
		got := b.reported()[before:]
		if len(got) < 30 || got[len(got)-1].seq > 61 || got[len(got)-1].Ticket == "" {
			t.Errorf("after the restart there are %d reports, the last is %+v", len(got), got[len(got)-1])
		}
	})
}

func TestAnOldFrameIsNotSeenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		b.shoot("door", nil)
		stop := start(t, b, Options{})
		time.Sleep(5 * time.Minute)
		if n := len(b.reported()); n != 1 {
			t.Errorf("one frame makes %d reports", n)
		}
		if n := len(b.called("GET")); n > 70 {
			t.Errorf("asked %d times in 5 minutes", n)
		}
		b.shoot("door", nil)
		time.Sleep(2 * time.Second)
		if n := len(b.reported()); n != 2 {
			t.Errorf("a second frame makes %d reports", n)
		}
		stop()
	})
}

func TestABoxThatDoesNotWaitIsNotPressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		b.shoot("door", nil)
		b.fault = func(r *http.Request) (int, string) {
			if r.URL.Query().Get("after") != "" {
				return 304, ""
			}
			return 0, ""
		}
		stop := start(t, b, Options{})
		defer stop()
		time.Sleep(time.Minute)
		if n := len(b.called("GET")); n < 30 || n > 70 {
			t.Errorf("asked %d times in a minute", n)
		}
	})
}

func TestACameraWithoutAPictureIsAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		stop := start(t, b, Options{})
		time.Sleep(time.Minute)
		if n := len(b.called("GET")); n < 8 || n > 60 {
			t.Errorf("asked %d times in a minute", n)
		}
		b.shoot("door", nil)
		time.Sleep(10 * time.Second)
		if n := len(b.reported()); n != 1 {
			t.Errorf("the first picture makes %d reports", n)
		}
		stop()
	})
}

func TestAChangedTaskBeginsAnewAfterTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x", Config: json.RawMessage(`{"v":1}`)})
		filming(t, b, time.Second, "door")
		var at atomic.Int64
		var last atomic.Value
		stop := start(t, b, Options{Parallel: 8, Handle: func(_ context.Context, f Frame) ([]Detection, *Event, error) {
			if at.Add(1) > 1 {
				t.Error("two frames of a task at once")
			}
			last.Store(string(f.Task.Config))
			time.Sleep(3 * time.Second) // and does not look at its ctx
			at.Add(-1)
			return nil, nil, nil
		}})
		time.Sleep(10 * time.Second)
		b.mu.Lock()
		b.tasks[0].Config = json.RawMessage(`{"v":2}`)
		b.mu.Unlock()
		time.Sleep(30 * time.Second)
		if last.Load() != `{"v":2}` {
			t.Errorf("the config is %v", last.Load())
		}
		b.mu.Lock()
		b.tasks = nil
		b.mu.Unlock()
		time.Sleep(30 * time.Second)
		n := len(b.called("GET"))
		time.Sleep(30 * time.Second)
		if len(b.called("GET")) != n {
			t.Error("a task that is gone is worked on")
		}
		stop()
	})
}

func TestNoHandleRunsOnWhenRunHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		b.shoot("door", nil)
		var running atomic.Bool
		stop := start(t, b, Options{Handle: func(ctx context.Context, _ Frame) ([]Detection, *Event, error) {
			running.Store(true)
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			running.Store(false)
			return nil, nil, nil
		}})
		time.Sleep(time.Second)
		if !running.Load() {
			t.Fatal("it did not begin")
		}
		stop()
		if running.Load() {
			t.Error("it runs on")
		}
	})
}

func TestAKeyThatIsRefusedEndsTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Task{ID: "t1", Camera: "door", Type: "x"})
		stop := start(t, b, Options{Key: "vk_secret_wrong"})
		time.Sleep(time.Second)
		err := stop()
		if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Run = %v", err)
		}
		if n := len(b.called("DELETE")); n != 0 {
			t.Error("it gave back what it never had")
		}
	})
}
