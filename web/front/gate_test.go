package front

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visit lets a connection of client in, and returns it with what became of it.
func visit(g *gate, client string) (*conn, reason) {
	ours, _ := net.Pipe()
	c := &conn{Conn: ours, gate: g, client: netip.MustParseAddr(client)}
	return c, g.enter(c)
}

// guest is somebody who is in already: what they do, for how long.
type guest struct {
	name    string
	state   http.ConnState
	since   time.Duration
	vouched bool
}

func TestWhoGivesWay(t *testing.T) {
	tests := []struct {
		name   string
		guests []guest
		want   string // "" = the one who comes is refused
	}{
		{"of those who have said nothing, the one who came first", []guest{
			{"younger", http.StateNew, time.Second, false}, {"older", http.StateNew, 2 * time.Second, false}}, "older"},
		{"silence before waiting, however young", []guest{
			{"waits", http.StateIdle, time.Minute, false}, {"silent", http.StateNew, time.Millisecond, false}}, "silent"},
		{"of those who wait, the one who has waited the longest", []guest{
			{"short", http.StateIdle, time.Second, false}, {"long", http.StateIdle, 9 * time.Second, false}, {"busy", http.StateActive, time.Second, false}}, "long"},
		{"a stranger before somebody known", []guest{
			{"known", http.StateIdle, time.Minute, true}, {"stranger", http.StateIdle, time.Second, false}}, "stranger"},
		{"a stranger who is busy for long before somebody known who waits", []guest{
			{"known", http.StateIdle, time.Minute, true}, {"stranger", http.StateActive, patience, false}}, "stranger"},
		{"somebody known who waits before a stranger who is busy for a little less", []guest{
			{"known", http.StateIdle, time.Second, true}, {"stranger", http.StateActive, patience - 1, false}}, "known"},
		{"of strangers busy for long, the longest", []guest{
			{"long", http.StateActive, time.Minute, false}, {"longer", http.StateActive, time.Hour, false}}, "longer"},
		{"a stranger who waits before one busy for long", []guest{
			{"busy", http.StateActive, time.Hour, false}, {"waits", http.StateIdle, time.Second, false}}, "waits"},
		{"nobody known is cut off in a download", []guest{
			{"one", http.StateActive, time.Hour, true}, {"two", http.StateActive, time.Hour, true}}, ""},
		{"nobody who has just begun is cut off", []guest{{"one", http.StateActive, time.Second, false}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				time.Sleep(2 * time.Hour)
				g := newGate(len(tt.guests), 64, quiet())
				conns := map[string]*conn{}
				for _, u := range tt.guests {
					c, _ := visit(g, "10.0.0.1")
					conns[u.name] = c
					g.moved(c, u.state)
					if u.vouched {
						g.vouch(c)
					}
					c.since = begun.Add(2*time.Hour - u.since)
				}
				_, why := visit(g, "10.0.0.2")
				if want := map[bool]reason{true: refusedFull, false: accepted}[tt.want == ""]; why != want {
					t.Errorf("the one who comes: %v, want %v", why, want)
				}
				for name, c := range conns {
					if gone := c.state == stateGone; gone != (name == tt.want) {
						t.Errorf("%s gave way = %v, want %v", name, gone, name == tt.want)
					}
				}
				if len(g.conns) != len(tt.guests) {
					t.Errorf("%d connections counted, want %d", len(g.conns), len(tt.guests))
				}
			})
		})
	}
}

func TestAClientHasItsShare(t *testing.T) {
	g := newGate(100, 3, quiet())
	var in []*conn
	for range 3 {
		c, why := visit(g, "10.0.0.1")
		if why != accepted {
			t.Fatalf("within its share refused: %v", why)
		}
		in = append(in, c)
	}
	if _, why := visit(g, "10.0.0.1"); why != refusedShare {
		t.Errorf("the fourth: %v, want %v", why, refusedShare)
	}
	if _, why := visit(g, "10.0.0.2"); why != accepted {
		t.Errorf("another client: %v, want accepted", why)
	}
	g.moved(in[0], http.StateHijacked)
	if _, why := visit(g, "10.0.0.1"); why != refusedShare {
		t.Errorf("with a websocket among the three: %v, want %v", why, refusedShare)
	}
	if n := g.counts(); n[stateNew] != 3 || n[stateHijacked] != 1 {
		t.Errorf("counts = %v, want 3 new and 1 hijacked", n)
	}
	for _, c := range in {
		c.Close()
		c.Close() // as the server and the handler of a websocket may both do
	}
	if _, why := visit(g, "10.0.0.1"); why != accepted {
		t.Errorf("after they left: %v, want accepted", why)
	}
	if g.hijacked != 0 || g.clients[netip.MustParseAddr("10.0.0.1")] != 1 {
		t.Errorf("hijacked %d, client has %v; want 0 and 1", g.hijacked, g.clients)
	}
}

func TestHijackedConnectionsTakeNoPlace(t *testing.T) {
	g := newGate(1, 64, quiet())
	for range 5 {
		c, why := visit(g, "10.0.0.1")
		if why != accepted {
			t.Fatalf("refused: %v", why)
		}
		g.moved(c, http.StateHijacked)
	}
	if g.hijacked != 5 || g.gaveWay != [stateGone]uint64{} {
		t.Errorf("%d hijacked, gave way %v; want 5 and none", g.hijacked, g.gaveWay)
	}
}

func TestAConnectionThatGaveWayIsNotCountedAgain(t *testing.T) {
	g := newGate(2, 64, quiet())
	first, _ := visit(g, "10.0.0.1")
	visit(g, "10.0.0.1")
	visit(g, "10.0.0.2")
	g.moved(first, http.StateActive) // the server has not noticed yet
	g.moved(first, http.StateHijacked)
	first.Close()
	one, two := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	if n := g.counts(); n[stateNew] != 2 || n[stateHijacked] != 0 || g.clients[one] != 1 || g.clients[two] != 1 {
		t.Errorf("counts %v, clients %v; want one new connection of each of two clients", n, g.clients)
	}
}

func TestAConnectionGivesWayOnce(t *testing.T) {
	g := newGate(2, 64, quiet())
	visit(g, "10.0.0.1")
	visit(g, "10.0.0.1")
	one, two := &conn{gate: g}, &conn{gate: g}
	_, first := g.place(one) // at both listeners, before either has closed it
	_, second := g.place(two)
	if first == nil || second == nil || first == second || len(g.conns) != 2 {
		t.Errorf("gave way: %p and %p, %d left; want two, and 2 left", first, second, len(g.conns))
	}
}

func TestWaitingIsCountedFromTheLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, 64, quiet())
		older, _ := visit(g, "10.0.0.1")
		time.Sleep(time.Second)
		younger, _ := visit(g, "10.0.0.2")
		g.moved(younger, http.StateIdle)
		time.Sleep(time.Second)
		g.moved(older, http.StateIdle)
		visit(g, "10.0.0.3")
		if older.state != stateIdle || younger.state != stateGone {
			t.Errorf("the one that asked last is %v, the other %v; want idle and gone", older.state, younger.state)
		}
	})
}

func TestNobodyComesInWhenItIsShut(t *testing.T) {
	g := newGate(2, 64, quiet())
	g.shut()
	if _, why := visit(g, "10.0.0.1"); why != refusedFull || g.refused[why] != 0 {
		t.Errorf("%v, counted %d times; want it refused and not counted", why, g.refused[why])
	}
}

func TestWithoutDescriptorsNobodyKnownIsSentAway(t *testing.T) {
	g := newGate(8, 8, quiet())
	known, _ := visit(g, "10.0.0.1")
	g.moved(known, http.StateIdle)
	g.vouch(known)
	silent, _ := visit(g, "10.0.0.2")
	g.yield()
	g.yield()
	if known.state != stateIdle || silent.state != stateGone {
		t.Errorf("known is %v and silent %v, want idle and gone", known.state, silent.state)
	}
}

func TestTheLogHearsOfRefusalsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		g := newGate(8, 1, textLog(&log))
		visit(g, "10.0.0.1")
		for range 600 { // 10 a second
			visit(g, "10.0.0.1")
			time.Sleep(100 * time.Millisecond)
		}
		visit(g, "10.0.0.1")
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines in a minute and a little, want 2:\n%s", n, log.String())
		}
	})
}

func TestWhoIsAClient(t *testing.T) {
	tests := []struct{ name, local, remote, want string }{
		{"an IPv4 address", "192.168.1.2", "192.168.1.7", "192.168.1.7"},
		{"an IPv4 address that came in by an IPv6 socket", "::ffff:192.168.1.2", "::ffff:192.168.1.7", "192.168.1.7"},
		{"a /64 from elsewhere", "2001:db8:1:1::2", "2001:db8:2:2:3:4:5:6", "2001:db8:2:2::"},
		{"an address on the box's own /64, which all neighbours share", "2001:db8:1:1::2", "2001:db8:1:1:3:4:5:6", "2001:db8:1:1:3:4:5:6"},
		{"a link-local address, without the interface it came by", "fe80::1%eth0", "fe80::7%eth0", "fe80::7"},
		{"loopback", "::1", "::1", "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := clientOf(addressed{net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tt.local), 443)), net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tt.remote), 9))})
			if got.String() != tt.want {
				t.Errorf("client = %v, want %s", got, tt.want)
			}
		})
	}
}

type addressed struct{ local, remote net.Addr }

func (a addressed) LocalAddr() net.Addr              { return a.local }
func (a addressed) RemoteAddr() net.Addr             { return a.remote }
func (addressed) Read([]byte) (int, error)           { return 0, net.ErrClosed }
func (addressed) Write([]byte) (int, error)          { return 0, net.ErrClosed }
func (addressed) Close() error                       { return nil }
func (addressed) SetDeadline(t time.Time) error      { return nil }
func (addressed) SetReadDeadline(t time.Time) error  { return nil }
func (addressed) SetWriteDeadline(t time.Time) error { return nil }

func TestBudget(t *testing.T) {
	one, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	tests := []struct {
		name  string
		spend func(*budget, netip.Addr, time.Time) bool
		other func(*budget, netip.Addr, time.Time) bool
		rate  int // a second
		burst int
	}{
		{"of requests", (*budget).request, (*budget).connection, requestRate, requestBurst},
		{"of connections", (*budget).connection, (*budget).request, connRate, connBurst},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBudget()
			begun := time.Unix(0, 0)
			now := begun
			spend := func(who netip.Addr) (n int) {
				for tt.spend(b, who, now) {
					n++
				}
				return n
			}
			for _, step := range []struct {
				after time.Duration
				who   netip.Addr
				want  int
			}{
				{0, one, tt.burst},
				{0, one, 0},
				{0, other, tt.burst},
				{500 * time.Millisecond, one, tt.rate / 2},
				{time.Hour, one, tt.burst},
			} {
				now = now.Add(step.after)
				if got := spend(step.who); got != step.want {
					t.Errorf("%v after the beginning %v has %v, want %v", now.Sub(begun), step.who, got, step.want)
				}
			}
			if !tt.other(b, one, now) {
				t.Error("it took from the other budget too")
			}
		})
	}
}

func TestBudgetRemembersTheLatestAndNoMoreThanItsLanes(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBudget()
	greedy := netip.MustParseAddr("10.255.0.1")
	for b.request(greedy, now) {
	}
	for i := range 5 * maxLanes {
		b.request(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if n := len(b.young) + len(b.old); n > maxLanes {
			t.Fatalf("%d lanes, want at most %d", n, maxLanes)
		}
		if i%(maxLanes/2) == 0 && b.request(greedy, now) {
			t.Fatalf("a client that comes again and again was forgotten after %d others", i)
		}
	}
}

func TestAClientThatConnectsTooFastIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(256, 64, quiet())
		for i := range connBurst {
			c, why := visit(g, "10.0.0.1")
			if why != accepted {
				t.Fatalf("connection %d: %v", i, why)
			}
			c.Close()
		}
		if _, why := visit(g, "10.0.0.1"); why != refusedRate {
			t.Errorf("one more: %v, want %v", why, refusedRate)
		}
		time.Sleep(time.Second)
		if _, why := visit(g, "10.0.0.1"); why != accepted {
			t.Errorf("a second later: %v, want accepted", why)
		}
	})
}

func TestWhatIsRefusedForTheShareTakesNothingOfTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(256, 1, quiet())
		c, _ := visit(g, "10.0.0.1")
		for range 2 * connBurst {
			visit(g, "10.0.0.1")
		}
		c.Close()
		if _, why := visit(g, "10.0.0.1"); why != accepted {
			t.Errorf("with its share free again: %v, want accepted", why)
		}
	})
}

func TestMetrics(t *testing.T) {
	g := newGate(2, 1, quiet())
	visit(g, "10.0.0.1")
	visit(g, "10.0.0.1")
	visit(g, "10.0.0.2")
	c, _ := visit(g, "10.0.0.3")
	g.moved(c, http.StateActive)
	g.failed()
	for range requestBurst + 2 {
		g.request(c.client)
	}
	got := string(g.prometheus())
	for _, want := range []string{
		`vedette_http_connections{state="new"} 1`, `vedette_http_connections{state="busy"} 1`,
		`vedette_http_connections{state="idle"} 0`, `vedette_http_connections{state="hijacked"} 0`,
		`vedette_http_connections_refused_total{reason="client"} 1`, `vedette_http_connections_refused_total{reason="total"} 0`,
		`vedette_http_connections_refused_total{reason="rate"} 0`, `vedette_http_connections_gave_way_total{state="new"} 1`,
		`vedette_http_requests_refused_total 2`, `vedette_http_accept_failures_total 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("missing %s in\n%s", want, got)
		}
	}
}

func BenchmarkRequestBudget(b *testing.B) {
	g := newGate(256, 64, quiet())
	for i := range maxLanes { // as full as it gets
		g.request(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	who := netip.MustParseAddr("10.0.0.1")
	for b.Loop() {
		g.request(who)
	}
}

func BenchmarkGiveWay(b *testing.B) {
	g := newGate(256, 64, quiet())
	for i := range 256 {
		g.enter(&conn{Conn: addressed{}, gate: g, client: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
	}
	next := netip.MustParseAddr("10.1.0.0")
	for b.Loop() {
		next = next.Next()
		if why := g.enter(&conn{Conn: addressed{}, gate: g, client: next}); why != accepted {
			b.Fatal(why)
		}
	}
}
