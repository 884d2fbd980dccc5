package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/web/auth"
)

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// liveEvents is a log that events are added to.
type liveEvents struct {
	mu      sync.Mutex
	list    []Event
	changed chan struct{}
	long    int // pages that were read and were not empty
}

func (l *liveEvents) add(camera, kind string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.list = append(l.list, Event{Seq: uint64(len(l.list) + 1), Time: Timestamp(start), Type: kind, Severity: "info", Camera: camera})
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *liveEvents) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

func (l *liveEvents) Since(seq uint64, limit int, f EventFilter) (out []Event, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.list {
		if e.Seq > seq && len(out) < limit && (f.Sees == nil || e.Camera == "" || f.Sees(e.Camera)) && (len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) {
			out = append(out, e)
		}
	}
	if len(out) > 0 {
		l.long++
	}
	return out, nil
}

func (l *liveEvents) Latest(limit int, _ EventFilter) ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list[max(0, len(l.list)-limit):]), nil
}

// stream asks for events, and returns what it sent when ctx was done.
func (b *box) stream(ctx context.Context, query string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://box.local"+v1+"/events/stream?"+query, nil).WithContext(ctx)
	for _, line := range append(header, "Cookie: "+b.cookie) {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// ids returns the numbers of the events in a stream.
func ids(body string) (out []string) {
	for _, line := range strings.Split(body, "\n") {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			out = append(out, id)
		}
	}
	return out
}

func TestEventsAreStreamed(t *testing.T) {
	log := &liveEvents{}
	b := newBox(t, func(o *Options) { o.Events, o.EventsChanged = log, log.Changed })
	log.add("yard", "old", 3)
	tests := []struct {
		name, query string
		header      []string
		want        []string
	}{
		{"from now on", "", nil, []string{"4", "5", "6", "7"}},
		{"from a number on", "since_seq=2", nil, []string{"3", "4", "5", "6", "7"}},
		{"from where it broke off, whatever the address says", "since_seq=0", []string{"Last-Event-ID: 2"}, []string{"3", "4", "5", "6", "7"}},
		{"of a type", "type=zone_enter&since_seq=0", nil, []string{"6", "7"}},
	}
	synctest.Test(t, func(t *testing.T) {
		log.mu.Lock()
		log.changed = nil
		log.mu.Unlock()
		ctx, cancel := context.WithCancel(t.Context())
		got := make([]*httptest.ResponseRecorder, len(tests))
		var wg sync.WaitGroup
		for i, tt := range tests {
			wg.Go(func() { got[i] = b.stream(ctx, tt.query, tt.header...) })
		}
		synctest.Wait()
		log.add("yard", "camera_offline", 2)
		synctest.Wait()
		time.Sleep(40 * time.Second)
		log.add("yard", "zone_enter", 2)
		synctest.Wait()
		cancel()
		wg.Wait()
		for i, tt := range tests {
			body := got[i].Body.String()
			if !slices.Equal(ids(body), tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, ids(body), tt.want)
			}
			if got[i].Header().Get("Content-Type") != "text/event-stream" || !strings.HasPrefix(body, "retry: 3000\n\n") || strings.Count(body, ":\n\n") != 2 || !got[i].Flushed {
				t.Errorf("%s: %v %q, want 2 heartbeats in 40 s", tt.name, got[i].Header(), body)
			}
			if !strings.Contains(body, "id: 6\ndata: {\"seq\":6,\"time\":\"2026-11-23T20:00:00.000Z\",\"type\":\"zone_enter\",\"severity\":\"info\",\"camera\":\"yard\"}\n\n") {
				t.Errorf("%s: %q", tt.name, body)
			}
		}
		log.mu.Lock()
		log.changed = nil // of the bubble
		log.mu.Unlock()
	})
}

// TestNothingIsLeftOutOfAStream adds events in bursts longer than a page.
func TestNothingIsLeftOutOfAStream(t *testing.T) {
	log := &liveEvents{}
	b := newBox(t, func(o *Options) { o.Events = log }) // without being told: it looks
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- b.stream(ctx, "since_seq=0") }()
		for range 3 {
			log.add("", "burst", streamPage+10)
			time.Sleep(1500 * time.Millisecond)
		}
		cancel()
		got := ids((<-done).Body.String())
		for i, id := range got {
			if id != fmt.Sprint(i+1) {
				t.Fatalf("the %d. event is number %s", i+1, id)
			}
		}
		if len(got) != 3*(streamPage+10) {
			t.Errorf("%d events", len(got))
		}
	})
}

func TestStreamsAreRefused(t *testing.T) {
	b := newBox(t)
	some := "Cookie: " + b.user(t, auth.Viewer, "door")
	for query, want := range map[string]int{"since_seq=x": 400, "severity=loud": 400, "type=a,,b": 400, "camera=yard": 403} {
		if w := b.do("GET", v1+"/events/stream?"+query, "", some); w.Code != want {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := b.do("GET", v1+"/events/stream", "", some, "Last-Event-ID: x"); w.Code != 400 {
		t.Errorf("a bad number of the last event: %d", w.Code)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range maxStreamsCaller {
			wg.Go(func() { b.stream(ctx, "") })
		}
		synctest.Wait()
		if w := b.stream(ctx, ""); w.Code != 503 {
			t.Errorf("one too many: %d", w.Code)
		}
		cancel()
		wg.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if w := b.stream(ctx, ""); w.Code != 200 {
			t.Errorf("after they left: %d", w.Code)
		}
	})
}

// TestAStreamEndsWithItsSession follows events over a real connection, and signs out.
func TestAStreamEndsWithItsSession(t *testing.T) {
	log := &liveEvents{}
	b := newBox(t, func(o *Options) { o.Events, o.EventsChanged = log, log.Changed })
	cookie := b.user(t, auth.Viewer)
	srv := httptest.NewServer(b)
	defer srv.Close()
	r, _ := http.NewRequest("GET", srv.URL+v1+"/events/stream", nil)
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "retry: 3000\n" {
		t.Fatalf("%q, %v: nothing is sent at once", line, err)
	}
	begun := time.Now()
	b.auth.Logout(strings.TrimPrefix(cookie, "vedette_session="))
	_, _ = io.Copy(io.Discard, lines)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it went on for %v", took)
	}
}

// TestAStreamThatNobodyReadsEndsWithItsSession has a client that takes nothing, so that
// the server cannot write on, and signs out.
func TestAStreamThatNobodyReadsEndsWithItsSession(t *testing.T) {
	log := &liveEvents{}
	b := newBox(t, func(o *Options) { o.Events, o.EventsChanged = log, log.Changed })
	cookie := b.user(t, auth.Viewer)
	log.add("", strings.Repeat("a", 64<<10), streamPage)
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		b.ServeHTTP(w, r)
	}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s/events/stream?since_seq=0 HTTP/1.1\r\nHost: box.local\r\nCookie: %s\r\n\r\n", v1, cookie)
	for begun := false; !begun; { // until it writes more than there is room for
		log.mu.Lock()
		begun = log.long > 0
		log.mu.Unlock()
		runtime.Gosched()
	}
	b.auth.Logout(strings.TrimPrefix(cookie, "vedette_session="))
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("it still waits for the client")
	}
}

func TestEventsAreFiltered(t *testing.T) {
	b := newBox(t)
	b.owner("GET", v1+"/events?type=zone_*,camera_offline&severity=warning&limit=2000&since_seq=7", "")
	if f := b.events.filter; !slices.Equal(f.Types, []string{"zone_*", "camera_offline"}) || f.Least != "warning" || !f.Operators || !slices.Equal(b.events.calls, []string{"since 7 2000"}) {
		t.Errorf("%+v %v", f, b.events.calls)
	}
	if w := b.owner("GET", v1+"/events?severity=fatal", ""); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"severity"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
