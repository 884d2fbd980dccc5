package perceive

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"vedette/perception/events"
	"vedette/perception/notify"
	"vedette/perception/notify/mqtt"
	"vedette/web/api"
)

// Notifications returns what the API needs of the notifier.
func (p *Perception) Notifications() api.Notifications { return notifyDesk{p} }

type notifyDesk struct{ *Perception }

func (d notifyDesk) Subscriptions(context.Context) ([]api.Subscription, error) {
	out := []api.Subscription{}
	for _, v := range d.notify.List() {
		out = append(out, subscriptionView(v))
	}
	return out, nil
}

func (d notifyDesk) AddSubscription(ctx context.Context, in api.SubscriptionInput) (api.Subscription, error) {
	s := notify.Subscription{Enabled: true, Kind: deref(in.Kind)}
	if err := changeSubscription(&s, in); err != nil {
		return api.Subscription{}, err
	}
	v, err := d.notify.Create(ctx, s)
	return subscriptionView(v), notifyErr(err)
}

func (d notifyDesk) ChangeSubscription(ctx context.Context, id string, in api.SubscriptionInput) (api.Subscription, error) {
	v, err := d.notify.Update(ctx, id, func(s *notify.Subscription) error { return changeSubscription(s, in) })
	return subscriptionView(v), notifyErr(err)
}

func (d notifyDesk) RemoveSubscription(ctx context.Context, id string) error {
	return notifyErr(d.notify.Delete(ctx, id))
}

func (d notifyDesk) TestSubscription(ctx context.Context, id string) (api.Delivery, error) {
	out, err := d.notify.Test(ctx, id)
	return deliveryView(out), notifyErr(err)
}

func (d notifyDesk) Deliveries(ctx context.Context, id string, limit int) ([]api.Delivery, error) {
	list, err := d.notify.Deliveries(ctx, id, limit)
	out := make([]api.Delivery, len(list))
	for i, x := range list {
		out[i] = deliveryView(x)
	}
	return out, notifyErr(err)
}

func notifyErr(err error) error {
	if errors.Is(err, notify.ErrNotFound) {
		return api.ErrNotFound
	}
	return err
}

// changeSubscription applies what was said. What belongs to another kind is refused.
func changeSubscription(s *notify.Subscription, in api.SubscriptionInput) error {
	set(&s.Name, in.Name)
	set(&s.Enabled, in.Enabled)
	set(&s.Types, in.Types)
	if in.MinSeverity != nil {
		s.MinSeverity = events.Severity(*in.MinSeverity)
	}
	if in.Cameras.Said {
		s.Cameras = in.Cameras.IDs
	}
	for name, said := range map[string]bool{notify.Webhook: in.Webhook != nil, notify.Mail: in.Mail != nil, notify.MQTT: in.MQTT != nil} {
		if said && s.Kind != name {
			return &api.FieldError{Name: name, Message: "The subscription is of another kind."}
		}
	}
	switch s.Kind {
	case notify.Webhook:
		if s.Webhook == nil {
			s.Webhook = &notify.WebhookConfig{}
		}
		if w := in.Webhook; w != nil {
			set(&s.Webhook.URL, w.URL)
			set(&s.Webhook.Secret, w.Secret)
		}
	case notify.Mail:
		changeMail(s, in.Mail)
	case notify.MQTT:
		changeMQTT(s, in.MQTT)
	}
	return nil
}

func changeMail(s *notify.Subscription, in *api.MailInput) {
	if s.Mail == nil {
		s.Mail = &notify.MailConfig{}
	}
	if in == nil {
		return
	}
	m := s.Mail
	set(&m.Host, in.Host)
	set(&m.Port, in.Port)
	set(&m.TLS, in.TLS)
	set(&m.Username, in.Username)
	set(&m.Password, in.Password)
	set(&m.From, in.From)
	set(&m.To, in.To)
}

func changeMQTT(s *notify.Subscription, in *api.MQTTInput) {
	if s.MQTT == nil {
		s.MQTT = &notify.MQTTConfig{Discovery: true}
	}
	if in == nil {
		return
	}
	m := s.MQTT
	set(&m.URL, in.URL)
	set(&m.Username, in.Username)
	set(&m.Password, in.Password)
	set(&m.Prefix, in.Prefix)
	set(&m.Discovery, in.Discovery)
	set(&m.DiscoveryPrefix, in.DiscoveryPrefix)
}

func subscriptionView(v notify.View) api.Subscription {
	out := api.Subscription{
		ID: v.ID, Name: v.Name, Kind: v.Kind, Enabled: v.Enabled, Types: v.Types, MinSeverity: string(v.MinSeverity), Cameras: v.Cameras, SecretSet: v.SecretSet,
		State: api.SubscriptionState{
			Cursor: v.State.Cursor, Pending: v.State.Pending, LastSent: stamp(v.State.LastSentAt), LastError: v.State.LastError,
			FailingSince: stamp(v.State.FailingSince), Halted: v.State.Halted,
		},
	}
	if w := v.Webhook; w != nil {
		out.Webhook = &api.Webhook{URL: w.URL}
	}
	if m := v.Mail; m != nil {
		out.Mail = &api.Mail{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, From: m.From, To: m.To}
	}
	if m := v.MQTT; m != nil {
		out.MQTT = &api.MQTT{URL: m.URL, Username: m.Username, Prefix: m.Prefix, Discovery: m.Discovery, DiscoveryPrefix: m.DiscoveryPrefix}
	}
	return out
}

func stamp(t *time.Time) *api.Timestamp {
	if t == nil || t.IsZero() {
		return nil
	}
	s := api.Timestamp(*t)
	return &s
}

func deliveryView(d notify.Delivery) api.Delivery {
	return api.Delivery{
		At: api.Timestamp(d.At), Event: d.EventSeq, Type: d.Type, Attempt: d.Attempt, Status: d.Status, Result: d.Result, Error: d.Error, Took: d.TookMS,
	}
}

// surroundings is what brokers are shown of cameras and zones.
type surroundings struct {
	*Perception

	mu      sync.Mutex
	changed chan struct{}
}

func (s *surroundings) Cameras() []mqtt.Camera {
	all := s.o.Recorder.Cameras()
	out := make([]mqtt.Camera, len(all))
	for i, c := range all {
		out[i] = mqtt.Camera{ID: c.ID, Name: c.Name, State: c.State}
	}
	return out
}

func (s *surroundings) Zones() (out []mqtt.Zone) {
	inside := s.inside()
	for _, z := range s.zones.All() {
		out = append(out, mqtt.Zone{ID: z.ID, Camera: z.Camera, Name: z.Name, Occupancy: inside[z.ID]})
	}
	return out
}

// inside counts who is in each zone.
func (s *surroundings) inside() map[string]int {
	out, asked := map[string]int{}, map[string]bool{}
	for _, z := range s.zones.All() {
		if asked[z.Camera] {
			continue
		}
		asked[z.Camera] = true
		for _, o := range s.watcher.Occupancy(z.Camera) {
			out[o.Zone] = o.Total
		}
	}
	return out
}

func (s *surroundings) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// watch tells of changes until ctx is done. Who is in a zone it looks at every
// second.
func (s *surroundings) watch(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var cameras, before string
	var inside map[string]int
	for {
		var text strings.Builder
		for _, c := range s.Cameras() {
			text.WriteString(c.ID + "\x00" + c.Name + "\x00" + c.State + "\x00")
		}
		for _, z := range s.zones.All() {
			text.WriteString(z.ID + "\x00" + z.Name + "\x00")
		}
		now := s.inside()
		if cameras = text.String(); cameras != before || !maps.Equal(now, inside) {
			before, inside = cameras, now
			s.mu.Lock()
			close(s.changed)
			s.changed = make(chan struct{})
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
