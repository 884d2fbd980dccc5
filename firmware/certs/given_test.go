package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestAGivenCertificateMustBeOneThatBrowsersTake(t *testing.T) {
	root := newAuthority(t, nil)
	between := newAuthority(t, root)
	key := ecKey(t)
	leaf := between.certify(t, key, nil)
	with := func(change func(*x509.Certificate)) []byte { return between.certify(t, key, change) }
	rsaKey := func(bits int) *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	strong := rsaKey(2048)
	weak := rsaKey(1024)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, headers map[string]string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: der})
	}
	sec1, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	signed := func(k crypto.Signer) []byte { return between.certify(t, k, nil) }
	k := keyPEM(t, key)
	for _, tt := range []struct {
		name      string
		cert, key []byte
		field     string // "" = taken
		says      string
	}{
		{"with its chain", join(leaf, between.pem()), k, "", ""},
		{"with its root", join(leaf, between.pem(), root.pem()), k, "", ""},
		{"alone", leaf, k, "", ""},
		{"in one piece with its key", join(k, leaf, between.pem()), nil, "", ""},
		{"from Windows", join([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(join(leaf, between.pem()), []byte("\n"), []byte("\r\n"))), bytes.ReplaceAll(k, []byte("\n"), []byte("\r\n")), "", ""},
		{"with text between", join([]byte("Certificate:\n    Data:\n"), leaf, []byte("\nfriendlyName: x\n"), between.pem()), k, "", ""},
		{"a key as OpenSSL wrote it once", leaf, join(block("EC PARAMETERS", nil, []byte{6, 8}), block("EC PRIVATE KEY", nil, sec1)), "", ""},
		{"RSA of 2048 bits", signed(strong), block("RSA PRIVATE KEY", nil, x509.MarshalPKCS1PrivateKey(strong)), "", ""},
		{"for an address", with(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{{192, 168, 1, 5}} }), k, "", ""},
		{"no usage said", with(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), k, "", ""},

		{"nothing", nil, nil, "certificate", "no certificate"},
		{"no key", leaf, nil, "key", "no private key"},
		{"garbage", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), k, "certificate", "cannot be read"},
		{"a garbled key", leaf, block("PRIVATE KEY", nil, []byte("x")), "key", "cannot be read"},
		{"text for a key", leaf, []byte("hello"), "key", "no private key"},
		{"too long", bytes.Repeat([]byte("x"), givenBytes+1), k, "certificate", "too long"},
		{"eleven certificates", bytes.Repeat(leaf, 11), k, "certificate", "more than ten"},
		{"two keys", leaf, join(k, k), "key", "more than one"},
		{"a key with a passphrase", leaf, block("ENCRYPTED PRIVATE KEY", nil, []byte{1}), "key", "passphrase"},
		{"a key with an old passphrase", leaf, block("EC PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, sec1), "key", "passphrase"},
		{"another's key", leaf, keyPEM(t, ecKey(t)), "key", "does not belong"},
		{"the chain reversed", join(between.pem(), leaf), k, "certificate", "wrong order"},
		{"the chain out of order", join(leaf, root.pem(), between.pem()), k, "certificate", "wrong order"},
		{"a stranger's chain", join(leaf, newAuthority(t, nil).pem()), k, "certificate", "wrong order"},
		{"an authority", root.pem(), keyPEM(t, root.key), "certificate", "authority"},
		{"RSA of 1024 bits", signed(weak), keyPEM(t, weak), "key", "2048"},
		{"P-224", signed(p224), keyPEM(t, p224), "key", "P-256"},
		{"Ed25519", signed(edwards), keyPEM(t, edwards), "key", "P-256"},
		{"expired", with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), k, "certificate", "expired"},
		{"not yet valid", with(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), k, "certificate", "not yet"},
		{"no names", with(func(c *x509.Certificate) { c.DNSNames = nil; c.Subject.CommonName = "nvr.example.org" }), k, "certificate", "names no host"},
		{"for clients", with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), k, "certificate", "not meant for servers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseGiven(tt.cert, tt.key, nil, time.Now(), true)
			var fe *FieldError
			switch {
			case tt.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.field != "" && (!errors.As(err, &fe) || fe.Field() != tt.field || !strings.Contains(fe.Message, tt.says)):
				t.Errorf("%v, want %s: … %s", err, tt.field, tt.says)
			}
		})
	}
	if _, err := parseGiven(with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), k, nil, time.Now(), false); err != nil {
		t.Errorf("a box without a date cannot know: %v", err)
	}
}

func TestAGivenCertificateIsServedAtOnceAndAfterARestart(t *testing.T) {
	b := &box{called: []string{"vedette.local", "127.0.0.1"}}
	dir := t.TempDir()
	root := newAuthority(t, nil)
	between := newAuthority(t, root)
	key := ecKey(t)
	o := Options{Dir: dir, Roots: pool(root.pem())}
	m := b.open(t, o)
	chain := join(between.certify(t, key, nil), between.pem())
	var fe *FieldError
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: chain}); !errors.As(err, &fe) || fe.Name != "key" {
		t.Fatalf("without a key: %v", err)
	}
	if got := m.Info(); got.Mode != ModeOwn || got.Names[0] != "vedette.local" {
		t.Fatalf("what was refused changed something: %+v", got)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: chain, Key: keyPEM(t, key), HSTS: true}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := shake(t, m, "nvr.example.org", pool(root.pem()), time.Now()); err != nil {
			t.Errorf("the public name: %v", err)
		}
		for _, name := range []string{"vedette.local", "127.0.0.1"} { // addresses come without a name
			if _, err := shake(t, m, name, pool(m.CA()), time.Now()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := shake(t, m, "unknown.example.org", pool(root.pem()), time.Now()); err == nil || !strings.Contains(err.Error(), "nvr.example.org") {
			t.Errorf("an unknown name should see the public certificate: %v", err)
		}
		if got := m.Info(); !got.PubliclyTrusted || got.Mode != ModeGiven || !got.HSTS || !slices.Equal(got.Names, []string{"nvr.example.org"}) {
			t.Errorf("%+v", got)
		}
		m = b.open(t, o)
	}
	renewed := between.certify(t, key, nil)
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven, Certificate: renewed}); err != nil {
		t.Errorf("the next certificate for the same key: %v", err)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeOwn}); err != nil {
		t.Fatal(err)
	}
	if err := m.Set(t.Context(), Settings{Mode: ModeGiven}); err != nil {
		t.Errorf("back to what was given before: %v", err)
	}
}

func TestHSTSIsForPublicNamesAlone(t *testing.T) {
	b := &box{called: []string{"vedette.local"}}
	root := newAuthority(t, nil)
	key := ecKey(t)
	given := Settings{Mode: ModeGiven, Certificate: root.certify(t, key, nil), Key: keyPEM(t, key), HSTS: true}
	public, private := b.open(t, Options{Roots: pool(root.pem())}), b.open(t, Options{Roots: pool()})
	for _, m := range []*Manager{public, private} {
		if err := m.Set(t.Context(), given); err != nil {
			t.Fatal(err)
		}
	}
	if private.HSTS("nvr.example.org") || private.Info().PubliclyTrusted {
		t.Error("with a company's certificate: who loses that is locked out")
	}
	for host, want := range map[string]bool{"nvr.example.org": true, "nvr.example.org:8443": true, "vedette.local": false, "192.168.1.5": false, "": false} {
		if got := public.HSTS(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
	b.set(time.Now().Add(91*day), true)
	if public.HSTS("nvr.example.org") || public.Info().PubliclyTrusted {
		t.Error("with a certificate that has expired")
	}
	b.set(time.Now(), false)
	if public.HSTS("nvr.example.org") {
		t.Error("without a date")
	}
	b.set(time.Time{}, true)
	given.HSTS = false
	if err := public.Set(t.Context(), given); err != nil || public.HSTS("nvr.example.org") {
		t.Errorf("not asked for: %v", err)
	}
	if err := public.Set(t.Context(), Settings{Mode: ModeOwn, HSTS: true}); err != nil || public.HSTS("vedette.local") || public.HSTS("nvr.example.org") {
		t.Errorf("with the box's own: %v", err)
	}
}

func FuzzParseGiven(f *testing.F) {
	root := newAuthority(f, nil)
	key := ecKey(f)
	leaf, k := root.certify(f, key, nil), keyPEM(f, key)
	before := &pair{key: key}
	f.Add(leaf, k)
	f.Add(join(leaf, root.pem()), []byte(nil))
	f.Add(bytes.ReplaceAll(leaf, []byte("\n"), []byte("\r\n")), k)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"), []byte("-----BEGIN EC PRIVATE KEY-----\nDEK-Info: x\n\n-----END EC PRIVATE KEY-----"))
	now := time.Now()
	f.Fuzz(func(t *testing.T, certificate, key []byte) {
		p, err := parseGiven(certificate, key, before, now, true)
		var fe *FieldError
		switch {
		case err != nil && (!errors.As(err, &fe) || fe.Name != "certificate" && fe.Name != "key"):
			t.Errorf("no field: %v", err)
		case err == nil && (p.leaf == nil || !samePublic(p.leaf.PublicKey, p.key.Public()) || now.After(p.leaf.NotAfter)):
			t.Error("taken, and of no use")
		}
	})
}
