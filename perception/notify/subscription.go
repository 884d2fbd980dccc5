package notify

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vedette/perception/events"
	smtp "vedette/perception/notify/mail"
)

// The kinds of subscriptions.
const (
	Webhook = "webhook"
	Mail    = "mail"
	MQTT    = "mqtt"
)

// Subscription says which events go where. It is also its own JSON; the secrets in
// it are never given out.
type Subscription struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Kind        string          `json:"kind"` // Webhook, Mail or MQTT
	Enabled     bool            `json:"enabled"`
	Types       []string        `json:"types"` // exact, or a beginning with * behind it; "*" = all
	MinSeverity events.Severity `json:"min_severity"`
	Cameras     []string        `json:"cameras"` // nil = all, and what is about none
	Webhook     *WebhookConfig  `json:"webhook,omitempty"`
	Mail        *MailConfig     `json:"mail,omitempty"`
	MQTT        *MQTTConfig     `json:"mqtt,omitempty"`
}

// WebhookConfig is that of a web server.
type WebhookConfig struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"` // signs; write-only
}

// MailConfig is that of a mail server.
type MailConfig struct {
	Host     string   `json:"host"`
	Port     int      `json:"port"`
	TLS      string   `json:"tls"` // tls, starttls or none
	Username string   `json:"username,omitempty"`
	Password string   `json:"password,omitempty"` // write-only
	From     string   `json:"from"`
	To       []string `json:"to"`
}

// MQTTConfig is that of a broker.
type MQTTConfig struct {
	URL             string `json:"url"` // mqtt:// or mqtts://
	Username        string `json:"username,omitempty"`
	Password        string `json:"password,omitempty"` // write-only
	Prefix          string `json:"prefix"`
	Discovery       bool   `json:"discovery"`
	DiscoveryPrefix string `json:"discovery_prefix"`
}

// View is a subscription as people see it, and how it fares.
type View struct {
	Subscription
	SecretSet bool  `json:"secret_set"`
	State     State `json:"state"`
}

// State is how a subscription fares.
type State struct {
	Cursor       uint64     `json:"cursor"`  // everything up to here is done
	Pending      int        `json:"pending"` // events behind it that are waiting
	LastSentAt   *time.Time `json:"last_sent_at,omitempty"`
	LastError    string     `json:"last_error,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Halted       string     `json:"halted,omitempty"` // why nothing is sent until somebody acts
}

// FieldError says which field of a request is wrong, and why, for a person.
type FieldError struct {
	Name    string // as in JSON
	Message string
}

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field.
func (e *FieldError) Field() string { return e.Name }

func wrong(name, format string, a ...any) error {
	return &FieldError{name, fmt.Sprintf(format, a...)}
}

// Bounds of a subscription.
const (
	mostSubscriptions = 64
	mostTypes         = 64
	mostCameras       = 256
	mostRecipients    = 16
	mostURL           = 2048 // bytes
	mostText          = 256  // bytes of any other text
	leastSecret       = 16   // bytes of what signs
)

// wants reports whether e goes to s. What is about s itself does not: it would be
// the next thing that fails.
func (s *Subscription) wants(e *events.Event) bool {
	if strings.HasPrefix(e.Type, typePrefix) && e.Payload["subscription"] == s.ID {
		return false
	}
	if e.Severity.Rank() < s.MinSeverity.Rank() || s.Cameras != nil && !slices.Contains(s.Cameras, e.Camera) {
		return false
	}
	return slices.ContainsFunc(s.Types, func(t string) bool { return events.MatchType(t, e.Type) })
}

// secrets are the texts that are sealed on disk: the address of a web server too,
// because many makers want a token in it.
func (s *Subscription) secrets() map[string]*string {
	all := map[string]*string{}
	if s.Webhook != nil {
		all["webhook.url"], all["webhook.secret"] = &s.Webhook.URL, &s.Webhook.Secret
	}
	if s.Mail != nil {
		all["mail.password"] = &s.Mail.Password
	}
	if s.MQTT != nil {
		all["mqtt.password"] = &s.MQTT.Password
	}
	return all
}

// secret returns the one that is write-only, nil if s has no kind.
func (s *Subscription) secret() (field string, text *string) {
	switch {
	case s.Webhook != nil:
		return "webhook.secret", &s.Webhook.Secret
	case s.Mail != nil:
		return "mail.password", &s.Mail.Password
	case s.MQTT != nil:
		return "mqtt.password", &s.MQTT.Password
	}
	return "", nil
}

// clone returns a copy that shares nothing with s.
func (s *Subscription) clone() Subscription {
	c := *s
	c.Types, c.Cameras = slices.Clone(s.Types), slices.Clone(s.Cameras)
	if s.Webhook != nil {
		w := *s.Webhook
		c.Webhook = &w
	}
	if s.Mail != nil {
		m := *s.Mail
		m.To = slices.Clone(m.To)
		c.Mail = &m
	}
	if s.MQTT != nil {
		m := *s.MQTT
		c.MQTT = &m
	}
	return c
}

// check fills in defaults and returns a *FieldError for what is wrong.
func (s *Subscription) check(reach func(host string, port int) error) error {
	s.Name = strings.TrimSpace(s.Name)
	if s.Name == "" || !shown(s.Name) || utf8.RuneCountInString(s.Name) > 64 {
		return wrong("name", "A name has 1 to 64 characters.")
	}
	if s.MinSeverity == "" {
		s.MinSeverity = events.Info
	}
	if !slices.Contains([]events.Severity{events.Info, events.Warning, events.Critical}, s.MinSeverity) {
		return wrong("min_severity", "The severity is info, warning or critical.")
	}
	if len(s.Types) == 0 {
		s.Types = []string{"*"}
	}
	if len(s.Types) > mostTypes {
		return wrong("types", "There are at most %d types.", mostTypes)
	}
	for _, t := range s.Types {
		if name := strings.TrimSuffix(t, "*"); len(t) > 64 || t == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return wrong("types", "A type is written in small letters, digits and underscores; a * at its end stands for the rest.")
		}
	}
	if len(s.Cameras) > mostCameras {
		return wrong("cameras", "There are at most %d cameras.", mostCameras)
	}
	for _, c := range s.Cameras {
		if c == "" || len(c) > 64 || !shown(c) {
			return wrong("cameras", "A camera is named by its id.")
		}
	}
	return s.checkKind(reach)
}

// checkKind checks what only one kind has.
func (s *Subscription) checkKind(reach func(host string, port int) error) error {
	has := map[string]bool{Webhook: s.Webhook != nil, Mail: s.Mail != nil, MQTT: s.MQTT != nil}
	if _, known := has[s.Kind]; !known {
		return wrong("kind", "The kind is webhook, mail or mqtt.")
	}
	for kind, is := range has {
		if is != (kind == s.Kind) {
			return wrong(kind, "A subscription of kind %s has %s and nothing else.", s.Kind, s.Kind)
		}
	}
	switch s.Kind {
	case Webhook:
		return s.Webhook.check(reach)
	case Mail:
		return s.Mail.check(reach)
	}
	return s.MQTT.check(reach)
}

func (w *WebhookConfig) check(reach func(host string, port int) error) error {
	if err := checkURL("webhook.url", w.URL, reach, map[string]int{"http": 80, "https": 443}); err != nil {
		return err
	}
	if len(w.Secret) < leastSecret || len(w.Secret) > mostText {
		return wrong("webhook.secret", "The secret has %d to %d characters; messages are signed with it.", leastSecret, mostText)
	}
	return nil
}

func (m *MailConfig) check(reach func(host string, port int) error) error {
	if _, known := map[string]bool{smtp.TLS: true, smtp.StartTLS: true, smtp.None: true}[m.TLS]; !known {
		return wrong("mail.tls", "The encryption is tls, starttls or none.")
	}
	if m.Port == 0 {
		m.Port = map[string]int{smtp.TLS: 465, smtp.StartTLS: 587, smtp.None: 25}[m.TLS]
	}
	if m.Port < 1 || m.Port > 65535 {
		return wrong("mail.port", "A port is from 1 to 65535.")
	}
	if m.Host == "" || len(m.Host) > mostText || strings.ContainsFunc(m.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/\\@[]%?#", r) }) {
		return wrong("mail.host", "The host is a name or an address, without a port.")
	}
	if err := reached("mail.host", m.Host, m.Port, reach); err != nil {
		return err
	}
	if !short(m.Username) || !short(m.Password) {
		return wrong("mail.username", "A name and a password have at most %d characters.", mostText)
	}
	if m.Username == "" {
		m.Password = ""
	}
	if m.Username != "" && m.TLS == smtp.None {
		return wrong("mail.tls", "A password is not sent without encryption.")
	}
	if m.Username != "" && m.Password == "" {
		return wrong("mail.password", "A login needs a password.")
	}
	if !address(m.From) {
		return wrong("mail.from", "The sender is an address like recorder@example.com.")
	}
	if len(m.To) == 0 || len(m.To) > mostRecipients {
		return wrong("mail.to", "There are 1 to %d recipients.", mostRecipients)
	}
	for _, to := range m.To {
		if !address(to) {
			return wrong("mail.to", "A recipient is an address like name@example.com.")
		}
	}
	return nil
}

func (m *MQTTConfig) check(reach func(host string, port int) error) error {
	if err := checkURL("mqtt.url", m.URL, reach, map[string]int{"mqtt": 1883, "mqtts": 8883}); err != nil {
		return err
	}
	if u, _ := url.Parse(m.URL); u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return wrong("mqtt.url", "The address of a broker has nothing behind its port.")
	}
	if !short(m.Username) || !short(m.Password) {
		return wrong("mqtt.username", "A name and a password have at most %d characters.", mostText)
	}
	if m.Username == "" {
		m.Password = ""
	}
	if m.Prefix == "" {
		m.Prefix = "vedette"
	}
	if !topic(m.Prefix) {
		return wrong("mqtt.prefix", "A prefix has letters, digits, - and _, with / between them.")
	}
	if m.DiscoveryPrefix == "" {
		m.DiscoveryPrefix = "homeassistant"
	}
	if !topic(m.DiscoveryPrefix) {
		return wrong("mqtt.discovery_prefix", "A prefix has letters, digits, - and _, with / between them.")
	}
	return nil
}

// checkURL checks an address; ports are those that each scheme has by itself.
func checkURL(field, raw string, reach func(host string, port int) error, ports map[string]int) error {
	if raw == "" || len(raw) > mostURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return wrong(field, "The address has 1 to %d characters, and no spaces.", mostURL)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return wrong(field, "The address cannot be read.")
	}
	port, known := ports[u.Scheme]
	if !known {
		var names []string
		for scheme := range ports {
			names = append(names, scheme+"://")
		}
		slices.Sort(names)
		return wrong(field, "The address begins with %s.", strings.Join(names, " or "))
	}
	if u.User != nil {
		return wrong(field, "Names and passwords do not belong in the address.")
	}
	if u.Fragment != "" {
		return wrong(field, "The address has a # in it.")
	}
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return wrong(field, "A port is from 1 to 65535.")
		}
	}
	return reached(field, u.Hostname(), port, reach)
}

func reached(field, host string, port int, reach func(host string, port int) error) error {
	if reach == nil {
		return nil
	}
	if err := reach(host, port); err != nil {
		return wrong(field, "The address is refused: %v", err)
	}
	return nil
}

// shown reports whether s can be shown on one line.
func shown(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func short(s string) bool {
	return len(s) <= mostText && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// address reports whether s is a bare address, in the letters that every server
// takes.
func address(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= mostText &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"(),:;\`, r) })
}

// topic reports whether s is one or more levels of a topic.
func topic(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, level := range strings.Split(s, "/") {
		if level == "" || strings.Trim(level, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}
