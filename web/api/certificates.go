package api

import (
	"context"
	"net/http"
)

// Certificates is what the API needs of the certificate of the panel.
type Certificates interface {
	Info() CertificateInfo
	// SetCertificate changes where certificates come from, at once and without
	// a restart. What will not do is an error with a method Field() string.
	SetCertificate(ctx context.Context, in CertificateInput) error
	// CA returns the certificate of the box's own authority as PEM.
	CA() []byte
}

// CertificateInfo is what is in force. It holds no secrets.
type CertificateInfo struct {
	Mode            string     `json:"mode"` // off own given acme
	Names           []string   `json:"names"`
	Fingerprint     string     `json:"fingerprint"` // SHA-256 of the public key
	Words           string     `json:"words"`       // the same for people: 4 words
	NotAfter        *Timestamp `json:"not_after,omitempty"`
	PubliclyTrusted bool       `json:"publicly_trusted"`
	HSTS            bool       `json:"hsts"`
	CAFingerprint   string     `json:"ca_fingerprint"`
	Redirect        bool       `json:"redirect"`
	Problem         string     `json:"problem,omitempty"` // why another one is served than was asked for
	ACME            *ACMEInfo  `json:"acme,omitempty"`
}

// ACMEInfo is how a certificate is fetched, and how that goes.
type ACMEInfo struct {
	Domain    string     `json:"domain"`
	Email     string     `json:"email"`
	Directory string     `json:"directory"`
	Challenge string     `json:"challenge"`
	DNS       *DNSInfo   `json:"dns,omitempty"`
	State     string     `json:"state"`
	Error     string     `json:"error,omitempty"`
	NextTry   *Timestamp `json:"next_try,omitempty"`
}

// DNSInfo is where challenges are written (RFC 2136).
type DNSInfo struct {
	Server    string `json:"server"`
	Zone      string `json:"zone"`
	KeyName   string `json:"key_name"`
	Algorithm string `json:"algorithm"`
}

// CertificateInput is the body of PUT. What is left out of a mode that needs
// it is as it was.
type CertificateInput struct {
	Mode        string     `json:"mode"`
	Certificate string     `json:"certificate"` // PEM
	Key         string     `json:"key"`         // PEM
	ACME        *ACMEInput `json:"acme"`
	HSTS        *bool      `json:"hsts"`
}

// ACMEInput is how a certificate is to be fetched.
type ACMEInput struct {
	Domain    string    `json:"domain"`
	Email     string    `json:"email"`
	Directory string    `json:"directory"`
	Challenge string    `json:"challenge"`
	DNS       *DNSInput `json:"dns"`
}

// DNSInput is where challenges are to be written. An empty KeySecret is the
// one from before.
type DNSInput struct {
	Server    string `json:"server"`
	Zone      string `json:"zone"`
	KeyName   string `json:"key_name"`
	KeySecret string `json:"key_secret"`
	Algorithm string `json:"algorithm"`
}

func (s *server) getCertificate(w http.ResponseWriter, _ *http.Request) error {
	info := CertificateInfo{Mode: "off"}
	if s.Certificates != nil {
		info = s.Certificates.Info()
	}
	info.Names = notNil(info.Names)
	writeJSON(w, http.StatusOK, info)
	return nil
}

func (s *server) putCertificate(w http.ResponseWriter, r *http.Request) error {
	var in CertificateInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if s.Certificates == nil {
		return &failure{status: http.StatusNotImplemented, code: "not_supported", message: "The panel is served without TLS here; its configuration turns it on (tls.mode)."}
	}
	detail(r, "mode", in.Mode)
	if err := s.Certificates.SetCertificate(r.Context(), in); err != nil {
		return err
	}
	return s.getCertificate(w, r)
}

// authority hands out the certificate of the box's own authority: public, so
// that whoever wants to trust the box can before they sign in.
func (s *server) authority(w http.ResponseWriter, _ *http.Request) error {
	if s.Certificates == nil {
		return errNotFound
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="vedette-ca.crt"`)
	_, _ = w.Write(s.Certificates.CA()) // the client may be gone
	return nil
}
