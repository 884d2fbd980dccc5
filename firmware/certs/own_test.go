package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

func TestWhoTrustsTheAuthorityIsNotWarned(t *testing.T) {
	b := &box{called: []string{"Vedette.local", "127.0.0.1", "192.168.1.5", "fe80::1%eth0", "fd00::5"}}
	m := b.open(t, Options{})
	roots := pool(m.CA())
	for _, tt := range []struct {
		name string
		ok   bool
	}{
		{"vedette.local", true}, {"127.0.0.1", true}, {"192.168.1.5", true}, {"fe80::1", true}, {"fd00::5", true},
		{"other.local", false}, {"192.168.1.6", false},
	} {
		state, err := shake(t, m, tt.name, roots, time.Now())
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.ok && (state.NegotiatedProtocol != "h2" || state.Version != tls.VersionTLS13) {
			t.Errorf("%s: %q, version %x", tt.name, state.NegotiatedProtocol, state.Version)
		}
	}
	if _, err := shake(t, m, "vedette.local", pool(), time.Now()); err == nil {
		t.Error("trusted by who knows nothing of the authority")
	}
	leaf := m.serving.Load().own.leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life != 397*day || leaf.IsCA || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("a life of %v, authority %t, usage %v", life, leaf.IsCA, leaf.ExtKeyUsage)
	}
	if m.TLSConfig().MinVersion != tls.VersionTLS12 {
		t.Error("older than TLS 1.2")
	}
	if info := m.Info(); info.Mode != ModeOwn || info.PubliclyTrusted || info.Problem != "" || info.ACME != nil {
		t.Errorf("%+v", info)
	}
}

func TestTheAuthorityIsGoodForNothingElse(t *testing.T) {
	b := &box{called: []string{"vedette.local", "nvr.example.net", "203.0.113.7"}}
	m := b.open(t, Options{})
	ca := m.ca.leaf
	if !ca.IsCA || !ca.PermittedDNSDomainsCritical || !ca.MaxPathLenZero || ca.MaxPathLen != 0 || ca.NotAfter.Sub(ca.NotBefore) < 3650*day ||
		!strings.HasPrefix(ca.Subject.CommonName, "Vedette CA ") || len(ca.Subject.CommonName) != 15 {
		t.Errorf("%+v", ca.Subject)
	}
	for _, tt := range []struct {
		name string
		ok   bool
	}{
		{"bank.com", false}, {"192.0.2.1", false}, {"2001:db8::1", false}, {"notlocal", false},
		{"nvr.example.net", true}, {"www.nvr.example.net", true}, {"example.net", false}, {"203.0.113.7", true}, {"203.0.113.8", false},
		{"other.lan", true}, {"10.9.8.7", true}, {"fd12::1", true},
	} {
		if got := permitted(ca, tt.name); got != tt.ok {
			t.Errorf("permitted %s = %t", tt.name, got)
		}
		p, err := newLeaf(m.ca, ecKey(t), []string{tt.name}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.leaf.Verify(x509.VerifyOptions{Roots: pool(m.CA()), DNSName: tt.name})
		if (err == nil) != tt.ok {
			t.Errorf("a thief's certificate for %s: %v", tt.name, err)
		}
	}
	// what it may not certify is left out, for it would spoil the rest
	b.call("vedette.local", "other.example.com", "8.8.8.8")
	m.own()
	m.own()
	b.call("vedette.local", "other.example.com", "8.8.8.8", "10.0.0.9")
	m.own()
	m.own()
	if got := m.Info().Names; !slices.Equal(got, []string{"vedette.local", "10.0.0.9"}) {
		t.Errorf("names %v", got)
	}
}

func TestOpenSSLVerifiesTheChain(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		testkit.Lacking(t, "openssl is not installed")
	}
	b := &box{called: []string{"vedette.local", "192.168.1.5", "fd00::5"}}
	m := b.open(t, Options{})
	dir := t.TempDir()
	ca, leaf := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "leaf.pem")
	if err := os.WriteFile(ca, m.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(leaf, encodeChain(m.serving.Load().own.chain), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arg := range [][]string{{"-verify_hostname", "vedette.local"}, {"-verify_ip", "192.168.1.5"}, {"-verify_ip", "fd00::5"}} {
		testkit.Command(t, "openssl", slices.Concat([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca}, arg, []string{leaf})...)
	}
	if out, err := exec.Command("openssl", "verify", "-CAfile", ca, "-verify_hostname", "bank.com", leaf).CombinedOutput(); err == nil {
		t.Errorf("verified for another name: %s", out)
	}
}

func TestACertificateIsReplacedWhileConnectionsGoOn(t *testing.T) {
	b := &box{called: []string{"vedette.local"}}
	m := b.open(t, Options{})
	ln, err := tls.Listen("tcp", "127.0.0.1:0", m.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	dial := func(name string) (*tls.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: pool(m.CA())}}
		c, err := d.Dial("tcp", ln.Addr().String())
		if err != nil {
			return nil, err
		}
		return c.(*tls.Conn), nil
	}
	old, err := dial("vedette.local")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	before := m.Info()
	b.call("vedette.local", "10.0.0.9")
	m.own()
	if _, err := dial("10.0.0.9"); err == nil {
		t.Error("certified before it stayed for a minute")
	}
	m.own()
	fresh, err := dial("10.0.0.9")
	if err != nil {
		t.Fatalf("the new name: %v", err)
	}
	fresh.Close()
	if _, err := old.Write([]byte("still there")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 11)
	if _, err := io.ReadFull(old, got); err != nil || string(got) != "still there" {
		t.Errorf("the old connection: %q, %v", got, err)
	}
	after := m.Info()
	if after.Fingerprint != before.Fingerprint || after.Words != before.Words || after.CAFingerprint != before.CAFingerprint {
		t.Errorf("the fingerprints changed: %+v, %+v", before, after)
	}
	if after.Certificate == before.Certificate {
		t.Error("it is the same certificate")
	}
}

func TestABoxWithoutADateServesAllTheSame(t *testing.T) {
	b := &box{called: []string{"vedette.local"}, at: time.Unix(30, 0), unset: true}
	dir := t.TempDir()
	m := b.open(t, Options{Dir: dir})
	roots, before := pool(m.CA()), m.Info()
	for _, at := range []string{"2020-06-01", "2026-11-28", "2035-12-01"} {
		now, _ := time.Parse(time.DateOnly, at)
		if _, err := shake(t, m, "vedette.local", roots, now); err != nil {
			t.Errorf("a browser of %s: %v", at, err)
		}
	}
	m.own()
	m.own()
	if m.Info().Certificate != before.Certificate {
		t.Error("issued again without a date")
	}
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	b.set(now, true)
	m.own()
	after := m.Info()
	if after.Fingerprint != before.Fingerprint || after.CAFingerprint != before.CAFingerprint || !after.NotAfter.Equal(now.Add(396*day)) {
		t.Errorf("%+v", after)
	}
	if got := b.told(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	if again := b.open(t, Options{Dir: dir}).Info(); again.Certificate != after.Certificate {
		t.Error("the next start has another certificate")
	}
	b.set(now.Add(-30*day), true) // the date goes back: nobody may see a certificate of the future
	m.own()
	if _, err := shake(t, m, "vedette.local", roots, now.Add(-30*day)); err != nil {
		t.Errorf("after the date went back: %v", err)
	}
}

func TestAClockThatRunsAheadMakesNoAuthorityOfTheFuture(t *testing.T) {
	b := &box{called: []string{"vedette.local"}, at: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), unset: true}
	m := b.open(t, Options{})
	if _, err := shake(t, m, "vedette.local", pool(m.CA()), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

func TestACertificateDoesNotOutliveItsAuthority(t *testing.T) {
	start := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	b := &box{called: []string{"vedette.local"}, at: start}
	dir := t.TempDir()
	end := b.open(t, Options{Dir: dir}).ca.leaf.NotAfter
	if err := os.Remove(filepath.Join(dir, fileOwn)); err != nil {
		t.Fatal(err)
	}
	b.set(end.Add(-30*day), true)
	m := b.open(t, Options{Dir: dir})
	if got := m.Info().NotAfter; !got.Equal(end) {
		t.Errorf("until %v, the authority until %v", got, end)
	}
}

func TestTheOwnCertificateIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	start := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	b := &box{called: []string{"vedette.local"}, at: start}
	m := b.open(t, Options{})
	first := m.Info()
	at := func(days int) Info {
		b.set(start.Add(time.Duration(days)*day), true)
		m.own()
		m.own()
		return m.Info()
	}
	if at(263).Certificate != first.Certificate { // 397 d · 2/3 less the day before
		t.Error("renewed too early")
	}
	second := at(264)
	if second.Certificate == first.Certificate || second.Fingerprint != first.Fingerprint {
		t.Errorf("not renewed with the same key: %+v", second)
	}
	if got := b.told(); !slices.Equal(got, []string{"certificate_renewed"}) {
		t.Errorf("told %v", got)
	}
	// The authority lasts ten years: before its end it signs itself again, with its
	// key, and whoever trusts the old certificate is not warned until that ends.
	old := pool(m.CA())
	for year := 2; year <= 9; year++ {
		at(365 * year)
	}
	if m.Info().CAFingerprint == first.CAFingerprint {
		t.Error("the authority was not renewed")
	}
	for _, roots := range []*x509.CertPool{old, pool(m.CA())} {
		if _, err := shake(t, m, "vedette.local", roots, start.Add(3285*day)); err != nil {
			t.Error(err)
		}
	}
	at(365 * 12)
	if _, err := shake(t, m, "vedette.local", pool(m.CA()), start.Add(365*12*day)); err != nil || m.Info().Fingerprint != first.Fingerprint {
		t.Errorf("after twelve years: %v", err)
	}
}

func TestWordsAreForPeople(t *testing.T) {
	list := strings.Fields(wordList)
	seen := map[string]bool{}
	for _, w := range list {
		if len(w) < 3 || len(w) > 8 || seen[w[:min(4, len(w))]] {
			t.Errorf("%q is too short, too long or like another", w)
		}
		seen[w[:min(4, len(w))]] = true
	}
	if len(list) != 2048 {
		t.Fatalf("%d words", len(list))
	}
	// python3 -c 'import hashlib; print(hashlib.pbkdf2_hmac("sha256", bytes(range(32)), b"vedette words", 100000, 6).hex())'
	var fp [32]byte
	for i := range fp {
		fp[i] = byte(i)
	}
	const want = "regret flavor off jazz"
	if got := fourWords(fp); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := colonHex([]byte{0, 0xab, 5}); got != "00:AB:05" {
		t.Error(got)
	}
}

func TestNamesAreTidied(t *testing.T) {
	got := tidy([]string{" NVR.local. ", "nvr.local", "a b", "", "-x.local", "::ffff:10.0.0.1", "10.0.0.1", "0.0.0.0", "ff02::1", "fe80::2%eth0",
		"1.2.3", "under_score", "x..y", strings.Repeat("a", 64), "999.1.1.1", "xn--bcher-kva.lan"})
	if want := []string{"10.0.0.1", "fe80::2", "nvr.local", "xn--bcher-kva.lan"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = net.IPv4(10, 0, byte(i>>8), byte(i)).String()
	}
	if got := tidy(many); len(got) != nameCount {
		t.Errorf("%d names", len(got))
	}
	m := (&box{}).open(t, Options{})
	if got := m.Info().Names; !slices.Equal(got, []string{"vedette.local"}) {
		t.Errorf("a box without a name: %v", got)
	}
}

func TestHTTPWithoutH2StaysPossible(t *testing.T) {
	m := (&box{}).open(t, Options{})
	ln, err := tls.Listen("tcp", "127.0.0.1:0", m.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{ServerName: "vedette.local", RootCAs: pool(m.CA()), NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("%q: websockets need HTTP/1.1", got)
	}
	if bytes.Contains(m.CA(), []byte("PRIVATE")) {
		t.Error("the authority's key is handed out")
	}
}
