package ingest

import (
	"net"
	"sync/atomic"
	"time"
)

// readPace is how long packets may gather in the kernel before they are read
// while nobody watches. It has little common measure with the usual 40, 33 and
// 20 ms of frames, so they do not always come late by the same amount; a
// writer's batch of 250 ms is four of it.
const readPace = 62500 * time.Microsecond

// pacedConn reads a camera's connection in batches: once it is drained, it is
// left alone until the next beat. The beats of all connections coincide, so one
// wake-up serves all cameras, where each packet would cost one of its own: for a
// few kilobytes, waking up costs more than reading them.
type pacedConn struct {
	net.Conn
	hurried func() bool // somebody wants every packet at once
	begun   atomic.Bool // set once packets are expected
	drained bool        // the last read got all there was; of the reading goroutine
}

// Read is called by one goroutine at a time.
func (c *pacedConn) Read(p []byte) (int, error) {
	if c.drained && c.begun.Load() && !c.hurried() {
		time.Sleep(readPace - time.Duration(time.Now().UnixNano())%readPace)
	}
	n, err := c.Conn.Read(p)
	c.drained = n < len(p)
	return n, err
}
