package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestTheLastOneOfAShareIsRefusedAndAnotherClientIsNot(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", secure), func(t *testing.T) {
			o := Options{Handler: hello, MaxPerClient: 3}
			if secure {
				o.TLS = certificate(t)
			}
			f := listen(t, o)
			for range 3 {
				dial(t, f, "127.0.0.2")
			}
			until(t, "three connections", func() bool { return f.in(stateNew) == 3 })
			fourth := dial(t, f, "127.0.0.2")
			if secure {
				if !ended(t, fourth) {
					t.Error("the fourth is not closed")
				}
			} else {
				res, body := say(t, fourth, get)
				if res.StatusCode != 503 || res.Header.Get("Retry-After") != "2" || !strings.Contains(body, `"code":"busy"`) || !res.Close {
					t.Errorf("the fourth is told %s %v %q, want a 503 with Retry-After", res.Status, res.Header, body)
				}
			}
			url := map[bool]string{false: "http://", true: "https://"}[secure] + f.Addr().String()
			res, err := browser(t, "127.0.0.3").Get(url)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			var m bytes.Buffer
			f.WritePrometheus(&m)
			if want := `refused_total{reason="client"} 1` + "\n"; !strings.Contains(m.String(), want) {
				t.Errorf("metrics lack %q:\n%s", want, m.String())
			}
		})
	}
}

func TestManyWhoAreRefusedTakeNoMoreThanAFewConnections(t *testing.T) {
	f, err := Listen(Options{Listen: "127.0.0.1:0", Handler: hello, MaxPerClient: 1})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, f)
	dial(t, f, "127.0.0.2")
	until(t, "the one connection", func() bool { return f.in(stateNew) == 1 })
	cut := 0
	for range maxTurned + 5 { // each is told and then waited for; beyond maxTurned none is
		c := dial(t, f, "127.0.0.2")
		if ended(t, c) {
			cut++
		}
	}
	if cut != 5 {
		t.Errorf("%d of %d were closed without a word, want 5", cut, maxTurned+5)
	}
	stop()
	if n := len(f.turned); n != 0 {
		t.Errorf("%d of them are still waited for after Run", n)
	}
}

func TestANewClientIsServedWhileOthersHoldAllPlaces(t *testing.T) {
	f := listen(t, Options{Handler: hello, MaxConns: 8})
	var holders []net.Conn
	for i := range 8 {
		c := dial(t, f, fmt.Sprintf("127.0.1.%d", i+1))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: box\r\nX:")
		holders = append(holders, c)
		until(t, "the next holder", func() bool { return f.in(stateNew) == i+1 })
	}
	res, body := say(t, dial(t, f, "127.0.0.2"), get)
	if res.StatusCode != 200 || body != "hello" {
		t.Fatalf("the new client is told %s %q, want hello", res.Status, body)
	}
	if !ended(t, holders[0]) {
		t.Error("the one who held on the longest did not give way")
	}
	if res, _ := say(t, holders[1], "\r\n\r\n"); res.StatusCode != 200 {
		t.Errorf("the second is told %s, want to be served", res.Status)
	}
}

func TestSomebodySignedInKeepsTheirConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", secure), func(t *testing.T) {
			o := Options{MaxConns: 4, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/known" {
					Vouch(r.Context())
				}
			})}
			if secure {
				o.TLS = certificate(t)
			}
			f := listen(t, o)
			open := func(from, path string) net.Conn {
				c := dial(t, f, from)
				if secure {
					c = tls.Client(c, anyServer())
				}
				say(t, c, "GET "+path+" HTTP/1.1\r\nHost: box\r\n\r\n")
				return c
			}
			known := open("127.0.0.2", "/known")
			for i := range 12 {
				open(fmt.Sprintf("127.0.1.%d", i+1), "/")
			}
			if res, _ := say(t, known, get); res.StatusCode != 200 {
				t.Errorf("told %s, want to be served", res.Status)
			}
		})
	}
}

func TestAHijackedConnectionCountsForItsClientUntilItIsClosed(t *testing.T) {
	o := Options{MaxConns: 1, MaxPerClient: 2, TLS: certificate(t), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(c, rw) // an echo
	})}
	f := listen(t, o)
	var open []net.Conn
	for range 2 {
		c := tls.Client(dial(t, f, "127.0.0.2"), anyServer())
		res, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: box\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping")
		if err != nil {
			t.Fatal(res, err)
		}
		all := make([]byte, 1024)
		for got := ""; !strings.HasSuffix(got, "ping"); {
			n, err := c.Read(all)
			if err != nil {
				t.Fatal(err)
			}
			got += string(all[:n])
		}
		open = append(open, c)
	}
	if n := f.in(stateHijacked); n != 2 {
		t.Errorf("%d hijacked connections, want 2 (with one place in all)", n)
	}
	if !ended(t, dial(t, f, "127.0.0.2")) {
		t.Error("a third connection was let in, want it refused")
	}
	for _, c := range open {
		c.Close()
	}
	until(t, "no hijacked connection", func() bool { return f.in(stateHijacked) == 0 })
	if len(f.gate.clients) != 0 {
		t.Errorf("clients %v, want none", f.gate.clients)
	}
}

func TestRequestsOfAClientAreLimited(t *testing.T) {
	f := listen(t, Options{Handler: hello, TLS: certificate(t)})
	url := "https://" + f.Addr().String()
	count := func(c *http.Client, n int) (refused int, last *http.Response) {
		for range n {
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusTooManyRequests {
				refused, last = refused+1, res
				if !strings.HasPrefix(string(body), `{"error":{"code":"too_many_requests"`) {
					t.Fatalf("body %q", body)
				}
			}
		}
		return refused, last
	}
	one := browser(t, "127.0.0.2")
	begun := time.Now()
	refused, last := count(one, 1500)
	// However slow the machine is, the budget grows no faster than this.
	if least := 1500 - requestBurst - int(time.Since(begun).Seconds()*requestRate) - 1; refused < least {
		t.Errorf("%d of 1500 refused, want at least %d", refused, least)
	} else if least > 0 && last.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q, want 1", last.Header.Get("Retry-After"))
	}
	if refused, _ := count(browser(t, "127.0.0.3"), 20); refused != 0 {
		t.Errorf("%d requests of another client refused, want none", refused)
	}
}

func TestAHeaderTooLargeIsRefused(t *testing.T) {
	f := listen(t, Options{Handler: hello})
	if res, _ := say(t, dial(t, f, "127.0.0.2"), long(15<<10)); res.StatusCode != 200 {
		t.Errorf("15 KiB: %s, want 200", res.Status)
	}
	if res, _ := say(t, dial(t, f, "127.0.0.2"), long(24<<10)); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("24 KiB: %s, want 431", res.Status)
	}
}

func TestHTTP2IsSpokenWithABoundOnStreams(t *testing.T) {
	enough := make(chan struct{})
	f := listen(t, Options{TLS: certificate(t), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-enough })})
	t.Cleanup(func() { close(enough) })
	config := anyServer()
	config.NextProtos = []string{"h2"}
	c := tls.Client(dial(t, f, "127.0.0.2"), config)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	const more = 10
	fr := http2.NewFramer(c, c)
	errs := []error{fr.WriteSettings()}
	for i := range uint32(h2Streams + more) { // whatever the server says it takes
		var b bytes.Buffer
		h := hpack.NewEncoder(&b)
		for _, kv := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "box"}, {":path", "/"}} {
			errs = append(errs, h.WriteField(hpack.HeaderField{Name: kv[0], Value: kv[1]}))
		}
		errs = append(errs, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: b.Bytes(), EndStream: true, EndHeaders: true}))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for refused := 0; refused < more; {
		frame, err := fr.ReadFrame()
		if err != nil {
			t.Fatalf("after %d refused requests: %v, want %d", refused, err, more)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if n, ok := frame.Value(http2.SettingMaxConcurrentStreams); !frame.IsAck() && (!ok || n != h2Streams) {
				t.Errorf("it says that it takes %d requests, want %d", n, h2Streams)
			}
			if n, ok := frame.Value(http2.SettingMaxFrameSize); !frame.IsAck() && (!ok || n != h2Frame) {
				t.Errorf("it says that it takes frames of %d bytes, want %d", n, h2Frame)
			}
		case *http2.RSTStreamFrame:
			if frame.ErrCode != http2.ErrCodeRefusedStream || frame.StreamID < 2*h2Streams {
				t.Errorf("stream %d: %v, want it refused if it is beyond the %dth", frame.StreamID, frame.ErrCode, h2Streams)
			}
			refused++
		}
	}
}

func TestHSTSIsSentWhenItIsWantedAndOverTLSAlone(t *testing.T) {
	var wanted atomic.Bool
	o := Options{Handler: hello, HSTS: func(string) bool { return wanted.Load() }}
	plain := listen(t, o)
	o.TLS = certificate(t)
	secure := listen(t, o)
	for _, tt := range []struct {
		url    string
		wanted bool
		want   string
	}{
		{"https://" + secure.Addr().String(), false, ""},
		{"https://" + secure.Addr().String(), true, "max-age=31536000"},
		{"http://" + secure.Addr().String(), true, ""}, // a redirect
		{"http://" + plain.Addr().String(), true, ""},
	} {
		wanted.Store(tt.wanted)
		res, err := browser(t, "127.0.0.2").Get(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Strict-Transport-Security"); got != tt.want {
			t.Errorf("%s, wanted %v: HSTS %q, want %q", tt.url, tt.wanted, got, tt.want)
		}
	}
}

func TestTheAddressIsThatOfTheConnection(t *testing.T) {
	f := listen(t, Options{TLS: certificate(t), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		io.WriteString(w, host)
	})})
	req, _ := http.NewRequest("GET", "https://"+f.Addr().String(), nil)
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	req.Header.Set("Forwarded", "for=192.0.2.1")
	res, err := browser(t, "127.0.0.9").Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "127.0.0.9" {
		t.Errorf("RemoteAddr %q, want 127.0.0.9", body)
	}
}

func TestDeadlinesOfAHandlerReachTheConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", secure), func(t *testing.T) {
			failed := make(chan error, 2)
			o := Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rc := http.NewResponseController(w)
				rc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				_, err := io.ReadAll(r.Body)
				failed <- err
				rc.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
				for err = nil; err == nil; {
					_, err = w.Write(make([]byte, 1<<20))
				}
				failed <- err
			})}
			if secure {
				o.TLS = certificate(t)
			}
			c := dial(t, listen(t, o), "127.0.0.2")
			if secure {
				c = tls.Client(c, anyServer())
			}
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 9\r\n\r\nslow")
			for _, what := range []string{"reading", "writing"} {
				select {
				case err := <-failed:
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s ended with %v, want the deadline", what, err)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("the deadline of %s did not come", what)
				}
			}
		})
	}
}

// telling is a listener whose connections tell what is handed to them as a
// whole, for the kernel to send.
type telling struct {
	net.Listener
	sent chan io.Reader
}

func (l telling) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tellingConn{c.(*net.TCPConn), l.sent}, nil
}

type tellingConn struct {
	*net.TCPConn
	sent chan io.Reader
}

func (c tellingConn) ReadFrom(r io.Reader) (int64, error) {
	c.sent <- r
	return c.TCPConn.ReadFrom(r)
}

func TestAFileIsHandedToTheKernelWithoutTLS(t *testing.T) {
	name := filepath.Join(t.TempDir(), "footage.mp4")
	want := bytes.Repeat([]byte("footage!"), 1<<17)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tell := telling{ln, make(chan io.Reader, 8)}
	f := newFront(Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })}, tell, nil)
	run(t, f)
	res, err := browser(t, "127.0.0.2").Get("http://" + f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes and %v, want the file", len(got), err)
	}
	select {
	case r := <-tell.sent:
		if l, ok := r.(*io.LimitedReader); ok {
			r = l.R
		}
		if _, ok := r.(*os.File); !ok {
			t.Errorf("the connection was handed a %T, want the file", r)
		}
	default:
		t.Error("the connection was handed nothing as a whole")
	}
}

func TestListenSaysWhichAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.Addr().String()
	if _, err := Listen(Options{Listen: at}); err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("Listen = %v, want an error that names %s", err, at)
	}
	_, err = Listen(Options{Listen: "127.0.0.1:0", TLS: certificate(t), Redirect: at})
	if err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("Listen = %v, want an error that names the redirects", err)
	}
	f, err := Listen(Options{Listen: "127.0.0.1:0", Redirect: at})
	if err != nil {
		t.Fatalf("without TLS: %v, want no second listener", err)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Errorf("Close twice = %v", err)
	}
	if c, err := net.Dial("tcp", f.Addr().String()); err == nil {
		c.Close()
		t.Error("a closed Front still listens")
	}
}

func TestRunEndsWithAnErrorWhenItsListenerIsLost(t *testing.T) {
	f, err := Listen(Options{Listen: "127.0.0.1:0", Handler: hello})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := f.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run = %v, want net.ErrClosed", err)
	}
}

func TestVouchOutsideOfAFrontDoesNothing(t *testing.T) {
	Vouch(context.Background())
	f := newFront(Options{Handler: hello}, newPipes(), nil)
	w := httptest.NewRecorder()
	f.limited(hello).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("x")))
	if w.Code != 200 {
		t.Errorf("code %d, want 200", w.Code)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	f, err := Listen(Options{Listen: "127.0.0.1:0", Redirect: "127.0.0.1:0", TLS: certificate(t), Handler: hello})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, f)
	for i := range 60 {
		c := dial(t, f, fmt.Sprintf("127.0.0.%d", 2+i%5))
		switch i % 4 {
		case 0: // silent
		case 1:
			io.WriteString(c, "\x16") // a handshake that does not go on
		case 2:
			c.Close()
		case 3:
			say(t, tls.Client(c, anyServer()), get)
		}
	}
	until(t, "who said nothing is in", func() bool { return f.in(stateNew) >= 30 })
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > stopTime-time.Second {
		t.Errorf("it took %v to stop, though nothing was asked for", took)
	}
	until(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
	if len(f.gate.clients) != 0 || len(f.gate.conns) != 0 {
		t.Errorf("%d clients and %d connections are counted still", len(f.gate.clients), len(f.gate.conns))
	}
}
