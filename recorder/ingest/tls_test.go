package ingest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"vedette/internal/simcam"
)

// selfSigned returns a camera's certificate and its fingerprint.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Expired long ago, as cameras' certificates are.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}

func TestSecureCameraByPolicy(t *testing.T) {
	t.Parallel()
	cert, sum := selfSigned(t)
	cam := camera(t, simcam.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	tests := []struct {
		name   string
		policy TLSPolicy
		code   Code // empty: it streams
		said   bool // that the certificate is not verified
	}{
		{"any certificate by default, and it is said", TLSPolicy{}, "", true},
		{"the agreed one", TLSPolicy{SHA256: strings.ToUpper(sum)}, "", false},
		{"not another one than agreed", TLSPolicy{SHA256: strings.Repeat("0", 64)}, CodeTLS, false},
		{"not one that nobody vouches for", TLSPolicy{Verify: true}, CodeTLS, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log lockedBuffer
			_, err := Probe(t.Context(), Options{URL: cam.URL("cam"), TLS: tt.policy, Log: slog.New(slog.NewTextHandler(&log, nil))})
			var f *Failure
			if tt.code == "" && err != nil || tt.code != "" && (!errors.As(err, &f) || f.Code != tt.code) {
				t.Errorf("Probe = %#v, want code %q", err, tt.code)
			}
			if said := strings.Contains(log.String(), "not verified"); said != tt.said {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

func TestPlainCameraAtASecureAddress(t *testing.T) {
	t.Parallel()
	cam := camera(t, simcam.Options{})
	begin := time.Now()
	_, err := Probe(t.Context(), Options{URL: strings.Replace(cam.URL("cam"), "rtsp:", "rtsps:", 1)})
	var f *Failure
	if !errors.As(err, &f) || f.Code != CodeTLS {
		t.Errorf("Probe = %#v", err)
	}
	if d := time.Since(begin); d > 8*time.Second {
		t.Errorf("it took %v", d)
	}
}
