// Package mqtt publishes events, and how cameras and zones are, to an MQTT 5
// broker, and tells Home Assistant about them.
//
// It owns the topics below <prefix>/<box> and the retained messages there and in
// the discovery of Home Assistant that speak of this box: what is no longer true
// it clears, also what was left by an earlier start. It must never do anything
// because a message says so, other than to publish again what it had published.
package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"vedette/perception/notify/delivery"
)

// Config says where to, as whom, and below which topics.
type Config struct {
	URL             string // mqtt://host[:1883] or mqtts://host[:8883]
	Username        string
	Password        string
	Prefix          string // of all topics
	Discovery       bool   // tell Home Assistant
	DiscoveryPrefix string
	Client          string // name of the client, unique at the broker; Once adds to it
}

// Options is what a Client needs of others.
type Options struct {
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Roots *x509.CertPool      // vouch for the broker; nil = the system's
	Box   func() delivery.Box // its ID is a part of the topics
	State State               // nil = events only
	Log   *slog.Logger
}

const (
	connectTime = 15 * time.Second // for one connection, until the broker has agreed
	ackTime     = 10 * time.Second // for one message
	goodbyeTime = 3 * time.Second  // for the last words, all in all
	keepAlive   = 30               // seconds
	spacing     = time.Second      // between looks at what has changed
	mostStale   = 4096             // topics waiting to be cleared
)

// Client keeps a connection. Run is called once; all else may be called
// concurrently.
type Client struct {
	c    Config
	o    Options
	root string // <prefix>/<box>

	born chan struct{} // a connection is new: everything is to be said again
	home chan struct{} // Home Assistant has started
	old  chan struct{} // something is in stale

	mu    sync.Mutex
	cm    *autopaho.ConnectionManager // nil while there is no connection
	up    chan struct{}               // closed while there is one
	err   error                       // why there is none
	stale map[string]bool             // retained topics of ours that may be out of date
	leave bool                        // clear everything at the end
}

// New returns a Client that Run connects.
func New(c Config, o Options) *Client {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		c: c, o: o, root: c.Prefix + "/" + segment(o.Box().ID),
		born: make(chan struct{}, 1), home: make(chan struct{}, 1), old: make(chan struct{}, 1),
		up: make(chan struct{}), err: errors.New("not connected yet"), stale: map[string]bool{},
	}
}

// segment returns s as one level of a topic.
func segment(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
	if s == "" {
		return "_"
	}
	return delivery.Cut(s, 64)
}

// Ready returns a channel that is closed while there is a connection.
func (c *Client) Ready() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Leave has Run clear, at its end, everything that the broker keeps of this box.
func (c *Client) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave = true
}

// Send publishes the first event of m and waits for the broker to have it. Without
// a connection the Outcome is Down.
func (c *Client) Send(ctx context.Context, m delivery.Message) delivery.Outcome {
	c.mu.Lock()
	cm, why := c.cm, c.err
	c.mu.Unlock()
	if cm == nil {
		return delivery.Outcome{Verdict: delivery.Down, Err: why}
	}
	data, err := encode(m)
	if err != nil {
		return delivery.Outcome{Verdict: delivery.Refused, Err: err}
	}
	if err := c.publish(ctx, cm, c.root+"/event", data, false); err != nil {
		out := delivery.Outcome{Err: c.reason(err)}
		if !c.connected() {
			out.Verdict = delivery.Down
		}
		return out
	}
	return delivery.Outcome{Verdict: delivery.Sent}
}

func (c *Client) connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cm != nil
}

// encode returns the first event of m as its topic carries it.
func encode(m delivery.Message) ([]byte, error) {
	data, err := json.Marshal(struct {
		delivery.Event
		Delivery string `json:"delivery"`
	}{delivery.EventOf(m.Events[0]), m.ID})
	if err != nil {
		return nil, fmt.Errorf("encode event %d: %w", m.Events[0].Seq, err)
	}
	return data, nil
}

// publisher is the part of a connection that publishes.
type publisher interface {
	Publish(ctx context.Context, p *paho.Publish) (*paho.PublishResponse, error)
}

func (c *Client) publish(ctx context.Context, p publisher, topic string, data []byte, retain bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, ackTime, errors.New("the broker does not answer"))
	defer cancel()
	_, err := p.Publish(ctx, &paho.Publish{Topic: topic, Payload: data, QoS: 1, Retain: retain})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *Client) reason(err error) error { return errors.New(delivery.Reason(err, c.c.Password)) }

// dial connects to the broker, encrypted if its address says so.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	u, err := url.Parse(c.c.URL)
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme]
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectTime, errors.New("the broker does not answer"))
	defer cancel()
	conn, err := c.o.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if u.Scheme == "mqtts" {
		secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), RootCAs: c.o.Roots, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	return packets.NewThreadSafeConn(&bounded{Conn: conn}), nil
}

// explain makes one error of what failed when connecting.
func (c *Client) explain(err error) error {
	var refused *autopaho.ConnackError
	if errors.As(err, &refused) {
		return c.reason(fmt.Errorf("the broker refuses the connection: code %#02x", refused.ReasonCode))
	}
	if inner := errors.Unwrap(err); inner != nil { // what is around it repeats the address
		err = inner
	}
	return c.reason(err)
}

// Once connects, publishes the first event of m, and disconnects: it tries what a
// Client does for good. It clears and retains nothing.
func Once(ctx context.Context, conf Config, o Options, m delivery.Message) delivery.Outcome {
	conf.Client += "-test" // a broker ends the connection of the one that had the name
	c := New(conf, o)
	ctx, cancel := context.WithTimeoutCause(ctx, connectTime+ackTime, errors.New("the broker does not answer"))
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return delivery.Outcome{Err: c.reason(err)}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client := paho.NewClient(paho.ClientConfig{Conn: conn, ClientID: conf.Client, PacketTimeout: ackTime})
	hello := &paho.Connect{ClientID: conf.Client, KeepAlive: keepAlive, CleanStart: true}
	if conf.Username != "" {
		hello.UsernameFlag, hello.Username = true, conf.Username
		hello.PasswordFlag, hello.Password = conf.Password != "", []byte(conf.Password)
	}
	if ack, err := client.Connect(ctx, hello); err != nil {
		if ack != nil {
			err = fmt.Errorf("the broker refuses the connection: code %#02x", ack.ReasonCode)
		}
		return delivery.Outcome{Err: c.reason(err)}
	}
	data, err := encode(m)
	if err != nil {
		return delivery.Outcome{Verdict: delivery.Refused, Err: err}
	}
	if err := c.publish(ctx, client, c.root+"/event", data, false); err != nil {
		return delivery.Outcome{Err: c.reason(err)}
	}
	_ = client.Disconnect(&paho.Disconnect{}) // the broker has it
	return delivery.Outcome{Verdict: delivery.Sent}
}
