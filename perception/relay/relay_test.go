package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	bolt "go.etcd.io/bbolt"

	"vedette/perception/detections"
	"vedette/perception/events"
)

// source is a log of detections in memory.
type source struct {
	mu      sync.Mutex
	store   string
	list    []detections.Batch
	next    uint64
	changed chan struct{}
}

func newSource() *source { return &source{store: "s1", changed: make(chan struct{})} }

func (s *source) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.next++
		s.list = append(s.list, detections.Batch{Seq: s.next, Received: time.UnixMilli(1_800_000_000_000), Camera: "front door", TaskType: "a.b"})
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source) Since(after uint64, limit int) (out []detections.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.list {
		if b.Seq > after && len(out) < limit {
			out = append(out, b)
		}
	}
	return out, nil
}
func (s *source) Changed() <-chan struct{} { s.mu.Lock(); defer s.mu.Unlock(); return s.changed }
func (s *source) StoreID() string          { s.mu.Lock(); defer s.mu.Unlock(); return s.store }
func (s *source) Bounds() detections.Bounds {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := detections.Bounds{StoreID: s.store}
	if n := len(s.list); n > 0 {
		b.First, b.Last = s.list[0].Seq, s.list[n-1].Seq
	}
	return b
}

func database(t *testing.T) *storm.DB {
	t.Helper()
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// broker starts a NATS server on that port, -1 = any, with what is in dir.
func broker(t *testing.T, dir string, port int, change func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

func stream(t *testing.T, s *server.Server, cfg *nats.StreamConfig) nats.JetStreamContext {
	t.Helper()
	c, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	js, err := c.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if cfg != nil {
		if _, err := js.AddStream(cfg); err != nil {
			t.Fatal(err)
		}
	}
	return js
}

func begin(t *testing.T, db *storm.DB, o Options) (*Relay, func() error) {
	t.Helper()
	if o.Dial == nil {
		o.Dial = dial
	}
	o.Box = "box1"
	r, err := Open(db, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var once sync.Once
	var result error
	stop := func() error { once.Do(func() { cancel(); result = <-ended }); return result }
	t.Cleanup(func() { _ = stop() })
	return r, stop
}

func enable(t *testing.T, r *Relay, url string) {
	t.Helper()
	on := true
	if _, err := r.Set(context.Background(), Input{Enabled: &on, URL: &url}); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 20 s: ", what)
		}
	}
}

func messages(t *testing.T, js nats.JetStreamContext) (seqs []uint64, last *nats.RawStreamMsg) {
	t.Helper()
	info, err := js.StreamInfo("VEDETTE")
	if err != nil {
		t.Fatal(err)
	}
	for i := info.State.FirstSeq; i <= info.State.LastSeq && info.State.Msgs > 0; i++ {
		m, err := js.GetMsg("VEDETTE", i)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Seq uint64 }
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Fatal(err)
		}
		seqs, last = append(seqs, r.Seq), m
	}
	return seqs, last
}

func TestEveryReportIsInTheStreamOnceAfterAServerRestartAndALostPlace(t *testing.T) {
	dir, db, src := t.TempDir(), database(t), newSource()
	s := broker(t, dir, -1, nil)
	port := s.Addr().(*net.TCPAddr).Port
	stream(t, s, &nats.StreamConfig{Name: "VEDETTE", Subjects: []string{"vedette.>"}})
	src.add(3) // before it was enabled: not wanted
	r, stop := begin(t, db, Options{Source: src})
	enable(t, r, s.ClientURL())
	src.add(600)
	until(t, "600 acknowledged", func() bool { return r.Get().State.Cursor == 603 })

	s.Shutdown()
	s.WaitForShutdown()
	src.add(5)
	until(t, "an error", func() bool { return r.Get().State.LastError != "" })
	s = broker(t, dir, port, nil)
	js := stream(t, s, nil)
	until(t, "608 acknowledged", func() bool { return r.Get().State.Cursor == 608 })
	if st := r.Get().State; st.LastError != "" || st.Pending != 0 || st.LastAck.IsZero() {
		t.Errorf("state %+v", st)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}

	// The power went before the place was written.
	if err := db.Bolt.Update(func(tx *bolt.Tx) error {
		return put(tx, keyPlace, place{Marks: []storeMark{{Store: "s1", Seq: 100}}})
	}); err != nil {
		t.Fatal(err)
	}
	r, _ = begin(t, db, Options{Source: src})
	src.add(1)
	until(t, "609 acknowledged", func() bool { return r.Get().State.Cursor == 609 })
	seqs, last := messages(t, js)
	if len(seqs) != 606 {
		t.Fatalf("%d messages; want 606", len(seqs))
	}
	for i, seq := range seqs {
		if seq != uint64(i)+4 {
			t.Fatalf("message %d has seq %d", i, seq)
		}
	}
	if last.Subject != "vedette.box1.front_door.a_b" || last.Header.Get("Nats-Msg-Id") != "box1-s1-609" {
		t.Errorf("last is %s with %v", last.Subject, last.Header)
	}
	if want := `{"seq":609,"received_at":"2027-01-15T08:00:00.000Z","camera_id":"front door","task_type":"a.b","timestamp":`; !strings.HasPrefix(string(last.Data), want) {
		t.Errorf("body %s", last.Data)
	}
}

func TestAMissingStreamIsToldOfAndNotMade(t *testing.T) {
	src := newSource()
	s := broker(t, t.TempDir(), -1, nil)
	js := stream(t, s, nil)
	r, _ := begin(t, database(t), Options{Source: src})
	enable(t, r, s.ClientURL())
	until(t, "the error", func() bool { return strings.Contains(r.Get().State.LastError, "no stream of that name") })
	if _, err := js.StreamInfo("VEDETTE"); !errors.Is(err, nats.ErrStreamNotFound) {
		t.Errorf("stream: %v", err)
	}
}

func TestWhatIsTooLargeIsPassedOverAndToldOf(t *testing.T) {
	var told []events.Event
	src := newSource()
	s := broker(t, t.TempDir(), -1, nil)
	js := stream(t, s, &nats.StreamConfig{Name: "VEDETTE", Subjects: []string{"vedette.>"}, MaxMsgSize: 2000})
	r, stop := begin(t, database(t), Options{Source: src, Emit: func(e events.Event) { told = append(told, e) }})
	enable(t, r, s.ClientURL())
	src.mu.Lock()
	src.next = 1
	src.list = []detections.Batch{{Seq: 1, FrameID: strings.Repeat("x", 3000)}}
	src.mu.Unlock()
	src.add(1)
	until(t, "2 done", func() bool { return r.Get().State.Cursor == 2 })
	_ = stop()
	if seqs, _ := messages(t, js); len(seqs) != 1 || r.Get().State.Dropped != 1 || len(told) != 1 || told[0].Payload["reason"] != "too_large" {
		t.Errorf("stream has %v, state %+v, told %v", seqs, r.Get().State, told)
	}
}

// fake is a link in memory.
type fake struct {
	mu   sync.Mutex
	sent []uint64 // tokens
	got  chan answer
	gone chan error
}

func (f *fake) send(_ message, token uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, token)
	return nil
}
func (f *fake) answers() <-chan answer { return f.got }
func (f *fake) lost() <-chan error     { return f.gone }
func (f *fake) most() int              { return 1 << 20 }
func (f *fake) close()                 {}

func (f *fake) tokens() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

func TestTheWindowBoundsWhatIsInFlightAndThePlaceWaitsForTheFirst(t *testing.T) {
	db, src := database(t), newSource()
	synctest.Test(t, func(t *testing.T) {
		links := 0
		f := &fake{got: make(chan answer, 100), gone: make(chan error, 1)}
		src.changed = make(chan struct{})
		var told []events.Event
		r, stop := begin(t, db, Options{Source: src, Window: 4, Emit: func(e events.Event) { told = append(told, e) }, link: func(context.Context, config) (link, error) {
			links++
			f.mu.Lock()
			f.sent = nil
			f.mu.Unlock()
			return f, nil
		}})
		enable(t, r, "nats://h")
		src.add(10)
		synctest.Wait()
		if len(f.tokens()) != 4 {
			t.Fatalf("%d in flight; want 4", len(f.tokens()))
		}
		f.got <- answer{token: f.tokens()[1]}
		f.got <- answer{token: f.tokens()[1]} // twice
		synctest.Wait()
		if c := r.Get().State.Cursor; c != 0 || len(f.tokens()) != 5 {
			t.Errorf("cursor %d, %d sent; want 0 and 5", c, len(f.tokens()))
		}
		f.got <- answer{token: f.tokens()[0]}
		synctest.Wait()
		if st := r.Get().State; st.Cursor != 2 || st.Pending != 8 {
			t.Errorf("state %+v", st)
		}
		time.Sleep(13 * time.Second) // nobody answers
		synctest.Wait()
		if links != 2 || len(f.tokens()) != 4 || r.Get().State.LastError != errSilent.Error() {
			t.Errorf("%d links, %d sent, %q", links, len(f.tokens()), r.Get().State.LastError)
		}
		src.mu.Lock()
		src.list = src.list[7:] // 8 to 10 are left
		src.mu.Unlock()
		f.gone <- errClosed
		time.Sleep(5 * time.Second)
		synctest.Wait()
		_ = stop()
		if st := r.Get().State; st.Dropped != 5 || st.Cursor != 7 || len(told) != 1 || told[0].Payload["count"] != uint64(5) {
			t.Errorf("state %+v, told %v", st, told)
		}
	})
}

type sealer struct{}

func (sealer) SealText(_, _, field, plain string) (string, error) {
	return "sealed:" + field + ":" + plain, nil
}
func (sealer) OpenText(_, _, field, text string) (string, error) {
	return strings.TrimPrefix(text, "sealed:"+field+":"), nil
}

func TestSecretsAreSealedNeverShownAndStayWithTheirServer(t *testing.T) {
	db := database(t)
	r, err := Open(db, Options{Source: newSource(), Seal: sealer{}})
	if err != nil {
		t.Fatal(err)
	}
	p := func(s string) *string { return &s }
	on := true
	for _, c := range []struct {
		name  string
		in    Input
		field string
	}{
		{"no address", Input{Enabled: &on}, "url"},
		{"another scheme", Input{URL: p("http://h")}, "url"},
		{"a password in the address", Input{URL: p("tls://a:b@h")}, "url"},
		{"a token in the clear", Input{URL: p("nats://h"), Token: p("t")}, "url"},
		{"two secrets", Input{URL: p("tls://h"), Token: p("t"), Creds: p("c")}, "token"},
		{"no creds", Input{URL: p("tls://h"), Creds: p("c")}, "creds"},
		{"a wildcard", Input{Subject: p("a.>")}, "subject"},
		{"a dot", Input{Stream: p("a.b")}, "stream"},
		{"a good one", Input{Enabled: &on, URL: p("tls://h"), Username: p("u"), Password: p("hunter2")}, ""},
		{"its secret at another server", Input{URL: p("tls://evil")}, "password"},
		{"its secret at another user", Input{Username: p("v")}, "password"},
		{"another stream", Input{Stream: p("S")}, ""},
	} {
		_, err := r.Set(t.Context(), c.in)
		var f *FieldError
		if got := ""; errors.As(err, &f) {
			got = f.Field()
			if got != c.field {
				t.Errorf("%s: field %q; want %q", c.name, got, c.field)
			}
		} else if err != nil || c.field != "" {
			t.Errorf("%s: %v; want field %q", c.name, err, c.field)
		}
	}
	info := r.Get()
	if text := fmt.Sprintf("%+v", info); strings.Contains(text, "hunter2") || !info.SecretSet || info.Stream != "S" {
		t.Errorf("info %s", text)
	}
	if cfg, _ := r.book.config(); cfg.Password != "sealed:password:hunter2" {
		t.Errorf("on disk: %q", cfg.Password)
	}
	err = db.Bolt.Update(func(tx *bolt.Tx) error {
		n, err := r.Reseal(tx, func(_, _, field, stored string) (string, error) { return "anew:" + stored, nil })
		if n != 1 {
			t.Errorf("Reseal = %d", n)
		}
		return err
	})
	if cfg, _ := r.book.config(); err != nil || cfg.Password != "anew:sealed:password:hunter2" {
		t.Errorf("after Reseal: %q, %v", cfg.Password, err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("1", "", []byte(`{"stream":"S","seq":2,"duplicate":true}`))
	f.Add("z", "503", []byte(nil))
	f.Add("0", "", []byte(`{"error":{"code":400,"err_code":10054,"description":"too large"}}`))
	f.Add("0", "", []byte(`{"error":null}`))
	f.Fuzz(func(t *testing.T, name, status string, data []byte) {
		a, ok := parseAnswer(name, status, data)
		if ok && a.err == nil && (!json.Valid(data) || status == "503") {
			t.Errorf("%q is taken for an acknowledgement", data)
		}
	})
}
