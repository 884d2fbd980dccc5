package front

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// certificate returns a TLS configuration of a server that nobody knows.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Far apart: synctest's clock begins in 2000.
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), DNSNames: []string{"box.local"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// anyServer returns a configuration of a client that trusts whoever answers. A
// transport changes the one it is given.
func anyServer() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// listen starts a Front on sockets of the loopback.
func listen(t testing.TB, o Options) *Front {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	f, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	run(t, f)
	return f
}

// run runs f until the test ends, or stop is called.
func run(t testing.TB, f *Front) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// dial connects from an address of the loopback, which is a client of its own.
func dial(t testing.TB, f *Front, from string) net.Conn {
	t.Helper()
	c, err := dialFrom(f.Addr(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func dialFrom(to net.Addr, from string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", to.String())
	if err == nil {
		err = c.SetDeadline(time.Now().Add(time.Minute)) // a test that hangs fails instead
	}
	return c, err
}

// browser returns a client that comes from an address of the loopback.
func browser(t testing.TB, from string) *http.Client {
	tr := &http.Transport{
		TLSClientConfig: anyServer(), ForceAttemptHTTP2: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// say writes a request as it is and returns the answer with its body.
func say(t testing.TB, c net.Conn, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return hear(t, c)
}

func hear(t testing.TB, c net.Conn) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read the body of the answer: %v", err)
	}
	return res, string(body)
}

// ended reports that the server closed c without having said anything.
func ended(t testing.TB, c net.Conn) bool {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	return n == 0 && err != nil
}

// until waits for what happens in another goroutine at once.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// in returns how many connections of f are in state s.
func (f *Front) in(s state) int {
	f.gate.mu.Lock()
	defer f.gate.mu.Unlock()
	return f.gate.counts()[s]
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })

const get = "GET / HTTP/1.1\r\nHost: box\r\n\r\n"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// pipes is a listener without sockets, so that it works on the fake clock.
type pipes struct {
	conns chan net.Conn
	errs  chan error
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), errs: make(chan error), done: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case err := <-p.errs:
		return nil, err
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 2), Port: 443} }

// pipe is an end of a connection that says where the other end is.
type pipe struct {
	net.Conn
	remote string
}

func (p pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(p.remote), Port: 50000} }
func (p pipe) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 2), Port: 443} }

// connect returns the client's end of a new connection.
func (p *pipes) connect(from string) net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- pipe{theirs, from}
	return ours
}

// long returns a request for a path with a header of n bytes.
func long(n int) string {
	return "GET / HTTP/1.1\r\nHost: box\r\nX: " + strings.Repeat("x", n) + "\r\n\r\n"
}
