// Package mail sends events by SMTP, several in one message.
//
// It must never fall back to a connection that is not encrypted where encryption
// was asked for, nor let what an event says become a header or a command.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"vedette/perception/notify/delivery"
)

// How a connection is encrypted.
const (
	TLS      = "tls"      // from the first byte
	StartTLS = "starttls" // before anything else is said; a server without it is refused
	None     = "none"
)

const timeout = time.Minute // of a whole attempt

// Config says by which server, from whom and to whom.
type Config struct {
	Host     string
	Port     int
	TLS      string // TLS, StartTLS or None
	Username string // empty = without login
	Password string
	From     string // bare addresses
	To       []string
}

// Sender sends. Send may be called concurrently.
type Sender struct {
	c     Config
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	roots *x509.CertPool
}

// New returns a Sender that connects by dial. Roots vouch for the server; nil = the
// system's.
func New(c Config, dial func(ctx context.Context, network, address string) (net.Conn, error), roots *x509.CertPool) *Sender {
	return &Sender{c, dial, roots}
}

// Send sends one message with all events of m.
func (s *Sender) Send(ctx context.Context, m delivery.Message) delivery.Outcome {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the mail server is too slow"))
	defer cancel()
	err := s.send(ctx, compose(s.c, m, time.Now()))
	var partly *partlyError
	switch {
	case err == nil:
		return delivery.Outcome{Verdict: delivery.Sent}
	case errors.As(err, &partly):
		return delivery.Outcome{Verdict: delivery.Sent, Err: s.reason(partly)}
	case ctx.Err() != nil:
		return delivery.Outcome{Err: context.Cause(ctx)}
	}
	out := delivery.Outcome{Err: s.reason(err)}
	// A login that is refused is a wrong setting: what waits is kept a while for
	// whoever mends it. A message that is refused is not asked for again.
	var refused *smtp.SMTPError
	var login *loginError
	if errors.As(err, &refused) && refused.Code >= 500 && !errors.As(err, &login) {
		out.Verdict = delivery.Refused
	}
	return out
}

// reason keeps of an error what may be shown.
func (s *Sender) reason(err error) error {
	return errors.New(delivery.Reason(err, s.c.Password))
}

// loginError says that the server does not take the login.
type loginError struct{ err error }

func (e *loginError) Error() string { return "log in: " + e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

// partlyError says that some of those it was for are not known.
type partlyError struct{ err error }

func (e *partlyError) Error() string { return "not sent to all: " + e.err.Error() }

// send carries text to the server.
func (s *Sender) send(ctx context.Context, text []byte) (err error) {
	conn, err := s.dial(ctx, "tcp", net.JoinHostPort(s.c.Host, strconv.Itoa(s.c.Port)))
	if err != nil {
		return err
	}
	defer conn.Close() // again, where all went well
	// The library sets deadlines of its own, which are long ones.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client, err := s.client(ctx, conn)
	if err != nil {
		return err
	}
	if s.c.Username != "" {
		if err := s.login(client); err != nil {
			return &loginError{err}
		}
	}
	if err := client.Mail(s.c.From, nil); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	var refused []error
	for _, to := range s.c.To {
		if err := client.Rcpt(to, nil); err != nil {
			refused = append(refused, fmt.Errorf("recipient: %w", err))
		}
	}
	if len(refused) == len(s.c.To) {
		return errors.Join(refused...)
	}
	w, err := client.Data()
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	_ = client.Quit() // it has the message: how it says good-bye does not matter
	if len(refused) > 0 {
		return &partlyError{errors.Join(refused...)}
	}
	return nil
}

// client greets the server, over what encrypts as it was asked for.
func (s *Sender) client(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	config := &tls.Config{ServerName: s.c.Host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	switch s.c.TLS {
	case TLS:
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return smtp.NewClient(secure), nil
	case StartTLS:
		return smtp.NewClientStartTLS(conn, config)
	case None:
		return smtp.NewClient(conn), nil
	}
	return nil, fmt.Errorf("nobody said how to encrypt: %q", s.c.TLS)
}

func (s *Sender) login(c *smtp.Client) error {
	switch {
	case s.c.TLS == None:
		return errors.New("a password is not sent without encryption")
	case c.SupportsAuth(sasl.Plain):
		return c.Auth(sasl.NewPlainClient("", s.c.Username, s.c.Password))
	case c.SupportsAuth(sasl.Login):
		return c.Auth(&plainLogin{left: []string{s.c.Username, s.c.Password}})
	}
	return errors.New("the server offers neither PLAIN nor LOGIN")
}

// plainLogin is LOGIN whatever words the server asks with: the library's insists on
// one spelling, and servers have several.
type plainLogin struct{ left []string }

func (l *plainLogin) Start() (mech string, ir []byte, err error) { return sasl.Login, nil, nil }

func (l *plainLogin) Next([]byte) ([]byte, error) {
	if len(l.left) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	answer := l.left[0]
	l.left = l.left[1:]
	return []byte(answer), nil
}
