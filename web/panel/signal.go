package panel

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"vedette/web/auth"
)

// Signaller answers offers of live view.
type Signaller interface {
	// Offer starts a session and returns it with its answer. It gives up when
	// ctx ends; the session lives on without ctx, until it is closed. An
	// error that is an *Error is shown to the user.
	Offer(ctx context.Context, o Offer) (Session, error)
}

// Offer is what a browser offers.
type Offer struct {
	Camera string
	Stream string // main, sub, or empty
	Owner  string // the user's session, as auth.Principal names it
	SDP    string
	// Candidate takes candidates of the box's side, as browsers know them;
	// it may be called from any goroutine, before Offer returns too.
	Candidate func(candidate json.RawMessage)
}

// Session is a live view under way.
type Session interface {
	Answer() (sdp, stream string)
	// Candidate adds one of the browser's candidates, as it came: an object
	// with the member "candidate", or a string.
	Candidate(candidate json.RawMessage) error
	Done() <-chan struct{} // closed when the session has ended
	Close()                // ends it; more than once is not an error
}

// Error is why live view is refused.
type Error struct {
	Code    string // snake_case
	Message string // one sentence for people
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

const (
	maxSessions = 32 // of one socket
	maxEarly    = 32 // candidates that wait for the answer of one session
	offerTime   = 15 * time.Second
	maxNameLen  = 128
)

// signals holds the live sessions of one socket, by the browser's names.
type signals struct {
	client *client
	signal Signaller
	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	calls map[string]*call
}

// call is one session, from the offer on. Its fields change under signals.mu.
type call struct {
	name    string
	cancel  context.CancelFunc
	session Session           // nil until answered
	in      []json.RawMessage // candidates from the browser before the answer
	out     []json.RawMessage // candidates for the browser before the answer
}

func newSignals(c *client, s Signaller) *signals {
	ctx, cancel := context.WithCancel(context.Background())
	return &signals{client: c, signal: s, ctx: ctx, cancel: cancel, calls: map[string]*call{}}
}

type (
	offerData struct {
		Cam     string `json:"cam"`
		Stream  string `json:"stream"`
		SDP     string `json:"sdp"`
		Session string `json:"session"`
	}
	candidateData struct {
		Session   string          `json:"session"`
		Candidate json.RawMessage `json:"candidate"`
	}
	closeData struct {
		Session string `json:"session"`
	}
	answerData struct {
		Session string `json:"session"`
		SDP     string `json:"sdp"`
		Stream  string `json:"stream"`
	}
	errorData struct {
		Session string `json:"session"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
)

func validName(s string) bool { return s != "" && len(s) <= maxNameLen }

// handle takes one rtc message from the reading goroutine.
func (s *signals) handle(e envelope) {
	bad := func() { s.client.refuse(e.ID, "bad_message", "The "+e.T+" message cannot be read.") }
	switch e.T {
	case "rtc.offer":
		var d offerData
		if parse(e.D, &d) != nil || !validName(d.Session) || !validName(d.Cam) || d.SDP == "" ||
			d.Stream != "" && d.Stream != "main" && d.Stream != "sub" {
			bad()
			return
		}
		s.offer(e.ID, d)
	case "rtc.candidate":
		var d candidateData
		if parse(e.D, &d) != nil || !validName(d.Session) || len(d.Candidate) == 0 {
			bad()
			return
		}
		s.candidate(d)
	case "rtc.close":
		var d closeData
		if parse(e.D, &d) != nil || !validName(d.Session) {
			bad()
			return
		}
		s.close(d.Session)
	}
}

func (s *signals) fail(id *uint64, session, code, text string) {
	s.client.reply("rtc.error", id, errorData{session, code, text})
}

func (s *signals) offer(id *uint64, d offerData) {
	who := s.client.who
	switch {
	case !who.Can(auth.View) || !who.Sees(d.Cam):
		s.fail(id, d.Session, "forbidden", "You may not see this camera.")
		return
	case s.signal == nil:
		s.fail(id, d.Session, "live_unavailable", "This box offers no live view.")
		return
	}
	s.close(d.Session) // the same name again replaces
	ctx, cancel := context.WithTimeout(s.ctx, offerTime)
	c := &call{name: d.Session, cancel: cancel}
	s.mu.Lock()
	full := len(s.calls) >= maxSessions
	if !full {
		s.calls[d.Session] = c
	}
	s.mu.Unlock()
	if full {
		cancel()
		s.fail(id, d.Session, "too_many_sessions", "Too many pictures are open in this window.")
		return
	}
	s.client.start(func() {
		defer cancel()
		session, err := s.signal.Offer(ctx, Offer{Camera: d.Cam, Stream: d.Stream, Owner: who.Via(), SDP: d.SDP,
			Candidate: func(cand json.RawMessage) { s.send(c, cand) }})
		if err != nil {
			if s.drop(c) {
				shown := &Error{"live_unavailable", "The live picture could not be started."}
				if !errors.As(err, &shown) {
					s.client.panel.log.Warn("live offer", "camera", d.Cam, "err", err)
				}
				s.fail(id, d.Session, shown.Code, shown.Message)
			}
			return
		}
		s.answered(id, c, session)
	})
}

// answered sends the answer, and what waited for it, and watches the session
// until it ends.
func (s *signals) answered(id *uint64, c *call, session Session) {
	s.mu.Lock()
	if s.calls[c.name] != c {
		s.mu.Unlock()
		session.Close() // closed while the offer was looked at
		return
	}
	sdp, stream := session.Answer()
	s.client.reply("rtc.answer", id, answerData{c.name, sdp, stream})
	for _, cand := range c.out {
		s.client.reply("rtc.candidate", nil, candidateData{c.name, cand})
	}
	early := c.in
	c.session, c.in, c.out = session, nil, nil
	s.mu.Unlock()
	for _, cand := range early {
		s.add(session, cand)
	}
	select {
	case <-session.Done():
		if s.drop(c) {
			s.client.reply("rtc.close", nil, closeData{c.name})
		}
	case <-s.ctx.Done():
	}
}

// send passes a candidate of the box's side on, after the answer.
func (s *signals) send(c *call, cand json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.calls[c.name] != c:
	case c.session == nil:
		if len(c.out) < maxEarly {
			c.out = append(c.out, cand)
		}
	default:
		s.client.reply("rtc.candidate", nil, candidateData{c.name, cand})
	}
}

func (s *signals) candidate(d candidateData) {
	s.mu.Lock()
	c := s.calls[d.Session]
	if c == nil {
		s.mu.Unlock()
		return // of a session that has just ended
	}
	session := c.session
	if session == nil && len(c.in) < maxEarly {
		c.in = append(c.in, d.Candidate)
	}
	s.mu.Unlock()
	if session != nil {
		s.add(session, d.Candidate)
	}
}

func (s *signals) add(session Session, cand json.RawMessage) {
	// One candidate that is of no use is not the end: there are others.
	if err := session.Candidate(cand); err != nil {
		s.client.panel.log.Debug("live candidate", "err", err)
	}
}

// drop forgets c and reports whether it was still known.
func (s *signals) drop(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.calls[c.name] == c
	if known {
		delete(s.calls, c.name)
	}
	return known
}

// close ends the session of this name, if there is one.
func (s *signals) close(name string) {
	s.mu.Lock()
	c := s.calls[name]
	delete(s.calls, name)
	s.mu.Unlock()
	if c == nil {
		return
	}
	c.cancel()
	if c.session != nil {
		c.session.Close()
	}
}

// closeAll ends every session of the socket and waits for what it started.
func (s *signals) closeAll() {
	s.mu.Lock()
	calls := s.calls
	s.calls = map[string]*call{}
	s.mu.Unlock()
	s.cancel()
	for _, c := range calls {
		if c.session != nil {
			c.session.Close()
		}
	}
	s.wg.Wait()
}
