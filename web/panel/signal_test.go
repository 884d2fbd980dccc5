package panel

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/web/auth"
)

// nobody is a principal without any right.
var nobody = &auth.Principal{Role: "none"}

// call side: a live view that answers everything, except what its SDP says.
type fakeLive struct {
	mu       sync.Mutex
	offers   []Offer
	sessions []*fakeSession
	hold     chan struct{}
}

type fakeSession struct {
	mu         sync.Mutex
	candidates []string
	done       chan struct{}
	once       sync.Once
}

func (s *fakeSession) Answer() (string, string) { return "answer", "main" }
func (s *fakeSession) Done() <-chan struct{}    { return s.done }
func (s *fakeSession) Close()                   { s.once.Do(func() { close(s.done) }) }
func (s *fakeSession) Candidate(c json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.candidates = append(s.candidates, string(c))
	return nil
}

func (f *fakeLive) Offer(ctx context.Context, o Offer) (Session, error) {
	switch o.SDP {
	case "refuse":
		return nil, &Error{"codec_unsupported", "This browser cannot show H.265 live."}
	case "panic":
		panic("canary panic")
	case "break":
		return nil, errors.New("canary detail")
	case "hold":
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	o.Candidate(json.RawMessage(`"early"`))
	s := &fakeSession{done: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offers, f.sessions = append(f.offers, o), append(f.sessions, s)
	return s, nil
}

func (f *fakeLive) last() *fakeSession {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sessions[len(f.sessions)-1]
}

func liveBox(t *testing.T) (*box, *fakeLive) {
	live := &fakeLive{hold: make(chan struct{})}
	return newBox(t, func(o *Options) { o.Signal = live }), live
}

func ended(t *testing.T, s *fakeSession, what string) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(2 * time.Second):
		t.Errorf("%s: the session goes on", what)
	}
}

func TestOfferAnswerCandidatesAndClose(t *testing.T) {
	b, live := liveBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"rtc.offer","id":3,"d":{"cam":"yard","stream":"sub","sdp":"v=0","session":"s1"}}`)
	if m := br.until("rtc.answer"); string(m.D) != `{"session":"s1","sdp":"answer","stream":"main"}` || m.ID == nil || *m.ID != 3 {
		t.Errorf("answer = %+v %s", m, m.D)
	}
	if m := br.next(); m.T != "rtc.candidate" || string(m.D) != `{"session":"s1","candidate":"early"}` {
		t.Errorf("after the answer came %s %s, want the early candidate", m.T, m.D)
	}
	live.mu.Lock()
	o := live.offers[0]
	live.mu.Unlock()
	if o.Camera != "yard" || o.Stream != "sub" || o.Owner == "" || o.SDP != "v=0" {
		t.Errorf("offer = %+v", o)
	}
	o.Candidate(json.RawMessage(`{"candidate":"c2"}`))
	if m := br.until("rtc.candidate"); string(m.D) != `{"session":"s1","candidate":{"candidate":"c2"}}` {
		t.Errorf("candidate = %s", m.D)
	}
	br.say(`{"v":1,"t":"rtc.candidate","d":{"session":"s1","candidate":{"candidate":"mine"}}}`)
	br.say(`{"v":1,"t":"rtc.candidate","d":{"session":"other","candidate":{"candidate":"lost"}}}`)
	br.say(`{"v":1,"t":"rtc.close","d":{"session":"s1"}}`)
	s := live.last()
	ended(t, s, "after rtc.close")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.candidates) != 1 || s.candidates[0] != `{"candidate":"mine"}` {
		t.Errorf("candidates = %v", s.candidates)
	}
}

func TestCandidatesBeforeTheAnswerAreKept(t *testing.T) {
	b, live := liveBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"hold","session":"s1"}}`)
	br.say(`{"v":1,"t":"rtc.candidate","d":{"session":"s1","candidate":1}}`)
	br.say(`{"v":1,"t":"ping"}`)
	br.until("pong") // the candidate was read
	close(live.hold)
	br.until("rtc.answer")
	br.say(`{"v":1,"t":"ping"}`)
	br.until("pong")
	s := live.last()
	deadline := time.Now().Add(2 * time.Second)
	for {
		s.mu.Lock()
		n := len(s.candidates)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the candidate was lost")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestOffersThatAreRefused(t *testing.T) {
	b, _ := liveBox(t)
	br := b.open(t)
	tests := []struct{ name, sdp, want string }{
		{"with a reason", "refuse", `{"session":"s1","code":"codec_unsupported","message":"This browser cannot show H.265 live."}`},
		{"without one, nothing of the cause is shown", "break", `{"session":"s1","code":"live_unavailable","message":"The live picture could not be started."}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"` + tt.sdp + `","session":"s1"}}`)
			if m := br.until("rtc.error"); string(m.D) != tt.want {
				t.Errorf("%s, want %s", m.D, tt.want)
			}
		})
	}
}

func TestAPanicOfTheLiveSideEndsNothingElse(t *testing.T) {
	b, _ := liveBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"panic","session":"s1"}}`)
	if m := br.until("error"); strings.Contains(string(m.D), "canary") {
		t.Errorf("error = %s", m.D)
	}
	br.say(`{"v":1,"t":"ping"}`)
	br.until("pong")
}

func TestSessionsEndWithTheirSocket(t *testing.T) {
	tests := []struct {
		name string
		end  func(b *box, br *browser)
	}{
		{"the page goes", func(_ *box, br *browser) { br.Close() }},
		{"the user signs out", func(b *box, _ *browser) { b.auth.Logout(b.token) }},
		{"the box stops", func(b *box, _ *browser) { b.stop() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, live := liveBox(t)
			br := b.open(t)
			br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":"s1"}}`)
			br.until("rtc.answer")
			br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"hold","session":"s2"}}`)
			tt.end(b, br)
			ended(t, live.last(), tt.name)
		})
	}
}

func TestAPageIsToldWhenItsSessionEnds(t *testing.T) {
	b, live := liveBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":"s1"}}`)
	br.until("rtc.answer")
	live.last().Close()
	if m := br.until("rtc.close"); string(m.D) != `{"session":"s1"}` {
		t.Errorf("close = %s", m.D)
	}
}

func TestTheSameNameReplacesAndManyAreRefused(t *testing.T) {
	b, live := liveBox(t)
	br := b.open(t)
	br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":"s1"}}`)
	br.until("rtc.answer")
	first := live.last()
	br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":"s1"}}`)
	br.until("rtc.answer")
	ended(t, first, "replaced")
	for i := range maxSessions {
		name, _ := json.Marshal("n" + string(rune('A'+i)))
		br.say(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":` + string(name) + `}}`)
	}
	var d errorData
	if err := json.Unmarshal(br.until("rtc.error").D, &d); err != nil || d.Code != "too_many_sessions" {
		t.Errorf("one too many: %+v %v", d, err)
	}
}

func TestACameraThatIsNotTheirsIsRefused(t *testing.T) {
	c := &client{panel: New(Options{}), who: &auth.Principal{Role: auth.Viewer, Cameras: []string{"gate"}}, ready: make(chan struct{}, 1), ended: make(chan struct{})}
	c.signals = newSignals(c, &fakeLive{})
	c.handle([]byte(`{"v":1,"t":"rtc.offer","d":{"cam":"yard","sdp":"v=0","session":"s1"}}`))
	c.handle([]byte(`{"v":1,"t":"board.press","d":{"button":"hold","ms":1}}`))
	got := c.take(nil)
	if len(got) != 2 || string(got[0].d) != `{"session":"s1","code":"forbidden","message":"You may not see this camera."}` || got[1].t != "error" {
		t.Errorf("answers %+v", got)
	}
	c.panel.state = state{order: []string{"yard", "gate"}, cameras: map[string]json.RawMessage{"yard": json.RawMessage(`1`), "gate": json.RawMessage(`2`)},
		system: json.RawMessage(`{}`), events: []event{{"yard", false, json.RawMessage(`1`)}, {"gate", false, json.RawMessage(`2`)}, {"", false, json.RawMessage(`3`)}, {"", true, json.RawMessage(`4`)}}}
	if m := c.panel.snapshot(c.who); string(m.d) != `{"cameras":[2],"system":{},"events":[2,3]}` {
		t.Errorf("snapshot = %s", m.d)
	}
}
