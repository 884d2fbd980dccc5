package live

import (
	"net"
	"sync"
	"sync/atomic"
)

// maxTogether bounds what one system call may carry: packets, and bytes.
const (
	maxTogether      = 48
	maxTogetherBytes = 60000
)

// socket is the UDP socket that all sessions share.
type socket struct {
	conn    *net.UDPConn
	segment atomic.Bool // the kernel cuts one buffer into packets (UDP_SEGMENT)
	calls   atomic.Uint64
}

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{conn: conn}
	s.segment.Store(canSegment(conn))
	return s
}

// send writes buf as packets of size bytes, the last possibly shorter.
// Errors are not reported: a packet that the network refuses is a lost one.
func (s *socket) send(buf []byte, size int, to *net.UDPAddr) {
	if len(buf) > size && s.segment.Load() {
		s.calls.Add(1)
		err := sendSegmented(s.conn, buf, size, to)
		if err == nil {
			return
		}
		if refusesSegments(err) {
			s.segment.Store(false)
		}
	}
	for len(buf) > 0 {
		n := min(size, len(buf))
		s.calls.Add(1)
		_, _ = s.conn.WriteToUDP(buf[:n], to)
		buf = buf[n:]
	}
}

// cork gathers the packets that a session writes between hold and release,
// so that those of one size go to the kernel together. The packets of a
// fragmented picture are of one size, and sending them one by one is the
// greater part of what a viewer costs.
type cork struct {
	socket *socket

	mu   sync.Mutex
	held bool
	to   *net.UDPAddr
	buf  []byte
	size int // of each gathered packet but the last
	last int // of the last
	n    int
}

func (c *cork) hold() {
	c.mu.Lock()
	c.held = true
	c.mu.Unlock()
}

func (c *cork) release() {
	c.mu.Lock()
	c.flush()
	c.held = false
	c.mu.Unlock()
}

func (c *cork) flush() {
	if c.n > 0 {
		c.socket.send(c.buf, c.size, c.to)
	}
	c.buf, c.n = c.buf[:0], 0
}

// take gathers b if the cork holds; else the caller sends it.
func (c *cork) take(b []byte, to *net.UDPAddr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.held {
		return false
	}
	if c.n > 0 && (to != c.to || c.last != c.size || len(b) > c.size || c.n == maxTogether || len(c.buf)+len(b) > maxTogetherBytes) {
		c.flush()
	}
	if c.n == 0 {
		c.size, c.to = len(b), to
	}
	c.buf = append(c.buf, b...)
	c.last = len(b)
	c.n++
	return true
}

// corkedConn is a session's view of the shared socket.
type corkedConn struct {
	net.PacketConn // the multiplexer's connection for this session
	cork           *cork
	known          atomic.Pointer[net.UDPAddr] // the multiplexer has seen this destination
}

// WriteTo is part of net.PacketConn. The first packet to a destination goes
// through the multiplexer, which learns from it where answers belong.
func (c *corkedConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok || c.known.Load() != udp {
		n, err := c.PacketConn.WriteTo(b, to)
		if ok && err == nil {
			c.known.Store(udp)
		}
		return n, err
	}
	if c.cork.take(b, udp) {
		return len(b), nil
	}
	return c.PacketConn.WriteTo(b, to)
}
