package mqtt

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// The words of the status topic, which are also Home Assistant's.
const (
	online  = "online"
	offline = "offline"
)

// Run keeps a connection, says what there is to say, and says good-bye when ctx is
// done; it returns ctx's cause. A broker that is not there is tried for ever.
func (c *Client) Run(ctx context.Context) error {
	u, err := url.Parse(c.c.URL)
	if err != nil {
		return c.reason(err)
	}
	cm, err := autopaho.NewConnection(context.WithoutCancel(ctx), c.config(u))
	if err != nil {
		return c.reason(err)
	}
	said := map[string]string{} // retained messages, by topic, of this connection
	for ctx.Err() == nil {
		c.step(ctx, cm, said)
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTime)
	defer cancel()
	c.goodbye(bye, cm, said)
	return context.Cause(ctx)
}

// config says how to connect, and what happens then.
func (c *Client) config(u *url.URL) autopaho.ClientConfig {
	conf := autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, KeepAlive: keepAlive, CleanStartOnInitialConnection: true,
		ReconnectBackoff: autopaho.NewExponentialBackoff(2*time.Second, time.Minute, 5*time.Second, 2),
		ConnectTimeout:   connectTime,
		AttemptConnection: func(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
			return c.dial(ctx)
		},
		WillMessage:    &paho.WillMessage{Topic: c.root + "/status", Payload: []byte(offline), QoS: 1, Retain: true},
		OnConnectionUp: func(cm *autopaho.ConnectionManager, _ *paho.Connack) { c.connectionUp(cm) },
		OnConnectionDown: func() bool {
			c.connectionDown()
			return true
		},
		OnConnectError: func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.err = c.explain(err)
		},
		ConnectUsername: c.c.Username, ConnectPassword: []byte(c.c.Password),
	}
	conf.ClientID, conf.PacketTimeout = c.c.Client, ackTime
	conf.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		c.receive(p.Packet)
		return true, nil
	}}
	return conf
}

func (c *Client) connectionUp(cm *autopaho.ConnectionManager) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cm, c.err = cm, nil
	close(c.up)
	kick(c.born)
}

func (c *Client) connectionDown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cm, c.err = nil, errLost
	c.up = make(chan struct{})
}

type lostError struct{}

func (lostError) Error() string { return "the connection is lost" }

var errLost error = lostError{}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// step waits for something to happen and says what there is to say about it.
func (c *Client) step(ctx context.Context, cm *autopaho.ConnectionManager, said map[string]string) {
	var changed <-chan struct{} // nil: nothing to see
	if c.o.State != nil {
		changed = c.o.State.Changed()
	}
	if c.connected() {
		c.say(ctx, cm, said)
	}
	select {
	case <-ctx.Done():
		return
	case <-c.born:
		clear(said) // the broker may have lost what it was told
		c.subscribe(ctx, cm)
	case <-c.home:
		for topic := range said {
			if c.isDiscovery(topic) {
				delete(said, topic)
			}
		}
	case <-c.old:
	case <-changed:
	}
	// What changes often is said once a second, which is enough to be seen.
	select {
	case <-ctx.Done():
	case <-time.After(spacing):
	}
}

// say publishes what is not said yet, and clears what is no longer true. What fails
// is said again with the next connection, or the next change.
func (c *Client) say(ctx context.Context, cm publisher, said map[string]string) {
	want := c.retained()
	for topic := range said {
		if _, still := want[topic]; !still {
			if c.publish(ctx, cm, topic, nil, true) != nil {
				return
			}
			delete(said, topic)
		}
	}
	for _, topic := range c.takeStale() {
		if _, still := want[topic]; !still {
			if c.publish(ctx, cm, topic, nil, true) != nil {
				return
			}
		}
	}
	for topic, data := range want {
		if have, is := said[topic]; is && have == data {
			continue
		}
		if err := c.publish(ctx, cm, topic, []byte(data), true); err != nil {
			if ctx.Err() == nil {
				c.o.Log.Warn("mqtt: a retained message is not taken", "topic", topic, "err", c.reason(err))
			}
			return
		}
		said[topic] = data
	}
}

// subscribe asks for what the broker keeps of this box, to clear what is out of
// date, and for the start of Home Assistant. A broker that lets us only publish
// loses us only that. What we publish comes back to us by this, which is harmless;
// to ask for it not to come could keep back what an earlier start of ours left.
func (c *Client) subscribe(ctx context.Context, cm *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	topics := []string{c.root + "/camera/+/state", c.root + "/camera/+/zone/+/occupancy"}
	if c.c.DiscoveryPrefix != "" {
		topics = append(topics, c.c.DiscoveryPrefix+"/+/"+c.node()+"/+/config", c.c.DiscoveryPrefix+"/status")
	}
	var all []paho.SubscribeOptions
	for _, t := range topics {
		all = append(all, paho.SubscribeOptions{Topic: t, QoS: 1})
	}
	if _, err := cm.Subscribe(ctx, &paho.Subscribe{Subscriptions: all}); err != nil && ctx.Err() == nil {
		c.o.Log.Info("mqtt: the broker does not let this box read what it keeps of it", "err", c.reason(err))
	}
}

// receive looks at a message of the broker's. It does not wait.
func (c *Client) receive(p *paho.Publish) {
	if p.Topic == c.c.DiscoveryPrefix+"/status" {
		if string(p.Payload) == online {
			kick(c.home)
		}
		return
	}
	if len(p.Payload) == 0 || !strings.HasPrefix(p.Topic, c.root+"/camera/") && !c.isDiscovery(p.Topic) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.stale) < mostStale {
		c.stale[p.Topic] = true
		kick(c.old)
	}
}

func (c *Client) takeStale() (topics []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.stale {
		topics = append(topics, t)
	}
	clear(c.stale)
	return topics
}

// goodbye says that the box is off, and disconnects.
func (c *Client) goodbye(ctx context.Context, cm *autopaho.ConnectionManager, said map[string]string) {
	c.mu.Lock()
	up, leave := c.cm != nil, c.leave
	c.mu.Unlock()
	last := map[string][]byte{c.root + "/status": []byte(offline)}
	if leave {
		for topic := range said {
			last[topic] = nil
		}
		last[c.root+"/status"] = nil
	}
	for topic, data := range last {
		if !up || c.publish(ctx, cm, topic, data, true) != nil {
			break // the will says it
		}
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTime)
	defer cancel()
	if err := cm.Disconnect(done); err != nil {
		c.o.Log.Warn("mqtt: the connection does not end", "err", err)
	}
}
