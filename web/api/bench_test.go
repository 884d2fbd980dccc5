package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkFrame pulls frames of 40 KiB over a connection that stays, and reports the
// slowest of a hundred.
func BenchmarkFrame(b *testing.B) {
	box := newBox(b)
	f := picture(1, time.Now())
	f.JPEG = make([]byte, 40<<10)
	box.frames.put(f)
	benchmark(b, box, "GET", v1+"/cameras/yard/frame?profile=sub&task=task_1", "")
}

// BenchmarkReport posts 20 detections at a time, without the log behind it.
func BenchmarkReport(b *testing.B) {
	box := newBox(b)
	benchmark(b, box, "POST", v1+"/ai/events", post(`"detections":[`+strings.Repeat(seen+",", 19)+seen+`]`))
}

func benchmark(b *testing.B, box *box, method, path, body string) {
	b.Helper()
	var keys []string // several: each is let through a hundred times a second
	for range 30 {
		keys = append(keys, strings.TrimPrefix(box.worker(b), "X-API-Key: "))
	}
	srv := httptest.NewServer(box)
	defer srv.Close()
	var took []time.Duration
	for b.Loop() {
		r, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("X-API-Key", keys[len(took)%len(keys)])
		r.Header.Set("Content-Type", "application/json")
		begun := time.Now()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			b.Fatalf("%d %.200s, %v, after %d", resp.StatusCode, data, err, len(took))
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
