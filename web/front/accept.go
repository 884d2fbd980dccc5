package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
	maxTurned  = 16 // connections that are told at the same time that they are refused
)

// accept hands what comes in at ln to next, which must not block, until ctx is
// done. Nothing that accept fails of ends it but ln being closed: without file
// descriptors it waits until there are some.
func (f *Front) accept(ctx context.Context, ln net.Listener, plain bool, next func(*conn)) error {
	var wait time.Duration
	for {
		nc, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept at %s: %w", ln.Addr(), err)
		case err != nil:
			wait = f.backOff(ctx, ln, wait, err)
			continue
		}
		wait = 0
		c := &conn{Conn: nc, gate: f.gate, client: clientOf(nc)}
		if f.gate.enter(c) == accepted {
			next(c)
		} else {
			f.turnAway(nc, plain)
		}
	}
}

// backOff waits, twice as long as before, and returns for how long.
func (f *Front) backOff(ctx context.Context, ln net.Listener, before time.Duration, err error) time.Duration {
	if before == 0 {
		f.o.Log.Error("no connection to the panel can be accepted; trying again", "listener", ln.Addr().String(), "err", err)
	}
	f.gate.failed()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		f.gate.yield() // footage needs descriptors more than somebody who asks for nothing
	}
	wait := min(max(2*before, minBackoff), maxBackoff)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return wait
}

// sniff finds out by the first byte whether c speaks TLS.
func (f *Front) sniff(c *conn, toMain, toPlain *feed) {
	first := make([]byte, 1)
	// Of a connection that is closed, reading says so.
	_ = c.SetReadDeadline(time.Now().Add(firstByteTime))
	if _, err := io.ReadFull(c.Conn, first); err != nil {
		_ = c.Close()
		return
	}
	c.first = first // the server sets its own deadline
	if first[0] == recordHandshake {
		toMain.give(tls.Server(c, f.o.TLS))
	} else {
		toPlain.give(c)
	}
}

// recordHandshake is the first byte of TLS: the type of its first record.
const recordHandshake = 0x16

const busyAnswer = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 2\r\n" +
	"Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 83\r\n\r\n" +
	`{"error":{"code":"busy","message":"Too many connections; try again in a moment."}}` + "\n"

// turnAway closes nc, which is not counted. Without TLS it can say why, in
// little time and to few at once.
func (f *Front) turnAway(nc net.Conn, plain bool) {
	if !plain {
		_ = nc.Close()
		return
	}
	select {
	case f.turned <- struct{}{}:
	default:
		_ = nc.Close()
		return
	}
	f.told.Go(func() {
		defer func() { <-f.turned }()
		defer nc.Close()
		// Whether the client hears of it is up to the client.
		_ = nc.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(nc, busyAnswer)
		if w, ok := nc.(interface{ CloseWrite() error }); ok {
			_ = w.CloseWrite()
		}
		// Closed with a request unread, the connection would be reset, and
		// the answer lost.
		_, _ = io.CopyN(io.Discard, nc, headerBytes)
	})
}

// feed is a listener whose connections are given to it.
type feed struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

func newFeed(addr net.Addr) *feed {
	return &feed{conns: make(chan net.Conn), done: make(chan struct{}), addr: addr}
}

// give hands c over, or closes it if nobody takes connections any longer. The
// server takes them at once.
func (l *feed) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		_ = of(c).Close()
	}
}

// Accept implements net.Listener.
func (l *feed) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *feed) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *feed) Addr() net.Addr { return l.addr }
