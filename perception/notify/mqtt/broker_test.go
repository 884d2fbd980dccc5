package mqtt

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

// broker is Debian's mosquitto, with a password, on a port in the clear and one with
// TLS.
type broker struct {
	t           *testing.T
	dir         string
	port, plain int // plain takes no password, for who looks on
	tls         int
	roots       *x509.CertPool
	cmd         *exec.Cmd
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	for _, p := range []string{"mosquitto", "mosquitto_passwd", "mosquitto_sub", "mosquitto_pub"} {
		if _, err := exec.LookPath(p); err != nil {
			testkit.Lacking(t, p+" is not installed (mosquitto, mosquitto-clients)")
		}
	}
	b := &broker{t: t, dir: t.TempDir(), port: freePort(t), plain: freePort(t), tls: freePort(t)}
	b.certificate()
	write := func(name, text string) string {
		path := filepath.Join(b.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	passwords := write("passwords", "")
	if out, err := exec.Command("mosquitto_passwd", "-b", passwords, "me", "canary-password").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	conf := "per_listener_settings true\npersistence false\nuser root\n"
	conf += fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\n", b.plain)
	conf += fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\n", b.port, passwords)
	conf += fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\ncertfile %s\nkeyfile %s\n", b.tls, passwords,
		filepath.Join(b.dir, "cert.pem"), filepath.Join(b.dir, "key.pem"))
	write("conf", conf)
	b.start()
	return b
}

func (b *broker) start() {
	b.t.Helper()
	b.cmd = exec.Command("mosquitto", "-c", filepath.Join(b.dir, "conf"))
	log, err := os.Create(filepath.Join(b.dir, "log"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	log.Close()
	cmd := b.cmd
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b.until("the broker listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.plain))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (b *broker) stop() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

func (b *broker) certificate() {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(b.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.t.Fatal(err)
	}
	b.roots = x509.NewCertPool()
	b.roots.AddCert(cert)
}

// until waits for what another process does.
func (b *broker) until(what string, is func() bool) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("it never came that %s; the broker keeps %v", what, b.retained())
		}
	}
}

// retained returns what the broker keeps, by topic, as mosquitto_sub tells it.
func (b *broker) retained() map[string]string {
	out, _ := exec.Command("mosquitto_sub", "-V", "5", "-h", "127.0.0.1", "-p", fmt.Sprint(b.plain), "-t", "#", "--retained-only", "-W", "1", "-F", "%t %p").Output()
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		topic, data, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[topic] = data
	}
	return all
}

// listen returns what is published on a topic from now on.
func (b *broker) listen(topic string) func() []string {
	b.t.Helper()
	cmd := exec.Command("mosquitto_sub", "-V", "5", "-h", "127.0.0.1", "-p", fmt.Sprint(b.plain), "-t", topic, "-t", "ready/x", "-q", "1", "-F", "%q %r %t %p")
	var mu sync.Mutex
	var lines []string
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	go func() {
		buf := make([]byte, 1<<16)
		rest := ""
		for {
			n, err := out.Read(buf)
			rest += string(buf[:n])
			mu.Lock()
			for {
				line, more, ok := strings.Cut(rest, "\n")
				if !ok {
					break
				}
				lines, rest = append(lines, line), more
			}
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	got := func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), lines...) }
	b.until("somebody listens", func() bool { b.publish("ready/x", "x", false); return len(got()) > 0 })
	return func() (out []string) {
		for _, line := range got() {
			if !strings.Contains(line, " ready/") {
				out = append(out, line)
			}
		}
		return out
	}
}

func (b *broker) publish(topic, data string, retain bool) {
	b.t.Helper()
	args := []string{"-V", "5", "-h", "127.0.0.1", "-p", fmt.Sprint(b.plain), "-t", topic, "-m", data, "-q", "1"}
	if retain {
		args = append(args, "-r")
	}
	if out, err := exec.Command("mosquitto_pub", args...).CombinedOutput(); err != nil {
		b.t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

// things are cameras and zones.
type things struct {
	mu      sync.Mutex
	cameras []Camera
	zones   []Zone
	changed chan struct{}
}

func (s *things) Cameras() []Camera        { s.mu.Lock(); defer s.mu.Unlock(); return s.cameras }
func (s *things) Zones() []Zone            { s.mu.Lock(); defer s.mu.Unlock(); return s.zones }
func (s *things) Changed() <-chan struct{} { s.mu.Lock(); defer s.mu.Unlock(); return s.changed }

func (s *things) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func newThings() *things {
	return &things{changed: make(chan struct{}),
		cameras: []Camera{{"yard", "Yard", "recording"}, {"gate", "Gate", "offline"}},
		zones:   []Zone{{"z1", "yard", "Door", 2}}}
}

// lines are connections that can be cut.
type lines struct {
	mu   sync.Mutex
	open []net.Conn
}

func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open = append(l.open, c)
	}
	return c, err
}

// cut ends all connections without a word.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.Close()
	}
	l.open = nil
}

func (b *broker) config() Config {
	return Config{URL: fmt.Sprintf("mqtt://127.0.0.1:%d", b.port), Username: "me", Password: "canary-password",
		Prefix: "vedette", Discovery: true, DiscoveryPrefix: "homeassistant", Client: "vedette-box1-n1"}
}

func (b *broker) options(l *lines, s State) Options {
	return Options{Dial: l.dial, Roots: b.roots, State: s, Box: func() delivery.Box { return delivery.Box{ID: "box1", Name: "Attic"} }}
}

// begin runs c until the returned func is called.
func begin(t *testing.T, c *Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(stop)
	return stop
}

func message(seq uint64) delivery.Message {
	return delivery.Message{ID: fmt.Sprintf("n1-%d", seq), Box: delivery.Box{ID: "box1", Name: "Attic"}, Events: []events.Event{{
		Seq: seq, Time: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Type: "zone_enter", Severity: events.Warning, Camera: "yard", Payload: map[string]any{"label": "person"}}}}
}
