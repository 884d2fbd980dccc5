package live

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// mux is what the ICE agent asks a multiplexer for.
type mux interface {
	Close() error
	GetConn(ufrag string, addr net.Addr) (net.PacketConn, error)
	RemoveConnByUfrag(ufrag string)
	GetListenAddresses() []net.Addr
}

// sessionMux is one session's view of the multiplexer.
//
// It shows the agent one address of each family, whatever the machine has: a
// packet from the shared socket does not tell at which address it came in, so
// an agent with several would credit it to one of them by chance, and lose
// hundreds of milliseconds when the request and the answer of one check count
// for different ones. The answer to the viewer names the real addresses; see
// announce.
type sessionMux struct {
	mux
	cork *cork
	port int
}

// Close does nothing: the socket belongs to the server.
func (m *sessionMux) Close() error { return nil }

// GetListenAddresses is part of ice.UDPMux.
func (m *sessionMux) GetListenAddresses() []net.Addr {
	return []net.Addr{&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: m.port}, &net.UDPAddr{IP: net.IPv6loopback, Port: m.port}}
}

// GetConn returns the session's connection for an address family.
func (m *sessionMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	conn, err := m.mux.GetConn(ufrag, addr)
	if err != nil {
		return nil, err
	}
	return &corkedConn{PacketConn: conn, cork: m.cork}, nil
}

// addresses returns where the shared socket is reached, the likeliest first:
// every address of the machine now, because they change while a recorder runs.
func (s *Server) addresses() []net.IP {
	var out []net.IP
	// Without the list there may still be a public address.
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if ok && !n.IP.IsLinkLocalUnicast() && !n.IP.IsMulticast() && (s.o.Loopback || !n.IP.IsLoopback()) {
			out = append(out, n.IP)
		}
	}
	out = append(out, s.o.PublicIPs...)
	slices.SortStableFunc(out, func(a, b net.IP) int { return remoteness(a) - remoteness(b) })
	return out
}

func remoteness(ip net.IP) int {
	n := 0
	if ip.To4() == nil {
		n = 1
	}
	if ip.IsLoopback() {
		n += 2
	}
	return n
}

// announce replaces the candidates of an answer by the addresses ips.
func announce(answer string, ips []net.IP, port int) string {
	var b strings.Builder
	first := true // of the section's candidates
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "m=") {
			first = true
		}
		if !strings.HasPrefix(line, "a=candidate:") {
			b.WriteString(line)
			continue
		}
		if !first {
			continue
		}
		first = false
		for i, ip := range ips {
			// RFC 8445, 5.1.2.1: host, descending, first component.
			priority := 126<<24 | (65535-i)<<8 | 255
			fmt.Fprintf(&b, "a=candidate:%d 1 udp %d %s %d typ host\r\n", i+1, priority, ip, port)
		}
	}
	return b.String()
}
