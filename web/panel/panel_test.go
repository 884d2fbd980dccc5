package panel

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestAPageSeesASnapshotAndThenWhatChanges(t *testing.T) {
	b := newBox(t)
	b.events.add("")
	br, _, err := b.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	hello := br.next()
	var who struct {
		Version, Boot string
		User          struct{ Username, Role string }
		Now           time.Time
	}
	if err := json.Unmarshal(hello.D, &who); err != nil || hello.T != "hello" || who.User.Username != "owner" || who.User.Role != "admin" || who.Version != "1" || time.Since(who.Now) > time.Minute {
		t.Errorf("hello = %s, %v", hello.D, err)
	}
	want := `{"cameras":[{"id":"yard","state":"recording"},{"id":"gate","state":"offline"}],"system":{"n":0},"board":{"board":"sim"},"events":[{"seq":1}]}`
	if m := br.next(); m.T != "snapshot" || string(m.D) != want {
		t.Errorf("snapshot = %s, want %s", m.D, want)
	}
	steps := []struct {
		name   string
		change func()
		t, d   string
	}{
		{"a camera changes", func() { b.cameras.set("yard offline,gate offline") }, "camera", `{"id":"yard","state":"offline"}`},
		{"a camera is new", func() { b.cameras.set("yard offline,gate offline,door live") }, "camera", `{"id":"door","state":"live"}`},
		{"a camera goes", func() { b.cameras.set("yard offline,door live") }, "camera.removed", `{"id":"gate"}`},
		{"the system changes", func() { b.system.set(map[string]int{"n": 1}) }, "system", `{"n":1}`},
		{"the board changes", func() { b.board.set(map[string]string{"board": "x"}) }, "board", `{"board":"x"}`},
		{"something happens", func() { b.events.add("yard") }, "event", `{"seq":2}`},
	}
	seq := uint64(2)
	for _, s := range steps {
		s.change()
		seq++
		if m := br.next(); m.T != s.t || string(m.D) != s.d || m.Seq != seq {
			t.Errorf("%s: %s %s number %d; want %s %s number %d", s.name, m.T, m.D, m.Seq, s.t, s.d, seq)
		}
	}
}

func TestOnlyThePanelsOwnPagesConnect(t *testing.T) {
	b := newBox(t, func(o *Options) { o.Origins = []string{"https://nvr.example.org"} })
	host := strings.TrimPrefix(b.srv.URL, "http://")
	tests := []struct {
		name, header string
		status       int
	}{
		{"its own page", "Origin: " + b.srv.URL, 101},
		{"a page behind the proxy", "Origin: https://nvr.example.org", 101},
		{"no origin", "Origin: ", 403},
		{"a hidden origin", "Origin: null", 403},
		{"another site", "Origin: http://evil.example", 403},
		{"another scheme", "Origin: https://" + host, 403},
		{"another port", "Origin: http://127.0.0.1:1", 403},
		{"no port", "Origin: http://127.0.0.1", 403},
		{"a name that begins the same", "Origin: " + b.srv.URL + ".evil.example", 403},
		{"a path behind it", "Origin: " + b.srv.URL + "/", 403},
		{"no session", "Cookie: ", 401},
		{"a wrong session", "Cookie: vedette_session=x", 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, resp, err := b.dial(t, tt.header)
			if resp == nil || resp.StatusCode != tt.status {
				t.Fatalf("%v %v, want %d", resp, err, tt.status)
			}
			if tt.status == 101 {
				return
			}
			body, _ := io.ReadAll(resp.Body)
			if !strings.HasPrefix(string(body), `{"error":{"code":"`) {
				t.Errorf("body %s", body)
			}
		})
	}
}

func TestSocketsAreLimited(t *testing.T) {
	b := newBox(t)
	for range maxSocketsPerSession {
		b.open(t)
	}
	if _, resp, err := b.dial(t); err == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %v", resp)
	}
}

func TestSigningOutClosesTheSocketWithinTwoSeconds(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	began := time.Now()
	b.auth.Logout(b.token)
	if code := br.closed(); code != 4401 || time.Since(began) > 2*time.Second {
		t.Errorf("closed with %d after %v, want 4401 within 2 s", code, time.Since(began))
	}
}

func TestRunClosesEverySocketAndWaits(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	go b.stop()
	if code := br.closed(); code != websocket.CloseGoingAway {
		t.Errorf("closed with %d", code)
	}
	if _, resp, err := b.dial(t); err == nil || resp.StatusCode != 503 {
		t.Errorf("after the end: %v %v", resp, err)
	}
}

func TestBadMessagesAreRefusedAndHarmless(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	tests := []struct{ name, text, code, ref string }{
		{"not JSON", "x", "bad_message", ""},
		{"nothing", "", "bad_message", ""},
		{"a list", `[1]`, "bad_message", ""},
		{"null", `null`, "bad_message", ""},
		{"another version", `{"v":2,"t":"ping"}`, "bad_message", ""},
		{"no version", `{"t":"ping"}`, "bad_message", ""},
		{"a type that is no string", `{"v":1,"t":1}`, "bad_message", ""},
		{"an id below zero", `{"v":1,"t":"ping","id":-1}`, "bad_message", ""},
		{"an unknown field", `{"v":1,"t":"ping","role":"admin"}`, "bad_message", ""},
		{"something behind it", `{"v":1,"t":"ping"}{}`, "bad_message", ""},
		{"an unknown type", `{"v":1,"t":"reboot","id":7}`, "unknown_type", "7"},
		{"no type", `{"v":1,"id":7}`, "unknown_type", "7"},
		{"a press that is a list", `{"v":1,"t":"board.press","id":8,"d":[]}`, "bad_message", "8"},
		{"a press of nothing", `{"v":1,"t":"board.press","id":8}`, "bad_message", "8"},
		{"a press that is too long", `{"v":1,"t":"board.press","id":8,"d":{"button":"hold","ms":60001}}`, "bad_message", "8"},
		{"a press before its beginning", `{"v":1,"t":"board.press","id":8,"d":{"button":"hold","ms":-1}}`, "bad_message", "8"},
		{"a press that fails", `{"v":1,"t":"board.press","id":9,"d":{"button":"stuck","ms":1}}`, "press_failed", "9"},
		{"an offer of the wrong type", `{"v":1,"t":"rtc.offer","id":1,"d":{"cam":1}}`, "bad_message", "1"},
		{"an offer without a name", `{"v":1,"t":"rtc.offer","id":1,"d":{"cam":"yard","sdp":"v=0"}}`, "bad_message", "1"},
		{"an offer for a third stream", `{"v":1,"t":"rtc.offer","id":1,"d":{"cam":"yard","sdp":"v=0","session":"s","stream":"third"}}`, "bad_message", "1"},
		{"a candidate of nothing", `{"v":1,"t":"rtc.candidate","id":1,"d":{"session":"s"}}`, "bad_message", "1"},
		{"a close of nothing", `{"v":1,"t":"rtc.close","id":1,"d":{}}`, "bad_message", "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			br.t = t
			br.say(tt.text)
			m := br.until("error")
			var d struct {
				Code, Message string
				Ref           json.Number
			}
			if err := json.Unmarshal(m.D, &d); err != nil || d.Code != tt.code || d.Ref.String() != tt.ref || d.Message == "" {
				t.Errorf("%s, %v; want %s about %q", m.D, err, tt.code, tt.ref)
			}
			time.Sleep(20 * time.Millisecond) // below the rate limit
		})
	}
	br.t = t
	br.say(`{"v":1,"t":"ping","id":42}`)
	if m := br.until("pong"); m.ID == nil || *m.ID != 42 {
		t.Errorf("pong = %+v, want it to answer 42", m)
	}
}

func TestButtonsArePressed(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"board.press","id":1,"d":{"button":"hold","ms":3000}}`)
	br.say(`{"v":1,"t":"board.press","id":2,"d":{"button":"stuck","ms":1}}`)
	br.until("error")
	b.pressed.mu.Lock()
	defer b.pressed.mu.Unlock()
	if len(b.pressed.list) != 1 || b.pressed.list[0] != "hold 3s" {
		t.Errorf("pressed %v", b.pressed.list)
	}
}

func TestLargeManyAndBinaryMessagesEndTheSocket(t *testing.T) {
	tests := []struct {
		name string
		send func(br *browser)
		code int
	}{
		{"a message of 64 KiB and one byte", func(br *browser) { br.say(strings.Repeat("x", maxMessage+1)) }, websocket.CloseMessageTooBig},
		{"a binary message", func(br *browser) { _ = br.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, websocket.CloseUnsupportedData},
		{"more messages than a person sends", func(br *browser) {
			for range maxBurst + maxRate {
				if br.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"t":"rtc.close","d":{"session":"x"}}`)) != nil {
					return
				}
			}
		}, websocket.ClosePolicyViolation},
	}
	b := newBox(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			br := b.open(t)
			tt.send(br)
			if code := br.closed(); code != tt.code {
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
		})
	}
}

// TestASlowPageGetsASnapshotInsteadOfAGrowingQueue fills a queue that nobody
// takes from.
func TestASlowPageGetsASnapshotInsteadOfAGrowingQueue(t *testing.T) {
	b := newBox(t)
	p, err := b.auth.Authenticate(b.token)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{panel: b.Panel, who: p, ready: make(chan struct{}, 1), ended: make(chan struct{})}
	c.signals = newSignals(c, nil)
	if !b.join(c) {
		t.Fatal("not let in")
	}
	defer b.leave(c)
	c.take(nil)
	big := json.RawMessage(`"` + strings.Repeat("x", 10000) + `"`)
	b.mu.Lock()
	for i := range 10 * maxQueue {
		b.tell(message{t: "event", d: big}, "")
		b.tell(message{t: "system", key: "system", d: json.RawMessage(fmt.Sprint(i))}, "")
		if i%1000 == 7 {
			c.push(message{t: "rtc.answer", d: json.RawMessage(fmt.Sprint(i)), reply: true})
		}
		if len(c.queue) > maxQueue || c.bytes > maxQueueBytes {
			t.Fatalf("%d messages and %d bytes wait", len(c.queue), c.bytes)
		}
	}
	b.mu.Unlock()
	got := c.take(nil)
	if got[0].t != "snapshot" || !strings.Contains(string(got[0].d), "recording") {
		t.Errorf("first comes %s, want a snapshot", got[0].t)
	}
	answers := 0
	for _, m := range got {
		if m.t == "rtc.answer" {
			answers++
		}
	}
	if answers != 3 {
		t.Errorf("%d answers left, want all 3", answers)
	}
	if rest := c.take(nil); len(rest) != 0 {
		t.Errorf("then comes %v, want nothing", rest)
	}
	b.mu.Lock()
	for i := range 5 {
		b.tell(message{t: "system", key: "system", d: json.RawMessage(fmt.Sprint(i))}, "")
	}
	b.mu.Unlock()
	if rest := c.take(nil); len(rest) != 1 || string(rest[0].d) != "4" {
		t.Errorf("five changes of one thing came as %v, want the last alone", rest)
	}
}

// TestAPageThatStopsReadingDoesNotHoldOthersUp connects one page that never
// reads beside one that does.
func TestAPageThatStopsReadingDoesNotHoldOthersUp(t *testing.T) {
	b := newBox(t)
	b.open(t) // and never reads again
	good := b.open(t)
	for i := range 20 {
		b.system.set(strings.Repeat(fmt.Sprint(i%10), 1<<18))
		if m := good.until("system"); !strings.HasPrefix(string(m.D), fmt.Sprintf(`"%d`, i%10)) {
			t.Fatalf("change %d did not come", i)
		}
	}
}

func TestAnswersThatAreNotTakenEndTheSocket(t *testing.T) {
	c := &client{panel: &Panel{}, ready: make(chan struct{}, 1), ended: make(chan struct{})}
	for range maxReplies + 1 {
		c.push(message{t: "pong", reply: true})
	}
	if c.why != closeTooSlow {
		t.Error("still open")
	}
}

func FuzzHandle(f *testing.F) {
	for _, s := range []string{
		`{"v":1,"t":"ping","id":1}`,
		`{"v":1,"t":"board.press","d":{"button":"hold","ms":3000}}`,
		`{"v":1,"t":"rtc.offer","d":{"cam":"yard","stream":"main","sdp":"v=0","session":"s"}}`,
		`{"v":1,"t":"rtc.candidate","d":{"session":"s","candidate":{"candidate":"x"}}}`,
		`{"v":1,"t":"rtc.close","d":{"session":"s"}}`,
		`{"v":1,"t":"ping","d":null}`, `{`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := New(Options{})
		c := &client{panel: p, who: nobody, ready: make(chan struct{}, 1), ended: make(chan struct{})}
		c.signals = newSignals(c, nil)
		c.handle(data)
		c.signals.closeAll()
		for _, m := range c.take(nil) {
			if out := m.append(nil, 1); !json.Valid(out) {
				t.Errorf("answer %s is not JSON", out)
			}
		}
	})
}
