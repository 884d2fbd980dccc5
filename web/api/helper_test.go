package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/web/auth"
)

const (
	ownerPassword = "canary owner 4711"
	day           = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"
	hour          = "from=2026-11-23T20:00:00Z&to=2026-11-23T21:00:00Z"
)

var start = time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)

// fakeRecorder has the camera "yard", and remembers what it was asked.
type fakeRecorder struct {
	mu        sync.Mutex
	in        CameraInput
	from, to  time.Time
	limit     int
	err       error
	by        string
	retention Retention
	holds     []Hold
	panics    bool
	content   []byte
	closed    int
	hold      chan struct{} // Clip waits for it
}

func (f *fakeRecorder) ask(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("canary panic")
	}
	if f.err == nil && id != "yard" {
		return fmt.Errorf("camera %s: %w", id, ErrNotFound)
	}
	return f.err
}

func (f *fakeRecorder) span(id string, from, to time.Time) error {
	f.mu.Lock()
	f.from, f.to = from, to
	f.mu.Unlock()
	return f.ask(id)
}

func camera() Camera {
	return Camera{ID: "yard", Name: "Yard", State: "recording", MainURL: "rtsp://me:canary-url@10.0.0.5/main", HasPassword: true, Record: true}
}

func (f *fakeRecorder) Cameras(context.Context) ([]Camera, error) {
	return []Camera{camera()}, f.ask("yard")
}
func (f *fakeRecorder) Camera(_ context.Context, id string) (Camera, error) {
	return camera(), f.ask(id)
}
func (f *fakeRecorder) AddCamera(_ context.Context, in CameraInput) (Camera, error) {
	f.mu.Lock()
	f.in = in
	f.mu.Unlock()
	return camera(), f.ask("yard")
}
func (f *fakeRecorder) UpdateCamera(_ context.Context, id string, in CameraInput) (Camera, error) {
	f.mu.Lock()
	f.in = in
	f.mu.Unlock()
	return camera(), f.ask(id)
}
func (f *fakeRecorder) RemoveCamera(_ context.Context, id string) error { return f.ask(id) }
func (f *fakeRecorder) AdoptVolume(_ context.Context, name, id string) error {
	if name != "garage" {
		return ErrNotFound
	}
	if id != "22" {
		return badField("id", "The id is not that of the volume that waits there.")
	}
	return nil
}
func (f *fakeRecorder) Retention(context.Context) (Retention, map[string]RetentionInForce, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retention, map[string]RetentionInForce{"garage": {Floor: 5}}, f.err
}
func (f *fakeRecorder) SetRetention(_ context.Context, set Retention, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retention, f.by = set, by
	return f.err
}
func (f *fakeRecorder) PreviewRetention(_ context.Context, set Retention) ([]RetentionPlan, error) {
	return []RetentionPlan{{Volume: "garage", Segments: int64(len(set.Cameras)), By: map[string]int64{"age": 7}, Oldest: map[string]Timestamp{"yard": Timestamp(start)}}}, nil
}
func (f *fakeRecorder) PlaceHold(_ context.Context, h Hold) (Hold, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h.ID, h.Created = fmt.Sprint(len(f.holds)), Timestamp(start)
	f.holds = append(f.holds, h)
	return h, 3, f.err
}
func (f *fakeRecorder) Holds(context.Context) ([]Hold, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.holds), f.err
}
func (f *fakeRecorder) ReleaseHold(_ context.Context, id, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by = by
	f.holds = slices.DeleteFunc(f.holds, func(h Hold) bool { return h.ID == id })
	return f.err
}
func (f *fakeRecorder) TestCamera(_ context.Context, id string) (TestResult, error) {
	return TestResult{OK: true, Codec: "h264"}, f.ask(id)
}
func (f *fakeRecorder) Segments(_ context.Context, id string, from, to time.Time, limit int) ([]Segment, error) {
	f.mu.Lock()
	f.limit = limit
	f.mu.Unlock()
	var out []Segment
	for i := range min(limit, 10) {
		at := start.Add(time.Duration(i) * time.Minute)
		out = append(out, Segment{ID: fmt.Sprintf("%d-1f3c9a2b", at.UnixMilli()), Start: Timestamp(at), End: Timestamp(at.Add(time.Minute)), Duration: 60000})
	}
	return out, f.span(id, from, to)
}
func (f *fakeRecorder) Timeline(_ context.Context, id string, from, to time.Time) (Timeline, error) {
	return Timeline{}, f.span(id, from, to)
}
func (f *fakeRecorder) GOPs(_ context.Context, id string, from, to time.Time) (GOPIndex, error) {
	return GOPIndex{Segments: []GOPSegment{{ID: "1795400000000-1f3c9a2b", GOPs: [][4]int64{{1, 2, 3, 4}}}}}, f.span(id, from, to)
}
func (f *fakeRecorder) HLS(_ context.Context, id string, from, to time.Time) ([]byte, error) {
	return []byte("#EXTM3U\n"), f.span(id, from, to)
}
func (f *fakeRecorder) media(id string) (*Media, error) {
	if err := f.ask(id); err != nil {
		return nil, err
	}
	return &Media{Content: bytes.NewReader(f.content), Closer: closer{f}, Covered: 59500 * time.Millisecond,
		Gaps: []Gap{{Start: Timestamp(start), End: Timestamp(start.Add(time.Second)), Reason: "camera"}}}, nil
}
func (f *fakeRecorder) Clip(ctx context.Context, id string, from, to time.Time) (*Media, error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := f.span(id, from, to); err != nil {
		return nil, err
	}
	return f.media(id)
}
func (f *fakeRecorder) SegmentMedia(_ context.Context, id, _ string) (*Media, error) {
	return f.media(id)
}
func (f *fakeRecorder) Snapshot(_ context.Context, id string, _ time.Time) (*Media, error) {
	return f.media(id)
}

type closer struct{ f *fakeRecorder }

func (c closer) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.closed++
	return nil
}

type fakeSystem struct{ failing []string }

func (f *fakeSystem) System(context.Context) (SystemInfo, error) {
	return SystemInfo{Version: "test"}, nil
}
func (f *fakeSystem) Ready() []string { return f.failing }

type fakeEvents struct {
	mu     sync.Mutex
	calls  []string
	filter EventFilter
}

func (f *fakeEvents) Since(seq uint64, limit int, flt EventFilter) ([]Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.filter = append(f.calls, fmt.Sprint("since ", seq, " ", limit)), flt
	return []Event{{Seq: seq + 1, Time: Timestamp(start), Type: "a", Severity: "info"}}, nil
}

func (f *fakeEvents) Latest(limit int, flt EventFilter) ([]Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.filter = append(f.calls, fmt.Sprint("latest ", limit)), flt
	return nil, nil
}

// box is an API with a claimed owner and everything behind it faked.
type box struct {
	http.Handler
	rec     *fakeRecorder
	sys     *fakeSystem
	events  *fakeEvents
	machine *fakeAppliance
	audit   *fakeAudit
	access  *fakeAccess
	auth    *auth.Service
	table   []route
	log     *lockedBuffer
	cookie  string // the owner's
	perceived
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBox(t testing.TB, change ...func(*Options)) *box {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"), storm.BoltOptions(0o600, &bolt.Options{NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &box{rec: &fakeRecorder{content: []byte("0123456789")}, sys: &fakeSystem{}, events: &fakeEvents{}, machine: newAppliance(), audit: &fakeAudit{}, access: &fakeAccess{}, log: &lockedBuffer{}, perceived: newPerceived()}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if b.auth, err = auth.Open(db, auth.Options{HashMemoryKiB: 8, Log: log}); err != nil {
		t.Fatal(err)
	}
	said := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s %s", text, r.PathValue("id"), r.PathValue("session"))
		})
	}
	o := Options{Recorder: b.rec, Disks: &fakeDisks{}, Appliance: b.machine, Journal: fakeJournal{}, Support: fakeSupport, Auth: b.auth,
		Events: b.events, System: b.sys, Log: log,
		Audit: b.audit, Certificates: fakeCertificates{}, Outgoing: b.access, Secrets: b.access, Backups: b.access,
		Live: said("live"), Panel: said("panel"), UI: said("ui")}
	b.perceived.into(&o)
	for _, c := range change {
		c(&o)
	}
	if b.Handler, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.table = new(server).table()
	token, err := b.auth.Claim(t.Context(), auth.Caller{Address: "10.0.0.1:1"}, b.auth.ClaimCode(), "owner", ownerPassword)
	if err != nil {
		t.Fatal(err)
	}
	b.cookie = "vedette_session=" + token
	return b
}

// user adds a user and returns their cookie.
func (b *box) user(t testing.TB, role auth.Role, cameras ...string) string {
	t.Helper()
	name := "the-" + string(role) + strings.Join(cameras, "")
	if _, err := b.auth.AddUser(t.Context(), name, role, ownerPassword, cameras); err != nil {
		t.Fatal(err)
	}
	token, err := b.auth.Login(t.Context(), auth.Caller{Address: "10.0.0.2:1"}, name, ownerPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	return "vedette_session=" + token
}

// do sends a request; header lines are "Name: value".
func (b *box) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "http://box.local"+path, rd)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
		}
		if name == "Remote" {
			r.RemoteAddr = value
			continue
		}
		r.Header.Set(name, value)
	}
	if strings.HasPrefix(path, "/api/v1/events/stream") {
		// It goes on for as long as the client stays: this one leaves at once.
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		r = r.WithContext(ctx)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *box) owner(method, path, body string, header ...string) *httptest.ResponseRecorder {
	return b.do(method, path, body, append([]string{"Cookie: " + b.cookie}, header...)...)
}

// failed returns the code and the field of an error answer.
func failed(t testing.TB, w *httptest.ResponseRecorder) (code, field string) {
	t.Helper()
	var e struct {
		Error struct{ Code, Message, Field string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Code == "" || !strings.HasSuffix(e.Error.Message, ".") {
		t.Fatalf("%d %q is not an error answer: %v", w.Code, w.Body, err)
	}
	return e.Error.Code, e.Error.Field
}
