// Command workers loads the product as AI workers do, while it records: reports
// of 20 detections at a steady rate, into zones, and pulls of frames beside them. It
// prints how long the answers took, what reached the disk for each detection
// beyond what recording alone writes, and whether a picture is missing. It fails if
// one is, or if a report was refused.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir   string
	cameras, rate, pulls int
	window               time.Duration
}

const (
	each      = 20 // detections of a report
	diskBytes = 8 << 30
)

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "MP4 of 25 pictures a second that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disk and logs")
	flag.IntVar(&o.cameras, "cameras", 8, "how many cameras")
	flag.IntVar(&o.rate, "rate", 2000, "detections a second")
	flag.IntVar(&o.pulls, "pulls", 200, "frames pulled a second")
	flag.DurationVar(&o.window, "window", time.Minute, "how long each part runs")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	d, err := box.NewDisk(o.dir, "workers", "ext4", diskBytes)
	if err != nil {
		return err
	}
	defer d.Close()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return err
	}
	defer cams.Stop()
	setup := box.Setup{Binary: o.vedette, Data: filepath.Join(d.Dir, "data"), Config: "[perception]\ntickets = \"off\"\n"}
	v, err := setup.Start(ctx)
	if err != nil {
		return err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, o.cameras); err != nil {
		return err
	}
	w, err := prepare(v, o)
	if err != nil {
		return err
	}
	if err := box.Poll(ctx, w.sampled); err != nil {
		return fmt.Errorf("no frame: %w", err)
	}
	began := time.Now()
	alone, err := written(d, func() error { return box.Sleep(ctx, o.window) })
	if err != nil {
		return err
	}
	loaded, err := written(d, func() error { return w.load(ctx, o) })
	if err != nil {
		return err
	}
	gaps, err := v.Gaps(o.cameras, began)
	if err != nil {
		return err
	}
	dropped, err := v.Dropped()
	if err != nil {
		return err
	}
	w.report(o, alone, loaded, gaps, dropped)
	if gaps > 0 || dropped > 0 || w.refused > 0 {
		return errors.New("a picture is missing, or a report was refused")
	}
	return nil
}

// written returns what reached the disk while f ran, in bytes.
func written(d *box.Disk, f func() error) (int64, error) {
	before, err := d.Blocks()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := d.Blocks()
	return after.Sub(before).Written, err
}

// worker is who loads the box, and what came of it.
type worker struct {
	url, key string
	client   *http.Client

	mu            sync.Mutex
	posts, frames []time.Duration
	refused       int
}

// prepare gives each camera a task and eight zones, and makes a key.
func prepare(v *box.Vedette, o options) (*worker, error) {
	w := &worker{url: v.URL(), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}}
	for i := range o.cameras {
		camera := fmt.Sprintf("/api/v1/cameras/cam%d", i)
		if err := v.Post(camera+"/ai-tasks", map[string]any{"task_type": "detection", "fps": 1, "width": 640}); err != nil {
			return nil, err
		}
		for z := range 8 {
			x := float64(z) / 8
			if err := v.Post(camera+"/zones", map[string]any{"name": fmt.Sprint("zone ", z), "kind": "polygon", "points": [][2]float64{{x, 0}, {x + 0.1, 0}, {x + 0.1, 1}, {x, 1}}}); err != nil {
				return nil, err
			}
		}
	}
	answer, _, err := v.Send("POST", "/api/v1/api-keys", "application/json", []byte(`{"name":"bench","role":"worker"}`))
	if err != nil {
		return nil, err
	}
	var k struct{ Key string }
	if err := json.Unmarshal(answer, &k); err != nil {
		return nil, err
	}
	w.key = k.Key
	return w, nil
}

// sampled reports whether every camera may be pulled.
func (w *worker) sampled() bool {
	_, err := w.ask("GET", "/api/v1/cameras/cam0/frame", nil)
	return err == nil
}

// ask makes a request and returns how long its answer took.
func (w *worker) ask(method, path string, body []byte) (time.Duration, error) {
	req, err := http.NewRequest(method, w.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-API-Key", w.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	began := time.Now()
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	took := time.Since(began)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return took, err
}

// load posts and pulls at the rates of o, whatever the answers take.
func (w *worker) load(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, o.window)
	defer cancel()
	var all errgroup.Group
	all.Go(func() error {
		w.steadily(ctx, o.rate/each, &w.posts, func(n int) (string, string, []byte) {
			return "POST", "/api/v1/ai/events", posting(n, o.cameras)
		})
		return nil
	})
	all.Go(func() error {
		w.steadily(ctx, o.pulls, &w.frames, func(n int) (string, string, []byte) {
			return "GET", fmt.Sprintf("/api/v1/cameras/cam%d/frame", n%o.cameras), nil
		})
		return nil
	})
	return all.Wait()
}

// steadily makes requests, rate a second, and notes what they took.
func (w *worker) steadily(ctx context.Context, rate int, into *[]time.Duration, next func(n int) (method, path string, body []byte)) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var open sync.WaitGroup
	defer open.Wait()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		method, path, body := next(n)
		open.Go(func() {
			took, err := w.ask(method, path, body)
			w.mu.Lock()
			defer w.mu.Unlock()
			if err != nil {
				if w.refused++; w.refused == 1 {
					log.Print(err)
				}
				return
			}
			*into = append(*into, took)
		})
	}
}

// posting is a report of 20 things that drift through the zones of a camera.
func posting(n, cameras int) []byte {
	list := make([]map[string]any, each)
	for i := range list {
		list[i] = map[string]any{
			"label": "person", "confidence": 0.9, "track_id": fmt.Sprint("t", i),
			"bbox": []float64{float64((n/cameras+37*i)%700) / 800, 0.4, 0.05, 0.2},
		}
	}
	body, _ := json.Marshal(map[string]any{ // numbers and words: it cannot fail
		"camera_id": fmt.Sprintf("cam%d", n%cameras), "task_type": "detection", "frame_id": fmt.Sprint("f", n), "detections": list,
	})
	return body
}

func (w *worker) report(o options, alone, loaded int64, gaps int, dropped float64) {
	detections := each * len(w.posts)
	fmt.Printf("%d cameras recording, %v alone and %v with workers; load %s\n\n", o.cameras, o.window, o.window, box.Load())
	fmt.Println("| | a second | p50 ms | p99 ms | most ms |")
	fmt.Println("|---|---|---|---|---|")
	for _, r := range []struct {
		name string
		took []time.Duration
		each int
	}{{"reports of 20 detections", w.posts, each}, {"frames pulled", w.frames, 1}} {
		slices.Sort(r.took)
		fmt.Printf("| %s | %.0f | %.1f | %.1f | %.1f |\n", r.name, float64(len(r.took))/o.window.Seconds(), at(r.took, 0.5), at(r.took, 0.99), at(r.took, 1))
	}
	fmt.Printf("\ndetections a second: %.0f; device bytes for each, beyond recording alone: %.0f; refused: %d; gaps: %d; dropped: %.0f\n",
		float64(detections)/o.window.Seconds(), float64(loaded-alone)/float64(max(detections, 1)), w.refused, gaps, dropped)
}

// at returns a quantile of sorted times, in ms.
func at(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}
