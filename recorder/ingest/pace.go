package ingest

import (
	"net"
	"sync/atomic"
	"time"
)

const (
	// readPace is how long packets may gather in the kernel before they are read
	// while nobody watches. It has little common measure with the usual 40, 33 and
	// 20 ms of frames, so they do not always come late by the same amount; a
	// writer's batch of 250 ms is four of it.
	readPace = 62500 * time.Microsecond
	// readBurst is how many bytes at one reading say that more is on its way: a
	// kernel holds 64 KiB for a new connection, and a camera with a large key
	// frame waits for us to take them. Some drop pictures then, so the next
	// reading is readSoon later.
	readBurst = 48 << 10
	readSoon  = 4 * time.Millisecond
)

// pacedConn reads a camera's connection in batches: once it is drained, it is
// left alone until the next beat. The beats of all connections coincide, so one
// wake-up serves all cameras, where each packet would cost one of its own: for a
// few kilobytes, waking up costs more than reading them.
type pacedConn struct {
	net.Conn
	hurried func() bool // somebody wants every packet at once
	begun   atomic.Bool // set once packets are expected

	// Of the goroutine that reads:
	drained bool // the last read got all there was
	bytes   int  // read since the last pause
}

// Read is called by one goroutine at a time.
func (c *pacedConn) Read(p []byte) (int, error) {
	if c.drained && c.begun.Load() && !c.hurried() {
		pause := readPace - time.Duration(time.Now().UnixNano())%readPace
		if c.bytes > readBurst {
			pause = min(pause, readSoon)
		}
		c.bytes = 0
		time.Sleep(pause)
	}
	n, err := c.Conn.Read(p)
	c.drained = n < len(p)
	c.bytes += n
	return n, err
}
