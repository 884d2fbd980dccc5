package front

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestPlainHTTPOnThePortOfTLS(t *testing.T) {
	f := listen(t, Options{TLS: certificate(t), Handler: hello, HostAllowed: func(h string) bool { return !strings.HasPrefix(h, "evil") }})
	tests := []struct {
		name, request string
		status        int
		want          string // Location, or the code of the error
	}{
		{"path and query are kept as they are", "GET /a%2Fb/./c//d?x=1&y=%20&z HTTP/1.1\r\nHost: box.local:8443\r\n\r\n", 308, "https://box.local:8443/a%2Fb/./c//d?x=1&y=%20&z"},
		{"an empty query is kept", "GET /? HTTP/1.1\r\nHost: box:8443\r\n\r\n", 308, "https://box:8443/?"},
		{"HEAD too", "HEAD / HTTP/1.1\r\nHost: box:8443\r\n\r\n", 308, "https://box:8443/"},
		{"an address", "GET / HTTP/1.1\r\nHost: 192.168.1.2:8443\r\n\r\n", 308, "https://192.168.1.2:8443/"},
		{"an IPv6 address", "GET / HTTP/1.1\r\nHost: [fd00::1]:8443\r\n\r\n", 308, "https://[fd00::1]:8443/"},
		{"a port that was left out is 80", "GET / HTTP/1.1\r\nHost: box\r\n\r\n", 308, "https://box:80/"},
		{"the port of https is left out", "GET / HTTP/1.1\r\nHost: box:443\r\n\r\n", 308, "https://box/"},
		{"a path that looks like a host stays a path", "GET //evil.example/x HTTP/1.1\r\nHost: box:8443\r\n\r\n", 308, "https://box:8443//evil.example/x"},
		{"the whole URL as the target", "GET http://box:8443/a?b HTTP/1.1\r\nHost: evil\r\n\r\n", 308, "https://box:8443/a?b"},
		{"no part of a query becomes a fragment", "GET /?a#b HTTP/1.1\r\nHost: box:8443\r\n\r\n", 308, "https://box:8443/?a%23b"},
		{"a target that would go on with the host", "GET x:.evil.example HTTP/1.1\r\nHost: box:443\r\n\r\n", 400, "bad_request"},
		{"a star", "GET * HTTP/1.1\r\nHost: box:443\r\n\r\n", 400, "bad_request"},
		{"a host that the box does not go by", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "unknown_host"},
		{"no host", "GET / HTTP/1.0\r\n\r\n", 400, "bad_host"},
		{"a host with an encoded line end", "GET / HTTP/1.1\r\nHost: box%0d%0aSet-Cookie:a=b\r\n\r\n", 400, "bad_host"},
		{"a host with a user", "GET / HTTP/1.1\r\nHost: box@evil.example\r\n\r\n", 400, ""},
		{"a host with a path", "GET / HTTP/1.1\r\nHost: evil.example/box\r\n\r\n", 400, ""},
		{"a port that is none", "GET / HTTP/1.1\r\nHost: box:99999\r\n\r\n", 400, "bad_host"},
		{"a login is not sent on", "POST /api/v1/auth/login HTTP/1.1\r\nHost: box\r\nContent-Length: 100000\r\n\r\n{", 426, "tls_required"},
		{"nor is a deletion", "DELETE /api/v1/cameras/a HTTP/1.1\r\nHost: box\r\n\r\n", 426, "tls_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, f, "127.0.0.2")
			if _, err := io.WriteString(c, tt.request); err != nil {
				t.Fatal(err)
			}
			head := strings.HasPrefix(tt.request, "HEAD")
			var res *http.Response
			var body string
			if head {
				raw, err := io.ReadAll(c)
				if err != nil || !strings.HasSuffix(string(raw), "\r\n\r\n") {
					t.Fatalf("%q, %v: want a header and nothing else", raw, err)
				}
				c, far := net.Pipe()
				go func() { far.Write(raw); far.Close() }()
				res, body = hear(t, c)
			} else {
				res, body = hear(t, c)
			}
			if res.StatusCode != tt.status {
				t.Fatalf("%s %q, want %d", res.Status, body, tt.status)
			}
			if !res.Close {
				t.Error("the connection stays open")
			}
			if tt.status == 308 {
				if got := res.Header.Get("Location"); got != tt.want {
					t.Errorf("Location %q, want %q", got, tt.want)
				}
				if got := res.Header.Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q, want no-store", got)
				}
			} else if !strings.Contains(body, tt.want) || res.Header.Get("Location") != "" || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%v %q, want the error %s", res.Header, body, tt.want)
			}
		})
	}
}

func TestARawLineEndInAHostIsNoHeader(t *testing.T) {
	f := listen(t, Options{TLS: certificate(t), Handler: hello})
	for _, end := range []string{"\r", "\n", "\x00"} {
		res, _ := say(t, dial(t, f, "127.0.0.2"), "GET / HTTP/1.1\r\nHost: box"+end+"Set-Cookie: a=b\r\n\r\n")
		if res.Header.Get("Set-Cookie") != "" || strings.Contains(res.Header.Get("Location"), "Cookie") {
			t.Errorf("with %q: %s %v", end, res.Status, res.Header)
		}
	}
}

func TestTheRedirectingListenerServesTheChallengeFirst(t *testing.T) {
	o := Options{TLS: certificate(t), Handler: hello, Redirect: "127.0.0.1:0"}
	o.HostAllowed = func(h string) bool { return strings.HasPrefix(h, "box") }
	o.Challenge = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
				io.WriteString(w, "the answer")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	f := listen(t, o)
	_, port, _ := net.SplitHostPort(f.Addr().String())
	open := func() net.Conn {
		c, err := dialFrom(f.redirect.Addr(), "127.0.0.2")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	if res, body := say(t, open(), "GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: cameras.example.org\r\n\r\n"); res.StatusCode != 200 || body != "the answer" {
		t.Errorf("challenge: %s %q, want the answer, whatever the host", res.Status, body)
	}
	for _, host := range []string{"box", "box:80", "box:8080"} {
		res, _ := say(t, open(), "GET /a?b HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if want := "https://box:" + port + "/a?b"; res.StatusCode != 308 || res.Header.Get("Location") != want {
			t.Errorf("Host %s: %s %q, want 308 %q", host, res.Status, res.Header.Get("Location"), want)
		}
	}
	if res, _ := say(t, open(), "GET / HTTP/1.1\r\nHost: evil\r\n\r\n"); res.StatusCode != 421 {
		t.Errorf("another host: %s, want 421", res.Status)
	}
}

// FuzzRedirect: wherever a browser is sent, it is sent to the host that it
// asked for, over https.
func FuzzRedirect(f *testing.F) {
	for _, s := range [][2]string{
		{"box", "/"}, {"box:8443", "/a?b=c"}, {"[fd00::1]", "//evil/"}, {"box:443", "/%2e%2e/\\evil"}, {"box", "/\xff?\xff"},
		{"a:b@c", "/"}, {"[::1", "/"}, {"box:", "/"}, {"box\r\nX: y", "/"}, {"", "/"}, {"box", "/?#@evil"}, {"box", "x:.evil"}, {"box", "*"}, {"[00]", "/"}, {"[1.2.3.4]", "/"},
	} {
		f.Add(s[0], s[1])
	}
	front := newFront(Options{}, newPipes(), nil)
	f.Fuzz(func(t *testing.T, host, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server refuses it
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.URL = host, u
		w := httptest.NewRecorder()
		front.toTLS(w, r)
		to := w.Header().Get("Location")
		if w.Code != http.StatusPermanentRedirect {
			if to != "" {
				t.Fatalf("code %d with a Location %q", w.Code, to)
			}
			return
		}
		got, err := url.Parse(to)
		if err != nil {
			t.Fatalf("Location %q: %v", to, err)
		}
		asked, _, _ := strings.Cut(strings.TrimPrefix(host, "["), "]")
		if !strings.HasPrefix(host, "[") {
			asked, _, _ = strings.Cut(host, ":")
		}
		if got.Scheme != "https" || got.Hostname() != asked || got.User != nil || got.Fragment != "" || strings.ContainsAny(to, "\r\n") {
			t.Fatalf("host %q, target %q: sent to %q", host, target, to)
		}
		if got.EscapedPath() != cmp.Or(u.EscapedPath(), "/") {
			t.Fatalf("host %q, target %q: path %q became %q", host, target, u.EscapedPath(), got.EscapedPath())
		}
	})
}
