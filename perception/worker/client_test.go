package worker

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTheKeyStaysWithTheBox(t *testing.T) {
	asked := make(chan string, 8)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer other.Close()
	calls := make(chan struct{}, 8)
	box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- struct{}{}
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer box.Close()
	c, err := newClient(&Options{URL: box.URL, Key: goodKey, Handle: nothing})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.lease(t.Context()); code(err) != 307 {
		t.Errorf("lease = %v", err)
	}
	for _, address := range []string{other.URL + "/x", "//" + strings.TrimPrefix(other.URL, "http://") + "/x", "http:opaque", "relative", ""} {
		if _, err := c.frame(t.Context(), Task{ID: "t", Camera: "door", Profile: "sub", FrameURL: address}, 0, 0); code(err) != 307 {
			t.Errorf("frame at %q = %v", address, err)
		}
	}
	select {
	case path := <-asked:
		t.Errorf("%s was asked of another", path)
	default:
	}
	if len(calls) != 6 {
		t.Errorf("the box was asked %d times", len(calls))
	}
}

func TestTheOptionsAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options)
		ok     bool
	}{
		{"as they should be", func(*Options) {}, true},
		{"with a slash at the end", func(o *Options) { o.URL = "https://box:8443/" }, true},
		{"behind a path", func(o *Options) { o.URL = "https://proxy/box1" }, true},
		{"no URL", func(o *Options) { o.URL = "" }, false},
		{"no scheme", func(o *Options) { o.URL = "box.local" }, false},
		{"another scheme", func(o *Options) { o.URL = "ftp://box" }, false},
		{"a password in the URL", func(o *Options) { o.URL = "https://me:secret@box" }, false},
		{"no URL at all", func(o *Options) { o.URL = "http://me:secret@[::1" }, false},
		{"no key", func(o *Options) { o.Key = "" }, false},
		{"nothing to do", func(o *Options) { o.Handle = nil }, false},
		{"a lease too short", func(o *Options) { o.TTL = 14 * time.Second }, false},
		{"a lease too long", func(o *Options) { o.TTL = 301 * time.Second }, false},
		{"too many tasks", func(o *Options) { o.MaxTasks = 513 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{URL: "http://box", Key: goodKey, Handle: nothing}
			tt.change(&o)
			_, err := newClient(&o)
			if (err == nil) != tt.ok {
				t.Errorf("error is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a password: %v", err)
			}
			if err == nil && (o.WorkerID == "" || o.TTL != time.Minute || o.Parallel != 1 || o.Log == nil) {
				t.Errorf("the defaults are %+v", o)
			}
		})
	}
	if err := Run(t.Context(), Options{}); err == nil {
		t.Error("Run does without options")
	}
}

func TestTheWaitGrowsAndIsBounded(t *testing.T) {
	var b backoff
	for i, most := range []float64{0.5, 1, 2, 4, 8, 16, 30, 30, 30} {
		if d := b.next(0).Seconds(); d < most/2 || d > most {
			t.Errorf("after %d failures %v s, want %v to %v", i, d, most/2, most)
		}
	}
	b.failures = math.MaxInt32 - 1
	if d := b.next(0); d < 0 || d > maxWait {
		t.Errorf("after very many %v", d)
	}
	for text, want := range map[string]time.Duration{"": 0, "5": 5 * time.Second, "-5": 0, "soon": 0, "9999999999": maxWait, "3600": maxWait,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		if got := retryAfter(text); got != want {
			t.Errorf("Retry-After %q is %v, want %v", text, got, want)
		}
	}
}
