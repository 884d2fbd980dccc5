package front

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// conn is a connection that is counted until it is closed. It hides nothing of
// a TCP connection that net/http asks for: files are sent without being copied
// through the process, and an answer is ended before the connection is.
type conn struct {
	net.Conn
	gate     *gate
	client   netip.Addr
	redirect bool // it came in by the redirecting listener
	first    []byte
	closing  sync.Once

	// Guarded by gate.mu.
	state   state
	since   time.Time // when it got this state
	vouched bool
}

type connKey struct{}

// of returns the connection that net/http knows as c.
func of(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conn)
}

// Vouch tells that the request ctx belongs to was sent by somebody signed in.
// Its connection is among the last ones that give way when there are too many.
// Outside a request of a Front it does nothing.
func Vouch(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.gate.vouch(c)
	}
}

// Read implements net.Conn. The byte that was looked at comes first.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// ReadFrom implements io.ReaderFrom, by sendfile where r is a file.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite tells the client that this was all, without cutting off what is
// on its way.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Close implements net.Conn. The connection's place is free at once.
func (c *conn) Close() error {
	c.closing.Do(func() { c.gate.leave(c) })
	return c.Conn.Close()
}

// clientOf returns who is at the other end; see the package comment.
func clientOf(c net.Conn) netip.Addr {
	remote, local := address(c.RemoteAddr()), address(c.LocalAddr())
	if !remote.Is6() || net64(remote) == net64(local) {
		return remote.WithZone("")
	}
	return net64(remote)
}

// net64 returns the first address of a's /64, or nothing for an IPv4 address.
func net64(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil { // it has 128 bits
		return a
	}
	return p.Addr()
}

// address returns nothing for what is no IP address.
func address(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
