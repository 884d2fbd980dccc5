package api

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLeasesAreAskedForByTheContract(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	tests := []struct {
		name, body string
		status     int
		want       string
		asked      LeaseRequest
	}{
		{"the least", `{"worker_id":"w1"}`, 200, `{"lease_id":"lease_1","worker_id":"w1","expires_at":"2026-11-23T20:00:00.000Z","next_poll_secs":20,"tasks":[{"id":"task_1"`, LeaseRequest{"w1", nil, 512, time.Minute}},
		{"all of it", `{"worker_id":"w1","task_types":["a"],"max_tasks":1,"ttl_secs":300,"gpu":true}`, 200, `"lease_1"`, LeaseRequest{"w1", []string{"a"}, 1, 300 * time.Second}},
		{"no worker", `{}`, 400, `"field":"worker_id"`, LeaseRequest{}},
		{"a worker of a long name", `{"worker_id":"` + strings.Repeat("a", 129) + `"}`, 400, `"field":"worker_id"`, LeaseRequest{}},
		{"no tasks", `{"worker_id":"w","max_tasks":0}`, 400, `"field":"max_tasks"`, LeaseRequest{}},
		{"too many tasks", `{"worker_id":"w","max_tasks":513}`, 400, `"field":"max_tasks"`, LeaseRequest{}},
		{"too short", `{"worker_id":"w","ttl_secs":14}`, 400, `"field":"ttl_secs"`, LeaseRequest{}},
		{"too long", `{"worker_id":"w","ttl_secs":301}`, 400, `"field":"ttl_secs"`, LeaseRequest{}},
		{"of another type", `{"worker_id":7}`, 422, `"field":"worker_id"`, LeaseRequest{}},
		{"types of another type", `{"worker_id":"w","task_types":[1]}`, 422, `"field":"task_types"`, LeaseRequest{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.tasks.asked = LeaseRequest{}
			w := b.do("POST", v1+"/ai/leases", tt.body, key)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || !reflect.DeepEqual(b.tasks.asked, tt.asked) {
				t.Errorf("%d %s, asked %+v; want %d %s, %+v", w.Code, w.Body, b.tasks.asked, tt.status, tt.want, tt.asked)
			}
		})
	}
	for lease, want := range map[string]string{"lease_1": `200 {"released":2}`, "gone": `200 {"released":0}`, "foreign": "409", "a.b": "404"} {
		w := b.do("DELETE", v1+"/ai/leases/"+lease, "", key)
		if got := http.StatusText(w.Code); !strings.HasPrefix(want, map[string]string{"OK": "200", "Conflict": "409", "Not Found": "404"}[got]) || w.Code == 200 && !strings.Contains(want, strings.TrimSpace(w.Body.String())) {
			t.Errorf("release %s: %d %s, want %s", lease, w.Code, w.Body, want)
		}
	}
}

func TestAWorkerSeesItsTasks(t *testing.T) {
	b := newBox(t)
	w := b.do("GET", v1+"/ai/tasks?worker_id=w1", "", b.worker(t, "door"))
	want := `[{"id":"task_2","camera_id":"door","task_type":"detection","stream_profile":"sub","fps":5,"width":640,"config":{},"enabled":true,"frame_url":"/api/v1/cameras/door/frame?profile=sub\u0026task=task_2"}]` + "\n"
	if w.Code != 200 || w.Body.String() != want || b.tasks.beat != "worker/w1" {
		t.Errorf("%d %s (%s), want %s", w.Code, w.Body, b.tasks.beat, want)
	}
	if w := b.owner("GET", v1+"/ai/tasks", ""); w.Code != 403 {
		t.Errorf("a person: %d", w.Code)
	}
}

func picture(seq uint64, at time.Time) *Frame {
	return &Frame{JPEG: []byte("\xff\xd8" + at.String()), Seq: seq, Captured: at, Width: 640, Height: 360}
}

func TestFramesComeWithWhatIsKnownOfThem(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	get := func(query string, header ...string) *httptest.ResponseRecorder {
		return b.do("GET", v1+"/cameras/yard/frame?"+query, "", append(header, key)...)
	}
	for query, want := range map[string]int{"profile=sub": 404, "": 404, "profile=x": 400, "profile=sub&wait_ms=10001": 400, "profile=sub&wait_ms=-1": 400, "profile=sub&after=x": 400} {
		if w := get(query); w.Code != want {
			t.Errorf("%s: %d, want %d", query, w.Code, want)
		}
	}
	b.frames.put(picture(7, time.Now().Add(-2*time.Second)))
	w := get("profile=sub&task=task_1")
	h := w.Header()
	if w.Code != 200 || h.Get("Content-Type") != "image/jpeg" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Seq") != "7" || h.Get("X-Frame-Width") != "640" ||
		h.Get("X-Frame-Height") != "360" || h.Get("X-Frame-Ticket") != "ticket-task_1-7" || w.Body.String() != string(b.frames.now.JPEG) {
		t.Errorf("%d %v", w.Code, h)
	}
	if age := h.Get("X-Frame-Age-Ms"); len(age) != 4 || age[0] != '2' {
		t.Errorf("age %s", age)
	}
	if at, err := time.Parse(time.RFC3339, h.Get("X-Frame-Captured-At")); err != nil || at.UnixMilli() != b.frames.now.Captured.UnixMilli() {
		t.Errorf("captured at %s", h.Get("X-Frame-Captured-At"))
	}
	for query, ticket := range map[string]string{"task=task_2": "", "task=none": "", "": "", "profile=sub&task=task_3": ""} {
		if w := get(query); w.Code != 200 || w.Header().Get("X-Frame-Ticket") != ticket {
			t.Errorf("%s: %d, ticket %q: without one it is still the frame", query, w.Code, w.Header().Get("X-Frame-Ticket"))
		}
	}
	if w := b.owner("GET", v1+"/cameras/yard/frame?task=task_1", ""); w.Code != 200 || w.Header().Get("X-Frame-Ticket") != "" {
		t.Errorf("a person: %d, ticket %q", w.Code, w.Header().Get("X-Frame-Ticket"))
	}
	tag := h.Get("ETag")
	if before := picture(7, b.frames.now.Captured.Add(-time.Hour)); etag(before) == tag {
		t.Error("a frame of before the process started has the same name")
	}
	for _, tt := range []struct {
		name, query, match string
		want               int
	}{
		{"the one it has by number", "after=7", "", 304},
		{"the one it has by name", "", tag, 304},
		{"an older one", "after=6", "", 200},
		{"a number of before the process started", "after=900", "", 200},
		{"a name of before the process started", "", `"900-abc"`, 200},
	} {
		w := get("profile=sub&"+tt.query, "If-None-Match: "+tt.match)
		if w.Code != tt.want || w.Header().Get("ETag") != tag || w.Code == 304 && w.Body.Len() > 0 {
			t.Errorf("%s: %d, ETag %s", tt.name, w.Code, w.Header().Get("ETag"))
		}
	}
	if got := b.audit.take(); len(got) != 0 {
		t.Errorf("frames were written down: %+v", got)
	}
}

func TestAFrameIsWaitedFor(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	get := func(query string) *httptest.ResponseRecorder {
		return b.do("GET", v1+"/cameras/yard/frame?profile=sub&"+query, "", key)
	}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if w := get("wait_ms=3000"); w.Code != 404 || time.Since(begun) != 3*time.Second {
			t.Errorf("none came: %d after %v", w.Code, time.Since(begun))
		}
		go func() {
			time.Sleep(2 * time.Second)
			b.frames.put(picture(1, time.Now()))
		}()
		begun = time.Now()
		if w := get("wait_ms=3000"); w.Code != 200 || w.Header().Get("X-Frame-Seq") != "1" || time.Since(begun) != 2*time.Second {
			t.Errorf("the first came: %d after %v", w.Code, time.Since(begun))
		}
		begun = time.Now()
		if w := get("wait_ms=3000&after=1"); w.Code != 304 || time.Since(begun) != 3*time.Second {
			t.Errorf("no newer one came: %d after %v", w.Code, time.Since(begun))
		}
		go func() {
			time.Sleep(9 * time.Second)
			b.frames.put(picture(2, time.Now()))
		}()
		begun = time.Now()
		if w := get("wait_ms=10000&after=1"); w.Code != 200 || w.Header().Get("X-Frame-Seq") != "2" || time.Since(begun) != 9*time.Second {
			t.Errorf("the next came: %d after %v", w.Code, time.Since(begun))
		}
		b.frames.put(nil) // so that nothing of the bubble stays
	})
}

// TestWaitingEndsWithTheKey removes a key whose worker waits for a frame.
func TestWaitingEndsWithTheKey(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	b.frames.put(picture(1, time.Now()))
	list := b.auth.Keys()
	answered := make(chan int)
	go func() {
		w := b.do("GET", v1+"/cameras/yard/frame?after=1&wait_ms=10000", "", key)
		answered <- w.Code
	}()
	for { // until it waits
		b.frames.mu.Lock()
		waits := b.frames.next != nil
		b.frames.mu.Unlock()
		if waits {
			break
		}
		runtime.Gosched()
	}
	begun := time.Now()
	if w := b.owner("DELETE", v1+"/api-keys/"+list[len(list)-1].ID, ""); w.Code != 204 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if code := <-answered; code != 503 || time.Since(begun) > 5*time.Second {
		t.Errorf("%d after %v, want the request broken off", code, time.Since(begun))
	}
}

func TestTasksAndWorkersAreShown(t *testing.T) {
	b := newBox(t)
	some := "Cookie: " + b.user(t, "manager", "yard")
	tests := []struct {
		name, who, method, path, body string
		status                        int
		want                          string
	}{
		{"tasks", "", "GET", "/cameras/yard/ai-tasks", "", 200, `"frame_url":"/api/v1/cameras/yard/frame?profile=main\u0026task=task_3"`},
		{"a new one", "", "POST", "/cameras/yard/ai-tasks", `{"task_type":"faces"}`, 201, `"id":"task_9"`},
		{"one that is there", "", "POST", "/cameras/yard/ai-tasks", `{"task_type":"detection"}`, 200, `"id":"task_1"`},
		{"without a type", "", "POST", "/cameras/yard/ai-tasks", `{}`, 400, `"field":"task_type"`},
		{"refused", "", "POST", "/cameras/yard/ai-tasks", `{"task_type":"a","fps":31}`, 400, `"field":"fps"`},
		{"changed", "", "PATCH", "/ai-tasks/task_1", `{"config":{"a":[1,2]}}`, 200, `"config":{"a":[1,2]}`},
		{"its type", "", "PATCH", "/ai-tasks/task_1", `{"task_type":"a"}`, 400, `"field":"task_type"`},
		{"its stream", "", "PATCH", "/ai-tasks/task_1", `{"stream_profile":"main"}`, 400, `"field":"stream_profile"`},
		{"one that is not there", "", "PATCH", "/ai-tasks/ghost", `{}`, 404, `"not_found"`},
		{"removed", "", "DELETE", "/ai-tasks/task_1", "", 204, ""},
		{"samplers", "", "GET", "/ai/samplers", "", 200, `"camera_id":"door"`},
		{"workers", "", "GET", "/ai/workers", "", 200, `{"worker_id":"idle","key_id":"","key_name":"","seen_at":"0001-01-01T00:00:00.000Z","live":false,"leases":[]}]`},
		{"samplers of some cameras", some, "GET", "/ai/samplers", "", 200, `[{"camera_id":"yard","stream_profile":"sub","state":"sampling","fps":0,"width":0,"frames":0,"restarts":0}]`},
		{"workers of some cameras", some, "GET", "/ai/workers", "", 200, `[{"worker_id":"w1","key_id":"","key_name":"","seen_at":"0001-01-01T00:00:00.000Z","live":false,"leases":[{"lease_id":"l1","task_ids":["task_1"],"expires_at":"0001-01-01T00:00:00.000Z"}]}]`},
	}
	for _, tt := range tests {
		if tt.who == "" {
			tt.who = "Cookie: " + b.cookie
		}
		if w := b.do(tt.method, v1+tt.path, tt.body, tt.who); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}
