package panel

import (
	"bufio"
	"bytes"
	"crypto/sha1" // the handshake of RFC 6455 asks for it
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"
	"github.com/gorilla/websocket"
	bolt "go.etcd.io/bbolt"

	"vedette/web/auth"
)

// pipeWriter is a response whose connection is one end of a pipe.
type pipeWriter struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (w pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}

// connect serves one socket over a pipe, so that it lives on the test's
// clock, and returns the browser's end; ended is closed when it is over.
func connect(t *testing.T, svc *auth.Service, token string) (browser net.Conn, ended chan struct{}) {
	t.Helper()
	p := New(Options{Cameras: &cameras{value{v: ""}}, System: newValue(1), Events: &eventLog{}, Log: slog.New(slog.DiscardHandler)})
	who, err := svc.Authenticate(token)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := net.Pipe()
	r := httptest.NewRequest("GET", "http://box.local/api/v1/panel", nil)
	for name, v := range map[string]string{"Origin": "http://box.local", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(name, v)
	}
	ended = make(chan struct{})
	go func() {
		p.ServeHTTP(pipeWriter{httptest.NewRecorder(), theirs}, r.WithContext(auth.WithPrincipal(r.Context(), who)))
		close(ended)
	}()
	t.Cleanup(func() { mine.Close(); <-ended })
	return mine, ended
}

func service(t *testing.T, o auth.Options) (*auth.Service, string) {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"), storm.BoltOptions(0o600, &bolt.Options{NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o.HashMemoryKiB = 8
	svc, err := auth.Open(db, o)
	if err != nil {
		t.Fatal(err)
	}
	token, err := svc.Claim(t.Context(), auth.Caller{Address: "10.0.0.1:1"}, svc.ClaimCode(), "owner", "a password of mine")
	if err != nil {
		t.Fatal(err)
	}
	return svc, token
}

func isOver(ended chan struct{}) bool {
	synctest.Wait()
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

func TestAPageThatDoesNotAnswerIsDroppedAfter45Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, token := service(t, auth.Options{})
		conn, ended := connect(t, svc, token)
		go func() { _, _ = io.Copy(io.Discard, conn) }() // takes everything, says nothing
		time.Sleep(deadAfter - time.Second)
		if isOver(ended) {
			t.Error("dropped too early")
		}
		time.Sleep(2 * time.Second)
		if !isOver(ended) {
			t.Error("not dropped")
		}
	})
}

func TestAPageThatTakesNothingIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, token := service(t, auth.Options{})
		conn, ended := connect(t, svc, token)
		br := bufio.NewReader(conn)
		if _, err := http.ReadResponse(br, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(writeTime + 2*lingerTime)
		if !isOver(ended) {
			t.Error("not dropped")
		}
	})
}

// TestAnOpenPageKeepsItsSessionAliveUpToTheAbsoluteLimit has a browser that
// does nothing but answer pings, as one on a wall does.
func TestAnOpenPageKeepsItsSessionAliveUpToTheAbsoluteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, token := service(t, auth.Options{Idle: time.Minute, Absolute: time.Hour})
		ctx := t.Context()
		go func() { _ = svc.Run(ctx) }()
		conn, ended := connect(t, svc, token)
		br := bufio.NewReader(conn)
		if _, err := http.ReadResponse(br, nil); err != nil {
			t.Fatal(err)
		}
		// The handshake is done; what follows are frames, which a client of
		// the same library reads and answers.
		ws, err := rest(conn, br)
		if err != nil {
			t.Fatal(err)
		}
		codes := make(chan int, 1)
		go func() {
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					code := 0
					if ce, ok := err.(*websocket.CloseError); ok {
						code = ce.Code
					}
					codes <- code
					return
				}
			}
		}()
		time.Sleep(time.Hour - time.Second)
		if isOver(ended) {
			t.Fatal("ended while it was in use")
		}
		time.Sleep(3 * time.Second)
		if !isOver(ended) {
			t.Error("goes on 2 s after the absolute limit of its session")
		}
		if code := <-codes; code != 4401 {
			t.Errorf("closed with %d, want 4401", code)
		}
	})
}

// rest makes a client of a connection whose handshake is over, by answering
// the handshake that the client insists on itself.
func rest(conn net.Conn, br *bufio.Reader) (*websocket.Conn, error) {
	c := &replay{Conn: conn, r: br}
	d := websocket.Dialer{NetDial: func(string, string) (net.Conn, error) { return c, nil }}
	ws, _, err := d.Dial("ws://box.local/", nil)
	return ws, err
}

// replay swallows the client's request and answers it.
type replay struct {
	net.Conn
	r    *bufio.Reader
	sent bool
	head io.Reader
}

func (c *replay) Write(p []byte) (int, error) {
	if c.sent {
		return c.Conn.Write(p)
	}
	c.sent = true
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
	if err != nil {
		return 0, err
	}
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	c.head = strings.NewReader("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	return len(p), nil
}

func (c *replay) Read(p []byte) (int, error) {
	if n, err := c.head.Read(p); err == nil {
		return n, nil
	}
	return c.r.Read(p)
}
