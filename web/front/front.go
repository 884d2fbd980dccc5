// Package front owns the sockets of the panel: it accepts connections, limits
// how many there are and how many requests each client makes, speaks TLS, and
// sends browsers that came without it to https. It knows nothing of routes and
// people. It never trusts what a request says about where it comes from: a
// client is the address at the other end of its connection.
//
// # Limits
//
// A client is an IPv4 address or an IPv6 /64; on the link the box itself is
// on, where everybody has the same /64, it is the whole IPv6 address. What one
// client has too much of is refused. What all of them together have too much
// of is not: the connection that is the least to anybody gives way (gate).
//
// # One port for both
//
// With TLS, the first byte of a connection says what it is: 0x16 begins a
// handshake, and no HTTP request begins so. A browser that was told
// http://box:8443 is sent to https on the same port, where it would otherwise
// see a broken page. Nothing but a redirect is ever said without TLS: a request
// with a body is refused, so that whoever wrote http into a program hears of it
// the first time and not after its passwords went over the wire for a year.
package front

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	firstByteTime = 5 * time.Second  // from the connection to its first byte
	headerTime    = 5 * time.Second  // for a TLS handshake, and for the header of a request
	bodyTime      = 30 * time.Second // for a body, unless its handler sets another deadline
	idleTime      = 60 * time.Second // between two requests
	stopTime      = 3 * time.Second  // for requests to end when the process stops
	headerBytes   = 16 << 10
	h2Streams     = 64        // requests at the same time on one connection
	h2Frame       = 16 << 10  // bytes; a buffer of this size is made for a frame before it came
	h2Buffer      = 256 << 10 // bytes of bodies that were received and not read, of one connection
)

// Options are fixed for the life of a Front. Every zero value means the
// default.
type Options struct {
	Listen string // host:port of the panel
	// TLS is copied; its GetCertificate may change what it returns at any
	// time. Nil: plain HTTP.
	TLS *tls.Config
	// Redirect is host:port of a second, plain listener that sends browsers to
	// the panel's. Empty: none. Without TLS it is ignored.
	Redirect string
	// Challenge stands before the redirects, for ACME HTTP-01. Nil: nothing
	// does.
	Challenge func(next http.Handler) http.Handler
	// HostAllowed reports whether the box goes by this Host header; to others
	// no browser is sent. Nil: by any.
	HostAllowed func(hostport string) bool
	// HSTS reports whether browsers shall refuse plain HTTP at host, the Host
	// header of a request, for a year. It is
	// asked at every request that came over TLS. Nil: never.
	HSTS func(host string) bool
	// Handler serves the panel. It should call Vouch.
	Handler http.Handler
	// MaxConns is how many connections are served at the same time, without
	// the hijacked ones (websockets); default 256.
	MaxConns int
	// MaxPerClient is how many connections a client has, with the hijacked
	// ones; default 64.
	MaxPerClient int
	Log          *slog.Logger
}

func (o Options) withDefaults() Options {
	o.MaxConns = cmp.Or(o.MaxConns, 256)
	o.MaxPerClient = cmp.Or(o.MaxPerClient, 64)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Challenge == nil {
		o.Challenge = func(next http.Handler) http.Handler { return next }
	}
	if o.HostAllowed == nil {
		o.HostAllowed = func(string) bool { return true }
	}
	if o.HSTS == nil {
		o.HSTS = func(string) bool { return false }
	}
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
		o.TLS.NextProtos = []string{"h2", "http/1.1"}
	}
	return o
}

// Front serves the panel. All methods may be called concurrently.
type Front struct {
	o        Options
	panel    net.Listener
	redirect net.Listener // nil: none
	gate     *gate
	turned   chan struct{} // a place for each connection that is being told that it is refused
	told     sync.WaitGroup
}

// Listen opens the sockets. Nobody is answered before Run.
func Listen(o Options) (*Front, error) {
	panel, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	if o.TLS == nil || o.Redirect == "" {
		return newFront(o, panel, nil), nil
	}
	redirect, err := net.Listen("tcp", o.Redirect)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s for redirects: %w", o.Redirect, err), panel.Close())
	}
	return newFront(o, panel, redirect), nil
}

func newFront(o Options, panel, redirect net.Listener) *Front {
	o = o.withDefaults()
	return &Front{
		o: o, panel: panel, redirect: redirect,
		gate:   newGate(o.MaxConns, o.MaxPerClient, o.Log),
		turned: make(chan struct{}, maxTurned),
	}
}

// Addr is where the panel listens.
func (f *Front) Addr() net.Addr { return f.panel.Addr() }

// Close closes the sockets, of a Front that is not run or runs no longer. It
// may be called twice.
func (f *Front) Close() error {
	var errs []error
	for _, ln := range []net.Listener{f.panel, f.redirect} {
		if ln == nil {
			continue
		}
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("close the listener at %s: %w", ln.Addr(), err))
		}
	}
	return errors.Join(errs...)
}

// Run serves until ctx is done, and returns ctx's error. Requests then have
// stopTime to end. It closes the sockets.
func (f *Front) Run(ctx context.Context) error {
	main := f.server(f.limited(f.o.Handler))
	main.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: h2Streams, MaxReadFrameSize: h2Frame, WriteByteTimeout: bodyTime,
		MaxReceiveBufferPerConnection: h2Buffer, MaxReceiveBufferPerStream: h2Buffer,
	}
	plain := f.server(f.o.Challenge(http.HandlerFunc(f.toTLS)))
	plain.ReadTimeout, plain.WriteTimeout = 2*headerTime, 2*headerTime
	plain.SetKeepAlivesEnabled(false) // there is nothing to come back for

	toMain, toPlain := newFeed(f.panel.Addr()), newFeed(f.panel.Addr())
	g, all := errgroup.WithContext(ctx)
	g.Go(func() error { return served(main.Serve(toMain)) })
	g.Go(func() error { return served(plain.Serve(toPlain)) })
	g.Go(func() error {
		if f.o.TLS == nil {
			return f.accept(all, f.panel, true, func(c *conn) { toMain.give(c) })
		}
		return f.accept(all, f.panel, false, func(c *conn) { g.Go(func() error { f.sniff(c, toMain, toPlain); return nil }) })
	})
	if f.redirect != nil {
		g.Go(func() error {
			return f.accept(all, f.redirect, true, func(c *conn) { c.redirect = true; toPlain.give(c) })
		})
	}
	g.Go(func() error {
		<-all.Done()
		return errors.Join(f.Close(), f.stop(context.WithoutCancel(ctx), main, plain))
	})
	err := g.Wait()
	f.told.Wait()
	if err != nil && ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

// server returns a server for h with the limits that keep slow and greedy
// clients from holding it. It has no overall timeouts: what takes how long, the
// handler knows.
func (f *Front) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime, // of the handshake too
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ConnState:         func(c net.Conn, s http.ConnState) { f.gate.moved(of(c), s) },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, of(c)) },
		ErrorLog:          slog.NewLogLogger(f.o.Log.Handler(), slog.LevelDebug),
	}
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve HTTP: %w", err)
}

// stop lets requests end for a while. Connections that have not asked for
// anything yet are not waited for.
func (f *Front) stop(ctx context.Context, servers ...*http.Server) error {
	f.gate.shut()
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if s.Shutdown(ctx) != nil { // downloads that do not end by themselves
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
