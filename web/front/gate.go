package front

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// state is what a connection is doing.
type state uint8

const (
	stateNew      state = iota // no request has come whole yet
	stateIdle                  // between two requests
	stateBusy                  // a request is being answered
	stateHijacked              // a websocket
	stateGone                  // counted no longer
)

// String returns the name, as in the metrics.
func (s state) String() string {
	return [...]string{"new", "idle", "busy", "hijacked", "gone"}[s]
}

// patience is how long a request of nobody known may be answered before its
// connection may give way: with a body that does not come, or an answer that is
// not read, it could go on for half a minute.
const patience = 5 * time.Second

// rank is how much a connection is worth when all places are taken.
type rank uint8

const (
	rankNew  rank = iota
	rankIdle      // of nobody known
	rankSlow      // busy for longer than patience, for nobody known
	rankVouched
	rankKept // never gives way
)

// reason is why a connection is refused.
type reason uint8

const (
	accepted     reason = iota
	refusedRate         // the client opens them too fast
	refusedShare        // the client has its share
	refusedFull         // all places are taken, and none gives way
	reasons
)

// String returns the name, as in the metrics.
func (r reason) String() string { return [...]string{"", "rate", "client", "total"}[r] }

// gate counts connections and requests, and decides who comes in and who gives
// way. The order is: who has not sent a request yet, who waits between two
// requests, who has been busy for long, each of nobody known; then who waits
// and is known. Of the same rank, who has been in it the longest goes first: a
// new client has time to say what it wants, however many hold on in silence.
type gate struct {
	maxConns, maxPerClient int
	log                    *slog.Logger

	mu       sync.Mutex
	conns    map[*conn]struct{} // without the hijacked ones
	clients  map[netip.Addr]int // connections of each client, with the hijacked ones
	budget   *budget
	hijacked int
	closed   bool      // nobody comes in any more
	told     time.Time // when the log was last told that connections are refused

	refused  [reasons]uint64
	gaveWay  [stateGone]uint64 // by what they were doing
	tooMany  uint64            // requests refused
	failures uint64            // of accept
}

func newGate(maxConns, maxPerClient int, log *slog.Logger) *gate {
	return &gate{
		maxConns: maxConns, maxPerClient: maxPerClient, log: log,
		conns: map[*conn]struct{}{}, clients: map[netip.Addr]int{}, budget: newBudget(),
	}
}

// enter counts c in, or returns why not. To make a place for it a connection
// may be closed.
func (g *gate) enter(c *conn) reason {
	why, victim := g.place(c)
	if victim != nil {
		// Nobody waits for it; the server sees it as a client that left.
		_ = victim.Close()
	}
	return why
}

func (g *gate) place(c *conn) (reason, *conn) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var victim *conn
	switch {
	case g.closed:
		c.state = stateGone
		return refusedFull, nil
	case g.clients[c.client] >= g.maxPerClient:
		return g.refuse(c, refusedShare, now), nil
	case !g.budget.connection(c.client, now):
		return g.refuse(c, refusedRate, now), nil
	case len(g.conns) >= g.maxConns:
		if victim = g.weakest(now, rankKept); victim == nil {
			return g.refuse(c, refusedFull, now), nil
		}
		g.gaveWay[victim.state]++
		g.forget(victim)
	}
	g.conns[c] = struct{}{}
	g.clients[c.client]++
	c.since = now
	return accepted, victim
}

// refuse counts, and tells the log of it once a minute.
func (g *gate) refuse(c *conn, why reason, now time.Time) reason {
	c.state = stateGone
	g.refused[why]++
	if g.told.IsZero() || now.Sub(g.told) >= time.Minute {
		g.told = now
		g.log.Warn("connections to the panel are refused", "reason", why.String(), "client", c.client, "connections", len(g.conns))
	}
	return why
}

// weakest returns the connection that gives way first, or nil if there is none
// below the rank limit.
func (g *gate) weakest(now time.Time, limit rank) *conn {
	var found *conn
	for c := range g.conns {
		switch r := c.rank(now); {
		case r < limit:
			found, limit = c, r
		case r == limit && found != nil && c.since.Before(found.since):
			found = c
		}
	}
	return found
}

func (c *conn) rank(now time.Time) rank {
	switch {
	case c.state == stateNew:
		return rankNew
	case c.state == stateIdle && c.vouched:
		return rankVouched
	case c.state == stateIdle:
		return rankIdle
	case c.state == stateBusy && !c.vouched && now.Sub(c.since) >= patience:
		return rankSlow
	}
	return rankKept
}

// failed counts a failure of accept.
func (g *gate) failed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures++
}

// yield closes the connection that is the least to anybody, if there is one of
// nobody known.
func (g *gate) yield() {
	g.mu.Lock()
	victim := g.weakest(time.Now(), rankVouched)
	if victim != nil {
		g.gaveWay[victim.state]++
		g.forget(victim)
	}
	g.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
}

// forget takes c out of the count; g.mu is held.
func (g *gate) forget(c *conn) {
	if c.state == stateGone {
		return
	}
	if c.state == stateHijacked {
		g.hijacked--
	}
	c.state = stateGone
	delete(g.conns, c)
	if g.clients[c.client]--; g.clients[c.client] <= 0 {
		delete(g.clients, c.client)
	}
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(c)
}

func (g *gate) vouch(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.vouched = true
}

// moved follows what net/http says of c. It says busy when a request's header
// has come whole, and for HTTP/2 while there is at least one request.
func (g *gate) moved(c *conn, to http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.state == stateGone {
		return
	}
	switch to {
	case http.StateActive:
		c.state, c.since = stateBusy, time.Now()
	case http.StateIdle:
		c.state, c.since = stateIdle, time.Now()
	case http.StateHijacked:
		delete(g.conns, c)
		g.hijacked++
		c.state = stateHijacked
	}
}

// request takes one request of the client's budget, or reports that there is
// none left.
func (g *gate) request(client netip.Addr) bool {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.budget.request(client, now) {
		return true
	}
	g.tooMany++
	return false
}

// shut lets nobody in any more, and closes every connection that has not asked
// for anything.
func (g *gate) shut() {
	g.mu.Lock()
	g.closed = true
	var drop []*conn
	for c := range g.conns {
		if c.state == stateNew {
			drop = append(drop, c)
		}
	}
	g.mu.Unlock()
	for _, c := range drop {
		_ = c.Close()
	}
}

// counts returns how many connections there are in each state; g.mu is held.
func (g *gate) counts() (n [stateGone]int) {
	for c := range g.conns {
		n[c.state]++
	}
	n[stateHijacked] = g.hijacked
	return n
}

// prometheus returns the figures in the text format.
func (g *gate) prometheus() (out []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s, n := range g.counts() {
		out = fmt.Appendf(out, "vedette_http_connections{state=%q} %d\n", state(s), n)
	}
	for r := refusedRate; r < reasons; r++ {
		out = fmt.Appendf(out, "vedette_http_connections_refused_total{reason=%q} %d\n", r, g.refused[r])
	}
	for _, s := range []state{stateNew, stateIdle, stateBusy} {
		out = fmt.Appendf(out, "vedette_http_connections_gave_way_total{state=%q} %d\n", s, g.gaveWay[s])
	}
	out = fmt.Appendf(out, "vedette_http_requests_refused_total %d\n", g.tooMany)
	return fmt.Appendf(out, "vedette_http_accept_failures_total %d\n", g.failures)
}
