package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

var message = delivery.Message{
	ID: "n1-7", Box: delivery.Box{ID: "box1", Name: "Söller"},
	Events: []events.Event{{
		Seq: 7, Time: time.Date(2026, 5, 1, 12, 0, 0, 250e6, time.UTC), Type: "zone_enter", Severity: events.Critical, Camera: "yard",
		Payload: map[string]any{"label": "person", "zone_id": "z1"},
	}},
}

func sender(t *testing.T, url string) *Sender {
	t.Helper()
	s, err := New(Config{URL: url, Secret: "canary-secret-0123"}, &http.Client{Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTheSignatureIsWhatOpenSSLMakesOfIt takes what came over the wire, and none of
// our code.
func TestTheSignatureIsWhatOpenSSLMakesOfIt(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		testkit.Lacking(t, "openssl is not installed")
	}
	var header http.Header
	var posted []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		posted, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	if out := sender(t, srv.URL).Send(t.Context(), message); out.Verdict != delivery.Sent || out.Status != 202 || out.Err != nil {
		t.Fatalf("Send = %+v", out)
	}
	cmd := exec.Command(openssl, "dgst", "-sha256", "-hmac", "canary-secret-0123", "-r")
	cmd.Stdin = strings.NewReader(header.Get("X-Vedette-Timestamp") + "." + string(posted))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := header.Get("X-Vedette-Signature"), "sha256="+strings.Fields(string(out))[0]; got != want {
		t.Errorf("signature %s, openssl says %s", got, want)
	}
	if header.Get("X-Vedette-Event") != "zone_enter" || header.Get("X-Vedette-Delivery") != "n1-7" || header.Get("Content-Type") != "application/json" {
		t.Errorf("headers = %v", header)
	}
	var at int64
	if _, err := fmt.Sscan(header.Get("X-Vedette-Timestamp"), &at); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		t.Errorf("timestamp %q", header.Get("X-Vedette-Timestamp"))
	}
	const want = `{"event":{"seq":7,"time":"2026-05-01T12:00:00.250Z","type":"zone_enter","severity":"critical","camera":"yard","payload":{"label":"person","zone_id":"z1"}},"box":{"id":"box1","name":"Söller"},"delivery":"n1-7"}`
	if string(posted) != want || !json.Valid(posted) {
		t.Errorf("body = %s\nwant   %s", posted, want)
	}
}

func TestWhatServersAnswer(t *testing.T) {
	release := make(chan struct{})
	var elsewhere sync.Once
	followed := false
	tests := []struct {
		name    string
		handler http.HandlerFunc
		verdict delivery.Verdict
		status  int
		after   time.Duration
	}{
		{"well", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, delivery.Sent, 204, 0},
		{"an error of the server", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, delivery.Retry, 500, 0},
		{"it has too much to do", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
		}, delivery.Retry, 429, 2 * time.Minute},
		{"it is down for longer than we wait", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999")
			w.WriteHeader(503)
		}, delivery.Retry, 503, mostAfter},
		{"it does not want it", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, delivery.Refused, 410, 0},
		{"it sends elsewhere", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				elsewhere.Do(func() { followed = true })
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, delivery.Retry, 307, 0},
		{"it hangs", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-release
		}, delivery.Retry, 0, 0},
		{"it answers without an end", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		}, delivery.Sent, 200, 0},
		{"it answers a byte at a time", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, delivery.Sent, 200, 0},
		{"it hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, delivery.Retry, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.handler)
			t.Cleanup(srv.Close)
			s := sender(t, srv.URL+"/canary-token")
			s.timeout = 300 * time.Millisecond
			if tt.name == "it answers without an end" {
				s.timeout = time.Minute // this is not what ends it
			}
			started := time.Now()
			out := s.Send(t.Context(), message)
			if out.Verdict != tt.verdict || out.Status != tt.status || out.After != tt.after {
				t.Errorf("Send = %+v, want verdict %d, status %d, after %v", out, tt.verdict, tt.status, tt.after)
			}
			if (out.Err == nil) != (tt.verdict == delivery.Sent) || out.Err != nil && strings.Contains(out.Err.Error(), "canary") {
				t.Errorf("error = %v", out.Err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if tt.name == "it hangs" {
				close(release)
			}
		})
	}
	if followed {
		t.Error("a redirect was followed")
	}
}

func TestNobodyThereIsTriedAgainAndTellsNoAddress(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	url := srv.URL
	srv.Close()
	out := sender(t, url+"/canary-token").Send(t.Context(), message)
	if out.Verdict != delivery.Retry || out.Err == nil || strings.Contains(out.Err.Error(), "canary") {
		t.Errorf("Send = %+v", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out := sender(t, url).Send(ctx, message); out.Verdict == delivery.Sent {
		t.Errorf("Send = %+v with a ctx that is done", out)
	}
}

func TestNothingIsSentUnsigned(t *testing.T) {
	if s, err := New(Config{URL: "https://host/"}, http.DefaultClient); err == nil || s != nil {
		t.Errorf("New without a secret = %v, %v", s, err)
	}
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "17": 17 * time.Second, "-5": 0, "1e9": 0, "99999999999999999999": 0, "3601": mostAfter,
		"Fri, 01 May 2026 12:01:00 GMT": time.Minute, "Fri, 01 May 2020 12:01:00 GMT": 0, "Fri, 01 May 2099 12:01:00 GMT": mostAfter,
	} {
		if got := retryAfter(text, now); got != want {
			f.Errorf("retryAfter(%q) = %v, want %v", text, got, want)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := retryAfter(text, now); got < 0 || got > mostAfter {
			t.Errorf("retryAfter(%q) = %v", text, got)
		}
	})
}
