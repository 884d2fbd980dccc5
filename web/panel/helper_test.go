package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	"github.com/gorilla/websocket"
	bolt "go.etcd.io/bbolt"

	"vedette/web/auth"
)

// value is a part of the state that tests change.
type value struct {
	mu      sync.Mutex
	v       any
	changes chan struct{}
}

func newValue(v any) *value { return &value{v: v, changes: make(chan struct{}, 1)} }

func (v *value) Snapshot() any            { v.mu.Lock(); defer v.mu.Unlock(); return v.v }
func (v *value) Changes() <-chan struct{} { return v.changes }

func (v *value) set(x any) {
	v.mu.Lock()
	v.v = x
	v.mu.Unlock()
	poke(v.changes)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

type cameraData struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// cameras are "id state" lines.
type cameras struct{ value }

func (c *cameras) Snapshot() []Camera {
	var out []Camera
	for line := range strings.SplitSeq(c.value.Snapshot().(string), ",") {
		if id, st, ok := strings.Cut(line, " "); ok {
			out = append(out, Camera{id, cameraData{id, st}})
		}
	}
	return out
}

type eventLog struct {
	mu      sync.Mutex
	list    []Event
	changes chan struct{}
}

func (l *eventLog) add(camera string) {
	l.mu.Lock()
	seq := uint64(len(l.list) + 1)
	l.list = append(l.list, Event{Seq: seq, Camera: camera, Data: map[string]any{"seq": seq}})
	l.mu.Unlock()
	poke(l.changes)
}

func (l *eventLog) Latest(n int) ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Event(nil), l.list[max(0, len(l.list)-n):]...), nil
}

func (l *eventLog) Since(seq uint64, limit int) ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.list[seq:]
	return append([]Event(nil), rest[:min(limit, len(rest))]...), nil
}

func (l *eventLog) Changes() <-chan struct{} { return l.changes }

type pressed struct {
	mu   sync.Mutex
	list []string
}

func (p *pressed) Press(_ context.Context, button string, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if button == "stuck" {
		return fmt.Errorf("stuck")
	}
	p.list = append(p.list, fmt.Sprint(button, " ", d))
	return nil
}

// box is a panel on a real listener, behind a floor like the API's.
type box struct {
	*Panel
	srv     *httptest.Server
	auth    *auth.Service
	token   string
	cameras *cameras
	system  *value
	board   *value
	events  *eventLog
	pressed *pressed
	log     *lockedBuffer
	stop    context.CancelFunc
	done    chan error
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

func newBox(t *testing.T, change ...func(*Options)) *box {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"), storm.BoltOptions(0o600, &bolt.Options{NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &box{
		cameras: &cameras{}, system: newValue(map[string]int{"n": 0}), board: newValue(map[string]string{"board": "sim"}),
		events: &eventLog{changes: make(chan struct{}, 1)}, pressed: &pressed{}, log: &lockedBuffer{}, done: make(chan error, 1),
	}
	b.cameras.v, b.cameras.changes = "yard recording,gate offline", make(chan struct{}, 1)
	if b.auth, err = auth.Open(db, auth.Options{HashMemoryKiB: 8}); err != nil {
		t.Fatal(err)
	}
	if b.token, err = b.auth.Claim(t.Context(), auth.Caller{Address: "10.0.0.1:1"}, b.auth.ClaimCode(), "owner", "a password of mine"); err != nil {
		t.Fatal(err)
	}
	o := Options{Version: "1", Boot: "b", Cameras: b.cameras, System: b.system, State: b.board, Events: b.events, Board: b.pressed,
		Log: slog.New(slog.NewTextHandler(b.log, nil))}
	for _, c := range change {
		c(&o)
	}
	b.Panel = New(o)
	b.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, err := b.auth.Authenticate(auth.Token(r)); err == nil {
			r = r.WithContext(auth.WithPrincipal(r.Context(), p))
		}
		b.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	go func() { b.done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-b.done:
		case <-time.After(5 * time.Second):
			t.Error("Run did not return")
		}
		b.srv.Close()
	})
	return b
}

// browser is one connected page.
type browser struct {
	*websocket.Conn
	t *testing.T
}

type received struct {
	V   int
	T   string
	ID  *uint64
	Seq uint64
	D   json.RawMessage
}

func (b *box) dial(t *testing.T, header ...string) (*browser, *http.Response, error) {
	t.Helper()
	h := http.Header{"Cookie": {"vedette_session=" + b.token}, "Origin": {b.srv.URL}}
	for _, line := range header {
		name, v, _ := strings.Cut(line, ": ")
		if h.Del(name); v != "" {
			h.Set(name, v)
		}
	}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.srv.URL, "http"), h)
	if err != nil {
		return nil, resp, err
	}
	t.Cleanup(func() { conn.Close() })
	return &browser{conn, t}, resp, nil
}

// open connects and takes hello and the first snapshot in.
func (b *box) open(t *testing.T) *browser {
	t.Helper()
	br, _, err := b.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	if m := br.next(); m.T != "hello" || m.V != 1 || m.Seq != 1 {
		t.Fatalf("first message %+v, want hello", m)
	}
	if m := br.next(); m.T != "snapshot" || m.Seq != 2 {
		t.Fatalf("second message %+v, want the snapshot", m)
	}
	return br
}

func (b *browser) next() received {
	b.t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, data, err := b.ReadMessage()
	if err != nil {
		b.t.Fatalf("read: %v", err)
	}
	var m received
	if err := json.Unmarshal(data, &m); err != nil {
		b.t.Fatalf("%s: %v", data, err)
	}
	return m
}

// until skips messages up to one of type t.
func (b *browser) until(typ string) received {
	b.t.Helper()
	for range 2000 {
		if m := b.next(); m.T == typ {
			return m
		}
	}
	b.t.Fatalf("no %s came", typ)
	return received{}
}

func (b *browser) say(text string) {
	b.t.Helper()
	if err := b.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		b.t.Fatalf("write: %v", err)
	}
}

// closed returns the code the socket is closed with.
func (b *browser) closed() int {
	b.t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		_, _, err := b.ReadMessage()
		var ce *websocket.CloseError
		switch {
		case err == nil:
		case asClose(err, &ce):
			return ce.Code
		default:
			b.t.Fatalf("ended without a close: %v", err)
		}
	}
}

func asClose(err error, ce **websocket.CloseError) bool {
	c, ok := err.(*websocket.CloseError)
	*ce = c
	return ok
}
