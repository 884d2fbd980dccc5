package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// report posts that a person is at x in frame n, until the box has taken it: as a
// worker does whose box loses its power.
func (b *box) report(key string, n int, x float64) {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{
		"camera_id": "door", "task_type": "detection", "frame_id": fmt.Sprint("frame-", n),
		"detections": []any{map[string]any{"label": "person", "confidence": 0.9, "bbox": []float64{x, 0.4, 0.1, 0.2}, "track_id": "p1"}},
		"event":      map[string]any{"event_type": "passed", "payload": map[string]any{"n": n}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequestWithContext(b.t.Context(), "POST", "http://"+b.addr+"/api/v1/ai/events", bytes.NewReader(body))
		if err != nil {
			b.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-API-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("%s", resp.Status)
		}
		if time.Since(began) > 30*time.Second {
			b.t.Errorf("report %d: %v", n, err)
			return
		}
	}
}

// TestAKilledBoxTellsEachEventOnce kills the box again and again while a track goes
// in and out of a zone with every report. Each report that was taken is there
// once, and each of them has made one event of the zone and one of its own.
func TestAKilledBoxTellsEachEventOnce(t *testing.T) {
	const kills, each = 6, 40
	b := newBox(t, "[perception]\ntickets = \"off\"\n")
	b.start()
	b.claim()
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "Door", "main_url": startSimcam(t), "record": true}, http.StatusCreated, nil)
	b.zone("door", map[string]any{"name": "Middle", "kind": "polygon", "points": middle, "confirm_frames": 1, "lost_seconds": 600})
	worker, relay := b.key("worker"), b.key("relay")

	reports := make(chan int, 1)
	go func() {
		defer close(reports)
		for n := range kills * each {
			b.report(worker, n, []float64{0.45, 0.05}[n%2]) // inside, outside
			if n%each == each/2 {
				reports <- n
			}
		}
	}()
	for range reports {
		b.stop(syscall.SIGKILL)
		b.start()
	}
	total := kills * each
	var found []happening
	b.eventually(20*time.Second, "telling all of it", func() error {
		if found = b.events("zone_*"); len(found) < total {
			return fmt.Errorf("%d events of %d reports", len(found), total)
		}
		return nil
	})
	if len(found) != total {
		t.Errorf("%d events of %d reports", len(found), total)
	}
	for i, e := range found {
		if want := []string{"zone_enter", "zone_exit"}[i%2]; e.Type != want {
			t.Errorf("event %d is %s, want %s", i, e.Type, want)
			break
		}
	}
	b.eventually(10*time.Second, "telling what workers report themselves", func() error {
		if n := len(b.events("passed")); n != total {
			return fmt.Errorf("%d events of %d reports", n, total)
		}
		return nil
	})
	b.checkOutbox(relay, total)
}

// checkOutbox wants each report to be in the outbox once, in order.
func (b *box) checkOutbox(key string, total int) {
	b.t.Helper()
	var after uint64
	for n := 0; n < total; {
		req, err := http.NewRequestWithContext(b.t.Context(), "GET", fmt.Sprintf("http://%s/api/v1/outbox?after_seq=%d&limit=100", b.addr, after), nil)
		if err != nil {
			b.t.Fatal(err)
		}
		req.Header.Set("X-API-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.t.Fatal(err)
		}
		var page struct {
			Rows []struct {
				Seq     uint64 `json:"seq"`
				FrameID string `json:"frame_id"`
			} `json:"rows"`
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		rows := page.Rows
		if err != nil || len(rows) == 0 {
			b.t.Fatalf("the outbox ends after %d of %d: %v", n, total, err)
		}
		for _, r := range rows {
			if want := fmt.Sprint("frame-", n); r.FrameID != want || r.Seq <= after {
				b.t.Fatalf("row %d: %+v behind %d, want %s", n, r, after, want)
			}
			after = r.Seq
			n++
		}
	}
}
