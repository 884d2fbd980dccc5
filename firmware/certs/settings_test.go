package certs

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWhatCannotBeFetchedIsRefused(t *testing.T) {
	m := (&box{}).open(t, Options{})
	good := ACME{Domain: "nvr.example.org", Email: "me@example.org", Challenge: DNS01, DNS: DNS{Server: "192.168.1.2", KeyName: "box_key.example.org", KeySecret: canary}}
	for _, tt := range []struct {
		name   string
		change func(*ACME)
		field  string // "" = taken
	}{
		{"as it is", func(*ACME) {}, ""},
		{"no mail address", func(a *ACME) { a.Email = "" }, ""},
		{"in capitals with a dot", func(a *ACME) { a.Domain = "NVR.Example.ORG." }, ""},
		{"a domain in German", func(a *ACME) { a.Domain = "bücher.example.org" }, ""},
		{"by port 80", func(a *ACME) { a.Challenge, a.DNS = HTTP01, DNS{} }, ""},
		{"a zone of its own for the record", func(a *ACME) { a.DNS.Zone = "_acme-challenge.nvr.example.org." }, ""},
		{"a server on another port", func(a *ACME) { a.DNS.Server = "[fd00::1]:5353" }, ""},
		{"a server by its IPv6 address", func(a *ACME) { a.DNS.Server = "fd00::1" }, ""},
		{"another directory", func(a *ACME) { a.Directory = "https://ca.example.org/acme" }, ""},

		{"no domain", func(a *ACME) { a.Domain = "" }, "acme.domain"},
		{"an address", func(a *ACME) { a.Domain = "192.168.1.5" }, "acme.domain"},
		{"one label", func(a *ACME) { a.Domain = "nvr" }, "acme.domain"},
		{"a wildcard", func(a *ACME) { a.Domain = "*.example.org" }, "acme.domain"},
		{"a name of this network", func(a *ACME) { a.Domain = "vedette.local" }, "acme.domain"},
		{"a line break", func(a *ACME) { a.Domain = "nvr.example.org\r\nx" }, "acme.domain"},
		{"two mail addresses", func(a *ACME) { a.Email = "a@b.org,c@d.org" }, "acme.email"},
		{"a mail address with a name", func(a *ACME) { a.Email = "Me <me@example.org>" }, "acme.email"},
		{"a mail address with more", func(a *ACME) { a.Email = "me@example.org?cc=x@y.z" }, "acme.email"},
		{"a directory without TLS", func(a *ACME) { a.Directory = "http://ca.example.org/" }, "acme.directory"},
		{"a directory with a password", func(a *ACME) { a.Directory = "https://u:p@ca.example.org/" }, "acme.directory"},
		{"a directory of a file", func(a *ACME) { a.Directory = "file:///etc/passwd" }, "acme.directory"},
		{"no challenge", func(a *ACME) { a.Challenge = "" }, "acme.challenge"},
		{"an unknown challenge", func(a *ACME) { a.Challenge = "tls-alpn-01" }, "acme.challenge"},
		{"no server", func(a *ACME) { a.DNS.Server = "" }, "acme.dns.server"},
		{"a server on port 0", func(a *ACME) { a.DNS.Server = "ns.example.org:0" }, "acme.dns.server"},
		{"a server that is an address on the web", func(a *ACME) { a.DNS.Server = "https://ns.example.org" }, "acme.dns.server"},
		{"a zone of somebody else", func(a *ACME) { a.DNS.Zone = "example.com" }, "acme.dns.zone"},
		{"no key", func(a *ACME) { a.DNS.KeyName = "" }, "acme.dns.key_name"},
		{"no secret", func(a *ACME) { a.DNS.KeySecret = "" }, "acme.dns.key_secret"},
		{"a secret that is none", func(a *ACME) { a.DNS.KeySecret = "sesame!" }, "acme.dns.key_secret"},
		{"an old algorithm", func(a *ACME) { a.DNS.Algorithm = "hmac-md5" }, "acme.dns.algorithm"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good
			tt.change(&a)
			m := (&box{}).open(t, Options{})
			err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a})
			var fe *FieldError
			if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &fe) || fe.Field() != tt.field) {
				t.Errorf("%v, want %q", err, tt.field)
			}
			if want := map[bool]Mode{true: ModeACME, false: ModeOwn}[tt.field == ""]; m.settings.Mode != want {
				t.Errorf("mode %s", m.settings.Mode)
			}
		})
	}
	var fe *FieldError
	if err := m.Set(t.Context(), Settings{Mode: "magic"}); !errors.As(err, &fe) || fe.Name != "mode" {
		t.Errorf("%v", err)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeACME}); !errors.As(err, &fe) || fe.Name != "acme.domain" {
		t.Errorf("ACME without anything: %v", err)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeOff}); err != nil || m.Info().Mode != ModeOff {
		t.Errorf("off: %v", err)
	}
}

func TestSettingsStayAndSecretsDoNotComeBack(t *testing.T) {
	dir, b := t.TempDir(), &box{}
	m := b.open(t, Options{Dir: dir})
	a := ACME{Domain: "NVR.example.org.", Challenge: DNS01, DNS: DNS{Server: "ns.example.org", Zone: "Example.org.", KeyName: "Box.", KeySecret: canary}}
	if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a, HSTS: true}); err != nil {
		t.Fatal(err)
	}
	want := ACME{Domain: "nvr.example.org", Directory: LetsEncrypt, Challenge: DNS01, DNS: DNS{Server: "ns.example.org:53", Zone: "example.org", KeyName: "box", Algorithm: "hmac-sha256"}}
	for range 2 {
		if got := m.Info(); got.ACME == nil || got.ACME.ACME != want || !got.HSTS || got.Mode != ModeACME || got.ACME.State != StatePending {
			t.Errorf("%+v", got)
		}
		if m.settings.Secret != canary {
			t.Error("the secret is lost")
		}
		a.DNS.KeySecret, a.DNS.Server = "", "ns2.example.org"
		want.DNS.Server = "ns2.example.org:53"
		if err := m.Set(t.Context(), Settings{Mode: ModeACME, ACME: a, HSTS: true}); err != nil {
			t.Fatal(err)
		}
		m = b.open(t, Options{Dir: dir, Initial: Settings{Mode: ModeOff}})
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeOwn}); err != nil || m.Info().ACME != nil {
		t.Fatal(err)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeACME}); err != nil || m.Info().ACME.ACME != want || m.settings.Secret != canary {
		t.Errorf("back to what was set before: %v", err)
	}
}

func TestInitialSettingsHoldUntilAPersonSetsOthers(t *testing.T) {
	dir, b := t.TempDir(), &box{}
	root, key := newAuthority(t, nil), ecKey(t)
	o := Options{Dir: dir, Initial: Settings{Mode: ModeGiven, Certificate: root.certify(t, key, nil), Key: keyPEM(t, key)}}
	if got := b.open(t, o).Info(); got.Mode != ModeGiven || got.Names[0] != "nvr.example.org" {
		t.Errorf("%+v", got)
	}
	o.Initial = Settings{Mode: ModeOff}
	m := b.open(t, o)
	if got := m.Info(); got.Mode != ModeOff {
		t.Errorf("what is initial was kept: %+v", got)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeOwn}); err != nil {
		t.Fatal(err)
	}
	if got := b.open(t, o).Info(); got.Mode != ModeOwn {
		t.Errorf("%+v", got)
	}
	_, err := Open(Options{Dir: t.TempDir(), Initial: Settings{Mode: ModeGiven}})
	var fe *FieldError
	if !errors.As(err, &fe) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

func TestADiskThatIsFullChangesNothing(t *testing.T) {
	b := &box{}
	m := b.open(t, Options{})
	m.store.dir = m.store.dir + "/gone" // writing fails from now on
	root, key := newAuthority(t, nil), ecKey(t)
	before := m.Info()
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: root.certify(t, key, nil), Key: keyPEM(t, key)}); err == nil {
		t.Error("no error")
	}
	b.set(time.Now().Add(300*day), true)
	m.own()
	m.own()
	if got := m.Info(); got.Mode != before.Mode || got.Certificate != before.Certificate {
		t.Errorf("%+v", got)
	}
}
