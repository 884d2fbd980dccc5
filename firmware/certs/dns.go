package certs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// tsigAlgorithms are those of TSIG that name servers still offer.
var tsigAlgorithms = []string{"hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"}

const (
	dnsTimeout = 10 * time.Second
	// settle is how long all servers of a zone may take to show a record; after that
	// the authority decides whether it sees it.
	settle   = 2 * time.Minute
	recordTL = 60 // seconds
	// challengeLabel is put before a domain for the name of the record.
	challengeLabel = "_acme-challenge."
)

// updater proves a domain by a record that it writes into the zone (RFC 2136, signed
// by TSIG). It is a solver of DNS01. All is asked over TCP: answers are whole there,
// and nobody else's.
type updater struct {
	DNS    // Server with its port
	domain string
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	every  time.Duration // between two looks at a zone
	zone   string        // once it is known
}

// Present adds the record of a challenge.
func (u *updater) Present(ctx context.Context, c acme.Challenge) error {
	if err := u.findZone(ctx); err != nil {
		return err
	}
	m := new(dns.Msg).SetUpdate(dns.Fqdn(u.zone))
	m.Insert([]dns.RR{record(c)})
	_, err := u.ask(ctx, u.Server, m, true)
	return err
}

// Wait returns when all servers of the zone show the record, or most of the time
// that they may take is over.
func (u *updater) Wait(ctx context.Context, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	want := record(c)
	for {
		ok, err := u.shows(ctx, u.Server, want)
		if err == nil && ok {
			break
		}
		if !pause(ctx, u.every) {
			return &failure{CodeDNS, "The name server took the record, but does not show it.", err}
		}
	}
	for _, server := range u.servers(ctx) {
		for {
			ok, err := u.shows(ctx, server, want)
			var f *failure
			if ok || errors.As(err, &f) && f.Code == CodeDNSUnreachable {
				break // from here it need not be reachable
			}
			if !pause(ctx, u.every) {
				return nil // the authority may see more than we do
			}
		}
	}
	return nil
}

// CleanUp removes the record again, even if the attempt was given up.
func (u *updater) CleanUp(ctx context.Context, c acme.Challenge) error {
	if u.zone == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*dnsTimeout)
	defer cancel()
	m := new(dns.Msg).SetUpdate(dns.Fqdn(u.zone))
	m.Remove([]dns.RR{record(c)})
	_, err := u.ask(ctx, u.Server, m, true)
	return err
}

func record(c acme.Challenge) *dns.TXT {
	return &dns.TXT{
		Hdr: dns.RR_Header{Name: dns.Fqdn(c.DNS01TXTRecordName()), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: recordTL},
		Txt: []string{c.DNS01KeyAuthorization()},
	}
}

// findZone asks the server which zone the domain is in, from the longest on.
func (u *updater) findZone(ctx context.Context) error {
	if u.zone == "" {
		u.zone = u.Zone
	}
	for zone := challengeLabel + u.domain; u.zone == "" && zone != ""; {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
		m.RecursionDesired = false
		r, err := u.ask(ctx, u.Server, m, true)
		var f *failure
		if errors.As(err, &f) && f.Code != CodeDNS {
			return err // another name would not help
		}
		if err == nil {
			for _, rr := range r.Answer {
				if rr.Header().Rrtype == dns.TypeSOA && strings.EqualFold(rr.Header().Name, dns.Fqdn(zone)) {
					u.zone = zone
				}
			}
		}
		_, zone, _ = strings.Cut(zone, ".")
	}
	if u.zone == "" {
		return &failure{CodeDNS, "The name server has no zone for the domain.", nil}
	}
	return nil
}

// servers returns the other servers of the zone, as addresses to dial.
func (u *updater) servers(ctx context.Context) []string {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(u.zone), dns.TypeNS)
	m.RecursionDesired = false
	r, err := u.ask(ctx, u.Server, m, true)
	if err != nil {
		return nil
	}
	var out []string
	for _, rr := range r.Answer {
		if ns, ok := rr.(*dns.NS); ok && len(out) < 8 {
			out = append(out, net.JoinHostPort(strings.TrimSuffix(ns.Ns, "."), "53"))
		}
	}
	return out
}

func (u *updater) shows(ctx context.Context, server string, want *dns.TXT) (bool, error) {
	m := new(dns.Msg).SetQuestion(want.Hdr.Name, dns.TypeTXT)
	m.RecursionDesired = false
	r, err := u.ask(ctx, server, m, server == u.Server)
	if err != nil {
		return false, err
	}
	for _, rr := range r.Answer {
		if txt, ok := rr.(*dns.TXT); ok && strings.Join(txt.Txt, "") == want.Txt[0] {
			return true, nil
		}
	}
	return false, nil
}

// ask sends m to server, signed if sign, and returns an answer without an error in
// it. Its errors are of type *failure.
func (u *updater) ask(ctx context.Context, server string, m *dns.Msg, sign bool) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	conn, err := u.dial(ctx, "tcp", server)
	if err != nil {
		return nil, &failure{CodeDNSUnreachable, "The name server " + server + " cannot be reached.", err}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client := &dns.Client{Net: "tcp", Timeout: dnsTimeout}
	if sign {
		client.TsigSecret = map[string]string{dns.Fqdn(u.KeyName): u.KeySecret}
		m.SetTsig(dns.Fqdn(u.KeyName), dns.Fqdn(u.Algorithm), 300, time.Now().Unix())
	}
	r, _, err := client.ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
	if f := refusal(r); f != nil {
		return nil, f
	}
	switch {
	case errors.Is(err, dns.ErrSig), errors.Is(err, dns.ErrTime), errors.Is(err, dns.ErrSecret), errors.Is(err, dns.ErrKeyAlg):
		return nil, &failure{CodeDNSKey, "The name server answered with a signature that the key does not fit.", err}
	case err != nil:
		return nil, &failure{CodeDNSUnreachable, "The name server " + server + " does not answer as one.", err}
	case sign && m.Opcode == dns.OpcodeUpdate && r.IsTsig() == nil:
		return nil, &failure{CodeDNSKey, "The name server did not sign its answer.", nil}
	}
	return r, nil
}

// refusal says what an answer refuses; nil = nothing. It need not be signed: a server
// that does not know the key cannot.
func refusal(r *dns.Msg) *failure {
	if r == nil || r.Rcode == dns.RcodeSuccess {
		return nil
	}
	cause := fmt.Errorf("answer %s", dns.RcodeToString[r.Rcode])
	if t := r.IsTsig(); t != nil {
		switch t.Error {
		case dns.RcodeBadKey, dns.RcodeBadSig:
			return &failure{CodeDNSKey, "The name server does not accept the key: its name, secret or algorithm is wrong.", cause}
		case dns.RcodeBadTime:
			return &failure{CodeDNSKey, "The clocks of this box and of the name server differ by more than five minutes.", cause}
		}
	}
	switch r.Rcode {
	case dns.RcodeNotAuth:
		return &failure{CodeDNSKey, "The name server does not accept the key, or is not responsible for the zone.", cause}
	case dns.RcodeRefused:
		return &failure{CodeDNS, "The name server refuses: the key may not do this.", cause}
	}
	return &failure{CodeDNS, "The name server refuses.", cause}
}

// pause waits and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
