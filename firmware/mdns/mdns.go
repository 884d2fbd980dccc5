// Package mdns owns the name of the box on the local network: it answers whoever
// asks for HOSTNAME.local or for web servers (RFC 6762, RFC 6763), on every
// interface that can. It never keeps the process from doing its work: what fails is
// logged, and tried again.
package mdns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/mdns/v2"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Options for New.
type Options struct {
	// Hostname is one label, without ".local".
	Hostname string
	// HTTP and HTTPS are the ports of the panel, told to who looks for web servers;
	// 0 = there is none.
	HTTP, HTTPS uint16
	Log         *slog.Logger
}

// Responder answers. It owns the goroutine that calls Run, and those of the library
// until Run returns.
//
// Two boxes of one name on one network both answer: the name is not defended. An
// address that is given up is believed by others for up to two minutes.
type Responder struct {
	o    Options
	look time.Duration // how often it is looked whether addresses changed
	work func(context.Context) error
}

// New returns a responder that does nothing yet.
func New(o Options) *Responder {
	r := &Responder{o: o, look: 10 * time.Second}
	r.work = r.serve
	return r
}

// How long until a failure is tried again; doubled from one to the next.
const (
	first = time.Second
	most  = time.Minute
)

// Run answers until ctx is done and returns its cause. While there is no interface
// with an address it waits for one.
func (r *Responder) Run(ctx context.Context) error {
	wait := first
	for ctx.Err() == nil {
		err := r.work(ctx)
		pause := r.look
		switch {
		case err == nil: // addresses changed
			wait = first
			continue
		case errors.Is(err, errNoNetwork):
			wait = first
			r.o.Log.Debug("nobody can ask for the name of the box", "err", err)
		default:
			r.o.Log.Warn("the name of the box is not answered for", "err", err, "again", wait)
			pause, wait = wait, min(2*wait, most)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return context.Cause(ctx)
}

var errNoNetwork = errors.New("no interface has an address for multicast")

// serve answers until the addresses of the machine change, or ctx is done.
func (r *Responder) serve(ctx context.Context) error {
	known, err := interfaces()
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return errNoNetwork
	}
	conn, err := r.open(known)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is written that could be lost
	r.o.Log.Info("the name of the box is answered for", "name", r.o.Hostname+".local", "on", names(known))
	tick := time.NewTicker(r.look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if now, err := interfaces(); err != nil || !slices.EqualFunc(known, now, same) {
			return err
		}
	}
}

// open joins the group of each protocol on the interfaces. A machine may lack one
// of both protocols.
func (r *Responder) open(on []iface) (*mdns.Conn, error) {
	v4, err4 := listen("udp4", mdns.DefaultAddressIPv4)
	v6, err6 := listen("udp6", mdns.DefaultAddressIPv6)
	if err4 != nil && err6 != nil {
		return nil, errors.Join(err4, err6)
	}
	var packets4 *ipv4.PacketConn
	var packets6 *ipv6.PacketConn
	var err error
	if err4 == nil {
		packets4 = ipv4.NewPacketConn(v4)
		err = errors.Join(packets4.SetMulticastTTL(hops), packets4.SetTTL(hops))
	}
	if err6 == nil {
		packets6 = ipv6.NewPacketConn(v6)
		err = errors.Join(err, packets6.SetMulticastHopLimit(hops), packets6.SetHopLimit(hops))
	}
	if err != nil {
		r.o.Log.Debug("some may not believe the answers", "err", err)
	}
	conn, err := mdns.NewServer(packets4, packets6, r.options(on)...)
	if err != nil {
		for _, c := range []*net.UDPConn{v4, v6} {
			if c != nil {
				err = errors.Join(err, c.Close())
			}
		}
		return nil, fmt.Errorf("answer for %s.local: %w", r.o.Hostname, err)
	}
	return conn, nil
}

// hops is what answers begin with (RFC 6762, 11): some take a lower number for an answer
// from elsewhere.
const hops = 255

func listen(network, address string) (*net.UDPConn, error) {
	to, err := net.ResolveUDPAddr(network, address) // an address, and no name
	if err != nil {
		return nil, err
	}
	return net.ListenUDP(network, to)
}

func (r *Responder) options(on []iface) []mdns.ServerOption {
	plain := make([]net.Interface, len(on))
	for i, f := range on {
		plain[i] = f.Interface
	}
	out := []mdns.ServerOption{
		mdns.WithName("vedette"), mdns.WithLocalNames(r.o.Hostname + ".local"), mdns.WithInterfaces(plain...),
		mdns.WithLoggerFactory(quiet{r.o.Log}),
		mdns.WithCacheRefresh(false), // nothing is asked for here
	}
	for service, port := range map[string]uint16{"_http._tcp": r.o.HTTP, "_https._tcp": r.o.HTTPS} {
		if port != 0 {
			out = append(out, mdns.WithService(mdns.ServiceInstance{Instance: r.o.Hostname, Service: service, Port: port}))
		}
	}
	return out
}

// iface is an interface with its addresses, as text.
type iface struct {
	net.Interface
	addrs []string
}

// interfaces returns those that are up, know multicast and have an address, by
// index.
func interfaces() ([]iface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	const want = net.FlagUp | net.FlagMulticast
	var out []iface
	for _, i := range all {
		if i.Flags&want != want || i.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil || len(addrs) == 0 {
			continue // it may be gone by now
		}
		f := iface{Interface: i}
		for _, a := range addrs {
			f.addrs = append(f.addrs, a.String())
		}
		slices.Sort(f.addrs)
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b iface) int { return a.Index - b.Index })
	return out, nil
}

func same(a, b iface) bool {
	return a.Index == b.Index && a.Name == b.Name && slices.Equal(a.addrs, b.addrs)
}

func names(on []iface) string {
	var out []string
	for _, f := range on {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

// quiet has the library speak into our log, at the level for who looks for a fault:
// each packet of a stranger that it does not like is a warning to it.
type quiet struct{ log *slog.Logger }

func (q quiet) NewLogger(string) logging.LeveledLogger { return q }

func (q quiet) say(msg string)                 { q.log.Debug("mdns: " + msg) }
func (q quiet) Trace(string)                   {}
func (q quiet) Tracef(string, ...any)          {}
func (q quiet) Debug(string)                   {}
func (q quiet) Debugf(string, ...any)          {}
func (q quiet) Info(msg string)                { q.say(msg) }
func (q quiet) Infof(format string, a ...any)  { q.say(fmt.Sprintf(format, a...)) }
func (q quiet) Warn(msg string)                { q.say(msg) }
func (q quiet) Warnf(format string, a ...any)  { q.say(fmt.Sprintf(format, a...)) }
func (q quiet) Error(msg string)               { q.say(msg) }
func (q quiet) Errorf(format string, a ...any) { q.say(fmt.Sprintf(format, a...)) }
