package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
)

const udpReadBuffer = 1 << 20 // bytes: a large key frame in one burst

// errHandshake says that no secure connection came about.
var errHandshake = errors.New("no secure connection")

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

// meteredConn counts what it reads.
type meteredConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// dialFunc opens a connection.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// tlsDialer shakes hands within dialTimeout. Left to the RTSP library, a
// handshake happens in the first read or write and has no end.
func (s *session) tlsDialer(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		config := s.tlsConfig()
		config.ServerName, _, _ = net.SplitHostPort(addr)
		c := tls.Client(raw, config)
		if err := c.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("tls handshake: %w", errors.Join(errHandshake, err))
		}
		return c, nil
	}
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
