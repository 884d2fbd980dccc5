package certs

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Mode says where the certificate of the panel comes from.
type Mode string

// The modes. ModeOff is kept for the wiring, that then serves without TLS; here it
// is like ModeOwn.
const (
	ModeOff   Mode = "off"
	ModeOwn   Mode = "own"
	ModeGiven Mode = "given"
	ModeACME  Mode = "acme"
)

func (m Mode) valid() bool {
	return slices.Contains([]Mode{ModeOff, ModeOwn, ModeGiven, ModeACME}, m)
}

// Settings say which certificate to use.
type Settings struct {
	Mode Mode // "" = own
	// Certificate and Key are for ModeGiven, PEM; the box's certificate first, then
	// those that lead to an authority. Without Certificate the one from before stays;
	// without Key, if Certificate does not hold it, the key from before.
	Certificate, Key []byte
	// ACME is for ModeACME. Without a Domain all of it is as before; an empty
	// DNS.KeySecret is the one from before.
	ACME ACME
	HSTS bool // asked for; in force only as Manager.HSTS says
}

// The challenges by which a domain is proved.
const (
	HTTP01 = "http-01" // the server asks port 80 of the domain
	DNS01  = "dns-01"  // a record in the domain's zone
)

// LetsEncrypt is the directory where none is given.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// ACME says how a certificate is fetched (RFC 8555). Whoever sets it agrees to the
// terms of the server.
type ACME struct {
	Domain    string `json:"domain"`
	Email     string `json:"email,omitempty"` // for the authority; may be empty
	Directory string `json:"directory"`       // https; "" = LetsEncrypt
	Challenge string `json:"challenge"`       // HTTP01 or DNS01
	DNS       DNS    `json:"dns,omitzero"`    // for DNS01
}

// DNS is a name server that takes updates (RFC 2136) under a key (TSIG).
type DNS struct {
	Server    string `json:"server"`         // host or host:port; port 53
	Zone      string `json:"zone,omitempty"` // "" = the server is asked
	KeyName   string `json:"key_name"`
	KeySecret string `json:"-"`                   // base64
	Algorithm string `json:"algorithm,omitempty"` // hmac-sha1, -256 (default), -384, -512
}

// FieldError says which value of Settings will not do, and why, for people.
type FieldError struct {
	Name    string // certificate, key, mode, acme.domain, acme.dns.server …
	Message string // a sentence
}

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the value.
func (e *FieldError) Field() string { return e.Name }

// Set puts s in force, durably and at once; what ACME has to fetch first takes
// longer, and what was served before is served until then. It returns a *FieldError
// for what will not do, and then changes nothing.
func (m *Manager) Set(ctx context.Context, s Settings) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next, given, err := m.merge(s)
	if err != nil {
		return err
	}
	if given != m.given {
		if err := m.store.save(fileGiven, given); err != nil {
			return fmt.Errorf("set the certificate: %w", err)
		}
	}
	if err := m.store.saveSettings(&next); err != nil {
		return fmt.Errorf("set the certificate: %w", err)
	}
	m.settings, m.given, m.damage = next, given, ""
	m.publish(m.serving.Load().own)
	m.acme.restart()
	m.nudge()
	m.o.Log.Info("the certificate of the panel is set", "mode", next.Mode)
	return nil
}

// merge returns what s makes of the settings and the given certificate. m.mu is held.
func (m *Manager) merge(s Settings) (settings, *pair, error) {
	next, given := m.settings, m.given
	if s.Mode == "" {
		s.Mode = ModeOwn
	}
	if !s.Mode.valid() {
		return next, given, &FieldError{"mode", "The mode must be off, own, given or acme."}
	}
	switch s.Mode {
	case ModeGiven:
		if len(s.Certificate) > 0 || len(s.Key) > 0 || given == nil {
			now, known := m.o.Now()
			var err error
			if given, err = parseGiven(s.Certificate, s.Key, m.given, now, known); err != nil {
				return next, m.given, err
			}
		}
	case ModeACME:
		if s.ACME != (ACME{}) || next.ACME.Domain == "" {
			a, err := checkACME(s.ACME, next.Secret)
			if err != nil {
				return next, given, err
			}
			next.Secret, a.DNS.KeySecret = a.DNS.KeySecret, ""
			next.ACME = a
		}
		if next.Mode != ModeACME {
			next.Previous = next.Mode
		}
	}
	next.Mode, next.HSTS = s.Mode, s.HSTS
	return next, given, nil
}

// checkACME returns a in its usual form.
func checkACME(a ACME, secret string) (ACME, error) {
	refuse := func(name, message string) (ACME, error) { return ACME{}, &FieldError{"acme." + name, message} }
	domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(a.Domain), "."))
	if err != nil || !isHostName(domain) || !strings.Contains(domain, ".") {
		return refuse("domain", "The domain must be the full name of this box, such as nvr.example.org.")
	}
	if strings.HasSuffix(domain, ".local") {
		return refuse("domain", "Nobody else can prove or certify names that end in .local.")
	}
	a.Domain = domain
	if a.Email != "" {
		parsed, err := mail.ParseAddress(a.Email)
		if err != nil || parsed.Address != a.Email || len(a.Email) > 254 || strings.ContainsAny(a.Email, "?&%,") {
			return refuse("email", "This is not an e-mail address.")
		}
	}
	if a.Directory == "" {
		a.Directory = LetsEncrypt
	}
	u, err := url.Parse(a.Directory)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(a.Directory) > 512 {
		return refuse("directory", "The directory must be an address that begins with https://.")
	}
	switch a.Challenge {
	case HTTP01:
		a.DNS = DNS{}
	case DNS01:
		if a.DNS.KeySecret == "" {
			a.DNS.KeySecret = secret
		}
		a.DNS, err = checkDNS(a.DNS, a.Domain)
		if err != nil {
			return ACME{}, err
		}
	default:
		return refuse("challenge", "The challenge must be http-01 or dns-01.")
	}
	return a, nil
}

func checkDNS(d DNS, domain string) (DNS, error) {
	refuse := func(name, message string) (DNS, error) { return DNS{}, &FieldError{"acme.dns." + name, message} }
	host, port, err := net.SplitHostPort(d.Server)
	if err != nil {
		host, port = strings.Trim(d.Server, "[]"), "53"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || len(tidy([]string{host})) == 0 {
		return refuse("server", "The name server must be a host name or an address, with a port if that is not 53.")
	}
	d.Server = net.JoinHostPort(host, port)
	name := func(s string) string { return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), ".")) }
	if d.Zone = name(d.Zone); d.Zone != "" && !inZone(challengeLabel+domain, d.Zone) {
		return refuse("zone", "The domain is not in this zone.")
	}
	d.KeyName = name(d.KeyName)
	if !isHostName(strings.ReplaceAll(d.KeyName, "_", "-")) {
		return refuse("key_name", "The name of the key must be as the name server has it.")
	}
	d.KeySecret = strings.Join(strings.Fields(d.KeySecret), "")
	if secret, err := base64.StdEncoding.DecodeString(d.KeySecret); err != nil || len(secret) == 0 || len(secret) > 512 {
		return refuse("key_secret", "The secret of the key must be base64, as in the configuration of the name server.")
	}
	if d.Algorithm == "" {
		d.Algorithm = "hmac-sha256"
	}
	if d.Algorithm = name(d.Algorithm); !slices.Contains(tsigAlgorithms, d.Algorithm) {
		return refuse("algorithm", "The algorithm must be one of "+strings.Join(tsigAlgorithms, ", ")+".")
	}
	return d, nil
}

// inZone reports whether domain is zone or lies in it.
func inZone(domain, zone string) bool { return domain == zone || strings.HasSuffix(domain, "."+zone) }
