package main

import (
	"context"
	"net"
	"os"
	"slices"

	"vedette/firmware/certs"
	"vedette/web/api"
)

// encrypted reports whether the panel speaks TLS: by the configuration, or, if
// that leaves it open, wherever others than this machine can reach it.
func (p *process) encrypted() bool {
	switch p.config.TLS.Mode {
	case "on":
		return true
	case "off":
		return false
	}
	host, _, err := net.SplitHostPort(p.config.Server.Listen)
	if err != nil || p.flags.dev {
		return false // a developer's machine, and its network
	}
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// names returns what the box is reached by: its name, further ones of the
// configuration, and its addresses.
func (p *process) names() (out []string) {
	host, err := os.Hostname()
	if p.appliance != nil && p.appliance.host != "" {
		host, err = p.appliance.host, nil
	}
	if err == nil && host != "" {
		out = append(out, host, host+".local")
	}
	for _, name := range p.config.Server.Hosts {
		if name != "*" {
			out = append(out, name)
		}
	}
	out = append(out, "localhost", "127.0.0.1")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return out // the names must do
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() && n.IP.To4() != nil {
			out = append(out, n.IP.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apiCertificates shows the certificates to the API, nil where the panel is not
// encrypted.
func (p *process) apiCertificates() api.Certificates {
	if !p.encrypted() {
		return nil
	}
	return certificates{p}
}

type certificates struct{ p *process }

func (c certificates) Info() api.CertificateInfo {
	in := c.p.certs.Info()
	notAfter := api.Timestamp(in.NotAfter)
	out := api.CertificateInfo{
		Mode: string(in.Mode), Names: in.Names, Fingerprint: in.Fingerprint, Words: in.Words, NotAfter: &notAfter,
		PubliclyTrusted: in.PubliclyTrusted, HSTS: in.HSTS, CAFingerprint: in.CAFingerprint, Problem: in.Problem,
		Redirect: c.p.config.Server.Redirect != "",
	}
	if a := in.ACME; a != nil {
		out.ACME = &api.ACMEInfo{Domain: a.Domain, Email: a.Email, Directory: a.Directory, Challenge: a.Challenge, State: string(a.State), Error: a.Error}
		if a.DNS != (certs.DNS{}) {
			out.ACME.DNS = &api.DNSInfo{Server: a.DNS.Server, Zone: a.DNS.Zone, KeyName: a.DNS.KeyName, Algorithm: a.DNS.Algorithm}
		}
		if !a.NextTry.IsZero() {
			out.ACME.NextTry = (*api.Timestamp)(&a.NextTry)
		}
	}
	return out
}

func (c certificates) CA() []byte { return c.p.certs.CA() }

func (c certificates) SetCertificate(ctx context.Context, in api.CertificateInput) error {
	s := certs.Settings{Mode: certs.Mode(in.Mode), Certificate: []byte(in.Certificate), Key: []byte(in.Key), HSTS: c.p.certs.Info().HSTS}
	if s.Mode == certs.ModeOff {
		return &api.FieldError{Name: "mode", Message: "The panel is encrypted by its configuration (tls.mode); that cannot be taken back here."}
	}
	if in.HSTS != nil {
		s.HSTS = *in.HSTS
	}
	if a := in.ACME; a != nil {
		s.ACME = certs.ACME{Domain: a.Domain, Email: a.Email, Directory: a.Directory, Challenge: a.Challenge}
		if a.DNS != nil {
			s.ACME.DNS = certs.DNS{Server: a.DNS.Server, Zone: a.DNS.Zone, KeyName: a.DNS.KeyName, KeySecret: a.DNS.KeySecret, Algorithm: a.DNS.Algorithm}
		}
	}
	return c.p.certs.Set(ctx, s)
}
