package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// How JetStream speaks; these are all the words of it that are needed here.
const (
	headerID       = "Nats-Msg-Id"
	headerStream   = "Nats-Expected-Stream"
	apiPrefix      = "$JS.API."
	apiStreamInfo  = apiPrefix + "STREAM.INFO."
	statusHeader   = "Status"
	statusNobody   = "503"
	codeTooLarge   = 10054
	codeNoStream   = 10059
	codeOtherOne   = 10060
	connectWithin  = 10 * time.Second
	writeWithin    = 10 * time.Second
	probeWithin    = 3 * time.Second
	pingEvery      = 20 * time.Second
	mostAnswerSize = 64 << 10
)

var (
	errNoStream = errors.New("the server has no stream of that name, or JetStream is off; the relay does not make one")
	errNoTaker  = errors.New("nobody takes messages of the subject: no stream has it, or JetStream is off")
	errOther    = errors.New("the subject belongs to another stream")
	errAnswer   = errors.New("the server's answer cannot be read")
	errClosed   = errors.New("the connection was closed")
)

// natsLink is a link to a NATS server. It never connects again by itself, so that
// what is in flight is known at any time.
type natsLink struct {
	conn   *nats.Conn
	inbox  string
	stream string
	got    chan answer
	broken chan error
	done   chan struct{} // closed with the link
	close1 sync.Once
	probe  context.CancelFunc // ends the question about the stream
}

// connect makes a link by cfg, whose secrets are open. It ends with ctx.
func (r *Relay) connect(ctx context.Context, cfg config) (link, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	l := &natsLink{
		inbox: nats.NewInbox(), stream: cmp.Or(cfg.Stream, defaultStream), done: make(chan struct{}), got: make(chan answer, r.o.Window), broken: make(chan error, 1),
	}
	probeCtx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	l.probe = cancel
	o := nats.GetDefaultOptions()
	o.Url = "nats://" + net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "4222"))
	o.Name, o.User, o.Password, o.Token = "vedette-"+r.o.Box, cfg.Username, cfg.Password, cfg.Token
	if cfg.Creds != "" {
		if err := nats.UserCredentialBytes([]byte(cfg.Creds))(&o); err != nil {
			return nil, errors.New("the credentials cannot be read")
		}
	}
	// A server that is to be spoken to over TLS is not spoken to otherwise; one
	// that asks for it gets it anyway.
	o.Secure = u.Scheme == "tls"
	o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.o.Roots, ServerName: u.Hostname()}
	// Names are looked up by Dial, and servers that this one tells of are not for us.
	o.CustomDialer, o.SkipHostLookup, o.IgnoreDiscoveredServers = dialer{ctx, r.o.Dial}, true, true
	o.AllowReconnect, o.NoEcho = false, true
	o.Timeout, o.FlusherTimeout, o.PingInterval, o.MaxPingsOut = connectWithin, writeWithin, pingEvery, 2
	o.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { l.heard(err) }
	o.ClosedCB = func(c *nats.Conn) { l.fail(cmpErr(c.LastError(), errClosed)) }
	if l.conn, err = o.Connect(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u.Host, err)
	}
	if _, err := l.conn.Subscribe(l.inbox+".*", l.answered); err != nil {
		l.close()
		return nil, fmt.Errorf("listen for answers of %s: %w", u.Host, err)
	}
	if err := l.ask(probeCtx); err != nil {
		l.close()
		return nil, fmt.Errorf("stream %s at %s: %w", l.stream, u.Host, err)
	}
	return l, nil
}

func cmpErr(a, b error) error {
	if a == nil {
		return b
	}
	return a
}

// ask asks for the stream, so that a wrong name shows before the first report. Who
// may not ask, or gets no answer, finds out with that.
func (l *natsLink) ask(ctx context.Context) error {
	m, err := l.conn.RequestWithContext(ctx, apiStreamInfo+l.stream, nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return errNoStream
	case err != nil:
		return nil
	}
	if e := refusal(m.Data); e != nil && e.Code == codeNoStream {
		return errNoStream
	}
	return nil
}

// heard is told what the server said out of turn.
func (l *natsLink) heard(err error) {
	if errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), apiPrefix) {
		l.probe()
		return
	}
	l.fail(err)
}

func (l *natsLink) fail(err error) {
	select {
	case l.broken <- err:
	default: // there was a first reason
	}
}

func (l *natsLink) send(m message, token uint64) error {
	err := l.conn.PublishMsg(&nats.Msg{
		Subject: m.subject, Reply: l.inbox + "." + strconv.FormatUint(token, 36), Data: m.body,
		Header: nats.Header{headerID: {m.id}, headerStream: {l.stream}},
	})
	if errors.Is(err, nats.ErrMaxPayload) { // the headers were too much
		select {
		case l.got <- answer{token, errTooLarge}:
			return nil
		case <-l.done:
		}
	}
	return err
}

// answered takes an answer; where nobody waits for that many, the server waits.
func (l *natsLink) answered(m *nats.Msg) {
	a, ok := parseAnswer(strings.TrimPrefix(m.Subject, l.inbox+"."), m.Header.Get(statusHeader), m.Data)
	if !ok {
		return
	}
	if errors.Is(a.err, errOther) {
		a.err = fmt.Errorf("stream %s: %w", l.stream, a.err)
	}
	select {
	case l.got <- a:
	case <-l.done:
	}
}

func (l *natsLink) answers() <-chan answer { return l.got }
func (l *natsLink) lost() <-chan error     { return l.broken }

// most leaves room for the headers: the server counts them.
func (l *natsLink) most() int { return int(min(l.conn.MaxPayload(), 64<<20)) - 1024 }

func (l *natsLink) close() {
	l.close1.Do(func() {
		close(l.done)
		l.conn.Close()
	})
}

// dialer connects within ctx, and what it connected ends with ctx.
type dialer struct {
	ctx  context.Context
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial implements nats.CustomDialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, connectWithin)
	defer cancel()
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &bound{conn, context.AfterFunc(d.ctx, func() { _ = conn.Close() })}, nil
}

// bound is a connection that a context closes.
type bound struct {
	net.Conn
	free func() bool
}

func (b *bound) Close() error {
	b.free()
	return b.Conn.Close()
}

// apiError is why JetStream does not do something.
type apiError struct {
	Status      int    `json:"code"`
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

// refusal returns what an answer of JetStream says went wrong, or nil.
func refusal(data []byte) *apiError {
	var a struct {
		Error *apiError `json:"error"`
	}
	if len(data) > mostAnswerSize || json.Unmarshal(data, &a) != nil {
		return nil
	}
	return a.Error
}

// parseAnswer reads the answer to a message; false if it is to none of ours.
func parseAnswer(name, status string, data []byte) (a answer, ok bool) {
	token, err := strconv.ParseUint(name, 36, 64)
	if err != nil {
		return answer{}, false
	}
	a.token = token
	if status == statusNobody {
		a.err = errNoTaker
		return a, true
	}
	var ack struct {
		Error  *apiError `json:"error"`
		Stream string    `json:"stream"`
		Seq    uint64    `json:"seq"`
	}
	switch {
	case len(data) > mostAnswerSize || json.Unmarshal(data, &ack) != nil:
		a.err = errAnswer
	case ack.Error != nil && ack.Error.Code == codeTooLarge:
		a.err = errTooLarge
	case ack.Error != nil && ack.Error.Code == codeOtherOne:
		a.err = errOther
	case ack.Error != nil:
		a.err = fmt.Errorf("the stream refuses a message: %s (%d)", cmp.Or(ack.Error.Description, "no reason given"), ack.Error.Code)
	case ack.Stream == "" || ack.Seq == 0:
		a.err = errAnswer
	}
	return a, true
}
