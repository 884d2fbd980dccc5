// Package egress owns the question whether the box may connect to an address
// that somebody gave it: of a camera, of a bundle, of whatever it sends events
// to. A name is resolved once, every address it has is looked at, and what was
// looked at is dialled; so a name that changes its mind in between gains nothing.
//
// It must never let a connection go to this machine, to its own link or to what
// no router carries, because a person typed it or a server redirected to it; a
// guard that does not know refuses. docs/decisions/egress.md says why.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Class is what a connection is for.
type Class uint8

// The classes. The zero Class is let through nowhere.
const (
	_ Class = iota
	// Camera is for rtsp and rtsps, in private networks unless the policy says
	// otherwise.
	Camera
	// Web is for http and https: bundles, certificates and what is notified.
	Web
)

func (c Class) schemes() []string {
	switch c {
	case Camera:
		return []string{"rtsp", "rtsps"}
	case Web:
		return []string{"http", "https"}
	}
	return nil
}

// Policy widens what is let through. The zero Policy is the strictest.
type Policy struct {
	CamerasPublic bool           // cameras may be on the internet
	Allow         []netip.Prefix // let through whatever else speaks against it
}

// Resolver is the part of net.Resolver that is used.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of a Guard.
type Options struct {
	Resolver Resolver // nil = the system's
	// Own returns the addresses of this machine; nil = asks it.
	Own func() ([]netip.Addr, error)
	// LocalCameras lets cameras be on this machine: a restreamer beside us, on a
	// machine that is not ours alone.
	LocalCameras bool
	// Timeout bounds the connection to one address; 0 = 10 s.
	Timeout time.Duration
}

// Guard decides. All methods may be called concurrently.
type Guard struct {
	o      Options
	policy atomic.Pointer[Policy]
}

// New returns a Guard with the zero Policy.
func New(o Options) *Guard {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Own == nil {
		o.Own = interfaceAddresses
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	g := &Guard{o: o}
	g.policy.Store(&Policy{})
	return g
}

// SetPolicy changes the policy for connections that are made from now on.
func (g *Guard) SetPolicy(p Policy) {
	p.Allow = slices.Clone(p.Allow)
	g.policy.Store(&p)
}

// RefusedError says that an address is not let through.
type RefusedError struct {
	Host string // as it was asked for, without a port
	Why  string // in words that follow on "the address", lower case
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%q is refused: %s", cut(e.Host), e.Why) }

// Refused returns why, in words for people.
func (e *RefusedError) Refused() string { return e.Why }

func cut(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// CheckURL returns a *RefusedError for an address that a connection of class
// could never be made to, as far as that can be told without asking anybody.
func (g *Guard) CheckURL(class Class, raw string) error {
	refuse := func(host, why string) error { return &RefusedError{host, why} }
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return refuse("", "it holds spaces, control characters or backslashes")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse("", "it cannot be read")
	}
	if !slices.Contains(class.schemes(), u.Scheme) {
		return refuse(u.Hostname(), "it does not begin with "+strings.Join(class.schemes(), ":// or ")+"://")
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return refuse("", "it names no host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return refuse(u.Hostname(), "its port is not from 1 to 65535")
		}
	}
	_, err = g.literal(class, u.Hostname())
	return err
}

// literal checks a host that is an address, or looks like one. It returns the
// zero Addr for a name.
func (g *Guard) literal(class Class, host string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, g.check(class, host, ip)
	}
	name := strings.TrimSuffix(host, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "" || strings.Contains(name, "..") || strings.HasPrefix(name, "."):
		return netip.Addr{}, &RefusedError{host, "it is no host name"}
	case strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x"):
		// 2130706433, 127.1, 0x7f.1, 0177.0.0.1: some libraries read them.
		return netip.Addr{}, &RefusedError{host, "it is a number that is no address; write four numbers with dots"}
	case strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e }):
		return netip.Addr{}, &RefusedError{host, "it has letters that no host name has; write it as xn--…"}
	case strings.ContainsAny(name, ":%[]@/?#"):
		return netip.Addr{}, &RefusedError{host, "it is no host name"}
	}
	low := strings.ToLower(name)
	if low == "localhost" || strings.HasSuffix(low, ".localhost") {
		loop := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		return loop, g.check(class, host, loop)
	}
	return netip.Addr{}, nil
}

// check returns a *RefusedError if ip is not let through.
func (g *Guard) check(class Class, host string, ip netip.Addr) error {
	policy := g.policy.Load()
	if why := never(ip); why != "" {
		return &RefusedError{host, why}
	}
	plain := ip.Unmap().WithZone("")
	if slices.ContainsFunc(policy.Allow, func(p netip.Prefix) bool { return p.Contains(plain) }) {
		return nil
	}
	if ip != plain { // a form that only somebody with a purpose writes, or a zone
		return &RefusedError{host, "it is written in a way that no device has"}
	}
	own := plain.IsLoopback()
	if !own {
		mine, err := g.o.Own()
		if err != nil {
			return &RefusedError{host, "the addresses of this machine are not known"}
		}
		own = slices.Contains(mine, plain)
	}
	if own {
		if class == Camera && g.o.LocalCameras {
			return nil
		}
		return &RefusedError{host, "it is this recorder itself"}
	}
	if why := special(plain); why != "" {
		return &RefusedError{host, why}
	}
	if class == Camera && !policy.CamerasPublic && !private(plain) {
		return &RefusedError{host, "it is on the internet; an administrator can allow that for cameras"}
	}
	if class.schemes() == nil {
		return &RefusedError{host, "nobody said what it is for"}
	}
	return nil
}

// interfaceAddresses returns the addresses of this machine.
func interfaceAddresses() (out []netip.Addr, err error) {
	list, err := net.InterfaceAddrs()
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, ip.Unmap())
			}
		}
	}
	return out, err
}

// errNoAddress is for a name that is there and has no address.
var errNoAddress = errors.New("the name has no address")

// resolve returns the addresses of host, all of which are let through.
func (g *Guard) resolve(ctx context.Context, class Class, host string) ([]netip.Addr, error) {
	ip, err := g.literal(class, host)
	if err != nil || ip.IsValid() {
		return []netip.Addr{ip}, err
	}
	all, err := g.o.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i, ip := range all {
		all[i] = ip.Unmap() // resolvers give IPv4 in either form
		if err := g.check(class, host, all[i]); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errNoAddress
	}
	return all, nil
}

// Dial connects like net.Dialer.DialContext, if address is let through. Of a name
// with several addresses all have to be, and they are tried in order. It returns
// a *RefusedError, or what the network says.
func (g *Guard) Dial(class Class) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" && network != "tcp4" && network != "tcp6" {
			return nil, &RefusedError{address, "it is not to be reached over TCP"}
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, &RefusedError{address, "it is no host and port"}
		}
		all, err := g.resolve(ctx, class, host)
		if err != nil {
			return nil, err
		}
		d := net.Dialer{Timeout: g.o.Timeout}
		var errs []error
		for _, ip := range all {
			conn, err := d.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
			if err == nil {
				return conn, nil
			}
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
		}
		return nil, errors.Join(errs...)
	}
}

// errRedirect keeps answers that send elsewhere from being followed.
var errRedirect = errors.New("the server redirects to another address, which is not followed")

// Client returns a client whose every connection passes the guard. It follows no
// redirects and uses no proxy.
func (g *Guard) Client(class Class) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: g.Dial(class), TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 30 * time.Second, MaxIdleConns: 8, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}
