package worker

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// crossing draws frame n: a bright square of 32 pixels on grey, that crosses in
// 40 frames.
func crossing(t *testing.T, n uint64) []byte {
	img := image.NewGray(image.Rect(0, 0, 320, 160))
	for i := range img.Pix {
		img.Pix[i] = 80
	}
	for y := 64; y < 96; y++ {
		for x := 0; x < 32; x++ {
			img.Pix[y*img.Stride+int(n%36)*8+x] = 200
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}

// onNetwork has a worker of any make work for a box over a real network, with
// what happens there: a box that is busy, that breaks off, that starts anew.
// begin starts the worker; what it returns tells it to end and waits for that.
func onNetwork(t *testing.T, begin func(url, key string) (end func() error)) []report {
	b := newBox(t, Task{ID: "t1", Camera: "door", Type: "detection", FPS: 30, Config: []byte(`{}`)}, Task{ID: "t2", Camera: "door", Type: "anpr"})
	server := httptest.NewServer(b)
	defer server.Close()
	var mu sync.Mutex
	seen := map[string]int{}
	b.setFault(func(r *http.Request) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Method+r.URL.Path]++
		switch n := seen[r.Method+r.URL.Path]; {
		case r.URL.Path == "/api/v1/ai/leases" && n == 1, r.URL.Path == "/api/v1/ai/events" && n == 3:
			return 503, "1"
		case r.URL.Path == "/api/v1/ai/events" && n == 6:
			return 429, "1"
		case strings.HasSuffix(r.URL.Path, "/frame") && n == 5, r.URL.Path == "/api/v1/ai/events" && n == 9:
			return -1, ""
		}
		return 0, ""
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		for n := uint64(1); sleep(ctx, 50*time.Millisecond); n++ {
			b.shoot("door", crossing(t, n))
		}
	})
	end := begin(server.URL, goodKey)
	ticketed := func() (n int) {
		for _, r := range b.reported() {
			if r.Ticket != "" {
				n++
			}
		}
		return n
	}
	testkit.Until(t, 60*time.Second, "50 reports", func() bool { return ticketed() >= 50 })
	before := b.reported()
	b.restart()
	after := ticketed()
	testkit.Until(t, 60*time.Second, "10 reports after the box started anew", func() bool { return ticketed() >= after+10 })
	if err := end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	b.mu.Lock()
	held := len(b.holders)
	b.mu.Unlock()
	if len(b.called("DELETE /api/v1/ai/leases/")) != 1 || held != 0 {
		t.Errorf("it gave back nothing: %d tasks are held", held)
	}
	calls := map[string][]time.Time{}
	for _, c := range b.called("") {
		calls[c.path] = append(calls[c.path], c.at)
		if strings.Contains(c.query, "task=t2") {
			t.Error("it works on a task that it did not ask for")
		}
	}
	for path, n := range map[string]int{"/api/v1/ai/leases": 0, "/api/v1/ai/events": 2} {
		if d := calls[path][n+1].Sub(calls[path][n]); d < time.Second {
			t.Errorf("%s: again after %v, the box asked for 1 s", path, d)
		}
	}
	for i := 1; i < len(before); i++ {
		if before[i].seq <= before[i-1].seq {
			t.Errorf("frame %d is reported after %d", before[i].seq, before[i-1].seq)
		}
	}
	return before
}

func TestOverANetwork(t *testing.T) {
	t.Parallel()
	onNetwork(t, func(url, key string) func() error {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Run(ctx, Options{URL: url, Key: key, TTL: 15 * time.Second, TaskTypes: []string{"detection"}, Handle: nothing})
		}()
		return func() error {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		}
	})
}

// python starts the worker in Python; out is what it says.
func python(t *testing.T, url, key string, out *bytes.Buffer) *exec.Cmd {
	t.Helper()
	file, err := filepath.Abs("../../examples/worker-python/worker.py")
	if err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		testkit.Lacking(t, "this test needs python3")
	}
	cmd := exec.Command(path, "-B", file, "--ttl", "15")
	cmd.Env = append(os.Environ(), "VEDETTE_URL="+url, "VEDETTE_KEY="+key)
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestThePythonWorkerOverANetwork(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	reports := onNetwork(t, func(url, key string) func() error {
		cmd := python(t, url, key, &said)
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // for a test that failed before
		return func() error {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				return err
			}
			return cmd.Wait()
		}
	})
	if t.Failed() || strings.Contains(said.String(), "Traceback") || strings.Contains(said.String(), goodKey) {
		t.Errorf("it said:\n%s", said.String())
	}
	found := 0
	for _, r := range reports {
		for _, d := range r.Detections {
			found++
			box := d["bbox"].([]any)
			if x := float64(r.seq%36) * 8 / 320; math.Abs(box[0].(float64)-x) > 8./320 || math.Abs(box[1].(float64)-0.4) > 0.01 || d["track_id"] == "" || d["label"] != "block" {
				t.Errorf("frame %d: %v, want a block at %.3f", r.seq, d, x)
			}
		}
	}
	if found < 10 {
		t.Errorf("the square is in %d of %d reports", found, len(reports))
	}
}

func TestThePythonWorkerEndsWhenItsKeyIsRefused(t *testing.T) {
	server := httptest.NewServer(newBox(t))
	defer server.Close()
	var said bytes.Buffer
	cmd := python(t, server.URL, "vk_secret_wrong", &said)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if strings.Contains(said.String(), "secret") || !strings.Contains(said.String(), "refuses the API key") {
		t.Errorf("it said:\n%s", said.String())
	}
}
