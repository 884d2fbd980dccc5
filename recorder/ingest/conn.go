package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strings"
)

const udpReadBuffer = 1 << 20 // bytes: a large key frame in one burst

// errPin says that the certificate has another fingerprint.
var errPin = errors.New("certificate fingerprint differs")

// listenPacket opens a UDP socket with room for a burst.
func listenPacket(network, address string) (net.PacketConn, error) {
	c, err := (&net.ListenConfig{}).ListenPacket(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UDPConn); ok {
		// The kernel caps it at rmem_max; less is no reason to fail.
		_ = u.SetReadBuffer(udpReadBuffer)
	}
	return c, nil
}

// tlsConfig applies the policy of Options.TLS.
func (s *session) tlsConfig() *tls.Config {
	p := s.o.TLS
	want := strings.ToLower(strings.ReplaceAll(p.SHA256, ":", ""))
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Without Verify the certificate is self-signed as a rule, and checked
		// by its fingerprint or not at all.
		InsecureSkipVerify: !p.Verify, //nolint:gosec // see TLSPolicy
		VerifyConnection: func(st tls.ConnectionState) error {
			sum := sha256.Sum256(st.PeerCertificates[0].Raw)
			got := hex.EncodeToString(sum[:])
			if want != "" && got != want {
				return errPin
			}
			if want == "" && !p.Verify {
				s.o.Log.Warn("camera's certificate is not verified", "camera", s.o.Camera, "sha256", got)
			}
			return nil
		},
	}
}
