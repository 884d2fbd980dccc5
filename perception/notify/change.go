package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
	smtp "vedette/perception/notify/mail"
	"vedette/perception/notify/mqtt"
	"vedette/perception/notify/webhook"
)

// ErrNotFound says that there is no subscription of that id.
var ErrNotFound = errors.New("no such subscription")

// List returns all subscriptions by name.
func (s *Service) List() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []View{}
	for _, e := range s.entries {
		all = append(all, s.view(e))
	}
	slices.SortFunc(all, func(a, b View) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Get returns one subscription, or ErrNotFound.
func (s *Service) Get(id string) (View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, is := s.entries[id]
	if !is {
		return View{}, ErrNotFound
	}
	return s.view(e), nil
}

// view returns e as people see it. s.mu is held.
func (s *Service) view(e *entry) View {
	v := View{Subscription: blank(e)}
	if _, text := e.sub.secret(); text != nil {
		v.SecretSet = *text != ""
	}
	if e.worker != nil {
		v.State = e.worker.state()
		return v
	}
	m, _ := s.book.mark(e.sub.ID)
	v.State = stateOf(m, 0, "")
	return v
}

// blank returns the subscription without its secret, and without what could not be
// opened.
func blank(e *entry) Subscription {
	sub := e.sub.clone()
	if e.broken != nil {
		for _, text := range sub.secrets() {
			*text = ""
		}
	}
	if _, text := sub.secret(); text != nil {
		*text = ""
	}
	return sub
}

// Create adds a subscription, which begins with what happens from now on. It
// returns a *FieldError for what is wrong. The ID of sub is ignored.
func (s *Service) Create(_ context.Context, sub Subscription) (View, error) {
	s.change.Lock()
	defer s.change.Unlock()
	sub = sub.clone()
	sub.ID = "n" + strings.ToLower(rand.Text()[:11])
	if err := sub.check(s.o.Check); err != nil {
		return View{}, err
	}
	s.mu.Lock()
	n := len(s.entries)
	s.mu.Unlock()
	if n >= mostSubscriptions {
		return View{}, wrong("name", "There are %d subscriptions, and no more than that.", mostSubscriptions)
	}
	if err := s.book.save(sub, s.o.Seal, &mark{Cursor: s.o.Source.Last()}); err != nil {
		return View{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &entry{sub: sub}
	s.entries[sub.ID] = e
	s.start(e)
	return s.view(e), nil
}

// Update changes a subscription by what change does to it, and returns ErrNotFound,
// a *FieldError for what is wrong, or change's error. The secret that change gets
// is empty, and if it stays so the one there is stays too. One that is enabled
// again begins with what happens from then on.
func (s *Service) Update(_ context.Context, id string, change func(*Subscription) error) (View, error) {
	s.change.Lock()
	defer s.change.Unlock()
	s.mu.Lock()
	e, is := s.entries[id]
	if !is {
		s.mu.Unlock()
		return View{}, ErrNotFound
	}
	next := blank(e)
	old := entry{sub: e.sub.clone(), broken: e.broken}
	s.mu.Unlock()
	if err := change(&next); err != nil {
		return View{}, err
	}
	next.ID = id
	if err := keepSecret(&next, &old); err != nil {
		return View{}, err
	}
	if err := next.check(s.o.Check); err != nil {
		return View{}, err
	}
	return s.replace(e, &old.sub, next)
}

// replace puts next in the place of old, which e is. s.change is held.
func (s *Service) replace(e *entry, old *Subscription, next Subscription) (View, error) {
	var begin *mark
	if next.Enabled && !old.Enabled {
		begin = &mark{Cursor: s.o.Source.Last()}
	}
	// The worker ends first, so that what it notes last is not noted behind the
	// change. It may have to say good-bye, which nobody else waits for.
	s.mu.Lock()
	worker := e.worker
	e.worker = nil
	s.mu.Unlock()
	if worker != nil {
		if moved(old, &next) {
			worker.leave()
		} else {
			worker.stop()
		}
	}
	err := s.book.save(next, s.o.Seal, begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		e.sub, e.broken = next, nil
	}
	s.start(e)
	return s.view(e), err
}

// moved reports whether what an MQTT subscription left at the broker is not to stay
// when it becomes next.
func moved(old, next *Subscription) bool {
	if old.MQTT == nil {
		return false
	}
	if next.MQTT == nil || !next.Enabled {
		return true
	}
	a, b := *old.MQTT, *next.MQTT
	a.Username, a.Password, b.Username, b.Password = "", "", "", ""
	return a != b
}

// keepSecret gives next the secret that e has, if none is said. It does not go
// along to another server: whoever may change the address could have it sent to
// himself.
func keepSecret(next *Subscription, e *entry) error {
	field, text := next.secret()
	_, old := e.sub.secret()
	if text == nil || *text != "" || old == nil || *old == "" || next.Kind != e.sub.Kind {
		return nil
	}
	if e.broken != nil {
		return wrong(field, "What is stored cannot be read; enter it again.")
	}
	switch a, b := &e.sub, next; next.Kind {
	case Mail:
		if b.Mail == nil || b.Mail.Username == "" {
			return nil
		}
		if a.Mail.Host != b.Mail.Host || a.Mail.Port != b.Mail.Port || a.Mail.TLS != b.Mail.TLS || a.Mail.Username != b.Mail.Username {
			return wrong(field, "Enter the password again for another server or user.")
		}
	case MQTT:
		if b.MQTT == nil || b.MQTT.Username == "" {
			return nil
		}
		if a.MQTT.URL != b.MQTT.URL || a.MQTT.Username != b.MQTT.Username {
			return wrong(field, "Enter the password again for another broker or user.")
		}
	}
	*text = *old
	return nil
}

// Delete forgets a subscription and its deliveries; ErrNotFound if it is not there.
func (s *Service) Delete(_ context.Context, id string) error {
	s.change.Lock()
	defer s.change.Unlock()
	s.mu.Lock()
	e, is := s.entries[id]
	s.mu.Unlock()
	if !is {
		return ErrNotFound
	}
	s.mu.Lock()
	worker := e.worker
	e.worker = nil
	s.mu.Unlock()
	if worker != nil {
		worker.leave()
	}
	if err := s.book.remove(id); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.start(e)
		return err
	}
	s.notes.forget(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, id)
	return nil
}

// Test sends a sample, and returns what became of it. It goes by itself: it waits
// for nothing, and nothing waits for it. A subscription that is disabled is tried
// too. It returns ErrNotFound, ErrBusy, or ctx's error.
func (s *Service) Test(ctx context.Context, id string) (Delivery, error) {
	s.mu.Lock()
	e, is := s.entries[id]
	if !is {
		s.mu.Unlock()
		return Delivery{}, ErrNotFound
	}
	sub, broken := e.sub.clone(), e.broken
	s.mu.Unlock()
	select {
	case s.tests <- struct{}{}:
		defer func() { <-s.tests }()
	default:
		return Delivery{}, ErrBusy
	}
	m := delivery.Message{ID: "test-" + strings.ToLower(rand.Text()[:12]), Box: s.o.Box(), Events: []events.Event{{
		Time: stamp(), Type: typeTest, Severity: events.Info, Payload: map[string]any{"subscription": id, "name": sub.Name},
	}}}
	started := time.Now()
	out := delivery.Outcome{Err: broken}
	if broken == nil {
		out = s.try(ctx, &sub, m)
	}
	if err := ctx.Err(); err != nil {
		return Delivery{}, err
	}
	d := Delivery{At: stamp(), Type: typeTest, Attempt: 1, Status: out.Status, Result: ResultFailed,
		Error: delivery.Reason(out.Err), TookMS: time.Since(started).Milliseconds()}
	if out.Verdict == delivery.Sent {
		d.Result = ResultSent
	}
	return d, nil
}

// ErrBusy says that as many tests run as may.
var ErrBusy = errors.New("other tests are running; try again")

func (s *Service) try(ctx context.Context, sub *Subscription, m delivery.Message) delivery.Outcome {
	if sub.Kind == MQTT {
		return mqtt.Once(ctx, mqttConfig(s, sub), s.mqttOptions(), m)
	}
	send, err := s.sender(sub)
	if err != nil {
		return delivery.Outcome{Err: err}
	}
	return send.Send(ctx, m)
}

// sender returns what sends for sub. It returns an error if sub lacks the secret
// that it needs.
func (s *Service) sender(sub *Subscription) (sender, error) {
	switch {
	case s.senders != nil:
		return s.senders(sub)
	case sub.Webhook != nil:
		send, err := webhook.New(webhook.Config{URL: sub.Webhook.URL, Secret: sub.Webhook.Secret}, s.o.HTTP)
		if err != nil { // and not a nil *Sender, which is something
			return nil, err
		}
		return send, nil
	case sub.Mail != nil:
		m := sub.Mail
		return smtp.New(smtp.Config{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: m.Password,
			From: m.From, To: m.To}, s.o.Dial, s.o.Roots), nil
	case sub.MQTT != nil:
		return mqtt.New(mqttConfig(s, sub), s.mqttOptions()), nil
	}
	return nil, errors.New("the subscription has no kind")
}

func (s *Service) mqttOptions() mqtt.Options {
	return mqtt.Options{Dial: s.o.Dial, Roots: s.o.Roots, Box: s.o.Box, State: s.o.State, Log: s.o.Log}
}

func mqttConfig(s *Service, sub *Subscription) mqtt.Config {
	m := sub.MQTT
	return mqtt.Config{URL: m.URL, Username: m.Username, Password: m.Password, Prefix: m.Prefix,
		Discovery: m.Discovery, DiscoveryPrefix: m.DiscoveryPrefix, Client: "vedette-" + s.o.Box().ID + "-" + sub.ID}
}

// reopen tries again to read the secrets of a subscription.
func (s *Service) reopen(sub Subscription) (Subscription, error) {
	stored, err := s.book.subscriptions()
	if err != nil {
		return sub, err
	}
	for _, found := range stored {
		if found.ID != sub.ID {
			continue
		}
		if err := found.each(s.o.Seal.OpenText); err != nil {
			return sub, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if e := s.entries[sub.ID]; e != nil {
			e.sub, e.broken = found, nil
		}
		return found, nil
	}
	return sub, ErrNotFound
}
