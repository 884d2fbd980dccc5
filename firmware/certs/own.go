package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	day      = 24 * time.Hour
	caYears  = 10
	leafLife = 397 * day // browsers refuse more than 398 days of most authorities
	// early is how far validity begins in the past, for clients whose clocks are slow.
	early     = day
	nameCount = 100
	// defaultName is certified when the box has no name.
	defaultName = "vedette.local"
)

// Nobody knows the date on a box whose clock was never set: what it issues then
// begins in 2020, and an authority's ten years are counted from 2026 at least.
var (
	unsetFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	unsetNow  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// privateZones and privateNetworks are all that the authority may certify, beside
// what the box was called when it was made: whoever steals the card gets an
// authority that is good for no site of the public.
var (
	privateZones    = []string{"local", "localhost", "lan", "home", "home.arpa", "internal", "intranet", "private", "corp", "localdomain", "fritz.box"}
	privateNetworks = []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
		"fc00::/7", "fe80::/10", "::1/128",
	}
)

// pair is a chain of certificates, the box's own first, with its key. It is not
// changed once it is complete.
type pair struct {
	chain     [][]byte // DER; none for a bare key
	leaf      *x509.Certificate
	key       crypto.Signer
	directory string // of the ACME server that issued it
	tls       tls.Certificate
	words     func() string
}

// complete fills what follows from chain and key.
func (p *pair) complete() error {
	if len(p.chain) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(p.chain[0])
	if err != nil {
		return errors.New("the certificate cannot be read")
	}
	if !samePublic(leaf.PublicKey, p.key.Public()) {
		return errors.New("certificate and key do not belong together")
	}
	p.leaf = leaf
	p.tls = tls.Certificate{Certificate: p.chain, PrivateKey: p.key, Leaf: leaf}
	p.words = sync.OnceValue(func() string { return fourWords(p.fingerprint()) })
	return nil
}

// fingerprint is the SHA-256 of the public key: it stays when a certificate is
// renewed with the same key.
func (p *pair) fingerprint() [sha256.Size]byte { return sha256.Sum256(p.leaf.RawSubjectPublicKeyInfo) }

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// newKey makes a key without a certificate.
func newKey() (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &pair{key: key}, nil
}

// newCA makes an authority for names and for all that is private.
func newCA(now time.Time, trusted bool, names []string) (*pair, error) {
	p, err := newKey()
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	t := &x509.Certificate{
		Subject: pkix.Name{Organization: []string{"Vedette"}, CommonName: fmt.Sprintf("Vedette CA %X", sum(spki)[:2])},
		IsCA:    true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         slices.Clone(privateZones),
	}
	for _, text := range privateNetworks {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			return nil, fmt.Errorf("make an authority: %w", err)
		}
		t.PermittedIPRanges = append(t.PermittedIPRanges, network)
	}
	for _, name := range names {
		if permitted(t, name) {
			continue
		}
		if ip := net.ParseIP(name); ip == nil {
			t.PermittedDNSDomains = append(t.PermittedDNSDomains, name)
		} else if v4 := ip.To4(); v4 != nil {
			t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: v4, Mask: net.CIDRMask(32, 32)})
		} else {
			t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)})
		}
	}
	return signCA(p.key, t, now, trusted)
}

// signCA lets an authority sign itself for ten years from now on.
func signCA(key crypto.Signer, t *x509.Certificate, now time.Time, trusted bool) (*pair, error) {
	t.NotBefore = now.Add(-early)
	if !trusted {
		t.NotBefore = unsetFrom
		if now.Before(unsetNow) {
			now = unsetNow
		}
	}
	t.NotBefore, t.NotAfter = t.NotBefore.UTC(), now.UTC().AddDate(caYears, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	p := &pair{chain: [][]byte{der}, key: key}
	return p, p.complete()
}

// renewCA lets an authority sign itself again: whoever trusts the old certificate
// goes on for as long as that is valid.
func renewCA(old *pair, now time.Time) (*pair, error) {
	t := *old.leaf
	t.SerialNumber = nil
	return signCA(old.key, &t, now, true)
}

// newLeaf lets ca certify names for key, from and to given times.
func newLeaf(ca *pair, key crypto.Signer, names []string, from, to time.Time) (*pair, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	t := &x509.Certificate{
		// no dot, lest OpenSSL takes it for a host name and asks whether it is permitted
		Subject:   pkix.Name{Organization: []string{"Vedette"}, CommonName: fmt.Sprintf("Vedette %X", sum(spki)[:2])},
		NotBefore: from.UTC(), NotAfter: to.UTC(),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.leaf, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	p := &pair{chain: [][]byte{der}, key: key}
	return p, p.complete()
}

func sum(data []byte) []byte {
	h := sha256.Sum256(data)
	return h[:]
}

// permitted reports whether the authority may certify name.
func permitted(ca *x509.Certificate, name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		return slices.ContainsFunc(ca.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) })
	}
	return slices.ContainsFunc(ca.PermittedDNSDomains, func(zone string) bool {
		return name == zone || strings.HasSuffix(name, "."+zone)
	})
}

// tidy returns what of names can be certified: host names in lower case, addresses
// in their usual form, sorted, each once, at most 100.
func tidy(names []string) []string {
	var out []string
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
		if ip, err := netip.ParseAddr(name); err == nil {
			ip = ip.Unmap().WithZone("")
			if !ip.IsUnspecified() && !ip.IsMulticast() {
				out = append(out, ip.String())
			}
		} else if isHostName(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), nameCount)]
}

// isHostName reports whether name, in lower case, can be the name of a host.
func isHostName(name string) bool {
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Trim(last, "0123456789") != "" // else it is a spoilt address
}
