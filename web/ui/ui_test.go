package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEmbeddedPanelIsWhole follows what the first page asks for.
func TestEmbeddedPanelIsWhole(t *testing.T) {
	h := Handler()
	res := get(t, h, "GET", "/")
	page := body(t, res)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("/ = %d %q, want 200 text/html", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if got := res.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("Cache-Control of / = %q, want no-cache", got)
	}
	asked := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllSubmatch(page, -1)
	if len(asked) < 3 {
		t.Fatalf("/ asks for %d files, want a script, a style sheet and an icon at least", len(asked))
	}
	for _, m := range asked {
		name := string(m[1])
		res := get(t, h, "GET", name)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s = %d, want 200", name, res.StatusCode)
		}
		immutable := strings.Contains(res.Header.Get("Cache-Control"), "immutable")
		if want := strings.HasPrefix(name, "/assets/"); immutable != want {
			t.Errorf("%s may be kept for ever: %v, want %v", name, immutable, want)
		}
	}
}

// TestPageNeedsNothingFromElsewhere holds the page to its content policy.
func TestPageNeedsNothingFromElsewhere(t *testing.T) {
	res := get(t, Handler(), "GET", "/index.html")
	page := body(t, res)
	for _, bad := range []string{"http://", "https://", " style=", "<style", " onload=", "javascript:"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("index.html contains %q", bad)
		}
	}
	if bytes.Contains(page, []byte("<script>")) {
		t.Error("index.html has an inline script")
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "require-trusted-types-for 'script'") {
		t.Errorf("Content-Security-Policy = %q, want trusted types required", csp)
	}
}

// TestFirstVisitStaysWithinBudget counts what a first visit loads, compressed.
func TestFirstVisitStaysWithinBudget(t *testing.T) {
	h := Handler()
	page := body(t, get(t, h, "GET", "/"))
	loaded := map[string]int{}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+?(\.js|\.css))"`).FindAllSubmatch(page, -1) {
		loaded[string(m[2])] += len(body(t, get(t, h, "GET", string(m[1]), "Accept-Encoding", "gzip")))
	}
	for kind, limit := range map[string]int{".js": 60 << 10, ".css": 20 << 10} {
		if n := loaded[kind]; n == 0 || n > limit {
			t.Errorf("a first visit loads %d bytes of %s, compressed, want 1 to %d", n, kind, limit)
		}
	}
}

func small(t *testing.T) http.Handler {
	t.Helper()
	files, err := load(fstest.MapFS{
		"index.html":      {Data: []byte(strings.Repeat("<p>panel</p>", 50))},
		"assets/app-1.js": {Data: []byte(strings.Repeat("go();", 100))},
		"favicon.svg":     {Data: []byte("<svg/>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler(files)
}

func TestAnswers(t *testing.T) {
	h := small(t)
	etag := get(t, h, "GET", "/").Header.Get("ETag")
	zipped := get(t, h, "GET", "/", "Accept-Encoding", "gzip").Header.Get("ETag")
	if etag == "" || etag == zipped {
		t.Fatalf("ETags %q and %q (gzip), want two different ones", etag, zipped)
	}
	tests := []struct {
		name         string
		method, path string
		header       []string
		want         int
		encoding     string
		length       int // of the body; -1: any
	}{
		{"a page is sent plain to who does not take gzip", "GET", "/", nil, 200, "", 600},
		{"a page is sent compressed to who takes gzip", "GET", "/", []string{"Accept-Encoding", "br, gzip;q=0.8"}, 200, "gzip", -1},
		{"gzip with weight 0 is a refusal", "GET", "/", []string{"Accept-Encoding", "gzip;q=0.0"}, 200, "", 600},
		{"a tiny file stays plain", "GET", "/favicon.svg", []string{"Accept-Encoding", "gzip"}, 200, "", 6},
		{"HEAD has no body", "HEAD", "/", nil, 200, "", 0},
		{"the same content is not sent twice", "GET", "/", []string{"If-None-Match", etag}, 304, "", 0},
		{"a list of tags is searched", "GET", "/", []string{"If-None-Match", `"x", W/` + etag}, 304, "", 0},
		{"the plain tag does not stand for the compressed body", "GET", "/", []string{"If-None-Match", etag, "Accept-Encoding", "gzip"}, 200, "gzip", -1},
		{"another tag gets the content", "GET", "/", []string{"If-None-Match", `"x"`}, 200, "", 600},
		{"an unknown path is not found", "GET", "/assets/app-0.js", nil, 404, "", -1},
		{"a folder is not listed", "GET", "/assets/", nil, 404, "", -1},
		{"dots lead nowhere", "GET", "/../ui.go", nil, 404, "", -1},
		{"POST is refused", "POST", "/", nil, 405, "", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := get(t, h, tt.method, tt.path, tt.header...)
			if res.StatusCode != tt.want {
				t.Fatalf("status = %d, want %d", res.StatusCode, tt.want)
			}
			if got := res.Header.Get("Content-Encoding"); got != tt.encoding {
				t.Errorf("Content-Encoding = %q, want %q", got, tt.encoding)
			}
			b := body(t, res)
			if tt.length >= 0 && len(b) != tt.length {
				t.Errorf("body has %d bytes, want %d", len(b), tt.length)
			}
			if tt.encoding != "gzip" {
				return
			}
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(z); err != nil || len(plain) != 600 {
				t.Errorf("unpacked %d bytes, %v, want 600", len(plain), err)
			}
		})
	}
}

func TestPolicyOfTheServerAroundIsKept(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	small(t).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Content-Security-Policy"); got != "default-src 'self'" {
		t.Errorf("Content-Security-Policy = %q, want the one already set", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name string
		fs   fstest.MapFS
	}{
		{"a build without a first page", fstest.MapFS{"favicon.svg": {Data: []byte("<svg/>")}}},
		{"a file of unknown kind", fstest.MapFS{"index.html": {}, "notes.exe": {}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := load(tt.fs); err == nil {
				t.Error("load accepted it")
			}
		})
	}
}

func TestWhomToTellOfAHoleIsServed(t *testing.T) {
	res := get(t, Handler(), "GET", "/.well-known/security.txt")
	text := string(body(t, res))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(text, "Contact: mailto:") || !strings.Contains(text, "Expires: ") {
		t.Errorf("%d %q %q", res.StatusCode, res.Header.Get("Content-Type"), text)
	}
}
