package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

func TestSigningInAndOut(t *testing.T) {
	b := newBox(t)
	if w := b.do("GET", "/api/v1/auth/claim", ""); w.Body.String() != `{"claimable":false,"claimed":true,"fingerprint":"AB:CD","words":"one two three four"}`+"\n" {
		t.Errorf("claim status = %s", w.Body)
	}
	w := b.do("POST", "/api/v1/auth/login", `{"username":"owner","password":"`+ownerPassword+`"}`)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"username":"owner","role":"admin","totp":false,"session":"`) {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	c := w.Result().Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || c[0].Secure {
		t.Fatalf("cookies = %+v", c)
	}
	first := c[0].Name + "=" + c[0].Value
	w = b.do("POST", "/api/v1/auth/login", `{"username":"owner","password":"`+ownerPassword+`"}`, "Cookie: "+first)
	second := w.Result().Cookies()[0].Name + "=" + w.Result().Cookies()[0].Value
	if first == second {
		t.Error("signing in again kept the token")
	}
	if w := b.do("GET", "/api/v1/auth/me", "", "Cookie: "+first); w.Code != 401 {
		t.Errorf("the old session after signing in again: %d, want it over", w.Code)
	}
	if w := b.do("GET", "/api/v1/auth/me", "", "Cookie: "+second); w.Code != 200 {
		t.Errorf("me: %d", w.Code)
	}
	w = b.do("POST", "/api/v1/auth/logout", "", "Cookie: "+second)
	if w.Code != 204 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %d %v", w.Code, w.Result().Cookies())
	}
	if w := b.do("GET", "/api/v1/auth/me", "", "Cookie: "+second); w.Code != 401 {
		t.Errorf("me after logout: %d, want 401", w.Code)
	}
}

func TestGuessingIsToldToWait(t *testing.T) {
	b := newBox(t)
	var w *httptest.ResponseRecorder
	for range 7 {
		w = b.do("POST", "/api/v1/auth/login", `{"username":"owner","password":"guess guess"}`)
	}
	if code, _ := failed(t, w); w.Code != 429 || code != "too_many_attempts" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", w.Code, code, w.Header().Get("Retry-After"))
	}
}

func TestCameras(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path, body string
		err                      error
		status                   int
		want                     string // in the answer
	}{
		{"list", "GET", "/api/v1/cameras", "", nil, 200, `[{"id":"yard","name":"Yard","state":"recording","state_reason":"","main_url":"rtsp://10.0.0.5/main","sub_url":"","has_password":true,"record":true,"audio":false,"volume":"","mirror":"","preroll_s":0,"postroll_s":0,"record_mode":"","schedule":[],"priority":0,"recording_now":{"active":false,"why":""},"drops":0}]`},
		{"read", "GET", "/api/v1/cameras/yard", "", nil, 200, `"has_password":true`},
		{"one that is not there", "GET", "/api/v1/cameras/gate", "", nil, 404, "not_found"},
		{"an id that is none", "GET", "/api/v1/cameras/..%2f..%2fetc", "", nil, 404, "not_found"},
		{"add", "POST", "/api/v1/cameras", `{"name":"Yard"}`, nil, 201, `"id":"yard"`},
		{"add without a name", "POST", "/api/v1/cameras", `{}`, nil, 400, `"field":"name"`},
		{"add one that the recorder refuses", "POST", "/api/v1/cameras", `{"name":"Yard"}`, &FieldError{"vendor", "is not known"}, 400, `"message":"vendor is not known.","field":"vendor"`},
		{"add one that is there", "POST", "/api/v1/cameras", `{"name":"Yard"}`, fmt.Errorf("there is a camera with this id: %w", ErrConflict), 409, `There is a camera with this id.`},
		{"add one too many", "POST", "/api/v1/cameras", `{"name":"Yard"}`, errors.Join(ErrConflict, errors.New("there are 64 already")), 409, `"message":"There are 64 already."`},
		{"change", "PATCH", "/api/v1/cameras/yard", `{"audio":true}`, nil, 200, `"id":"yard"`},
		{"change its id", "PATCH", "/api/v1/cameras/yard", `{"id":"b"}`, nil, 400, `"field":"id"`},
		{"remove", "DELETE", "/api/v1/cameras/yard", "", nil, 204, ""},
		{"remove one that is not there", "DELETE", "/api/v1/cameras/gate", "", nil, 404, "not_found"},
		{"adopt a volume", "POST", "/api/v1/system/volumes/garage/adopt", `{"id":"22"}`, nil, 202, ""},
		{"adopt one that is not there", "POST", "/api/v1/system/volumes/attic/adopt", `{"id":"22"}`, nil, 404, "not_found"},
		{"adopt without saying which", "POST", "/api/v1/system/volumes/garage/adopt", `{}`, nil, 400, `"field":"id"`},
		{"test", "POST", "/api/v1/cameras/yard/test", `{}`, nil, 200, `"ok":true`},
		{"something breaks", "GET", "/api/v1/cameras/yard", "", errors.New("canary detail"), 500, "internal"},
		{"the disk is away", "GET", "/api/v1/cameras/yard", "", fmt.Errorf("x: %w", ErrUnavailable), 503, "unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.rec.err = tt.err
			w := b.owner(tt.method, tt.path, tt.body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tt.status, tt.want)
			}
			if tt.status >= 400 {
				failed(t, w)
			}
		})
	}
}

// TestPasswordsNeverComeOut plants secrets in requests and searches every
// answer and the log.
func TestPasswordsNeverComeOut(t *testing.T) {
	b := newBox(t)
	var all bytes.Buffer
	keep := func(w *httptest.ResponseRecorder) { _ = w.Result().Header.Write(&all); all.Write(w.Body.Bytes()) }
	keep(b.owner("POST", "/api/v1/cameras", `{"name":"x","main_url":"rtsp://u:canary-1@h/","password":"canary-2"}`))
	keep(b.owner("PATCH", "/api/v1/cameras/yard", `{"password":["canary-3"]}`))
	keep(b.owner("PATCH", "/api/v1/cameras/yard", `{"passwort":"canary-4"}`))
	keep(b.owner("POST", "/api/v1/auth/login", `{"username":"owner","password":"canary-5"}`))
	keep(b.owner("POST", "/api/v1/auth/login", `{"username":"canary-6","password":"x"}`))
	b.rec.err = errors.New("dial failed")
	keep(b.owner("POST", "/api/v1/cameras", `{"name":"x","password":"canary-7"}`))
	b.rec.err = nil
	for _, rt := range b.table {
		if !strings.HasSuffix(rt.pattern, "/logout") {
			keep(b.owner(rt.methods()[0], fill(rt.pattern), bodyFor(rt)))
		}
	}
	all.WriteString(b.log.String())
	if text := all.String(); strings.Contains(text, "canary") || !strings.Contains(text, "rtsp://10.0.0.5/main") {
		t.Errorf("a secret came out, or nothing did:\n%s", text)
	}
}

func TestFootageLists(t *testing.T) {
	b := newBox(t)
	tests := []struct{ name, path, want string }{
		{"segments, a page", "segments?limit=2&" + hour, `"next":"2026-11-23T20:02:00.000Z"`},
		{"segments, the last page", "segments?limit=10&" + hour, `"duration_ms":60000,`},
		{"times have milliseconds", "segments?limit=1&" + hour, `"start":"2026-11-23T20:00:00.000Z"`},
		{"a timeline without anything", "timeline?" + day, `{"ranges":[],"gaps":[]}`},
		{"gaps", "gaps?" + day, `{"gaps":[]}`},
		{"groups of pictures", "gops?" + hour, `{"inits":[],"segments":[{"id":"1795400000000-1f3c9a2b","url":"/api/v1/cameras/yard/segments/1795400000000-1f3c9a2b/media.mp4","init":0,"init_size":0,"start":0,"end":0,"open":false,"gops":[[1,2,3,4]]}],"gaps":[]}`},
		{"a playlist", "hls/index.m3u8?" + hour, "#EXTM3U"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := b.owner("GET", "/api/v1/cameras/yard/"+tt.path, "")
			if w.Code != 200 || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s, want %s", w.Code, w.Body, tt.want)
			}
			if strings.Contains(tt.name, "last page") && strings.Contains(w.Body.String(), "next") {
				t.Errorf("%s names a next page", w.Body)
			}
			if w := b.owner("GET", "/api/v1/cameras/gate/"+tt.path, ""); w.Code != 404 {
				t.Errorf("of a camera that is not there: %d", w.Code)
			}
		})
	}
	if !b.rec.from.Equal(start) || b.rec.to.Sub(b.rec.from) != time.Hour {
		t.Errorf("the recorder was asked for %v to %v", b.rec.from, b.rec.to)
	}
}

func TestMediaIsSentInRanges(t *testing.T) {
	b := newBox(t)
	seg := "/api/v1/cameras/yard/segments/1795400000000-1f3c9a2b/media.mp4"
	tests := []struct {
		name, path, rng string
		status          int
		want            string
	}{
		{"a whole segment", seg, "", 200, "0123456789"},
		{"a range of a segment", seg, "bytes=2-4", 206, "234"},
		{"the end of a segment", seg, "bytes=-2", 206, "89"},
		{"a range behind the end", seg, "bytes=20-", 416, ""},
		{"a clip", "/api/v1/cameras/yard/clip.mp4?" + hour, "", 200, "0123456789"},
		{"a range of a clip", "/api/v1/cameras/yard/clip.mp4?" + hour, "bytes=0-0", 206, "0"},
		{"a snapshot", "/api/v1/cameras/yard/snapshot.mp4?at=1795464000000", "", 200, "0123456789"},
		{"a segment whose id is none", "/api/v1/cameras/yard/segments/..%2fx/media.mp4", "", 404, ""},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.rng != "" {
				header = []string{"Range: " + tt.rng}
			}
			w := b.owner("GET", tt.path, "", header...)
			if w.Code != tt.status || tt.want != "" && w.Body.String() != tt.want {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tt.status, tt.want)
			}
			if tt.want != "" && (w.Header().Get("Content-Type") != "video/mp4" || b.rec.closed != i+1) {
				t.Errorf("type %q, %d closed, want %d", w.Header().Get("Content-Type"), b.rec.closed, i+1)
			}
			if strings.Contains(tt.path, "clip") && (w.Header().Get("X-Covered-Seconds") != "59.500" ||
				w.Header().Get("X-Gaps") != `[{"start":"2026-11-23T20:00:00.000Z","end":"2026-11-23T20:00:01.000Z","reason":"camera"}]` ||
				w.Header().Get("X-Gaps-Total") != "1" || w.Header().Get("Content-Disposition") != `attachment; filename="yard_2026-11-23T20-00-00Z.mp4"`) {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func TestAtMostThreeClipsAreMadeAtATime(t *testing.T) {
	b := newBox(t)
	b.rec.hold = make(chan struct{})
	srv := httptest.NewServer(local{b})
	defer srv.Close()
	get := func() (*http.Response, error) {
		r, _ := http.NewRequest("GET", srv.URL+"/api/v1/cameras/yard/clip.mp4?"+hour, nil)
		r.Header.Set("Cookie", b.cookie)
		return http.DefaultClient.Do(r)
	}
	codes := make(chan int, 4)
	for range 4 {
		go func() {
			resp, err := get()
			if err != nil {
				codes <- 0
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode == 503 && resp.Header.Get("Retry-After") != "5" {
				codes <- -1
				return
			}
			codes <- resp.StatusCode
		}()
	}
	if got := <-codes; got != 503 { // the other three wait for their bytes
		t.Errorf("one too many: %d, want 503", got)
	}
	close(b.rec.hold)
	for range 3 {
		if got := <-codes; got != 200 {
			t.Errorf("a clip: %d", got)
		}
	}
	resp, err := get()
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("afterwards: %v %v", resp, err)
	}
	resp.Body.Close()
}

// local is a box that does not mind the host name of a test server.
type local struct{ *box }

// TestLogoutBreaksADownloadOff stalls a large download and signs out.
func TestLogoutBreaksADownloadOff(t *testing.T) {
	b := newBox(t)
	b.rec.content = make([]byte, 64<<20)
	srv := httptest.NewServer(local{b})
	defer srv.Close()
	r, _ := http.NewRequest("GET", srv.URL+"/api/v1/cameras/yard/clip.mp4?"+hour, nil)
	r.Header.Set("Cookie", b.cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	if _, err := in.ReadByte(); err != nil {
		t.Fatal(err)
	}
	b.auth.Logout(strings.TrimPrefix(b.cookie, "vedette_session="))
	began := time.Now()
	n, err := io.Copy(io.Discard, in)
	if err == nil || n > 48<<20 || time.Since(began) > 2*time.Second {
		t.Errorf("%d bytes came after signing out, %v, in %v; want the download to break off", n, err, time.Since(began))
	}
}

func TestEvents(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, query, call string
		status            int
	}{
		{"the latest", "", "latest 100", 200},
		{"a number of them", "limit=5", "latest 5", 200},
		{"since a number", "since_seq=7&limit=3", "since 7 3", 200},
		{"since the beginning", "since_seq=0", "since 0 100", 200},
		{"a bad number", "since_seq=-1", "", 400},
		{"too many", "limit=2001", "", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.events.calls = nil
			w := b.owner("GET", "/api/v1/events?type=offline&camera=yard&"+tt.query, "")
			if got := strings.Join(b.events.calls, ","); w.Code != tt.status || got != tt.call {
				t.Errorf("%d, asked %q; want %d, %q", w.Code, got, tt.status, tt.call)
			}
			if tt.status == 200 && (!slices.Equal(b.events.filter.Types, []string{"offline"}) || b.events.filter.Camera != "yard" || !strings.HasPrefix(w.Body.String(), `{"events":[`)) {
				t.Errorf("filter %+v, answer %s", b.events.filter, w.Body)
			}
		})
	}
}

func TestHealthAndMetrics(t *testing.T) {
	set := metrics.NewSet()
	set.NewCounter("vedette_test_total").Inc()
	b := newBox(t, func(o *Options) { o.Metrics = []MetricsWriter{set} })
	if w := b.do("GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := b.do("GET", "/readyz", ""); w.Code != 200 || w.Body.String() != `{"status":"ready"}`+"\n" {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	b.sys.failing = []string{"volume"}
	if w := b.do("GET", "/readyz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `["volume"]`) {
		t.Errorf("readyz with a failing check: %d %s", w.Code, w.Body)
	}
	w := b.owner("GET", "/metrics", "")
	for _, want := range []string{`vedette_http_requests_total{route="GET /healthz",code="2xx"} 1`, "vedette_test_total 1"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics lack %s:\n%s", want, w.Body)
		}
	}
	w = b.owner("GET", "/api/v1/system", "")
	var info SystemInfo
	if err := json.Unmarshal(w.Body.Bytes(), &info); err != nil || info.Version != "test" || !strings.Contains(w.Body.String(), `"volumes":[]`) {
		t.Errorf("system: %v %s", err, w.Body)
	}
}

func TestWhatIsNotThereSaysSo(t *testing.T) {
	b := newBox(t, func(o *Options) { o.Live, o.Panel, o.UI = nil, nil, nil })
	for path, want := range map[string]int{"POST /api/v1/cameras/yard/whep": 501, "GET /api/v1/panel": 501, "GET /": 404} {
		method, path, _ := strings.Cut(path, " ")
		if w := b.owner(method, path, ""); w.Code != want {
			t.Errorf("%s %s: %d, want %d", method, path, w.Code, want)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("New without its parts: want an error")
	}
	if _, err := New(Options{Recorder: b.rec, Auth: b.auth, Events: b.events, System: b.sys, Tickets: "maybe"}); err == nil {
		t.Error("New with a policy that is none: want an error")
	}
}

func TestWhepIsHandedOn(t *testing.T) {
	b := newBox(t)
	if w := b.owner("PATCH", "/api/v1/cameras/yard/whep/s1", "a=b", "Content-Type: application/trickle-ice-sdpfrag"); w.Body.String() != "live yard s1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
