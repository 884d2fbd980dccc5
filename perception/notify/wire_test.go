package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"vedette/perception/events"
	smtp "vedette/perception/notify/mail"
	"vedette/perception/notify/mqtt"
)

// hook is a web server that checks signatures and notes what comes.
type hook struct {
	secret string
	mu     sync.Mutex
	seqs   []uint64
	bad    int
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	mac := hmac.New(sha256.New, []byte(h.secret))
	_, _ = io.WriteString(mac, r.Header.Get("X-Vedette-Timestamp")+"."+string(body))
	var posted struct{ Event struct{ Seq uint64 } }
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Header.Get("X-Vedette-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || json.Unmarshal(body, &posted) != nil {
		h.bad++
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h.seqs = append(h.seqs, posted.Event.Seq)
}

func (h *hook) got() []uint64 { h.mu.Lock(); defer h.mu.Unlock(); return slices.Clone(h.seqs) }

// TestTwoWebServersOfWhichOneHangs goes over real connections, through a start in
// the middle.
func TestTwoWebServersOfWhichOneHangs(t *testing.T) {
	h := &house{t: t, db: openDB(t), seal: &vault{}}
	serve := func() (stop func()) {
		h.open()
		h.s.senders = nil
		h.s.o.HTTP = &http.Client{Transport: &http.Transport{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.s.Run(ctx) }()
		return func() { cancel(); <-done; _ = h.log.Flush() }
	}
	well := &hook{secret: "secret-of-the-one"}
	one := httptest.NewServer(well)
	defer one.Close()
	asked := make(chan struct{}, 100)
	two := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer two.Close()
	until := func(n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); len(well.got()) < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d came, want %d", len(well.got()), n)
			}
		}
	}

	stop := serve()
	for url, secret := range map[string]string{one.URL: well.secret, two.URL: "secret-of-the-other"} {
		sub := example(Webhook)
		sub.Webhook = &WebhookConfig{URL: url, Secret: secret}
		if _, err := h.s.Create(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
	}
	var want []uint64
	emit := func(n int) {
		for range n {
			want = append(want, h.log.Emit(events.Event{Type: "zone_enter", Severity: events.Info}))
		}
		if err := h.log.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	emit(50)
	<-asked
	until(50)
	emit(20)
	stop()
	stop = serve()
	emit(50)
	until(120)
	stop()
	if got := well.got(); !slices.Equal(got, want) || well.bad != 0 {
		t.Errorf("got %v, %d with a wrong signature; want %v", got, well.bad, want)
	}
}

func TestEachKindIsSentByItsOwnAndThroughTheOnlyWayOut(t *testing.T) {
	h := &house{t: t, db: openDB(t)}
	h.open()
	h.s.senders = nil
	var asked []string
	h.s.o.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
		asked = append(asked, address)
		return nil, errNoWay
	}
	h.s.o.HTTP = &http.Client{Transport: &http.Transport{DialContext: h.s.o.Dial}}
	for kind, is := range map[string]func(sender) bool{
		Mail: func(s sender) bool { _, ok := s.(*smtp.Sender); return ok },
		MQTT: func(s sender) bool { _, ok := s.(connected); _, real := s.(*mqtt.Client); return ok && real },
	} {
		sub := example(kind)
		if s, err := h.s.sender(&sub); err != nil || !is(s) {
			t.Errorf("%s is sent by %T, %v", kind, s, err)
		}
	}
	for _, kind := range []string{Webhook, Mail, MQTT} {
		v, err := h.s.Create(t.Context(), example(kind))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := h.s.Test(t.Context(), v.ID); err != nil || d.Result != ResultFailed || d.Error != errNoWay.Error() {
			t.Errorf("%s: %+v, %v", kind, d, err)
		}
	}
	if want := []string{"hooks.example:443", "mail.example:587", "broker.example:1883"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}
