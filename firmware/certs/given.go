package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"
)

const (
	givenBytes = 64 << 10
	chainCount = 10
)

// parseGiven reads a certificate with its key from what a person pasted. Without a
// key the one of before, if any, is meant; nothing about time is refused while the
// date is not known. Its errors are of type *FieldError.
func parseGiven(certificate, key []byte, before *pair, now time.Time, dated bool) (*pair, error) {
	chain, inline, err := readPEM("certificate", certificate)
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, &FieldError{"certificate", "There is no certificate in it: it must hold -----BEGIN CERTIFICATE-----."}
	}
	_, signer, err := readPEM("key", key)
	if err != nil {
		return nil, err
	}
	if signer == nil {
		signer = inline
	}
	if signer == nil && before != nil && len(key) == 0 {
		signer = before.key
	}
	if signer == nil {
		return nil, &FieldError{"key", "There is no private key in it: it must hold -----BEGIN PRIVATE KEY-----."}
	}
	if err := checkKey(signer); err != nil {
		return nil, err
	}
	if err := checkChain(chain, now, dated); err != nil {
		return nil, err
	}
	if !samePublic(chain[0].PublicKey, signer.Public()) {
		if slices.ContainsFunc(chain[1:], func(c *x509.Certificate) bool { return samePublic(c.PublicKey, signer.Public()) }) {
			return nil, &FieldError{"certificate", "The certificates are in the wrong order: the box's own must be the first."}
		}
		return nil, &FieldError{"key", "The key does not belong to the certificate."}
	}
	p := &pair{key: signer}
	for _, c := range chain {
		p.chain = append(p.chain, c.Raw)
	}
	if err := p.complete(); err != nil {
		return nil, &FieldError{"certificate", "The certificate cannot be read."}
	}
	return p, nil
}

// readPEM returns the certificates and the key in data, which may hold text between.
func readPEM(field string, data []byte) (chain []*x509.Certificate, key crypto.Signer, err error) {
	if len(data) > givenBytes {
		return nil, nil, &FieldError{field, "It is too long."}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Windows' editors
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil || len(chain) == chainCount {
				return nil, nil, &FieldError{field, "A certificate in it cannot be read, or there are more than ten."}
			}
			chain = append(chain, c)
		case "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, nil, &FieldError{field, "The key is protected by a passphrase; it must be without."}
			}
			if key != nil {
				return nil, nil, &FieldError{field, "There is more than one private key in it."}
			}
			if key, err = parseKey(block.Bytes); err != nil {
				return nil, nil, &FieldError{field, "The private key in it cannot be read."}
			}
		case "ENCRYPTED PRIVATE KEY":
			return nil, nil, &FieldError{field, "The key is protected by a passphrase; it must be without."}
		}
	}
	return chain, key, nil
}

// checkKey refuses keys that browsers refuse, and weak ones.
func checkKey(key crypto.Signer) error {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve.Params().BitSize >= 256 {
			return nil
		}
	case *rsa.PrivateKey:
		if n := k.N.BitLen(); n >= 2048 && n <= 8192 {
			return nil
		}
	}
	return &FieldError{"key", "The key must be RSA with 2048 to 8192 bits, or an elliptic curve of P-256, P-384 or P-521."}
}

// checkChain refuses a chain that no browser would accept whatever it trusts.
func checkChain(chain []*x509.Certificate, now time.Time, dated bool) error {
	refuse := func(message string) error { return &FieldError{"certificate", message} }
	leaf := chain[0]
	if leaf.IsCA && len(chain) > 1 {
		return refuse("The certificates are in the wrong order: the box's own must be the first.")
	}
	if leaf.IsCA && leaf.BasicConstraintsValid && len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		return refuse("This is the certificate of an authority, not that of a box.")
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		return refuse("The certificate names no host (subject alternative name).")
	}
	usage := leaf.ExtKeyUsage
	if len(usage)+len(leaf.UnknownExtKeyUsage) > 0 && !slices.Contains(usage, x509.ExtKeyUsageServerAuth) && !slices.Contains(usage, x509.ExtKeyUsageAny) {
		return refuse("The certificate is not meant for servers.")
	}
	switch leaf.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return refuse("The certificate is signed in a way that browsers no longer accept (SHA-1 or older).")
	}
	for i, c := range chain {
		if dated && now.After(c.NotAfter) {
			return refuse("A certificate of the chain has expired: " + c.NotAfter.UTC().Format(time.DateOnly) + ".")
		}
		if dated && now.Before(c.NotBefore) {
			return refuse("A certificate of the chain is not yet valid: " + c.NotBefore.UTC().Format(time.DateOnly) + ".")
		}
		if i > 0 && chain[i-1].CheckSignatureFrom(c) != nil {
			return refuse("The certificates are in the wrong order: after each must come the one that issued it.")
		}
	}
	return nil
}
