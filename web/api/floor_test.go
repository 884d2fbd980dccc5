package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vedette/web/auth"
)

// open is everything that answers strangers. It grows only with a reason.
var open = []string{
	"GET /healthz",
	"GET /readyz",
	"GET /api/v1/auth/claim",
	"POST /api/v1/auth/claim",
	"POST /api/v1/auth/login",
	"GET /vedette-ca.crt",
	"ANY /", // the panel's files
}

// fill makes a path of a pattern.
func fill(pattern string) string {
	path := strings.NewReplacer("{id}", "yard", "{seg}", "1795400000000-1f3c9a2b", "{session}", "s1", "{name}", "garage", "{hold}", "kept", "{disk}", "sda", "{user}", "nobody", "{sid}", "0123456789abcdef", "{key}", "000000000000",
		"{task}", "task_1", "{lease}", "lease_1", "{zone}", "zone_1", "{sub}", "sub_1", "{rule}", "rule_1", "{incident}", "incident_1", "{frame}", "e1.jpg").Replace(pattern)
	if pattern == "/api/" {
		return "/api/v1/nothing"
	}
	return path + "?" + hour + "&at=1795464000000&cameras=yard"
}

func (rt route) String() string {
	if rt.method == "" {
		return "ANY " + rt.pattern
	}
	return rt.method + " " + rt.pattern
}

func (rt route) methods() []string {
	if rt.method != "" {
		return []string{rt.method}
	}
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}
}

func bodyFor(rt route) string {
	switch {
	case rt.method == "POST" && strings.HasSuffix(rt.pattern, "/cameras"):
		return `{"name":"x"}`
	case strings.HasSuffix(rt.pattern, "/prepare"):
		return `{"volume":"garage","confirm":"S1"}`
	case strings.HasSuffix(rt.pattern, "/use"):
		return `{"volume":"garage"}`
	case rt.method == "POST" && strings.HasSuffix(rt.pattern, "/update"):
		return `{"url":"https://nas.lan/a.raucb"}`
	case strings.HasSuffix(rt.pattern, "/reset"):
		return `{"confirm":"wipe vedette"}`
	case strings.HasSuffix(rt.pattern, "/adopt"):
		return `{"id":"22"}`
	case strings.HasSuffix(rt.pattern, "/auth/password"):
		return `{"current":"wrong","password":"another one 815"}`
	case strings.Contains(rt.pattern, "/auth/totp"):
		return `{"password":"wrong"}`
	case rt.method == "POST" && strings.HasSuffix(rt.pattern, "/users"):
		return `{"username":"owner","role":"guard","password":"another one 815"}`
	case rt.method == "POST" && strings.HasSuffix(rt.pattern, "/api-keys"):
		return `{"name":"x","role":"worker"}`
	case strings.HasSuffix(rt.pattern, "/backup"):
		return `{"passphrase":"correct horse"}`
	case rt.method == "POST" && strings.HasSuffix(rt.pattern, "/holds"):
		return `{"from":"1","to":"2"}`
	case strings.HasSuffix(rt.pattern, "/ai-tasks"):
		return `{"task_type":"detection"}`
	case strings.HasSuffix(rt.pattern, "/zones"):
		return `{"name":"gate","kind":"polygon","points":[[0,0],[1,0],[1,1]]}`
	case strings.HasSuffix(rt.pattern, "/leases"):
		return `{"worker_id":"w1"}`
	case strings.HasSuffix(rt.pattern, "/ai/events"):
		return `{"camera_id":"yard","task_type":"detection","detections":[]}`
	case strings.HasSuffix(rt.pattern, "/ack"):
		return `{"through_seq":1}`
	case strings.HasSuffix(rt.pattern, "/hold-rules"):
		return `{"name":"x","cameras":["yard"]}`
	case strings.HasSuffix(rt.pattern, "/incidents"):
		return `{"title":"x","cameras":["yard"]}`
	case strings.HasSuffix(rt.pattern, "/notes"):
		return `{"text":"x"}`
	case strings.HasSuffix(rt.pattern, "/notifications"):
		return `{"name":"x","kind":"webhook","webhook":{"url":"https://nas.lan/hook"}}`
	case rt.method == "POST" || rt.method == "PATCH" || rt.method == "PUT":
		return `{}`
	}
	return ""
}

// TestEveryRouteAsksForASession walks the table the router is built from: a
// route that answers a stranger and is not on the list above fails.
func TestEveryRouteAsksForASession(t *testing.T) {
	b := newBox(t)
	lies := [][]string{
		nil,
		{"Cookie: vedette_session="},
		{"Cookie: vedette_session=constructor"},
		{"Cookie: __Host-vedette_session=" + strings.TrimPrefix(b.cookie, "vedette_session=")},
		{"Authorization: Bearer " + strings.TrimPrefix(b.cookie, "vedette_session=")},
		{"Authorization: Basic b3duZXI6Y2FuYXJ5IG93bmVyIDQ3MTE="},
		{"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"},
		{"Host: localhost"},
	}
	if len(b.table) < 25 {
		t.Fatalf("the table has only %d routes", len(b.table))
	}
	asked := 0
	for _, rt := range b.table {
		if slices.Contains(open, rt.String()) {
			if rt.perm != auth.Public {
				t.Errorf("%s is on the list but asks for %d", rt, rt.perm)
			}
			continue
		}
		for _, method := range rt.methods() {
			for _, lie := range lies {
				w := b.do(method, fill(rt.pattern), bodyFor(rt), append([]string{fmt.Sprintf("Remote: 10.9.%d.%d:1", asked/250, asked%250)}, lie...)...)
				asked++
				if w.Code != http.StatusUnauthorized {
					t.Errorf("%s %s with %q answers a stranger: %d %s", method, rt.pattern, lie, w.Code, w.Body)
				}
			}
		}
	}
}

// TestPathsBesideTheTableGiveNothingAway asks for what is nearly a route.
func TestPathsBesideTheTableGiveNothingAway(t *testing.T) {
	b := newBox(t)
	for _, path := range []string{
		"/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/cameras", "/api/v1/cameras/", "/api/v1//cameras",
		"/api/v1/cameras/yard/", "/API/v1/cameras", "/metrics/", "/debug/pprof/", "/api/v1/cameras/yard/clip.mp4/",
		"/api/v1/auth/../cameras", "/healthz/../api/v1/cameras", "/%61pi/v1/cameras", "/api/v1/cameras%2fyard", "/api/v1/./system",
	} {
		w := b.do("GET", path, "")
		if strings.Contains(w.Body.String(), "yard") || w.Code == http.StatusOK && !strings.HasPrefix(w.Body.String(), "ui") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestMethodsTheTableDoesNotKnow(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"a method that is not there", "PUT", "/api/v1/cameras", 405, "GET, POST"},
		{"a method that is not there, of one camera", "POST", "/api/v1/cameras/yard", 405, "GET, PATCH, DELETE"},
		{"a path that is not there", "GET", "/api/v1/nothing", 404, ""},
		{"HEAD is GET without a body", "HEAD", "/api/v1/cameras", 200, ""},
		{"the panel's files are only read", "POST", "/index.html", 405, "GET, HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := b.owner(tt.method, tt.path, "")
			if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
				t.Errorf("%d, Allow %q; want %d, %q", w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
			}
		})
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	b := newBox(t)
	want := map[string]string{
		"Content-Security-Policy":      csp,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
	for _, rt := range b.table {
		for _, header := range [][]string{nil, {"Cookie: " + b.cookie}, {"Host: evil.example"}, {"Origin: http://evil.example"}} {
			if strings.HasSuffix(rt.pattern, "/logout") {
				header = nil
			}
			w := b.do(rt.methods()[0], fill(rt.pattern), bodyFor(rt), header...)
			for name, value := range want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s with %q: %s = %q", rt, header, name, got)
				}
			}
			if cc := w.Header().Get("Cache-Control"); cc != "private, no-store" && !(cc == "no-store" && strings.HasSuffix(rt.pattern, "/frame")) && rt.pattern != "/" {
				t.Errorf("%s with %q: Cache-Control = %q", rt, header, cc)
			}
		}
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	b := newBox(t, func(o *Options) { o.Origins = []string{"https://nvr.example.org"} })
	tests := []struct {
		name   string
		header []string
		status int
	}{
		{"no browser", nil, 201},
		{"the own page", []string{"Sec-Fetch-Site: same-origin", "Origin: http://box.local"}, 201},
		{"the own page of an older browser", []string{"Origin: http://box.local"}, 201},
		{"a trusted origin", []string{"Sec-Fetch-Site: cross-site", "Origin: https://nvr.example.org"}, 201},
		{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.example"}, 403},
		{"another site of the same domain", []string{"Sec-Fetch-Site: same-site", "Origin: http://evil.local"}, 403},
		{"another port", []string{"Origin: http://box.local:8081"}, 403},
		{"an origin that hides", []string{"Origin: null"}, 403},
		{"a name that begins the same", []string{"Origin: http://box.local.evil.example"}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if w := b.owner("POST", "/api/v1/cameras", `{"name":"x"}`, tt.header...); w.Code != tt.status {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
	if w := b.owner("GET", "/api/v1/cameras", "", "Origin: http://evil.example"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("another site may read answers")
	}
}

func TestHostNames(t *testing.T) {
	b := newBox(t, func(o *Options) { o.Hosts = []string{"nvr.example.org"} })
	any := newBox(t, func(o *Options) { o.Hosts = []string{"*"} })
	tests := []struct {
		host string
		ok   bool
	}{
		{"localhost:8080", true}, {"127.0.0.1", true}, {"192.168.1.5:8080", true}, {"[::1]:8080", true}, {"[fe80::1]", true},
		{"vedette", true}, {"vedette.local", true}, {"VEDETTE.LOCAL.:8080", true}, {"nvr.fritz.home.arpa", true},
		{"nvr.example.org", true}, {"NVR.example.org:443", true},
		{"evil.example", false}, {"evil.example:8080", false}, {"127.0.0.1.evil.example", false}, {"nvr.example.org.evil.example", false}, {"local.evil", false},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			w := b.do("GET", "/healthz", "", "Host: "+tt.host)
			if (w.Code == http.StatusOK) != tt.ok || !tt.ok && w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%d, want ok = %v", w.Code, tt.ok)
			}
			if w := any.do("GET", "/healthz", "", "Host: "+tt.host); w.Code != http.StatusOK {
				t.Errorf("%d where any host is allowed", w.Code)
			}
		})
	}
}

func TestARouteWithoutAPermissionCannotBeRegistered(t *testing.T) {
	s := &server{}
	if _, err := s.router([]route{{method: "GET", pattern: "/x"}}); err == nil {
		t.Error("a route that asks for nothing was registered")
	}
	if _, err := s.router([]route{{"GET", "/x", auth.View, quick, "", s.me}, {"GET", "/x", auth.View, quick, "", s.me}}); err == nil {
		t.Error("a route was registered twice")
	}
}

func TestAPanicEndsOneRequestAlone(t *testing.T) {
	b := newBox(t)
	b.rec.panics = true
	w := b.owner("GET", "/api/v1/cameras/yard", "")
	if code, _ := failed(t, w); w.Code != 500 || code != "internal" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("%d %s, want an internal error that says nothing", w.Code, w.Body)
	}
	if !strings.Contains(b.log.String(), "canary panic") {
		t.Error("the log does not say what happened")
	}
	b.rec.panics = false
	if w := b.owner("GET", "/api/v1/cameras/yard", ""); w.Code != 200 {
		t.Errorf("the next request: %d", w.Code)
	}
}
