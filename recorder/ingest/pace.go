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
	// readBurst is how many bytes may come in one pace. A kernel holds 64 KiB for a
	// new connection: beyond that a camera with a large key frame would wait for
	// us, and some drop pictures then.
	readBurst = 48 << 10
)

// pacedConn reads a camera's connection in batches: once it is drained, it is
// left alone until the next beat. The beats of all connections coincide, so one
// wake-up serves all cameras, where each packet would cost one of its own: for a
// few kilobytes, waking up costs more than reading them. A connection that
// brings more than that is read as it comes until it calms down.
type pacedConn struct {
	net.Conn
	hurried func() bool // somebody wants every packet at once
	begun   atomic.Bool // set once packets are expected

	// Of the goroutine that reads:
	drained bool  // the last read got all there was
	beat    int64 // under way
	bytes   int   // read in it
	burst   bool  // it or the one before brought much
}

// Read is called by one goroutine at a time.
func (c *pacedConn) Read(p []byte) (int, error) {
	if c.begun.Load() && !c.hurried() {
		now := time.Now().UnixNano()
		c.count(now/int64(readPace), 0)
		if c.drained && !c.burst {
			time.Sleep(readPace - time.Duration(now)%readPace)
		}
	}
	n, err := c.Conn.Read(p)
	c.drained = n < len(p)
	c.count(c.beat, n)
	return n, err
}

// count adds n bytes to the beat now.
func (c *pacedConn) count(now int64, n int) {
	if now != c.beat {
		c.beat, c.burst, c.bytes = now, c.bytes > readBurst, 0
	}
	c.bytes += n
	c.burst = c.burst || c.bytes > readBurst
}
