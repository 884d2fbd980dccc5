package simcam

import (
	"net"
	"sync"
	"time"
)

const (
	coalesceDelay = time.Millisecond
	coalesceBytes = 32 << 10
)

// coalescingListen is net.Listen whose connections join interleaved frames
// that follow each other within a millisecond into one write, as cameras with
// a real network stack do. It keeps a load test's camera side cheap.
func coalescingListen(network, address string) (net.Listener, error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return coalescingListener{ln}, nil
}

type coalescingListener struct{ net.Listener }

func (l coalescingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	cc := &coalescingConn{Conn: c}
	cc.timer = time.AfterFunc(time.Hour, cc.flush)
	cc.timer.Stop()
	return cc, nil
}

type coalescingConn struct {
	net.Conn
	timer *time.Timer

	mu      sync.Mutex
	pending []byte
	armed   bool
	err     error
}

// Write keeps interleaved frames back for a moment; anything else goes out at
// once, after what waits.
func (c *coalescingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.pending = append(c.pending, p...)
	if len(p) > 0 && p[0] != '$' || len(c.pending) >= coalesceBytes {
		c.flushLocked()
		return len(p), c.err
	}
	if !c.armed {
		c.armed = true
		c.timer.Reset(coalesceDelay)
	}
	return len(p), nil
}

func (c *coalescingConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	c.flushLocked()
}

func (c *coalescingConn) flushLocked() {
	if len(c.pending) > 0 && c.err == nil {
		_, c.err = c.Conn.Write(c.pending)
	}
	c.pending = c.pending[:0]
}

func (c *coalescingConn) Close() error {
	c.timer.Stop()
	return c.Conn.Close()
}
