package e2e

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// happening is an event as the API tells it.
type happening struct {
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	Camera  string    `json:"camera"`
	Payload struct {
		Zone     string  `json:"zone_id"`
		Track    string  `json:"track_id"`
		Label    string  `json:"label"`
		Evidence string  `json:"evidence"`
		Seconds  float64 `json:"seconds"`
	} `json:"payload"`
}

// events returns those of some types, ascending.
func (b *box) events(types string) []happening {
	b.t.Helper()
	var page struct {
		Events []happening `json:"events"`
	}
	b.call("GET", "/api/v1/events?since_seq=0&limit=2000&type="+types, nil, http.StatusOK, &page)
	return page.Events
}

// key returns a new API key of a role.
func (b *box) key(role string) string {
	b.t.Helper()
	var k struct {
		Key string `json:"key"`
	}
	b.call("POST", "/api/v1/api-keys", map[string]any{"name": role, "role": role}, http.StatusCreated, &k)
	return k.Key
}

// zone draws one on a camera and returns its id.
func (b *box) zone(camera string, zone map[string]any) string {
	b.t.Helper()
	var z struct {
		ID string `json:"id"`
	}
	b.call("POST", "/api/v1/cameras/"+camera+"/zones", zone, http.StatusCreated, &z)
	return z.ID
}

// middle is where the block of the simulated camera passes through.
var middle = [][2]float64{{0.3, 0.05}, {0.7, 0.05}, {0.7, 0.95}, {0.3, 0.95}}

// worker runs one of the example workers until the test ends.
func (b *box) worker(program string, args ...string) {
	b.t.Helper()
	log := &logBuffer{}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "VEDETTE_URL=http://"+b.addr, "VEDETTE_KEY="+b.key("worker"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if b.t.Failed() {
			b.t.Logf("the worker said:\n%s", tail(log.String(), 20))
		}
	})
}

func goWorker(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "worker-go")
	output(t, "go", "build", "-o", program, "../../examples/worker-go")
	return program
}

// TestWorkersMakeEventsOfWhatMoves runs both example workers against the simulated
// camera, whose block moves through the middle of the picture.
func TestWorkersMakeEventsOfWhatMoves(t *testing.T) {
	for name, args := range map[string][]string{"go": {goWorker(t)}, "python": {"/usr/bin/python3", "../../examples/worker-python/worker.py"}} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "[perception]\ntickets = \"enforce\"\n")
			b.start()
			b.claim()
			b.call("POST", "/api/v1/cameras", map[string]any{"name": "Door", "main_url": startSimcam(t), "record": true, "record_mode": "event", "postroll_s": 5}, http.StatusCreated, nil)
			b.call("POST", "/api/v1/cameras/door/ai-tasks", map[string]any{"task_type": "detection", "stream_profile": "sub", "fps": 10, "width": 640}, http.StatusCreated, nil)
			area := b.zone("door", map[string]any{"name": "Middle", "kind": "polygon", "points": middle, "dwell_seconds": 1, "severity": "warning"})
			line := b.zone("door", map[string]any{"name": "Line", "kind": "line", "points": [][2]float64{{0.5, 0}, {0.5, 1}}})
			began := time.Now()
			b.worker(args[0], args[1:]...)

			count := map[string]int{}
			b.eventually(60*time.Second, "told what moves", func() error {
				clear(count)
				for _, e := range b.events("zone_*") {
					count[e.Type+" "+e.Payload.Zone]++
				}
				if count["zone_enter "+area] < 2 || count["zone_exit "+area] < 2 || count["zone_dwell "+area] < 1 || count["zone_line_cross "+line] < 2 {
					return fmt.Errorf("so far %v", count)
				}
				return nil
			})
			all := b.events("zone_*")
			checkStays(t, all, area)
			b.checkEvidence(all)
			b.followed(all)
			b.eventually(20*time.Second, "recorded for the event", func() error {
				var tl struct {
					Ranges []struct {
						Start, End time.Time
						Why        string
					} `json:"ranges"`
				}
				b.call("GET", fmt.Sprintf("/api/v1/cameras/door/timeline?from=%d&to=%d", began.Add(-time.Minute).UnixMilli(), time.Now().UnixMilli()), nil, http.StatusOK, &tl)
				for _, r := range tl.Ranges {
					if r.Why == "event" && r.Start.Before(all[0].Time) && r.End.After(all[0].Time) {
						return nil
					}
				}
				return fmt.Errorf("the timeline has %+v, the first event is of %v", tl.Ranges, all[0].Time)
			})
		})
	}
}

// checkStays wants every track to enter before it leaves, and no more than once
// in between.
func checkStays(t *testing.T, all []happening, zone string) {
	t.Helper()
	inside := map[string]bool{}
	for _, e := range all {
		if e.Payload.Zone != zone {
			continue
		}
		switch in := inside[e.Payload.Track]; {
		case e.Type == "zone_enter" && in, e.Type != "zone_enter" && !in:
			t.Errorf("event %d: %s of %s, which is inside: %v", e.Seq, e.Type, e.Payload.Track, in)
		}
		inside[e.Payload.Track] = e.Type != "zone_exit"
	}
}

// checkEvidence looks at the pictures of events.
func (b *box) checkEvidence(all []happening) {
	b.t.Helper()
	looked := 0
	for _, e := range all {
		if e.Type != "zone_enter" {
			continue
		}
		if e.Payload.Evidence == "" {
			b.t.Errorf("event %d has no picture", e.Seq)
			continue
		}
		raw, resp := b.try("GET", "/api/v1/cameras/door/evidence/"+e.Payload.Evidence, nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/jpeg" {
			b.t.Errorf("the picture of event %d: %s %s %.100s", e.Seq, resp.Status, resp.Header.Get("Content-Type"), raw)
			continue
		}
		if p, err := jpeg.Decode(bytes.NewReader(raw)); err != nil || p.Bounds().Dx() != 640 {
			b.t.Errorf("the picture of event %d: %v", e.Seq, err)
		}
		looked++
	}
	if looked == 0 {
		b.t.Error("no picture was looked at")
	}
}

// followed reads the same events as a stream, and wants all of them, in order.
func (b *box) followed(all []happening) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", "http://"+b.addr+"/api/v1/events/stream?type=zone_*", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "0")
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var want, got []string
	for _, e := range all {
		want = append(want, fmt.Sprint(e.Seq))
	}
	text := ""
	buf := make([]byte, 4096)
	for len(got) < len(want) {
		n, err := resp.Body.Read(buf)
		text += string(buf[:n])
		got = nil
		for _, line := range strings.Split(text[:strings.LastIndex(text, "\n")+1], "\n") {
			if id, is := strings.CutPrefix(line, "id: "); is {
				got = append(got, id)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			b.t.Fatalf("%v after %d of %d", err, len(got), len(want))
		}
	}
	if got = got[:min(len(got), len(want))]; !slices.Equal(got, want) {
		b.t.Errorf("followed %v, want %v", got, want)
	}
}
