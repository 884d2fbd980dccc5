package panel

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"vedette/web/auth"
)

const (
	maxQueue      = 256     // messages waiting for one socket
	maxQueueBytes = 1 << 20 // and their bytes
	maxReplies    = 192     // of these, answers and signalling, which a snapshot cannot replace
	pingEvery     = 20 * time.Second
	deadAfter     = 45 * time.Second
	writeTime     = 10 * time.Second
	lingerTime    = time.Second // for the other side to take the close in
)

// closing is why a socket is closed; the codes from 4000 on are ours.
type closing struct {
	code   int
	reason string
}

var (
	closeGoingAway = closing{websocket.CloseGoingAway, "the box is stopping"}
	closeSession   = closing{4401, "the session is over"}
	closeTooMuch   = closing{websocket.ClosePolicyViolation, "too many messages"}
	closeTooSlow   = closing{websocket.ClosePolicyViolation, "answers were not taken"}
	closeText      = closing{websocket.CloseUnsupportedData, "messages are text"}
)

// message is one message to a socket. Messages with a key replace each other
// while they wait.
type message struct {
	t, key string
	id     *uint64 // of the message this answers
	d      json.RawMessage
	reply  bool // lost for good if it is dropped
}

func (m message) size() int { return len(m.d) + len(m.t) + 32 }

// append writes m as it goes over the wire.
func (m message) append(b []byte, seq uint64) []byte {
	b = append(b, `{"v":1,"t":`...)
	b = strconv.AppendQuote(b, m.t) // names of ours: nothing that JSON would write otherwise
	if m.id != nil {
		b = strconv.AppendUint(append(b, `,"id":`...), *m.id, 10)
	}
	b = strconv.AppendUint(append(b, `,"seq":`...), seq, 10)
	if m.d != nil {
		b = append(append(b, `,"d":`...), m.d...)
	}
	return append(b, '}')
}

// client is one socket. Its queue changes under Panel.mu.
type client struct {
	panel *Panel
	who   *auth.Principal
	conn  *websocket.Conn
	ready chan struct{} // something waits

	// Under Panel.mu.
	queue   []message
	bytes   int
	replies int
	stale   bool            // a snapshot is due instead of what was dropped
	topics  map[string]bool // cameras whose detections it is sent

	endOnce sync.Once
	ended   chan struct{} // closed by end
	why     closing

	signals *signals
}

func (c *client) wake() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// end closes the socket, once; it may be called from any goroutine.
func (c *client) end(why closing) {
	c.endOnce.Do(func() {
		c.why = why
		close(c.ended)
	})
}

// push queues a message. A queue that would be too long is thrown away, and
// a fresh snapshot sent in its place; answers stay. The caller holds
// Panel.mu.
func (c *client) push(m message) {
	defer c.wake()
	if c.stale && !m.reply {
		return
	}
	if m.key != "" {
		for i := range c.queue {
			if c.queue[i].key == m.key {
				c.bytes += m.size() - c.queue[i].size()
				c.queue[i] = m
				return
			}
		}
	}
	if m.reply {
		if c.replies++; c.replies > maxReplies {
			c.end(closeTooSlow)
			return
		}
	}
	c.queue = append(c.queue, m)
	if c.bytes += m.size(); len(c.queue) > maxQueue || c.bytes > maxQueueBytes {
		c.resync()
	}
}

// resync drops everything but answers, and asks for a snapshot. The caller
// holds Panel.mu.
func (c *client) resync() {
	kept := c.queue[:0]
	c.bytes = 0
	for _, m := range c.queue {
		if m.reply {
			kept = append(kept, m)
			c.bytes += m.size()
		}
	}
	clear(c.queue[len(kept):])
	c.queue, c.stale = kept, true
}

// reply queues an answer; d must be fit for JSON.
func (c *client) reply(t string, id *uint64, d any) {
	data := c.panel.encode(t, d)
	c.panel.mu.Lock()
	defer c.panel.mu.Unlock()
	c.push(message{t: t, id: id, d: data, reply: true})
}

func (c *client) refuse(id *uint64, code, text string) {
	c.reply("error", id, struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Ref     *uint64 `json:"ref,omitempty"`
	}{code, text, id})
}

// take returns what waits, with the snapshot that is due before it.
func (c *client) take(dst []message) []message {
	c.panel.mu.Lock()
	defer c.panel.mu.Unlock()
	if c.stale {
		c.stale = false
		dst = append(dst, c.panel.snapshot(c.who))
	}
	dst = append(dst, c.queue...)
	clear(c.queue)
	c.queue, c.bytes, c.replies = c.queue[:0], 0, 0
	return dst
}

// write sends what waits until the socket ends. It owns the writing side of
// the connection.
func (c *client) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	var batch []message
	var buf []byte
	var seq uint64
	for {
		select {
		case <-c.ended:
			c.goodbye()
			return
		case <-ping.C:
			if c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTime)) != nil {
				c.drop()
				return
			}
		case <-c.ready:
			batch = c.take(batch[:0])
			for _, m := range batch {
				if c.over() {
					break
				}
				seq++
				buf = m.append(buf[:0], seq)
				if c.conn.SetWriteDeadline(time.Now().Add(writeTime)) != nil || c.conn.WriteMessage(websocket.TextMessage, buf) != nil {
					c.drop()
					return
				}
			}
			clear(batch)
		}
	}
}

// over reports whether nothing more may be sent.
func (c *client) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return c.who.Context().Err() != nil
	}
}

// drop gives up on a connection that takes nothing.
func (c *client) drop() {
	c.end(closing{})
	// It is broken already.
	_ = c.conn.Close()
}

// goodbye says why the socket ends, if there is something to say.
func (c *client) goodbye() {
	if c.why.code != 0 {
		// If it cannot be said, closing says it.
		_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.why.code, c.why.reason), time.Now().Add(lingerTime))
	}
}

// watch ends the socket with its session, and once it has ended leaves a
// blocked reader or writer only as long as a goodbye takes.
func (c *client) watch() {
	select {
	case <-c.ended:
	case <-c.who.Context().Done():
		c.end(closeSession)
	}
	// If it cannot be set the connection is closed already.
	_ = c.conn.UnderlyingConn().SetDeadline(time.Now().Add(lingerTime))
}
