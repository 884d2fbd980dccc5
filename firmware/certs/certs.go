// Package certs owns the certificates of the panel: the box's own authority and
// what it issues, a certificate that a person gave, or one fetched by ACME, and
// their keys.
//
// Keys never leave it, neither by a method nor in an error or a log line. It must
// never make a new authority or a new key of its own where there was one: people
// compare its fingerprint, and a box that changes it by itself teaches them to
// click warnings away. A certificate is replaced while connections go on.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What a caller may branch on. Both are returned by Open alone.
var (
	// ErrDamaged says that a file of the authority or of the settings is there and
	// cannot be read, or is missing beside others.
	ErrDamaged = errors.New("damaged")
	// ErrSealed says that a key was not sealed by this box.
	ErrSealed = errors.New("not sealed by this box")
)

// Sealer keeps secrets at rest. Both methods may be called concurrently.
type Sealer interface {
	Seal(table, id, field string, plain []byte) ([]byte, error)
	Open(table, id, field string, sealed []byte) ([]byte, error)
}

// Options of a Manager.
type Options struct {
	// Dir holds certificates and keys; it is made if it is not there, and for its
	// owner alone.
	Dir string
	// Names returns the host names and addresses by which the box is reached at
	// present, without those that are gone in a day (temporary IPv6 addresses).
	// It is called concurrently. Nil, or nothing: vedette.local.
	Names func() []string
	// Initial is in force until Set was called for the first time.
	Initial Settings
	Seal    Sealer // nil = keys lie in plain files
	// Emit is told of certificate_renewed, certificate_failing and
	// certificate_expiring. It must return soon, and call nothing here.
	Emit func(what string, detail map[string]any)
	// Now returns the wall clock, and false while nobody has set it. Nil = the
	// system's, always trusted.
	Now func() (time.Time, bool)
	// Client fetches from the ACME server; nil = one that trusts Roots.
	Client *http.Client
	// Dial reaches DNS servers; nil = directly.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are what the public trusts; nil = the system's.
	Roots *x509.CertPool
	Log   *slog.Logger // nil = none
}

// Manager has the certificate of the panel. All methods may be called concurrently;
// Run once.
type Manager struct {
	o     Options
	store store

	serving atomic.Pointer[serving] // what handshakes see
	tokens  tokens                  // of HTTP-01 challenges under way
	wake    chan struct{}           // of Run
	order   func(context.Context, order) (*pair, error)
	ari     func(context.Context, ACME, *x509.Certificate) (renewal, error)

	mu       sync.Mutex // guards the rest, and files; not held while the network is asked
	ca       *pair
	settings settings
	given    *pair // nil = none
	fetched  *pair // by ACME; nil = none
	damage   string
	acme     acmeState
	pending  []string // names that the next round may find again
}

// serving is what handshakes choose from. It is never changed, only replaced.
type serving struct {
	own     *pair
	public  *pair // given or fetched; nil = none
	trusted bool  // public is trusted by who knows nothing of this box
}

// Open reads the certificates in Options.Dir, or makes an authority and a
// certificate on first use. Its errors are ErrDamaged and ErrSealed, those of the
// disk, and a *FieldError for Options.Initial. A damaged certificate that was given
// or fetched is no error: the box's own is served in its place, and Info says why.
func Open(o Options) (*Manager, error) {
	if o.Now == nil {
		o.Now = func() (time.Time, bool) { return time.Now(), true }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Emit == nil {
		o.Emit = func(string, map[string]any) {}
	}
	if o.Names == nil {
		o.Names = func() []string { return nil }
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Client == nil {
		o.Client = newClient(o.Roots)
	}
	m := &Manager{o: o, store: store{o.Dir, o.Seal}, wake: make(chan struct{}, 1)}
	m.order, m.ari = m.orderACME, m.askRenewal
	if err := m.store.prepare(); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return m, nil
}

// load fills a new Manager from its directory.
func (m *Manager) load() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	own, err := m.loadOwn()
	if err != nil {
		return err
	}
	known, err := m.store.loadSettings(&m.settings)
	if err != nil {
		return err
	}
	m.fetched = m.loadPublic(fileFetched, ModeACME)
	m.given = m.loadPublic(fileGiven, ModeGiven)
	if !known {
		m.settings, m.given, err = m.merge(m.o.Initial)
		if err != nil {
			return err
		}
	}
	m.publish(own)
	return nil
}

// loadOwn reads the authority and the box's own certificate, or makes them.
func (m *Manager) loadOwn() (own *pair, err error) {
	m.ca, err = m.store.load(fileCA)
	if errors.Is(err, os.ErrNotExist) {
		err = m.found()
	}
	if err != nil {
		return nil, err
	}
	if !m.ca.leaf.IsCA {
		return nil, fmt.Errorf("%s: %w: no authority", fileCA, ErrDamaged)
	}
	own, err = m.store.load(fileOwn)
	switch {
	case errors.Is(err, os.ErrNotExist): // the first start, or one that was cut short
		if own, err = newKey(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case own.leaf.CheckSignatureFrom(m.ca.leaf) == nil:
		return own, nil
	}
	return m.issue(own.key)
}

// found makes the authority, unless other files say that there was one.
func (m *Manager) found() error {
	for _, name := range []string{fileOwn, fileSettings, fileGiven, fileFetched, fileAccount} {
		if m.store.exists(name) {
			return fmt.Errorf("%s: %w: it is missing, but %s is there", fileCA, ErrDamaged, name)
		}
	}
	now, trusted := m.o.Now()
	ca, err := newCA(now, trusted, m.names())
	if err != nil {
		return err
	}
	m.ca = ca
	return m.store.save(fileCA, ca)
}

// loadPublic reads a certificate of mode, that the box can do without; nil = none.
func (m *Manager) loadPublic(name string, mode Mode) *pair {
	p, err := m.store.load(name)
	if err == nil {
		return p
	}
	if !errors.Is(err, os.ErrNotExist) && m.settings.Mode == mode {
		m.damage = "The certificate or its key in " + name + " cannot be read."
		m.o.Log.Error("a certificate cannot be read; the box's own is served", "file", name, "err", err)
	}
	return nil
}

// publish puts own, and what goes with the settings, before handshakes. m.mu is held.
func (m *Manager) publish(own *pair) {
	s := &serving{own: own, public: m.public()}
	if s.public != nil {
		s.trusted = publiclyTrusted(s.public, m.o.Roots)
	}
	m.serving.Store(s)
}

// public returns the certificate that goes with the settings; nil = the box's own.
// m.mu is held.
func (m *Manager) public() *pair {
	switch m.settings.Mode {
	case ModeGiven:
		return m.given
	case ModeACME:
		switch {
		case m.settings.Previous == "" || m.fits():
			return m.fetched
		case m.settings.Previous == ModeGiven:
			return m.given // until ACME delivers
		}
	}
	return nil
}

// publiclyTrusted reports whether p leads to one of roots, whatever the clock says.
func publiclyTrusted(p *pair, roots *x509.CertPool) bool {
	between := x509.NewCertPool()
	for _, der := range p.chain[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	_, err := p.leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: p.leaf.NotBefore.Add(time.Second)})
	return err == nil
}

// TLSConfig returns the configuration of a listener: TLS 1.2 or newer with Go's
// defaults, HTTP/2 and HTTP/1.1. It serves whatever certificate is in force when a
// connection begins.
func (m *Manager) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &m.serving.Load().pick(hello).tls, nil
		},
	}
}

// pick returns the public certificate for what it is good for, and the box's own
// for its own names: whoever trusts the authority is not warned at vedette.local
// because there is a public name too. Who asks for an unknown name sees the public one.
func (s *serving) pick(hello *tls.ClientHelloInfo) *pair {
	if s.public == nil {
		return s.own
	}
	name := hello.ServerName
	if name == "" && hello.Conn != nil { // browsers name no address
		if local, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
			name = local.IP.String()
		}
	}
	if name == "" || s.public.leaf.VerifyHostname(name) == nil || s.own.leaf.VerifyHostname(name) != nil {
		return s.public
	}
	return s.own
}

// CA returns the certificate of the box's authority as PEM.
func (m *Manager) CA() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return encodeChain(m.ca.chain)
}

// HSTS reports whether browsers may be told to insist on TLS at host, which may
// carry a port: only if that was asked for, and the certificate for host is trusted
// by the public and valid. With any other they would be locked out for good.
func (m *Manager) HSTS(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	m.mu.Lock()
	asked := m.settings.HSTS
	m.mu.Unlock()
	now, known := m.o.Now()
	s := m.serving.Load()
	return asked && known && s.trusted && now.Before(s.public.leaf.NotAfter) && s.public.leaf.VerifyHostname(host) == nil
}

// Reseal seals all keys again, for a rotation of the device key: open reads what
// either key sealed, seal uses the new one. It returns how many there were. Stopped
// at any point it can be done again.
func (m *Manager) Reseal(open, seal func(table, id, field string, data []byte) ([]byte, error)) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	s := store{m.store.dir, funcs{open, seal}}
	for _, name := range []string{fileCA, fileOwn, fileGiven, fileFetched, fileAccount} {
		p, err := s.load(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if name != fileCA && name != fileOwn && (errors.Is(err, ErrDamaged) || errors.Is(err, ErrSealed)) {
			continue // nobody can read it before or after, and the box does without
		}
		if err == nil {
			err = s.save(name, p)
		}
		if err != nil {
			return n, fmt.Errorf("certificates: seal again: %w", err)
		}
		n++
	}
	if m.settings.Secret != "" {
		if err := s.saveSettings(&m.settings); err != nil {
			return n, fmt.Errorf("certificates: seal again: %w", err)
		}
		n++
	}
	return n, nil
}

// funcs makes a Sealer of two functions.
type funcs struct {
	open, seal func(table, id, field string, data []byte) ([]byte, error)
}

func (f funcs) Open(table, id, field string, sealed []byte) ([]byte, error) {
	return f.open(table, id, field, sealed)
}

func (f funcs) Seal(table, id, field string, plain []byte) ([]byte, error) {
	return f.seal(table, id, field, plain)
}

// names returns what the box is called at present, as its authority may certify it.
func (m *Manager) names() []string {
	names := tidy(m.o.Names())
	if m.ca != nil {
		names = slices.DeleteFunc(names, func(name string) bool { return !permitted(m.ca.leaf, name) })
	}
	if len(names) == 0 {
		return []string{defaultName}
	}
	return names
}
