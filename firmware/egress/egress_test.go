package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// names is a resolver. A name with several answers gives one after the other.
type names struct {
	mu  sync.Mutex
	has map[string][][]string
	n   int
}

func (r *names) LookupNetIP(_ context.Context, _, host string) (out []netip.Addr, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answers := r.has[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	for _, a := range answers[r.n%len(answers)] {
		out = append(out, netip.MustParseAddr(a))
	}
	r.n++
	return out, nil
}

func own() ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("192.168.1.50"), netip.MustParseAddr("fd00::50"), netip.MustParseAddr("8.8.4.4")}, nil
}

func TestWhatIsRefused(t *testing.T) {
	g := New(Options{Own: own, Resolver: &names{}})
	web := []string{
		// this machine, in every way that somebody wrote it
		"http://127.0.0.1", "http://127.0.0.1:80/x", "http://127.255.255.254", "http://localhost", "http://LOCALHOST.", "http://a.localhost", "http://2130706433", "http://017700000001",
		"http://0x7f000001", "http://0x7f.1", "http://0177.0.0.1", "http://127.1", "http://127.0.1", "http://0127.0.0.1", "http://[::1]", "http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]",
		"http://[0:0:0:0:0:0:0:1]", "http://192.168.1.50", "http://[fd00::50]", "http://8.8.4.4", "http://[::ffff:192.168.1.50]", "http://127.0.0.1.", "http://[::1%25lo]",
		// nobody, everybody, and the own link
		"http://0.0.0.0", "http://0", "http://0.1.2.3", "http://[::]", "http://[::ffff:0.0.0.0]", "http://255.255.255.255", "http://224.0.0.1", "http://239.255.255.250", "http://[ff02::1]", "http://[ff0e::1]",
		"http://169.254.169.254/latest/meta-data", "http://169.254.0.1", "http://[fe80::1]", "http://[fe80::1%25eth0]", "http://[fec0::1]", "http://[::ffff:169.254.169.254]",
		// what no router carries
		"http://192.0.2.1", "http://198.51.100.1", "http://203.0.113.9", "http://192.0.0.8", "http://198.18.0.1", "http://198.19.255.255", "http://240.0.0.1", "http://[2001:db8::1]", "http://[100::1]", "http://[3fff::1]", "http://[5f00::1]", "http://[2001:2::1]",
		// one address inside of another
		"http://[64:ff9b::7f00:1]", "http://[64:ff9b::a00:1]", "http://[2002:7f00:1::]", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "http://[::127.0.0.1]", "http://[::ffff:0:127.0.0.1]", "http://192.88.99.1", "http://[::ffff:10.0.0.1]",
		// other schemes
		"file:///etc/passwd", "gopher://10.0.0.1", "ftp://10.0.0.1", "rtsp://10.0.0.1", "unix:///run/x", "javascript:alert(1)", "data:text/plain,x", "//10.0.0.1", "10.0.0.1", "HTTP+unix://x", "http:10.0.0.1",
		// tricks with the text
		"", "http://", "http:///x", "http://:80", "http://10.0.0.1:0", "http://10.0.0.1:65536", "http://10.0.0.1:x", "http://10.0.0.1\r\nHost: x", "http://10.0.0.1 ", "http://10.0.0.1\t", "http://10.0.0.1\\@evil.example",
		"http://good.example@127.0.0.1", "http://127.0.0.1#@good.example", "http://127.0.0.1?@good.example", "http://①②⑦.0.0.1", "http://good..example", "http://.", "http://10.0.0.1%00.example", "http://[10.0.0.1", "http://[::1]x",
	}
	camera := []string{"rtsp://8.8.8.8/x", "rtsp://[2606:4700::1111]/x", "rtsps://1.1.1.1", "http://10.0.0.1", "rtsp://127.0.0.1", "rtsp://169.254.169.254", "rtsp+unix://10.0.0.1", "rtsp://192.0.2.1"}
	if len(web)+len(camera) < 80 {
		t.Fatalf("only %d addresses", len(web)+len(camera))
	}
	for class, list := range map[Class][]string{Web: web, Camera: camera} {
		for _, raw := range list {
			var refused *RefusedError
			if err := g.CheckURL(class, raw); !errors.As(err, &refused) || refused.Why == "" {
				t.Errorf("%q: %v, want it refused", raw, err)
			}
			// The dialler stands by itself: what it is handed need not have been checked.
			if u, err := url.Parse(raw); err == nil && (u.Scheme == "http" || u.Scheme == "rtsp") && u.Hostname() != "" && class == Web && !strings.HasPrefix(raw, "rtsp") {
				if net.ParseIP(u.Hostname()) == nil {
					continue
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // nothing is to be reached
				if _, err := g.Dial(class)(ctx, "tcp", net.JoinHostPort(u.Hostname(), "80")); !errors.As(err, &refused) && u.Port() == "" && !strings.Contains(raw, "10.0.0.1") {
					t.Errorf("dial %q: %v, want it refused", raw, err)
				}
			}
		}
	}
}

func TestWhatIsLetThrough(t *testing.T) {
	g := New(Options{Own: own, Resolver: &names{}})
	for _, raw := range []string{"http://10.0.0.1", "https://192.168.1.51:8443/hook?x=1", "http://nas.lan/a", "https://example.org", "http://[fd00::51]/", "http://8.8.8.8", "https://user:secret@example.org/x"} {
		if err := g.CheckURL(Web, raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	for _, raw := range []string{"rtsp://10.0.0.5/main", "rtsp://172.16.0.1:8554/x", "rtsps://192.168.1.51", "rtsp://100.64.1.1/x", "rtsp://[fd00::51]/x", "rtsp://camera.lan/x", "rtsp://me:p%40ss@10.0.0.5/x"} {
		if err := g.CheckURL(Camera, raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestAPolicyWidens(t *testing.T) {
	g := New(Options{Own: own, Resolver: &names{}})
	g.SetPolicy(Policy{CamerasPublic: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/0")}})
	for raw, ok := range map[string]bool{"rtsp://8.8.8.8/x": true, "rtsp://127.0.0.1/x": true, "rtsp://224.0.0.1/x": false, "rtsp://0.0.0.0/x": false, "rtsp://[::1]/x": false} {
		if err := g.CheckURL(Camera, raw); (err == nil) != ok {
			t.Errorf("%q: %v, want ok = %v", raw, err, ok)
		}
	}
	local := New(Options{Own: own, Resolver: &names{}, LocalCameras: true})
	if err := local.CheckURL(Camera, "rtsp://127.0.0.1:8554/x"); err != nil {
		t.Errorf("a restreamer on this machine: %v", err)
	}
	if err := local.CheckURL(Web, "http://127.0.0.1:8554/x"); err == nil {
		t.Error("the web of this machine is let through with its cameras")
	}
}

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	g := New(Options{Resolver: &names{}, Own: func() ([]netip.Addr, error) { return nil, errors.New("broken") }})
	if err := g.CheckURL(Web, "http://10.0.0.1"); err == nil {
		t.Error("let through without knowing the own addresses")
	}
	if err := New(Options{Own: own}).CheckURL(0, "http://10.0.0.1"); err == nil {
		t.Error("let through without a class")
	}
}

// TestANameThatChangesItsMind is answered with a harmless address first and with
// this machine after that, and the other way round.
func TestANameThatChangesItsMind(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { t.Error("this machine was reached") }))
	defer srv.Close()
	port := srv.URL[strings.LastIndexByte(srv.URL, ':')+1:]
	r := &names{has: map[string][][]string{
		"rebind.example": {{"192.168.7.7"}, {"127.0.0.1"}},
		"mixed.example":  {{"192.168.7.7", "127.0.0.1"}, {"127.0.0.1", "192.168.7.7"}},
		"none.example":   {{}},
	}}
	g := New(Options{Own: own, Resolver: r, Timeout: 1})
	for _, host := range []string{"mixed.example", "none.example", "unknown.example"} {
		for range 2 {
			if _, err := g.Dial(Web)(t.Context(), "tcp", host+":"+port); err == nil {
				t.Errorf("%s: connected", host)
			} else if refused := (*RefusedError)(nil); host == "mixed.example" && !errors.As(err, &refused) {
				t.Errorf("%s: %v, want it refused", host, err)
			}
		}
	}
	for range 4 { // what is dialled is what was looked at: one question each
		before := r.n
		if _, err := g.Dial(Web)(t.Context(), "tcp", "rebind.example:"+port); err == nil || r.n != before+1 {
			t.Errorf("%v after %d questions, want an error after one", err, r.n-before)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	inside := 0
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside++ }))
	defer target.Close()
	srv := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusFound))
	defer srv.Close()
	g := New(Options{Own: own})
	if _, err := g.Client(Web).Get(srv.URL); err == nil {
		t.Error("this machine was asked")
	}
	g.SetPolicy(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if _, err := g.Client(Web).Get(srv.URL); !errors.Is(err, errRedirect) || inside != 0 {
		t.Errorf("%v, %d requests at the target", err, inside)
	}
	if res, err := g.Client(Web).Get(target.URL); err != nil || inside != 1 {
		t.Errorf("%v: what is allowed is not reached", err)
	} else {
		res.Body.Close()
	}
}

// FuzzCheckURL: what is let through, and is an address, is none of those refused.
func FuzzCheckURL(f *testing.F) {
	for _, raw := range []string{"http://10.0.0.1", "http://[::1]", "http://127.1", "http://a@b", "http://localhost:80"} {
		f.Add(raw)
	}
	g := New(Options{Own: own, Resolver: &names{}})
	f.Fuzz(func(t *testing.T, raw string) {
		if g.CheckURL(Web, raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("%q is let through and cannot be read", raw)
		}
		ip := net.ParseIP(u.Hostname())
		if ip != nil && (ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast()) {
			t.Errorf("%q is let through", raw)
		}
	})
}
