package front

import (
	"net/netip"
	"time"
)

const (
	requestRate  = 600 // requests a second that a client may go on making: workers ask for every picture
	requestBurst = 600 // and at once
	// A connection costs the box much more than a request: its handshake.
	// The burst is two shares (Options.MaxPerClient): a client that lost all
	// of its connections may have them again.
	connRate  = 50
	connBurst = 128
	maxLanes  = 4096 // clients that are remembered
)

// budget is two token buckets for each client. It remembers at least the
// maxLanes/2 clients seen last, and at most maxLanes: who is new enters the
// younger half, and when that is full, it becomes the older one, whose clients
// are forgotten. Buckets that were forgotten are full ones; they would be full
// again after three seconds anyway.
type budget struct {
	young, old map[netip.Addr]lane
}

// lane is what a client has left, as it was at a time.
type lane struct {
	requests, conns float32
	at              time.Time
}

func newBudget() *budget { return &budget{young: map[netip.Addr]lane{}} }

// request takes a request of client's budget, if there is one left.
func (b *budget) request(client netip.Addr, now time.Time) bool {
	l := b.lane(client, now)
	ok := take(&l.requests)
	b.young[client] = l
	return ok
}

// connection takes a connection of client's budget, if there is one left.
func (b *budget) connection(client netip.Addr, now time.Time) bool {
	l := b.lane(client, now)
	ok := take(&l.conns)
	b.young[client] = l
	return ok
}

// lane returns what client has left now. There is room for it in b.young.
func (b *budget) lane(client netip.Addr, now time.Time) lane {
	l, ok := b.young[client]
	if !ok {
		if l, ok = b.old[client]; !ok {
			l = lane{requests: requestBurst, conns: connBurst, at: now}
		}
		if len(b.young) >= maxLanes/2 {
			b.young, b.old = make(map[netip.Addr]lane, maxLanes/2), b.young
		}
	}
	passed := float32(now.Sub(l.at).Seconds())
	l.requests = min(requestBurst, l.requests+passed*requestRate)
	l.conns = min(connBurst, l.conns+passed*connRate)
	l.at = now
	return l
}

func take(tokens *float32) bool {
	if *tokens < 1 {
		return false
	}
	*tokens--
	return true
}
