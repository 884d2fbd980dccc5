package certs

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

const (
	challengePath = "/.well-known/acme-challenge/"
	answerBytes   = 1 << 20 // the most that is read of an answer of the server
	attemptTime   = 15 * time.Minute
)

// Code says for programs why a certificate could not be fetched.
type Code string

// The reasons.
const (
	CodeUnreachable    Code = "unreachable"     // the ACME server
	CodeRateLimited    Code = "rate_limited"    // by the ACME server
	CodeRefused        Code = "refused"         // by the ACME server
	CodeChallenge      Code = "challenge"       // the domain could not be proved
	CodeDNSUnreachable Code = "dns_unreachable" // the name server
	CodeDNSKey         Code = "dns_key"         // the name server does not accept the key
	CodeDNS            Code = "dns"             // the name server refuses something else
	CodeFailed         Code = "failed"
)

// failure is why an attempt came to nothing.
type failure struct {
	Code Code
	Text string // a sentence
	err  error  // nil = Text says all
}

func (f *failure) Error() string {
	if f.err == nil {
		return f.Text
	}
	return f.Text + " (" + f.err.Error() + ")"
}

func (f *failure) Unwrap() error { return f.err }

// explain makes a failure of whatever an attempt returned.
func explain(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var p acme.Problem
	if errors.As(err, &p) {
		_, proving := p.Resource.(acme.Authorization)
		said := errors.New(printable(p.Detail))
		switch {
		case p.Type == acme.ProblemTypeRateLimited:
			return &failure{CodeRateLimited, "The ACME server wants fewer attempts.", said}
		case proving:
			return &failure{CodeChallenge, "The ACME server could not verify the domain.", said}
		}
		return &failure{CodeRefused, "The ACME server refuses.", said}
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return &failure{CodeUnreachable, "The ACME server has a certificate that this box does not trust.", err}
	}
	var temporary interface{ Timeout() bool } // url.Error and all of net
	if errors.As(err, &temporary) {
		return &failure{CodeUnreachable, "The ACME server cannot be reached.", err}
	}
	return &failure{CodeFailed, "The certificate could not be fetched.", err}
}

// printable cuts what a server said to what can be shown.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}

// order is what an attempt needs.
type order struct {
	ACME                       // with the secret
	key, account crypto.Signer // the certificate's, the account's
	replaces     *x509.Certificate
}

// renewal is what the server says about when to renew.
type renewal struct {
	at    time.Time     // zero = it does not say
	again time.Duration // when to ask again; 0 = whenever
}

// orderACME fetches a certificate. It may take minutes. Its errors are for explain.
func (m *Manager) orderACME(ctx context.Context, o order) (*pair, error) {
	client := acmez.Client{Client: m.acmeClient(o.Directory), ChallengeSolvers: map[string]acmez.Solver{HTTP01: &m.tokens}}
	if o.Challenge == DNS01 {
		client.ChallengeSolvers = map[string]acmez.Solver{DNS01: &updater{DNS: o.DNS, domain: o.Domain, dial: m.o.Dial, every: 2 * time.Second}}
	}
	account := acme.Account{TermsOfServiceAgreed: true, PrivateKey: o.account}
	if o.Email != "" {
		account.Contact = []string{"mailto:" + o.Email}
	}
	account, err := client.NewAccount(ctx, account) // or the one of this key that is there
	if err != nil {
		return nil, err
	}
	csr, err := acmez.NewCSR(o.key, []string{o.Domain})
	if err != nil {
		return nil, err
	}
	params, err := acmez.OrderParametersFromCSR(account, csr)
	if err != nil {
		return nil, err
	}
	params.Replaces = o.replaces
	chains, err := client.ObtainCertificate(ctx, params)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the server sent no certificate")
	}
	p := &pair{key: o.key, directory: o.Directory}
	for block, rest := pem.Decode(chains[0].ChainPEM); block != nil; block, rest = pem.Decode(rest) {
		p.chain = append(p.chain, block.Bytes)
	}
	if err := p.complete(); err != nil {
		return nil, err
	}
	if p.leaf == nil || p.leaf.VerifyHostname(o.Domain) != nil {
		return nil, errors.New("the server sent a certificate for something else")
	}
	return p, nil
}

// askRenewal asks when a certificate should be renewed (RFC 9773): authorities that
// have to revoke many say so here.
func (m *Manager) askRenewal(ctx context.Context, a ACME, leaf *x509.Certificate) (renewal, error) {
	info, err := m.acmeClient(a.Directory).GetRenewalInfo(ctx, leaf)
	if err != nil {
		return renewal{}, fmt.Errorf("ask when to renew: %w", err)
	}
	r := renewal{at: info.SelectedTime}
	if info.RetryAfter != nil {
		r.again = time.Until(*info.RetryAfter)
	}
	return r, nil
}

func (m *Manager) acmeClient(directory string) *acme.Client {
	c := *m.o.Client
	c.Transport = bounded{c.Transport}
	return &acme.Client{Directory: directory, HTTPClient: &c, UserAgent: "vedette"}
}

// newClient returns a client that trusts roots.
func newClient(roots *x509.CertPool) *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t, Timeout: time.Minute}
}

// bounded is a transport whose answers end after answerBytes: acmez reads them whole.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, answerBytes), resp.Body}
	}
	return resp, err
}

// tokens are the answers to HTTP-01 challenges under way. It is a solver of HTTP01.
type tokens struct {
	mu     sync.Mutex
	answer map[string]string // by path
}

func (t *tokens) Present(_ context.Context, c acme.Challenge) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answer == nil {
		t.answer = map[string]string{}
	}
	t.answer[challengePath+c.Token] = c.KeyAuthorization
	return nil
}

func (t *tokens) CleanUp(_ context.Context, c acme.Challenge) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.answer, challengePath+c.Token)
	return nil
}

func (t *tokens) get(path string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, ok := t.answer[path]
	return answer, ok
}

// Challenge answers challenges of the ACME server, which come to port 80 without
// TLS, and leaves all other requests to next.
func (m *Manager) Challenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := m.tokens.get(r.URL.Path)
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, answer) // the client may be gone
	})
}
