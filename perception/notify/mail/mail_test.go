package mail

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

// certificate makes one for 127.0.0.1, and returns its files and who vouches for it.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return cert, key, roots
}

// received is a message as Python's library reads it.
type received struct {
	Port    int
	From    string
	To      []string
	Headers [][2]string
	Body    string
	Secure  bool
	User    string
}

func (r received) header(name string) (values []string) {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

// server runs testdata/server.py, a mail server that is not ours, in one mode.
func server(t *testing.T, mode, cert, key string) (port int, next func() received) {
	t.Helper()
	python, err := "/usr/bin/python3", error(nil) // where the Debian package is, whatever comes first in the path
	if err != nil || exec.Command(python, "-c", "import aiosmtpd").Run() != nil {
		testkit.Lacking(t, "python3-aiosmtpd is not installed")
	}
	cmd := exec.Command(python, "testdata/server.py", mode, cert, key)
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe() // it ends when this closes
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)
	next = func() (r received) {
		t.Helper()
		line, err := lines.ReadBytes('\n')
		if err != nil || json.Unmarshal(line, &r) != nil {
			t.Fatalf("the server says %q, %v", line, err)
		}
		return r
	}
	return next().Port, next
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// nasty is what an event may hold at worst.
const nasty = "yard\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<x@y.z>"

func sample() delivery.Message {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return delivery.Message{ID: "n1-7-8", Box: delivery.Box{ID: "box1", Name: "Haus am Söller"}, Events: []events.Event{
		{Seq: 7, Time: at, Type: "zone_enter", Severity: events.Info, Camera: "yard", Payload: map[string]any{"label": "person", "n": 2.5, "zone": nasty}},
		{Seq: 8, Time: at.Add(time.Minute), Type: "disk_failing", Severity: events.Critical, Camera: nasty},
	}}
}

func TestMessagesReachARealServer(t *testing.T) {
	cert, key, roots := certificate(t)
	tests := []struct{ name, mode, tls, user string }{
		{"encrypted from the first byte, login PLAIN", "tls", TLS, "me"},
		{"encrypted by STARTTLS, login PLAIN", "starttls", StartTLS, "me"},
		{"a server that knows LOGIN only", "login", StartTLS, "me"},
		{"in the clear, where that was chosen", "none", None, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			port, next := server(t, tt.mode, cert, key)
			s := New(Config{Host: "127.0.0.1", Port: port, TLS: tt.tls, Username: tt.user, Password: "canary-password",
				From: "box@example.com", To: []string{"one@example.com", "two@example.com"}}, dial, roots)
			if out := s.Send(t.Context(), sample()); out.Verdict != delivery.Sent || out.Err != nil {
				t.Fatalf("Send = %+v", out)
			}
			got := next()
			if got.From != "box@example.com" || !slices.Equal(got.To, []string{"one@example.com", "two@example.com"}) || got.Secure != (tt.tls != None) || got.User != tt.user {
				t.Errorf("envelope = %+v", got)
			}
			if s := got.header("Subject"); len(s) != 1 || !strings.HasPrefix(s[0], "[Haus am Söller] critical: disk failing (yard") || !strings.HasSuffix(s[0], "and 1 more") {
				t.Errorf("subject = %q", s)
			}
			if got.header("Bcc") != nil || len(got.Headers) != 9 {
				t.Errorf("headers = %q, want the 9 of ours", got.Headers)
			}
			for _, want := range []string{"Haus am Söller reports", "2026-05-01 12:00:00 UTC  info  zone_enter  camera yard", "label: person", "n: 2.5", "disk_failing"} {
				if !strings.Contains(got.Body, want) {
					t.Errorf("body lacks %q:\n%s", want, got.Body)
				}
			}
			if strings.Contains(got.Body, "\nBcc") || strings.Contains(got.Body, "\nMAIL") {
				t.Errorf("an event made lines of its own:\n%s", got.Body)
			}
		})
	}
}

func TestWhatServersRefuse(t *testing.T) {
	cert, key, roots := certificate(t)
	tests := []struct {
		name, mode, tls, user, password string
		to                              []string
		verdict                         delivery.Verdict
		says                            string
		ok                              bool // a part was sent
	}{
		{"STARTTLS is not there: nothing is said in the clear", "none", StartTLS, "me", "canary-password", nil, delivery.Retry, "STARTTLS", false},
		{"a wrong password waits for a person", "starttls", StartTLS, "me", "canary-wrong", nil, delivery.Retry, "log in", false},
		{"a login without encryption is not tried", "none", None, "me", "canary-password", nil, delivery.Retry, "is not sent without", false},
		{"nobody it is for is known", "starttls", StartTLS, "me", "canary-password", []string{"unknown@example.com"}, delivery.Refused, "550", false},
		{"one of two is known", "starttls", StartTLS, "me", "canary-password", []string{"unknown@example.com", "one@example.com"}, delivery.Sent, "not sent to all", true},
		{"come back later", "starttls", StartTLS, "me", "canary-password", []string{"later@example.com"}, delivery.Retry, "450", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			port, next := server(t, tt.mode, cert, key)
			if tt.to == nil {
				tt.to = []string{"one@example.com"}
			}
			s := New(Config{Host: "127.0.0.1", Port: port, TLS: tt.tls, Username: tt.user, Password: tt.password, From: "box@example.com", To: tt.to}, dial, roots)
			out := s.Send(t.Context(), sample())
			if out.Verdict != tt.verdict || out.Err == nil || !strings.Contains(out.Err.Error(), tt.says) || strings.Contains(out.Err.Error(), "canary") {
				t.Errorf("Send = %+v, want verdict %d that says %q", out, tt.verdict, tt.says)
			}
			if tt.ok {
				if got := next(); !slices.Equal(got.To, []string{"one@example.com"}) {
					t.Errorf("sent to %v", got.To)
				}
			}
		})
	}
	t.Run("nobody vouches for the server", func(t *testing.T) {
		port, _ := server(t, "starttls", cert, key)
		s := New(Config{Host: "127.0.0.1", Port: port, TLS: StartTLS, From: "box@example.com", To: []string{"one@example.com"}}, dial, nil)
		if out := s.Send(t.Context(), sample()); out.Verdict != delivery.Retry || out.Err == nil || !strings.Contains(out.Err.Error(), "certificate") {
			t.Errorf("Send = %+v", out)
		}
	})
}

// TestAServerThatSaysNothingIsLeft has a server that takes the connection and is
// silent.
func TestAServerThatSaysNothingIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	for _, how := range []string{TLS, StartTLS, None} {
		s := New(Config{Host: "127.0.0.1", Port: n, TLS: how, From: "box@example.com", To: []string{"one@example.com"}}, dial, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		started := time.Now()
		if out := s.Send(ctx, sample()); out.Verdict != delivery.Retry || time.Since(started) > 5*time.Second {
			t.Errorf("%s: Send = %+v after %v", how, out, time.Since(started))
		}
		cancel()
	}
}

// FuzzCompose has events say whatever they like: there are our headers, and the body.
func FuzzCompose(f *testing.F) {
	f.Add("Box", "zone_enter", "yard", "key", "value")
	f.Add(nasty, nasty, nasty, nasty, nasty)
	f.Add("é\xff\x00", "\u2028", strings.Repeat("ü", 400), "\r\n", strings.Repeat(".\r\n", 50))
	f.Fuzz(func(t *testing.T, box, typ, camera, key, value string) {
		m := delivery.Message{ID: typ, Box: delivery.Box{ID: box, Name: box}, Events: []events.Event{{Type: typ, Camera: camera, Severity: events.Info, Payload: map[string]any{key: value}}}}
		raw := compose(Config{From: "a@b.c", To: []string{"d@e.f", "g@h.i"}}, m, time.Now())
		for i, line := range bytes.Split(raw, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
				t.Errorf("line %d is %d bytes long, or no line: %q", i, len(line), line)
			}
		}
		got, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil || len(got.Header) != 9 {
			t.Fatalf("headers = %v, %v\n%s", got, err, raw)
		}
		if to, err := got.Header.AddressList("To"); err != nil || len(to) != 2 {
			t.Errorf("To = %v, %v", to, err)
		}
	})
}
