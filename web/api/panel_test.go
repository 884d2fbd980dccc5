package api_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	"github.com/gorilla/websocket"

	"vedette/web/api"
	"vedette/web/auth"
	"vedette/web/panel"
)

type (
	nothing    struct{ api.Recorder }
	noEvents   struct{ api.Events }
	noSystem   struct{}
	noCameras  struct{}
	oneValue   struct{}
	panelFeeds struct{}
)

func (noCameras) Snapshot() []panel.Camera                  { return nil }
func (noCameras) Changes() <-chan struct{}                  { return nil }
func (oneValue) Snapshot() any                              { return 1 }
func (oneValue) Changes() <-chan struct{}                   { return nil }
func (panelFeeds) Latest(int) ([]panel.Event, error)        { return nil, nil }
func (panelFeeds) Since(uint64, int) ([]panel.Event, error) { return nil, nil }
func (panelFeeds) Changes() <-chan struct{}                 { return nil }

func (noSystem) Ready() []string { return nil }
func (noSystem) System(context.Context) (api.SystemInfo, error) {
	return api.SystemInfo{}, nil
}

// TestTheWebsocketPassesTheFloor runs the real panel behind the real floor
// and a real server.
func TestTheWebsocketPassesTheFloor(t *testing.T) {
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	svc, err := auth.Open(db, auth.Options{HashMemoryKiB: 8})
	if err != nil {
		t.Fatal(err)
	}
	token, err := svc.Claim(t.Context(), auth.Caller{Address: "10.0.0.1:1"}, svc.ClaimCode(), "owner", "a password of mine")
	if err != nil {
		t.Fatal(err)
	}
	p := panel.New(panel.Options{Cameras: noCameras{}, System: oneValue{}, Events: panelFeeds{}})
	h, err := api.New(api.Options{Recorder: nothing{}, Auth: svc, Events: noEvents{}, System: noSystem{}, Panel: p})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	defer func() { srv.Close(); <-done }()

	address := l.Addr().String()
	dial := func(origin, cookie string) (*websocket.Conn, *http.Response, error) {
		return websocket.DefaultDialer.Dial("ws://"+address+"/api/v1/panel", http.Header{"Origin": {origin}, "Cookie": {cookie}})
	}
	for name, try := range map[string]struct {
		origin, cookie string
		status         int
	}{
		"a stranger":   {"http://" + address, "", 401},
		"another site": {"http://evil.example", "vedette_session=" + token, 403},
	} {
		if _, resp, err := dial(try.origin, try.cookie); err == nil || resp.StatusCode != try.status {
			t.Errorf("%s: %v, want %d", name, resp, try.status)
		}
	}
	conn, _, err := dial("http://"+address, "vedette_session="+token)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, want := range []string{"hello", "snapshot"} {
		var m struct{ T string }
		if err := conn.ReadJSON(&m); err != nil || m.T != want {
			t.Fatalf("got %q, %v; want %s", m.T, err, want)
		}
	}
	began := time.Now()
	svc.Logout(token)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4401) || time.Since(began) > 2*time.Second {
		t.Errorf("after signing out: %v after %v, want a close with 4401", err, time.Since(began))
	}
}
