package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

// vault seals by turning texts around and marking their place; it can be shut.
type vault struct{ shut atomic.Bool }

func (v *vault) SealText(table, id, field, plain string) (string, error) {
	if plain == "" {
		return "", nil
	}
	b := []byte(plain)
	slices.Reverse(b)
	return "sealed:" + table + "/" + id + "/" + field + ":" + string(b), nil
}

func (v *vault) OpenText(table, id, field, stored string) (string, error) {
	if stored == "" {
		return "", nil
	}
	text, ok := strings.CutPrefix(stored, "sealed:"+table+"/"+id+"/"+field+":")
	if v.shut.Load() || !ok {
		return "", errors.New("no key opens this")
	}
	b := []byte(text)
	slices.Reverse(b)
	return string(b), nil
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	long := strings.Repeat("x", 3000)
	tests := []struct {
		name, kind, field string
		change            func(*Subscription)
	}{
		{"a name of nothing", Webhook, "name", func(s *Subscription) { s.Name = "  " }},
		{"a name with a line in it", Webhook, "name", func(s *Subscription) { s.Name = "a\r\nBcc: b" }},
		{"a kind nobody knows", Webhook, "kind", func(s *Subscription) { s.Kind = "pager" }},
		{"two kinds at once", Webhook, "mail", func(s *Subscription) { s.Mail = &MailConfig{} }},
		{"no settings of its kind", Webhook, "webhook", func(s *Subscription) { s.Webhook = nil }},
		{"a severity nobody knows", Webhook, "min_severity", func(s *Subscription) { s.MinSeverity = "loud" }},
		{"a type in capitals", Webhook, "types", func(s *Subscription) { s.Types = []string{"Zone"} }},
		{"a star in the middle", Webhook, "types", func(s *Subscription) { s.Types = []string{"a*b"} }},
		{"too many types", Webhook, "types", func(s *Subscription) { s.Types = make([]string, 65) }},
		{"a camera without an id", Webhook, "cameras", func(s *Subscription) { s.Cameras = []string{""} }},
		{"an address of a file", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "file:///etc/passwd" }},
		{"an address with a password", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https://me:pw@host/" }},
		{"an address with a line in it", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https://host/\r\nX: y" }},
		{"a long address", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https://host/" + long }},
		{"a port there is not", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https://host:70000/" }},
		{"no host", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https:///x" }},
		{"nothing to sign with", Webhook, "webhook.secret", func(s *Subscription) { s.Webhook.Secret = "" }},
		{"a short secret", Webhook, "webhook.secret", func(s *Subscription) { s.Webhook.Secret = "123456789012345" }},
		{"an address that is refused", Webhook, "webhook.url", func(s *Subscription) { s.Webhook.URL = "https://forbidden/" }},
		{"a host with a port", Mail, "mail.host", func(s *Subscription) { s.Mail.Host = "mail.example/x" }},
		{"a host that is refused", Mail, "mail.host", func(s *Subscription) { s.Mail.Host = "forbidden" }},
		{"an encryption nobody knows", Mail, "mail.tls", func(s *Subscription) { s.Mail.TLS = "ssl" }},
		{"a password in the clear", Mail, "mail.tls", func(s *Subscription) { s.Mail.TLS = "none" }},
		{"a login without a password", Mail, "mail.password", func(s *Subscription) { s.Mail.Password = "" }},
		{"a port below all", Mail, "mail.port", func(s *Subscription) { s.Mail.Port = -1 }},
		{"a sender with a name", Mail, "mail.from", func(s *Subscription) { s.Mail.From = "Box <box@example.com>" }},
		{"a sender with a line in it", Mail, "mail.from", func(s *Subscription) { s.Mail.From = "a@b.c\r\nRCPT TO:<x@y.z>" }},
		{"nobody to send to", Mail, "mail.to", func(s *Subscription) { s.Mail.To = nil }},
		{"a recipient that is none", Mail, "mail.to", func(s *Subscription) { s.Mail.To = []string{"me"} }},
		{"a broker by http", MQTT, "mqtt.url", func(s *Subscription) { s.MQTT.URL = "http://broker" }},
		{"a broker with a path", MQTT, "mqtt.url", func(s *Subscription) { s.MQTT.URL = "mqtt://broker/a" }},
		{"a prefix with a wildcard", MQTT, "mqtt.prefix", func(s *Subscription) { s.MQTT.Prefix = "a/+" }},
		{"a prefix with an empty level", MQTT, "mqtt.prefix", func(s *Subscription) { s.MQTT.Prefix = "a//b" }},
		{"a discovery prefix with #", MQTT, "mqtt.discovery_prefix", func(s *Subscription) { s.MQTT.DiscoveryPrefix = "#" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sub := example(tt.kind)
			tt.change(&sub)
			err := sub.check(func(host string, _ int) error {
				if host == "forbidden" {
					return errors.New("it is this recorder itself")
				}
				return nil
			})
			var field interface{ Field() string }
			if !errors.As(err, &field) || field.Field() != tt.field {
				t.Errorf("error = %v, want one about %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("error %q tells a secret", err)
			}
		})
	}
	for _, kind := range []string{Webhook, Mail, MQTT} {
		sub := example(kind)
		if err := sub.check(nil); err != nil {
			t.Errorf("%s: %v, want none", kind, err)
		}
	}
}

func TestSubscriptionsWantWhatTheySay(t *testing.T) {
	tests := []struct {
		name string
		sub  Subscription
		e    events.Event
		want bool
	}{
		{"a star is all", Subscription{Types: []string{"*"}}, events.Event{Type: "x"}, true},
		{"a type is itself", Subscription{Types: []string{"zone"}}, events.Event{Type: "zone_enter"}, false},
		{"a beginning is what begins so", Subscription{Types: []string{"a", "zone_*"}}, events.Event{Type: "zone_enter"}, true},
		{"no types are none", Subscription{}, events.Event{Type: "x"}, false},
		{"below the severity", Subscription{Types: []string{"*"}, MinSeverity: events.Warning}, events.Event{Severity: events.Info}, false},
		{"at the severity", Subscription{Types: []string{"*"}, MinSeverity: events.Warning}, events.Event{Severity: events.Warning}, true},
		{"above the severity", Subscription{Types: []string{"*"}, MinSeverity: events.Warning}, events.Event{Severity: events.Critical}, true},
		{"another camera", Subscription{Types: []string{"*"}, Cameras: []string{"yard"}}, events.Event{Camera: "gate"}, false},
		{"its camera", Subscription{Types: []string{"*"}, Cameras: []string{"gate", "yard"}}, events.Event{Camera: "yard"}, true},
		{"no cameras is what is about none, too", Subscription{Types: []string{"*"}}, events.Event{}, true},
		{"itself", Subscription{ID: "n1", Types: []string{"*"}}, events.Event{Type: "notification_given_up", Payload: map[string]any{"subscription": "n1"}}, false},
		{"another one", Subscription{ID: "n2", Types: []string{"*"}}, events.Event{Type: "notification_given_up", Payload: map[string]any{"subscription": "n1"}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.sub.wants(&tt.e); got != tt.want {
				t.Errorf("wants = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSecretsAreSealedAndNeverShown(t *testing.T) {
	h := &house{t: t, db: openDB(t), seal: &vault{}}
	h.open()
	for _, kind := range []string{Webhook, Mail, MQTT} {
		v, err := h.s.Create(t.Context(), example(kind))
		if err != nil {
			t.Fatal(err)
		}
		shown, _ := json.Marshal(v)
		if bytes.Contains(shown, []byte("canary-secret")) || bytes.Contains(shown, []byte("canary-password")) || !v.SecretSet {
			t.Errorf("%s shows %s", kind, shown)
		}
	}
	path := h.db.Bolt.Path()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"canary-secret", "canary-password", "canary-token"} {
		if bytes.Contains(raw, []byte(canary)) {
			t.Errorf("%q lies on disk in the clear", canary)
		}
	}
	h.open() // the next start reads them
	for _, v := range h.s.List() {
		e := h.s.entries[v.ID]
		if _, text := e.sub.secret(); e.broken != nil || !strings.HasPrefix(*text, "canary-") {
			t.Errorf("%s: secret %q, %v", v.Kind, *text, e.broken)
		}
		if v.Webhook != nil && v.Webhook.URL != "https://hooks.example/canary-token" {
			t.Errorf("address %q", v.Webhook.URL)
		}
	}
	n := 0
	err = h.db.Bolt.Update(func(tx *bolt.Tx) error {
		var err error
		n, err = h.s.Reseal(tx, func(table, id, field, stored string) (string, error) {
			plain, err := h.seal.OpenText(table, id, field, stored)
			return strings.ToUpper(plain), err
		})
		return err
	})
	h.seal = nil
	h.open()
	if err != nil || n != 4 {
		t.Errorf("Reseal = %d, %v; want 4", n, err)
	}
	for _, v := range h.s.List() {
		e := h.s.entries[v.ID]
		if _, text := e.sub.secret(); !strings.HasPrefix(*text, "CANARY-") {
			t.Errorf("%s: secret %q after Reseal", v.Kind, *text)
		}
	}
}

func TestAPasswordDoesNotGoAlongToAnotherServer(t *testing.T) {
	tests := []struct {
		name, kind, field string
		change            func(*Subscription)
	}{
		{"a new name keeps it", Mail, "", func(s *Subscription) { s.Name = "new" }},
		{"another host", Mail, "mail.password", func(s *Subscription) { s.Mail.Host = "evil.example" }},
		{"another host, password said", Mail, "", func(s *Subscription) { s.Mail.Host, s.Mail.Password = "other.example", "canary-two" }},
		{"less encryption", Mail, "mail.password", func(s *Subscription) { s.Mail.TLS = "none" }},
		{"no login, no password", Mail, "", func(s *Subscription) { s.Mail.Host, s.Mail.Username = "other.example", "" }},
		{"another broker", MQTT, "mqtt.password", func(s *Subscription) { s.MQTT.URL = "mqtt://evil.example" }},
		{"another web server gets signatures only", Webhook, "", func(s *Subscription) { s.Webhook.URL = "https://other.example/" }},
		{"another kind begins anew", Mail, "webhook.secret", func(s *Subscription) {
			s.Kind, s.Mail, s.Webhook = Webhook, nil, &WebhookConfig{URL: "https://evil.example"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &house{t: t, db: openDB(t)}
			h.open()
			v, err := h.s.Create(t.Context(), example(tt.kind))
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.s.Update(t.Context(), v.ID, func(s *Subscription) error {
				if _, text := s.secret(); *text != "" {
					t.Errorf("the change is told the secret %q", *text)
				}
				tt.change(s)
				return nil
			})
			var field *FieldError
			if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &field) || field.Name != tt.field) {
				t.Errorf("error = %v, want one about %q", err, tt.field)
			}
		})
	}
}

func TestAnUnreadableSecretHaltsAndIsToldOfOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, v := &receiver{}, &vault{}
		h := &house{t: t, db: openDB(t), to: map[string]sender{"a": r}, seal: v}
		h.open()
		sub := h.add("a", Webhook)
		v.shut.Store(true)
		h.open()
		stop := h.run()
		seqs := h.emit(5, events.Info)
		time.Sleep(150 * time.Minute)
		synctest.Wait()
		got, _ := h.s.Get(sub.ID)
		if len(r.attempts()) != 0 || got.State.Halted == "" || got.State.Pending != 5 || got.Webhook.URL != "" {
			t.Errorf("%d attempts, %+v; want none, halted", len(r.attempts()), got)
		}
		if len(h.own) != 3 || h.own[0].Type != "notification_halted" {
			t.Errorf("%d events in two and a half hours, want 3", len(h.own))
		}
		if d, err := h.s.Test(t.Context(), sub.ID); err != nil || d.Result != ResultFailed {
			t.Errorf("a test = %+v, %v; want it to fail", d, err)
		}
		_, err := h.s.Update(t.Context(), sub.ID, func(s *Subscription) error { s.Webhook.URL = "https://x.example"; return nil })
		var field *FieldError
		if !errors.As(err, &field) || field.Name != "webhook.secret" {
			t.Errorf("a change without the secret = %v, want it asked for", err)
		}
		v.shut.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		if !slices.Equal(r.seqs(), seqs) {
			t.Errorf("got %v once it can be read, want %v", r.seqs(), seqs)
		}
		if got, _ := h.s.Get(sub.ID); got.State.Halted != "" || got.Webhook.URL == "" {
			t.Errorf("state = %+v, want it going on", got)
		}
		stop()
	})
}

func TestSubscriptionsComeAndGoWhileServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &receiver{}, &receiver{hang: true}
		h := newHouse(t, map[string]sender{"a": a, "b": b})
		stop := h.run()
		h.emit(1, events.Info)
		one := h.add("a", Webhook)
		two := h.add("b", Webhook)
		want := h.emit(1, events.Info)
		set := func(id string, enabled bool) {
			if _, err := h.s.Update(t.Context(), id, func(s *Subscription) error { s.Enabled = enabled; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		set(one.ID, false)
		h.emit(3, events.Info) // nobody is told, also later
		set(one.ID, true)
		want = append(want, h.emit(1, events.Info)...)
		if got := a.seqs(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := h.s.Delete(t.Context(), two.ID); err != nil { // while it sends
			t.Fatal(err)
		}
		if _, err := h.s.Get(two.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get = %v, want ErrNotFound", err)
		}
		if err := h.s.Delete(t.Context(), two.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Delete = %v, want ErrNotFound", err)
		}
		stop()
		h.open()
		if all := h.s.List(); len(all) != 1 || all[0].ID != one.ID {
			t.Errorf("after a start there are %+v", all)
		}
	})
}

func TestThereAreSixtyFourSubscriptions(t *testing.T) {
	h := &house{t: t, db: openDB(t)}
	h.open()
	for range mostSubscriptions {
		if _, err := h.s.Create(t.Context(), example(Webhook)); err != nil {
			t.Fatal(err)
		}
	}
	var field *FieldError
	if _, err := h.s.Create(t.Context(), example(Webhook)); !errors.As(err, &field) {
		t.Errorf("one more = %v, want a *FieldError", err)
	}
}

func TestDeliveriesAreBoundedAndPruned(t *testing.T) {
	h := &house{t: t, db: openDB(t)}
	h.open()
	a, _ := h.s.Create(t.Context(), example(Webhook))
	b, _ := h.s.Create(t.Context(), example(Webhook))
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range 500 {
		at := start.Add(time.Duration(i) * time.Minute)
		if i == 499 {
			at = time.Unix(60, 0) // a clock that had not been set
		}
		h.s.book.note(a.ID, mark{Cursor: uint64(i)}, Delivery{At: at, EventSeq: uint64(i), Result: ResultSent})
		if i%70 == 0 {
			if err := h.s.book.flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.s.book.note(b.ID, mark{Cursor: 1}, Delivery{At: start, EventSeq: 7, Result: ResultFailed})
	check := func(what string, n int, first uint64) {
		t.Helper()
		all, err := h.s.Deliveries(t.Context(), a.ID, 1000)
		if err != nil || len(all) != n || all[0].EventSeq != 499 || all[n-1].EventSeq != first {
			t.Errorf("%s: %d deliveries from %d down, %v; want %d down to %d", what, len(all), all[0].EventSeq, err, n, first)
		}
	}
	if err := h.s.book.flush(); err != nil {
		t.Fatal(err)
	}
	check("bounded", 200, 300)
	h.open()
	check("after a start", 200, 300)
	if three, err := h.s.Deliveries(t.Context(), a.ID, 3); err != nil || len(three) != 3 || three[2].EventSeq != 497 {
		t.Errorf("3 of them = %+v, %v", three, err)
	}
	for range 5 {
		h.s.book.note(a.ID, mark{}, Delivery{EventSeq: 499})
	}
	if err := h.s.book.flush(); err != nil {
		t.Fatal(err)
	}
	check("and five more", 200, 305)
	if n, err := h.s.PruneBefore(t.Context(), start.Add(400*time.Minute), 60); n != 60 || err != nil {
		t.Errorf("pruned %d, %v; want a batch of 60", n, err)
	}
	if n, err := h.s.PruneBefore(t.Context(), start.Add(400*time.Minute), 60); n != 36 || err != nil {
		t.Errorf("pruned %d, %v; want 35, and one of the other", n, err)
	}
	check("pruned", 105, 400)
	for range 5 {
		h.s.book.note(a.ID, mark{Cursor: 1}, Delivery{EventSeq: 499})
	}
	if err := h.s.book.flush(); err != nil {
		t.Fatal(err)
	}
	check("pruned, and five more", 110, 400)
	if one, err := h.s.Deliveries(t.Context(), b.ID, 10); err != nil || len(one) != 0 {
		t.Errorf("the other's = %+v, %v", one, err)
	}
	if _, err := h.s.Deliveries(t.Context(), "none", 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody = %v, want ErrNotFound", err)
	}
}

func TestATestSaysWhatBecameOfIt(t *testing.T) {
	r := &receiver{answer: func(int, delivery.Message) delivery.Outcome {
		return delivery.Outcome{Status: 500, Err: errors.New("the server answers 500")}
	}}
	h := &house{t: t, db: openDB(t), to: map[string]sender{"a": r}}
	h.open()
	sub := example(Webhook)
	sub.Name, sub.Enabled = "a", false
	v, err := h.s.Create(t.Context(), sub)
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.s.Test(t.Context(), v.ID)
	if err != nil || d.Result != ResultFailed || d.Status != 500 || d.Error == "" || d.Type != "notification_test" {
		t.Errorf("a test that fails = %+v, %v", d, err)
	}
	r.answer = nil
	if d, err := h.s.Test(t.Context(), v.ID); err != nil || d.Result != ResultSent {
		t.Errorf("a test that does not = %+v, %v", d, err)
	}
	if got := r.attempts(); got[0].ID == got[1].ID || got[0].Events[0].Payload["subscription"] != v.ID {
		t.Errorf("samples = %+v", got)
	}
	r.hang = true
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	for range mostTests {
		go func() { _, err := h.s.Test(ctx, v.ID); done <- err }()
	}
	for len(r.attempts()) < 2+mostTests {
		time.Sleep(time.Millisecond) // the others begin
	}
	if _, err := h.s.Test(t.Context(), v.ID); !errors.Is(err, ErrBusy) {
		t.Errorf("one more than may run = %v, want ErrBusy", err)
	}
	cancel()
	for range mostTests {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("a test that is no longer wanted = %v", err)
		}
	}
}
