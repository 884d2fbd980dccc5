package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/testkit"
)

const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"

// buildPebble builds Let's Encrypt's test server once.
var buildPebble = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pebble")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "install", pebbleModule)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("go install %s: %w: %s", pebbleModule, err, out)
	}
	return filepath.Join(dir, "pebble"), nil
})

// built says that there is something to remove.
var built atomic.Bool

func TestMain(m *testing.M) {
	code := m.Run()
	if built.Load() {
		path, _ := buildPebble()
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func withAddress(c *x509.Certificate) {
	c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)}
}

// pebble is a running ACME server.
type pebble struct {
	directory, management string
	client                *http.Client
	roots                 []byte // what its own TLS and what it issues lead to
	handler               *swap  // what it finds on "port 80"
	said                  *said
}

// said is what a process writes.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// swap is a handler that can be replaced.
type swap struct {
	mu sync.Mutex
	h  http.Handler
}

func (s *swap) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = h
}

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}

func startPebble(t *testing.T, nameServer string) *pebble {
	t.Helper()
	path, err := buildPebble()
	if err != nil {
		testkit.Lacking(t, err.Error())
	}
	built.Store(true)
	p := &pebble{said: &said{}, handler: &swap{h: http.NotFoundHandler()}}
	port80 := serve(t, p.handler).(*net.TCPAddr).Port
	ca, key, dir := newAuthority(t, nil), ecKey(t), t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	listen, manage := testkit.FreePort(t), testkit.FreePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", listen), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": write("cert.pem", ca.certify(t, key, withAddress)), "privateKey": write("key.pem", keyPEM(t, key)),
		"httpPort": port80, "tlsPort": 1, "keyAlgorithm": "ecdsa", "domainBlocklist": []string{"blocked.example.test"},
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "90 days", "validityPeriod": 90 * 24 * 3600}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-config", write("config.json", config), "-dnsserver", nameServer)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_CHAIN_LENGTH=2")
	cmd.Stdout, cmd.Stderr = p.said, p.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pebble said:\n%s", p.said)
		}
	})
	p.directory, p.management = fmt.Sprintf("https://127.0.0.1:%d/dir", listen), fmt.Sprintf("https://127.0.0.1:%d", manage)
	p.client = newClient(pool(ca.pem()))
	testkit.Until(t, 10*time.Second, "pebble answers", func() bool {
		resp, err := p.client.Get(p.management + "/roots/0")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		p.roots, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	p.roots = slices.Concat(p.roots, ca.pem())
	return p
}

func (p *pebble) acme(domain string) ACME {
	return ACME{Domain: domain, Email: "me@example.org", Directory: p.directory, Challenge: HTTP01}
}

// run runs m until the test ends.
func run(t *testing.T, m *Manager) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
}

func state(m *Manager) (State, Code) {
	m.mu.Lock()
	defer m.mu.Unlock()
	info := m.acmeInfo()
	return info.State, info.Code
}

func TestACMEByPort80(t *testing.T) {
	ns := startNameServer(t)
	p := startPebble(t, ns.address)
	b := &box{called: []string{"vedette.local"}}
	m := b.open(t, Options{Roots: pool(p.roots), Seal: newSeal(t, 1)})
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	p.handler.set(m.Challenge(next))
	ctx := t.Context()
	if err := m.Set(ctx, Settings{Mode: ModeACME, ACME: p.acme("nvr.example.test")}); err != nil {
		t.Fatal(err)
	}
	m.fetch(ctx)
	first := m.Info()
	if first.ACME.State != StateIssued || !first.PubliclyTrusted || !slices.Equal(first.Names, []string{"nvr.example.test"}) {
		t.Fatalf("%+v", first)
	}
	if _, err := shake(t, m, "nvr.example.test", pool(p.roots), time.Now()); err != nil {
		t.Error(err)
	}
	if n := len(m.serving.Load().public.chain); n != 3 {
		t.Errorf("%d certificates in the chain", n)
	}
	m.tokens.mu.Lock()
	if len(m.tokens.answer) != 0 {
		t.Error("the answer to the challenge is still there")
	}
	m.tokens.mu.Unlock()

	m.fetch(ctx)
	if m.Info().Certificate != first.Certificate {
		t.Error("fetched again at once")
	}
	b.set(time.Now().Add(61*day), true)
	m.fetch(ctx)
	second := m.Info()
	if second.Certificate == first.Certificate || second.Fingerprint != first.Fingerprint {
		t.Errorf("after two thirds of its life: %+v", second)
	}
	b.set(time.Time{}, true)

	// the authority wants it renewed before its time
	past, _ := json.Marshal(map[string]any{"suggestedWindow": map[string]any{"start": time.Now().Add(-2 * time.Hour), "end": time.Now().Add(-time.Hour)}})
	body, _ := json.Marshal(map[string]string{"Certificate": string(encodeChain(m.fetched.chain[:1])), "ARIResponse": string(past)})
	resp, err := p.client.Post(p.management+"/set-renewal-info/", "application/json", bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	m.mu.Lock()
	m.acme.ask = time.Time{}
	m.mu.Unlock()
	m.fetch(ctx)
	if third := m.Info(); third.Certificate == second.Certificate || third.ACME.State != StateIssued {
		t.Errorf("the authority was not obeyed: %+v", third.ACME)
	}
	if !strings.Contains(p.said.String(), "is a replacement of") {
		t.Error("the authority was not told which certificate is replaced")
	}
	if m := b.open(t, Options{Dir: m.o.Dir, Roots: m.o.Roots, Seal: m.o.Seal}); m.Info().Fingerprint != first.Fingerprint || m.Info().ACME.State != StateIssued {
		t.Error("another certificate after a restart")
	}
}

func TestACMEByARecord(t *testing.T) {
	ns := startNameServer(t)
	p := startPebble(t, ns.address)
	b := &box{}
	m := b.open(t, Options{Roots: pool(p.roots), Dial: dialTo(map[string]string{"ns.local:53": ns.address, "ns1.example.test:53": ns.address, "ns2.example.test:53": ns.address})})
	run(t, m)
	a := p.acme("nvr.example.test")
	a.Challenge, a.DNS = DNS01, DNS{Server: "ns.local", KeyName: "box", KeySecret: "d3Jvbmctd3Jvbmctd3Jvbmc="}
	if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a}); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, 30*time.Second, "a wrong key is told", func() bool { s, c := state(m); return s == StateFailing && c == CodeDNSKey })
	if got := b.told(); !slices.Equal(got, []string{"certificate_failing"}) {
		t.Errorf("told %v", got)
	}
	before := m.Info()
	if before.Names[0] != "vedette.local" || !strings.Contains(before.ACME.Error, "does not accept the key") || before.ACME.NextTry.IsZero() {
		t.Errorf("%+v, %+v", before, before.ACME)
	}
	a.DNS.KeySecret = canary
	if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a}); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, 30*time.Second, "it is fetched", func() bool { s, _ := state(m); return s == StateIssued })
	if _, err := shake(t, m, "nvr.example.test", pool(p.roots), time.Now()); err != nil {
		t.Error(err)
	}
	if ns.records() != 0 {
		t.Errorf("%d records are left in the zone", ns.records())
	}
}

func TestWhatAnACMEServerRefusesIsNamed(t *testing.T) {
	ns := startNameServer(t)
	p := startPebble(t, ns.address)
	stranger := newAuthority(t, nil)
	limited := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"later\r\nplease"}`)
	}))
	defer limited.Close()
	var sent atomic.Int64 // MiB
	endless := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
				return
			}
			sent.Add(1)
		}
	}))
	defer endless.Close()
	for _, tt := range []struct {
		name   string
		domain string
		url    string
		roots  []byte
		code   Code
		says   string
	}{
		{"nobody answers the challenge", "nvr.example.test", p.directory, p.roots, CodeChallenge, "could not verify"},
		{"a domain that it never certifies", "blocked.example.test", p.directory, p.roots, CodeRefused, "refuses"},
		{"nobody there", "nvr.example.test", "https://127.0.0.1:1/dir", p.roots, CodeUnreachable, "cannot be reached"},
		{"a stranger's certificate", "nvr.example.test", p.directory, stranger.pem(), CodeUnreachable, "does not trust"},
		{"too many attempts", "nvr.example.test", limited.URL, encodeChain([][]byte{limited.Certificate().Raw}), CodeRateLimited, "later  please"},
		{"an answer without end", "nvr.example.test", endless.URL, encodeChain([][]byte{endless.Certificate().Raw}), CodeFailed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &box{called: []string{"vedette.local"}}
			m := b.open(t, Options{Roots: pool(tt.roots)})
			a := p.acme(tt.domain)
			a.Directory = tt.url
			if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a}); err != nil {
				t.Fatal(err)
			}
			m.fetch(t.Context())
			info := m.Info()
			if got := info.ACME; got.State != StateFailing || got.Code != tt.code || !strings.Contains(got.Error, tt.says) {
				t.Errorf("%+v", got)
			}
			if info.Names[0] != "vedette.local" {
				t.Errorf("%v is served", info.Names)
			}
			if _, err := shake(t, m, "vedette.local", pool(m.CA()), time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	if sent.Load() > 48 {
		t.Errorf("%d MiB of an answer were read", sent.Load())
	}
}

func TestOnlyChallengesUnderWayAreAnswered(t *testing.T) {
	m := (&box{}).open(t, Options{})
	c := challenge("nvr.example.org")
	h := m.Challenge(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	path := challengePath + c.Token
	if got := ask("GET", path).Code; got != http.StatusTeapot {
		t.Errorf("before the challenge: %d", got)
	}
	_ = m.tokens.Present(t.Context(), c)
	if got := ask("GET", path); got.Code != http.StatusOK || got.Body.String() != c.KeyAuthorization {
		t.Errorf("%d %q", got.Code, got.Body)
	}
	for _, r := range [][2]string{{"POST", path}, {"GET", path + "/x"}, {"GET", challengePath}, {"GET", "/"}} {
		if got := ask(r[0], r[1]).Code; got != http.StatusTeapot {
			t.Errorf("%s %s: %d", r[0], r[1], got)
		}
	}
	_ = m.tokens.CleanUp(t.Context(), c)
	if got := ask("GET", path).Code; got != http.StatusTeapot {
		t.Errorf("after the challenge: %d", got)
	}
}
