package ingest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// Code names a failure for programs.
type Code string

// The codes.
const (
	CodeAddress      Code = "bad_address"       // the URL cannot be used
	CodeUnreachable  Code = "unreachable"       // no answer at all
	CodeRefused      Code = "refused"           // nobody listens
	CodeUnauthorized Code = "unauthorized"      // user name or password
	CodeNotFound     Code = "not_found"         // no such stream
	CodeRejected     Code = "rejected"          // another RTSP error
	CodeTransport    Code = "bad_transport"     // neither side's transport suits
	CodeUnsupported  Code = "unsupported_codec" // not H.264 or H.265
	CodeNoVideo      Code = "no_video"          // nothing comes
	CodeBadStream    Code = "bad_stream"        // what comes cannot be read
	CodeStalled      Code = "stalled"           // it stopped coming
	CodeClosed       Code = "closed"            // the camera hung up
	CodeFlood        Code = "flood"             // far too much
	CodeTLS          Code = "tls"               // certificate or protocol
)

// needsPerson reports whether trying again alone will hardly help.
func (c Code) needsPerson() bool {
	switch c {
	case CodeAddress, CodeUnauthorized, CodeNotFound, CodeUnsupported, CodeTLS, CodeTransport:
		return true
	}
	return false
}

// Failure is why a session ended. Reason is a sentence for people, in lower
// case; Detail is the technical cause, cleaned of credentials, for the log.
type Failure struct {
	Code   Code
	Reason string
	Detail string
}

// Error returns the reason.
func (f *Failure) Error() string { return f.Reason }

// explain finds plain words for err, which came up while doing step.
func explain(err error, step string, secret redactor) *Failure {
	var known *Failure
	if errors.As(err, &known) {
		return known
	}
	var refused interface {
		error
		Refused() string
	}
	if errors.As(err, &refused) {
		return &Failure{Code: CodeAddress, Reason: "the camera's address is refused: " + refused.Refused(), Detail: step + ": " + secret.clean(err)}
	}
	f := &Failure{Code: CodeClosed, Reason: "the camera closed the connection", Detail: step + ": " + secret.clean(err)}
	var status liberrors.ErrClientBadStatusCode
	var dns *net.DNSError
	var sdp liberrors.ErrClientSDPInvalid
	var auth liberrors.ErrClientAuthSetup
	var timeout net.Error
	switch {
	case errors.As(err, &status):
		explainStatus(f, status.Code)
	case errors.As(err, &auth):
		f.Code, f.Reason = CodeUnauthorized, "the camera asks for a login that Vedette does not know"
	case errors.As(err, &dns):
		f.Code, f.Reason = CodeUnreachable, "the camera's name cannot be found in the network"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Code, f.Reason = CodeRefused, "nothing listens at the camera's address and port"
	case isTLS(err):
		f.Code, f.Reason = CodeTLS, "no secure connection to the camera: "+tlsReason(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), isType[liberrors.ErrClientRequestTimedOut](err):
		f.Code, f.Reason = CodeUnreachable, "the camera does not answer"
	case errors.As(err, &sdp), isType[liberrors.ErrClientContentTypeMissing](err), isType[liberrors.ErrClientContentTypeUnsupported](err):
		f.Code, f.Reason = CodeBadStream, "the camera describes its stream in a way that cannot be read"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		// as it stands
	case isType[liberrors.ErrClientServerRequestedUDP](err), isType[liberrors.ErrClientServerRequestedTCP](err),
		isType[liberrors.ErrClientTransportHeaderInvalid](err), isType[liberrors.ErrClientTransportHeaderNoInterleavedIDs](err):
		f.Code, f.Reason = CodeTransport, "the camera does not agree on how to send"
	default:
		f.Code, f.Reason = CodeBadStream, "the camera answers in a way that cannot be understood"
	}
	return f
}

func isType[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func explainStatus(f *Failure, code base.StatusCode) {
	switch code {
	case base.StatusUnauthorized, base.StatusForbidden:
		f.Code, f.Reason = CodeUnauthorized, "the camera refuses the user name or password"
	case base.StatusNotFound, base.StatusGone:
		f.Code, f.Reason = CodeNotFound, "the camera has no stream at this path"
	case base.StatusUnsupportedTransport:
		f.Code, f.Reason = CodeTransport, "the camera does not send over this transport"
	case base.StatusNotEnoughBandwidth, base.StatusServiceUnavailable:
		f.Code, f.Reason = CodeRejected, "the camera is busy: it may allow fewer connections at once"
	default:
		f.Code, f.Reason = CodeRejected, fmt.Sprintf("the camera answers with error %d", code)
	}
}

func isTLS(err error) bool { return errors.Is(err, errHandshake) }

func tlsReason(err error) string {
	switch {
	case errors.Is(err, errPin):
		return "its certificate is not the one that was agreed"
	case isType[tls.RecordHeaderError](err):
		return "it does not speak TLS on this port"
	case isType[*tls.CertificateVerificationError](err):
		return "its certificate cannot be verified"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer the handshake"
	}
	return "the handshake failed"
}

// redactor removes a camera's credentials from text.
type redactor struct{ words []string }

func newRedactor(o *Options) redactor {
	var r redactor
	user, pass := o.Username, o.Password
	if u, err := url.Parse(o.URL); err == nil && u.User != nil {
		p, _ := u.User.Password()
		r.add(u.User.Username(), p)
	}
	r.add(user, pass)
	return r
}

func (r *redactor) add(user, pass string) {
	if pass == "" {
		return
	}
	r.words = append(r.words,
		base64.StdEncoding.EncodeToString([]byte(user+":"+pass)),
		url.UserPassword(user, pass).String(), url.QueryEscape(pass), url.PathEscape(pass), pass)
}

// clean returns err's text without credentials, on one line, shortened. Any
// user information in an address goes, known or not.
func (r redactor) clean(err error) string {
	if err == nil {
		return ""
	}
	return r.text(err.Error())
}

// text is clean for a string.
func (r redactor) text(s string) string {
	for _, w := range r.words {
		s = strings.ReplaceAll(s, w, "***")
	}
	for _, scheme := range []string{"rtsp://", "rtsps://"} {
		s = cutUserinfo(s, scheme)
	}
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 127 {
			return ' '
		}
		return c
	}, s)
	if len(s) > 300 {
		s = s[:300]
	}
	return strings.ToValidUTF8(s, "?")
}

func cutUserinfo(s, scheme string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, scheme)
		if i < 0 {
			return b.String() + s
		}
		i += len(scheme)
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexAny(s, "/ '\"")
		if end < 0 {
			end = len(s)
		}
		if at := strings.LastIndexByte(s[:end], '@'); at >= 0 {
			s = s[at+1:]
		}
	}
}
