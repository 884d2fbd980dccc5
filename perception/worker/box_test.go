package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const goodKey = "vk_good"

// box is a Vedette box as the worker contract describes it, written from the
// contract alone. Its tasks are shared among the workers by turn.
type box struct {
	t *testing.T
	// fault, if not nil, may answer in its place: it returns a status, 0 for
	// none, and what Retry-After says. A status of -1 is a broken connection.
	fault func(r *http.Request) (code int, retryAfter string)

	mu      sync.Mutex
	tasks   []Task
	seen    map[string]time.Time // worker
	holders map[string]holder    // task
	streams map[string]*stream   // camera
	tickets map[string]ticket
	reports []report
	calls   []call
	boot    int
}

type holder struct {
	worker string
	until  time.Time
}

type stream struct {
	jpeg     []byte
	seq      uint64
	captured time.Time
	next     chan struct{}
}

type ticket struct {
	task    string
	seq     uint64
	expires time.Time
}

type report struct {
	Camera     string           `json:"camera_id"`
	Type       string           `json:"task_type"`
	Timestamp  time.Time        `json:"timestamp"`
	FrameID    string           `json:"frame_id"`
	Ticket     string           `json:"frame_ticket"`
	Detections []map[string]any `json:"detections"`
	Event      map[string]any   `json:"event"`

	seq  uint64
	task string
	at   time.Time
	raw  string
}

type call struct {
	at     time.Time
	method string
	path   string
	query  string
}

func newBox(t *testing.T, tasks ...Task) *box {
	for i := range tasks {
		tasks[i].Profile, tasks[i].Width = "sub", 640
		tasks[i].FrameURL = "/api/v1/cameras/" + tasks[i].Camera + "/frame?profile=sub&task=" + tasks[i].ID
	}
	return &box{t: t, tasks: tasks, seen: map[string]time.Time{}, holders: map[string]holder{}, streams: map[string]*stream{}, tickets: map[string]ticket{}}
}

// RoundTrip makes a box the network, so that the clock of a test is the only
// one.
func (b *box) RoundTrip(r *http.Request) (*http.Response, error) {
	type answer struct {
		w  *httptest.ResponseRecorder
		ok bool
	}
	c := make(chan answer, 1)
	go func() {
		w := httptest.NewRecorder()
		ok := func() (ok bool) {
			defer func() { ok = recover() == nil }()
			b.ServeHTTP(w, r)
			return true
		}()
		c <- answer{w, ok}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case a := <-c:
		if !a.ok {
			return nil, io.ErrUnexpectedEOF
		}
		return a.w.Result(), nil
	}
}

func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.calls = append(b.calls, call{time.Now(), r.Method, r.URL.Path, r.URL.RawQuery})
	fault := b.fault
	b.mu.Unlock()
	if fault != nil {
		if code, after := fault(r); code == -1 {
			panic(http.ErrAbortHandler)
		} else if code != 0 {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(code)
			return
		}
	}
	if r.Header.Get("Authorization") != "Bearer "+goodKey {
		b.refuse(w, 401)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/ai/leases", b.lease)
	mux.HandleFunc("DELETE /api/v1/ai/leases/{id}", b.release)
	mux.HandleFunc("GET /api/v1/cameras/{id}/frame", b.frame)
	mux.HandleFunc("POST /api/v1/ai/events", b.events)
	mux.ServeHTTP(w, r)
}

func (b *box) refuse(w http.ResponseWriter, code int) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"error":{"code":"no","message":"no"}}`)
}

func (b *box) lease(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Worker string   `json:"worker_id"`
		Types  []string `json:"task_types"`
		Max    *int     `json:"max_tasks"`
		TTL    int      `json:"ttl_secs"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Worker == "" || in.TTL < 15 || in.TTL > 300 || in.Max != nil && *in.Max < 1 {
		b.refuse(w, 400)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.seen[in.Worker] = now
	var live []string
	for id, at := range b.seen {
		if now.Sub(at) < time.Minute {
			live = append(live, id)
		}
	}
	slices.Sort(live)
	until := now.Add(time.Duration(in.TTL) * time.Second)
	mine := []Task{}
	for i, t := range b.tasks {
		h := b.holders[t.ID]
		if live[i%len(live)] != in.Worker || len(in.Types) > 0 && !slices.Contains(in.Types, t.Type) ||
			now.Before(h.until) && h.worker != in.Worker || in.Max != nil && len(mine) == *in.Max {
			if h.worker == in.Worker {
				delete(b.holders, t.ID)
			}
			continue
		}
		b.holders[t.ID] = holder{in.Worker, until}
		mine = append(mine, t)
	}
	json.NewEncoder(w).Encode(map[string]any{"lease_id": "lease_" + in.Worker, "worker_id": in.Worker,
		"expires_at": until.UTC().Format(time.RFC3339Nano), "next_poll_secs": in.TTL / 3, "tasks": mine})
}

func (b *box) release(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, n := strings.TrimPrefix(r.PathValue("id"), "lease_"), 0
	delete(b.seen, id)
	for task, h := range b.holders {
		if h.worker == id {
			delete(b.holders, task)
			n++
		}
	}
	fmt.Fprintf(w, `{"released":%d}`, n)
}

func (b *box) frame(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	wait, _ := strconv.Atoi(q.Get("wait_ms"))
	after, _ := strconv.ParseUint(q.Get("after"), 10, 64)
	if q.Get("profile") != "sub" || wait < 0 || wait > 10000 {
		b.refuse(w, 400)
		return
	}
	timeout := time.After(time.Duration(wait) * time.Millisecond)
	for {
		b.mu.Lock()
		s := b.streams[r.PathValue("id")]
		if s == nil {
			b.mu.Unlock()
			b.refuse(w, 404)
			return
		}
		if s.seq > after {
			break
		}
		next := s.next
		b.mu.Unlock()
		select {
		case <-next:
		case <-r.Context().Done():
			return
		case <-timeout:
			w.WriteHeader(304)
			return
		}
	}
	defer b.mu.Unlock()
	s := b.streams[r.PathValue("id")]
	head := func(name, value string) { w.Header().Set("X-Frame-"+name, value) }
	head("Seq", strconv.FormatUint(s.seq, 10))
	head("Captured-At", s.captured.UTC().Format("2006-01-02T15:04:05.000Z"))
	head("Age-Ms", strconv.FormatInt(time.Since(s.captured).Milliseconds(), 10))
	head("Width", "640")
	head("Height", "360")
	if h := b.holders[q.Get("task")]; time.Now().Before(h.until) {
		text := fmt.Sprintf("%s/%d/%d", q.Get("task"), b.boot, s.seq)
		b.tickets[text] = ticket{q.Get("task"), s.seq, time.Now().Add(2 * time.Minute)}
		head("Ticket", text)
	}
	w.Write(s.jpeg)
}

func (b *box) events(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var in report
	if json.Unmarshal(raw, &in) != nil || in.Camera == "" || in.Type == "" || in.Detections == nil {
		b.refuse(w, 400)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	in.at, in.raw = time.Now(), string(raw)
	if in.Ticket != "" {
		t, ok := b.tickets[in.Ticket]
		h := b.holders[t.task]
		if !ok || in.at.After(t.expires) || !in.at.Before(h.until) {
			b.refuse(w, 401)
			return
		}
		in.seq, in.task = t.seq, t.task
	}
	for _, old := range b.reports {
		if old.Ticket == in.Ticket && old.FrameID == in.FrameID {
			fmt.Fprint(w, `{"detections_ingested":0,"duplicate":true}`)
			return
		}
	}
	b.reports = append(b.reports, in)
	fmt.Fprintf(w, `{"detections_ingested":%d,"ticketed":%v}`, len(in.Detections), in.Ticket != "")
}

// shoot makes the next frame of a camera.
func (b *box) shoot(camera string, jpeg []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.streams[camera]
	if s == nil {
		s = &stream{next: make(chan struct{})}
		b.streams[camera] = s
	}
	s.jpeg, s.captured = jpeg, time.Now()
	s.seq++
	close(s.next)
	s.next = make(chan struct{})
}

// film makes a frame of a camera every so often until ctx is done.
func (b *box) film(ctx context.Context, camera string, every time.Duration) {
	for {
		b.shoot(camera, []byte(camera))
		if !sleep(ctx, every) {
			return
		}
	}
}

// restart forgets what a box keeps in memory.
func (b *box) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.boot++
	b.seen, b.holders, b.streams, b.tickets = map[string]time.Time{}, map[string]holder{}, map[string]*stream{}, map[string]ticket{}
}

// setFault changes fault while the box runs.
func (b *box) setFault(f func(r *http.Request) (int, string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

func (b *box) reported() []report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.reports)
}

// called returns the calls whose method and path begin so.
func (b *box) called(prefix string) (out []call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if strings.HasPrefix(c.method+" "+c.path, prefix) {
			out = append(out, c)
		}
	}
	return out
}
