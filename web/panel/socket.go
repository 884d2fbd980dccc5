package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"vedette/web/auth"
)

const (
	maxMessage = 64 << 10 // bytes of one message from a browser
	maxRate    = 50       // messages a second, over time
	maxBurst   = 100
	maxPress   = time.Minute
)

// ServeHTTP turns a request of a signed-in user into the websocket, and
// serves it until it ends. The principal must be in the request's context.
func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := auth.From(r.Context())
	if who == nil || !who.Can(auth.View) {
		refuseHTTP(w, http.StatusUnauthorized, "unauthorized", "Sign in first.")
		return
	}
	if !p.originAllowed(r) {
		refuseHTTP(w, http.StatusForbidden, "cross_origin", "This page may not connect to this box.")
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		refuseHTTP(w, http.StatusUpgradeRequired, "upgrade_required", "This address speaks websocket.")
		return
	}
	c := &client{panel: p, who: who, ready: make(chan struct{}, 1), ended: make(chan struct{}), topics: map[string]bool{}}
	c.signals = newSignals(c, p.o.Signal)
	if !p.join(c) {
		w.Header().Set("Retry-After", "30")
		refuseHTTP(w, http.StatusServiceUnavailable, "too_many_sockets", "Too many panels are open.")
		return
	}
	defer p.leave(c)
	up := websocket.Upgrader{
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, HandshakeTimeout: writeTime,
		CheckOrigin: func(*http.Request) bool { return true }, // it was, above
	}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c.conn = conn
	c.run()
}

// originAllowed reports whether the page that asks is the panel itself: its
// origin must be there, and be exactly ours.
func (p *Panel) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) != 1 {
		return false
	}
	own := "http://" + r.Host
	if r.TLS != nil {
		own = "https://" + r.Host
	}
	return origins[0] == own || slices.Contains(p.o.Origins, origins[0])
}

func refuseHTTP(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody to tell.
	_, _ = io.WriteString(w, `{"error":{"code":"`+code+`","message":"`+text+`"}}`+"\n")
}

// join makes room for c and queues what it sees first.
func (p *Panel) join(c *client) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	same := 0
	for o := range p.sockets {
		if o.who.Via() == c.who.Via() {
			same++
		}
	}
	if p.closed || len(p.sockets) >= maxSockets || same >= maxSocketsPerSession {
		return false
	}
	p.refresh() // while nobody was connected nobody looked
	p.sockets[c] = struct{}{}
	p.wg.Add(1)
	type user struct {
		Username string    `json:"username"`
		Role     auth.Role `json:"role"`
	}
	hello := p.encode("hello", struct {
		Version string    `json:"version"`
		Boot    string    `json:"boot"`
		User    user      `json:"user"`
		Now     time.Time `json:"now"`
	}{p.o.Version, p.o.Boot, user{c.who.Name, c.who.Role}, time.Now().UTC().Truncate(time.Millisecond)})
	c.push(message{t: "hello", d: hello, reply: true})
	c.push(p.snapshot(c.who))
	return true
}

func (p *Panel) leave(c *client) {
	p.mu.Lock()
	delete(p.sockets, c)
	p.mu.Unlock()
	p.wg.Done()
}

// run serves the socket until it is over: this goroutine reads, another
// writes, a third watches for the end.
func (c *client) run() {
	var wg sync.WaitGroup
	wg.Go(c.write)
	wg.Go(c.watch)
	c.read()
	if c.who.Context().Err() != nil {
		c.end(closeSession)
	}
	c.end(closing{})
	c.signals.closeAll()
	// A writer that is stuck is not waited for longer than a goodbye takes.
	cut := time.AfterFunc(lingerTime, func() { _ = c.conn.Close() })
	wg.Wait()
	cut.Stop()
	// The other side has closed, or was told to.
	_ = c.conn.Close()
}

func (c *client) read() {
	c.conn.SetReadLimit(maxMessage)
	alive := func() {
		// If it cannot be set, reading fails at once.
		_ = c.conn.SetReadDeadline(time.Now().Add(deadAfter))
		if c.over() { // watch may have set its deadline just before
			_ = c.conn.SetReadDeadline(time.Now().Add(lingerTime))
		}
	}
	alive()
	c.conn.SetPongHandler(func(string) error {
		alive()
		c.who.Touch() // a panel that is open is in use
		return nil
	})
	tokens, last := float64(maxBurst), time.Now()
	for {
		kind, data, err := c.conn.ReadMessage()
		if err != nil || c.over() {
			return
		}
		alive()
		now := time.Now()
		tokens = min(tokens+now.Sub(last).Seconds()*maxRate, maxBurst)
		last = now
		switch {
		case tokens < 1:
			c.end(closeTooMuch)
		case kind != websocket.TextMessage:
			c.end(closeText)
		default:
			tokens--
			c.guard(func() { c.handle(data) })
			continue
		}
		// The writer says goodbye; read on until the other side has heard it.
		c.drain()
		return
	}
}

// drain reads until the other side closes, for no longer than a goodbye.
func (c *client) drain() {
	_ = c.conn.SetReadDeadline(time.Now().Add(lingerTime))
	for {
		if _, _, err := c.conn.NextReader(); err != nil {
			return
		}
	}
}

// envelope is a message from a browser.
type envelope struct {
	V int    `json:"v"`
	T string `json:"t"`
	// ID names the message in the answer to it.
	ID  *uint64         `json:"id"`
	Seq uint64          `json:"seq"`
	D   json.RawMessage `json:"d"`
}

var errMessage = errors.New("message cannot be read")

// parse reads one JSON object into v: no unknown fields, nothing behind it.
func parse(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return errMessage
	}
	if err := dec.Decode(v); err != nil {
		return errMessage
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errMessage
	}
	return nil
}

type pressData struct {
	Button string `json:"button"`
	MS     int64  `json:"ms"`
}

// guard keeps a mistake in the handling of one message from ending the
// process, and with it the recording.
func (c *client) guard(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			c.panel.log.Error("panel message panic", "panic", r, "stack", string(debug.Stack()))
			c.refuse(nil, "internal", "Something went wrong; the log of the box says what.")
		}
	}()
	fn()
}

// start runs fn beside the reading; closeAll waits for it.
func (c *client) start(fn func()) { c.signals.wg.Go(func() { c.guard(fn) }) }

// handle answers one message. It does not block: what takes time gets a
// goroutine of its own.
func (c *client) handle(data []byte) {
	var e envelope
	if err := parse(data, &e); err != nil || e.V != 1 {
		c.refuse(nil, "bad_message", "The message is not an envelope of version 1.")
		return
	}
	if len(e.D) == 0 || string(e.D) == "null" {
		e.D = json.RawMessage("{}")
	}
	switch e.T {
	case "ping":
		c.who.Touch()
		c.reply("pong", e.ID, struct{}{})
	case "board.press":
		c.press(e)
	case "sub", "unsub":
		c.follow(e)
	case "rtc.offer", "rtc.candidate", "rtc.close":
		c.signals.handle(e)
	default:
		c.refuse(e.ID, "unknown_type", "There is no message of this type.")
	}
}

func (c *client) press(e envelope) {
	var d pressData
	switch err := parse(e.D, &d); {
	case err != nil || d.Button == "" || len(d.Button) > 64 || d.MS < 0 || d.MS > maxPress.Milliseconds():
		c.refuse(e.ID, "bad_message", "board.press takes a button and ms, at most 60000.")
	case !c.who.Can(auth.Operate):
		c.refuse(e.ID, "forbidden", "You may not do this.")
	case c.panel.o.Board == nil:
		c.refuse(e.ID, "not_implemented", "This board has no buttons to press here.")
	default:
		c.start(func() {
			ctx, cancel := context.WithTimeout(c.signals.ctx, writeTime)
			defer cancel()
			if err := c.panel.o.Board.Press(ctx, d.Button, time.Duration(d.MS)*time.Millisecond); err != nil {
				c.panel.log.Warn("board press", "button", d.Button, "err", err)
				c.refuse(e.ID, "press_failed", "The button could not be pressed.")
			}
		})
	}
}
