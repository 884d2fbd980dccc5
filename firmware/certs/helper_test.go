package certs

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// gcm seals as the product does, under one key.
type gcm struct{ cipher.AEAD }

func newSeal(t testing.TB, key byte) gcm {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm{aead}
}

func (g gcm) Seal(table, id, field string, plain []byte) ([]byte, error) {
	return g.AEAD.Seal(nil, nil, plain, fmt.Appendf(nil, "%q %q %q", table, id, field)), nil
}

func (g gcm) Open(table, id, field string, sealed []byte) ([]byte, error) {
	return g.AEAD.Open(nil, nil, sealed, fmt.Appendf(nil, "%q %q %q", table, id, field))
}

// box is what surrounds a Manager: a clock, names, events.
type box struct {
	mu     sync.Mutex
	at     time.Time // zero = the real one
	unset  bool
	called []string
	events []string
	detail []map[string]any
}

func (b *box) now() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at.IsZero() {
		return time.Now(), !b.unset
	}
	return b.at, !b.unset
}

func (b *box) set(at time.Time, trusted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at, b.unset = at, !trusted
}

func (b *box) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.called)
}

func (b *box) call(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.called = names
}

func (b *box) emit(what string, detail map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, what)
	b.detail = append(b.detail, detail)
}

// told returns the events since the last call.
func (b *box) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.events
	b.events = nil
	return out
}

func (b *box) open(t testing.TB, o Options) *Manager {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Now, o.Names, o.Emit = b.now, b.names, b.emit
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shake makes a TLS connection to m as a browser of the given kind would, and returns
// what it saw; the error is the verification's.
func shake(t testing.TB, m *Manager, name string, roots *x509.CertPool, at time.Time) (tls.ConnectionState, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err == nil {
			_ = tls.Server(c, m.TLSConfig()).Handshake() // the client says what went wrong
			c.Close()
		}
	}()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := tls.Client(raw, &tls.Config{
		ServerName: name, RootCAs: roots, Time: func() time.Time { return at },
		NextProtos: []string{"h2", "http/1.1"}, InsecureSkipVerify: roots == nil,
	})
	err = c.Handshake()
	return c.ConnectionState(), err
}

func pool(pems ...[]byte) *x509.CertPool {
	p := x509.NewCertPool()
	for _, data := range pems {
		p.AppendCertsFromPEM(data)
	}
	return p
}

// authority is one of the public, or a company's.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	up   *authority
}

func newAuthority(t testing.TB, up *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, up: up}
	tmpl := &x509.Certificate{
		NotBefore: time.Now().Add(-1000 * day), NotAfter: time.Now().Add(3650 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	tmpl.Subject.CommonName = fmt.Sprintf("Test %p", a)
	parent, signer := tmpl, crypto.Signer(key)
	if up != nil {
		parent, signer = up.cert, up.key
	}
	a.cert = sign(t, tmpl, parent, key.Public(), signer)
	return a
}

func sign(t testing.TB, tmpl, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	tmpl.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// certify returns the PEM of a certificate for key, changed by change.
func (a *authority) certify(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	tmpl := &x509.Certificate{
		DNSNames: []string{"nvr.example.org"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(tmpl)
	}
	return encodeChain([][]byte{sign(t, tmpl, a.cert, key.Public(), a.key).Raw})
}

func (a *authority) pem() []byte { return encodeChain([][]byte{a.cert.Raw}) }

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// serve runs handler until the test ends and returns its address.
func serve(t testing.TB, handler http.Handler) net.Addr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() { _ = srv.Serve(ln); close(done) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return ln.Addr()
}
