package certs

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// nameServer serves example.test as a real one does: updates want a signature by the
// key "box", and who may not is told in the way of RFC 8945.
type nameServer struct {
	t       *testing.T
	address string

	mu      sync.Mutex
	txt     map[string][]string
	updates int
	refuse  int  // answer updates with that
	lose    bool // take updates, and show nothing
	unsign  bool // do not sign answers
	late    *nameServer
	looks   int // at TXT records
	behind  int // looks until late shows what is here
}

func startNameServer(t *testing.T) *nameServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{t: t, address: ln.Addr().String(), txt: map[string][]string{}}
	for _, srv := range []*dns.Server{{Listener: ln}, {PacketConn: pc}} {
		srv.Handler = s
		srv.TsigSecret = map[string]string{"box.": canary}
		srv.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		done := make(chan error, 1)
		go func() { done <- srv.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = srv.Shutdown(); <-done })
	}
	return s
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg).SetReply(r)
	m.Authoritative = true
	sig := r.IsTsig()
	if sig != nil && w.TsigStatus() != nil {
		m.Rcode = dns.RcodeNotAuth
		code := uint16(dns.RcodeBadSig)
		if errors.Is(w.TsigStatus(), dns.ErrSecret) {
			code = dns.RcodeBadKey
		}
		m.Extra = []dns.RR{&dns.TSIG{
			Hdr: dns.RR_Header{Name: sig.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY}, Algorithm: sig.Algorithm,
			TimeSigned: sig.TimeSigned, Fudge: 300, OrigId: r.Id, Error: code,
		}}
		data, err := m.Pack()
		if err != nil {
			s.t.Error(err)
		}
		_, _ = w.Write(data)
		return
	}
	if r.Opcode == dns.OpcodeUpdate {
		m.Rcode = s.update(r, sig)
	} else {
		s.answer(m, r.Question[0])
	}
	if sig != nil && !s.unsign {
		m.SetTsig(sig.Hdr.Name, sig.Algorithm, 300, time.Now().Unix())
	}
	_ = w.WriteMsg(m)
}

func (s *nameServer) update(r *dns.Msg, sig *dns.TSIG) int {
	switch {
	case s.refuse != 0:
		return s.refuse
	case sig == nil:
		return dns.RcodeRefused
	case !strings.EqualFold(r.Question[0].Name, "example.test."):
		return dns.RcodeNotAuth
	}
	s.updates++
	for _, rr := range r.Ns {
		txt, ok := rr.(*dns.TXT)
		switch {
		case !ok:
			return dns.RcodeFormatError
		case txt.Hdr.Class == dns.ClassINET:
			s.txt[txt.Hdr.Name] = append(s.txt[txt.Hdr.Name], txt.Txt[0])
		case txt.Hdr.Class == dns.ClassNONE:
			var rest []string
			for _, value := range s.txt[txt.Hdr.Name] {
				if value != txt.Txt[0] {
					rest = append(rest, value)
				}
			}
			s.txt[txt.Hdr.Name] = rest
		}
	}
	return dns.RcodeSuccess
}

func (s *nameServer) answer(m *dns.Msg, q dns.Question) {
	header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	name := strings.ToLower(q.Name)
	if !strings.HasSuffix(name, "example.test.") {
		m.Rcode = dns.RcodeRefused
		return
	}
	switch {
	case q.Qtype == dns.TypeSOA && name == "example.test.":
		m.Answer = append(m.Answer, &dns.SOA{Hdr: header, Ns: "ns1.example.test.", Mbox: "x.example.test."})
	case q.Qtype == dns.TypeNS && name == "example.test.":
		m.Answer = append(m.Answer, &dns.NS{Hdr: header, Ns: "ns1.example.test."}, &dns.NS{Hdr: header, Ns: "ns2.example.test."})
	case q.Qtype == dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
	case q.Qtype == dns.TypeTXT && !s.lose:
		s.looks++
		values := s.txt[q.Name]
		if s.late != nil && s.looks >= s.behind {
			s.late.mu.Lock()
			values = s.late.txt[q.Name]
			s.late.mu.Unlock()
		}
		for _, value := range values {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: header, Txt: []string{value}})
		}
	}
}

func (s *nameServer) records() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, values := range s.txt {
		n += len(values)
	}
	return n
}

// dialTo dials addresses of names, and refuses all others.
func dialTo(names map[string]string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to, ok := names[address]
		if !ok {
			return nil, errors.New("refused by the test: " + address)
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

func challenge(domain string) acme.Challenge {
	return acme.Challenge{Type: DNS01, Token: "token", KeyAuthorization: "token.thumb", Identifier: acme.Identifier{Type: "dns", Value: domain}}
}

func TestARecordIsWrittenSeenByAllAndRemoved(t *testing.T) {
	first, second := startNameServer(t), startNameServer(t)
	second.late, second.behind = first, 3
	first.txt["_acme-challenge.nvr.example.test."] = []string{"another's"}
	for _, algorithm := range tsigAlgorithms {
		u := &updater{
			DNS:    DNS{Server: "ns.local:53", KeyName: "box", KeySecret: canary, Algorithm: algorithm},
			domain: "nvr.example.test", every: time.Millisecond,
			dial: dialTo(map[string]string{"ns.local:53": first.address, "ns2.example.test:53": second.address}),
		}
		c := challenge("nvr.example.test")
		if err := u.CleanUp(t.Context(), c); err != nil || first.updates%2 != 0 {
			t.Errorf("cleaning up before anything was done: %v", err)
		}
		if err := u.Present(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if u.zone != "example.test" || first.records() != 2 {
			t.Errorf("%d records in %q", first.records(), u.zone)
		}
		if err := u.Wait(t.Context(), c); err != nil {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel() // the attempt was given up
		if err := u.CleanUp(ended, c); err != nil || first.records() != 1 {
			t.Errorf("%d records after cleaning up, %v", first.records(), err)
		}
	}
	second.mu.Lock()
	defer second.mu.Unlock()
	if second.looks < 3 {
		t.Errorf("the other server was asked %d times", second.looks)
	}
}

func TestWhatANameServerRefusesIsNamed(t *testing.T) {
	s := startNameServer(t)
	stranger := "c3RyYW5nZXItc3RyYW5nZXI="
	for _, tt := range []struct {
		name   string
		change func(*updater, *nameServer)
		code   Code
		says   string
	}{
		{"a wrong secret", func(u *updater, _ *nameServer) { u.KeySecret = stranger }, CodeDNSKey, "its name, secret or"},
		{"a wrong secret for a known zone", func(u *updater, _ *nameServer) { u.KeySecret, u.Zone = stranger, "example.test" }, CodeDNSKey, "does not accept the key"},
		{"an unknown key", func(u *updater, _ *nameServer) { u.KeyName = "other" }, CodeDNSKey, "its name, secret or"},
		{"no such zone", func(u *updater, _ *nameServer) { u.domain = "nvr.example.org" }, CodeDNS, "no zone"},
		{"not responsible for the zone", func(u *updater, _ *nameServer) { u.Zone = "test" }, CodeDNSKey, "not responsible"},
		{"a key without rights", func(_ *updater, s *nameServer) { s.refuse = dns.RcodeRefused }, CodeDNS, "may not"},
		{"a broken server", func(_ *updater, s *nameServer) { s.refuse = dns.RcodeServerFailure }, CodeDNS, "refuses"},
		{"an answer that is not signed", func(_ *updater, s *nameServer) { s.unsign = true }, CodeDNSKey, "did not sign"},
		{"nobody there", func(u *updater, _ *nameServer) { u.Server = "192.0.2.1:53" }, CodeDNSUnreachable, "cannot be reached"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := &updater{
				DNS:    DNS{Server: "ns.local:53", KeyName: "box", KeySecret: canary, Algorithm: "hmac-sha256"},
				domain: "nvr.example.test", every: time.Millisecond, dial: dialTo(map[string]string{"ns.local:53": s.address}),
			}
			s.mu.Lock()
			s.refuse, s.unsign = 0, false
			tt.change(u, s)
			s.mu.Unlock()
			err := u.Present(t.Context(), challenge(u.domain))
			var f *failure
			if !errors.As(err, &f) || f.Code != tt.code || !strings.Contains(f.Text, tt.says) {
				t.Errorf("%v, want %s: %s", err, tt.code, tt.says)
			}
			if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), stranger)) {
				t.Error("the error tells the secret")
			}
		})
	}
}

func TestAServerThatShowsNothingIsNotWaitedForInVain(t *testing.T) {
	s := startNameServer(t)
	s.lose = true
	u := &updater{
		DNS:    DNS{Server: "ns.local:53", KeyName: "box", KeySecret: canary, Algorithm: "hmac-sha256"},
		domain: "nvr.example.test", every: time.Millisecond, dial: dialTo(map[string]string{"ns.local:53": s.address}),
	}
	c := challenge(u.domain)
	if err := u.Present(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var f *failure
	if err := u.Wait(ctx, c); !errors.As(err, &f) || f.Code != CodeDNS {
		t.Errorf("%v", err)
	}
	// one that is not the named one, and cannot be asked, does not count
	s.mu.Lock()
	s.lose = false
	s.mu.Unlock()
	start := time.Now()
	if err := u.Wait(t.Context(), c); err != nil || time.Since(start) > settle/2 {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// FuzzRefusal feeds answers of a name server to what judges them.
func FuzzRefusal(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("example.test.", dns.TypeSOA)
	m.Rcode = dns.RcodeNotAuth
	data, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	m.SetTsig("box.", dns.HmacSHA256, 300, 0)
	if data, err = m.Pack(); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(dns.Msg)
		if m.Unpack(data) == nil {
			if r := refusal(m); (r == nil) != (m.Rcode == dns.RcodeSuccess) || r != nil && r.Text == "" {
				t.Errorf("%v", r)
			}
		}
	})
}
