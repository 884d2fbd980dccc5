package certs

import "time"

// Info is what is in force. It holds no secrets.
type Info struct {
	Mode Mode // as set
	// The following are of the certificate that is served at present.
	Names       []string
	Fingerprint string // SHA-256 of its public key, stays when it is renewed
	Words       string // Fingerprint as four words
	Certificate string // SHA-256 of itself, which is what some browsers show
	NotAfter    time.Time
	// PubliclyTrusted says that browsers which know nothing of this box accept it.
	PubliclyTrusted bool
	HSTS            bool   // asked for
	CAFingerprint   string // SHA-256 of the authority's certificate, as systems show it
	// Problem says why another certificate is served than was asked for; "" = none.
	Problem string
	ACME    *ACMEInfo // nil except in ModeACME
}

// ACMEInfo is how fetching a certificate goes.
type ACMEInfo struct {
	ACME  // without the secret
	State State
	Code  Code   // of the last failure; "" = none since the last success
	Error string // the same as sentences
	// NextTry is when a failed attempt is repeated, by the clock of the box;
	// zero = no attempt is due.
	NextTry time.Time
}

// Info returns what is in force. The first call after a new key takes a moment.
func (m *Manager) Info() Info {
	m.mu.Lock()
	s := m.serving.Load()
	info := Info{
		Mode: m.settings.Mode, HSTS: m.settings.HSTS, PubliclyTrusted: s.trusted, Problem: m.damage,
		CAFingerprint: colonHex(sum(m.ca.leaf.Raw)),
	}
	if m.settings.Mode == ModeACME {
		info.ACME = m.acmeInfo()
	}
	m.mu.Unlock()
	p := s.active()
	info.Names = p.names()
	fp := p.fingerprint()
	info.Fingerprint, info.Words, info.Certificate = colonHex(fp[:]), p.words(), colonHex(sum(p.leaf.Raw))
	info.NotAfter = p.leaf.NotAfter
	if now, known := m.o.Now(); known && now.After(p.leaf.NotAfter) {
		info.PubliclyTrusted = false
	}
	return info
}

// active is the certificate that people mean.
func (s *serving) active() *pair {
	if s.public != nil {
		return s.public
	}
	return s.own
}

// names returns what the certificate is good for.
func (p *pair) names() []string {
	names := append([]string(nil), p.leaf.DNSNames...)
	for _, ip := range p.leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}
