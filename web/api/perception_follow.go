package api

import (
	"context"
	"io"
	"time"
)

// Notifications is what the API needs of the notifier. Methods that name a
// subscription return ErrNotFound if there is none; values that will not do are errors
// with a method Field() string, where mail.host is the field of mail.
type Notifications interface {
	Subscriptions(ctx context.Context) ([]Subscription, error)
	AddSubscription(ctx context.Context, in SubscriptionInput) (Subscription, error)
	// ChangeSubscription changes what is not nil in in.
	ChangeSubscription(ctx context.Context, id string, in SubscriptionInput) (Subscription, error)
	RemoveSubscription(ctx context.Context, id string) error
	// TestSubscription sends a sample, within 15 s, and says how that went.
	TestSubscription(ctx context.Context, id string) (Delivery, error)
	// Deliveries returns the newest, newest first.
	Deliveries(ctx context.Context, id string, limit int) ([]Delivery, error)
}

// Subscription is who is told of events, and how. It holds no secrets.
type Subscription struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Kind        string            `json:"kind"` // webhook mail mqtt
	Enabled     bool              `json:"enabled"`
	Types       []string          `json:"types"` // "*" = all
	MinSeverity string            `json:"min_severity"`
	Cameras     []string          `json:"cameras"` // nil = all
	Webhook     *Webhook          `json:"webhook,omitempty"`
	Mail        *Mail             `json:"mail,omitempty"`
	MQTT        *MQTT             `json:"mqtt,omitempty"`
	SecretSet   bool              `json:"secret_set"`
	State       SubscriptionState `json:"state"`
}

// Webhook is where events are posted to.
type Webhook struct {
	URL string `json:"url"`
}

// Mail is whom events are mailed to, by which server.
type Mail struct {
	Host     string   `json:"host"`
	Port     int      `json:"port"`
	TLS      string   `json:"tls"` // tls starttls none
	Username string   `json:"username"`
	From     string   `json:"from"`
	To       []string `json:"to"`
}

// MQTT is the broker that events are published at.
type MQTT struct {
	URL             string `json:"url"`
	Username        string `json:"username"`
	Prefix          string `json:"prefix"`
	Discovery       bool   `json:"discovery"`
	DiscoveryPrefix string `json:"discovery_prefix"`
}

// SubscriptionState is how far a subscription is.
type SubscriptionState struct {
	Cursor       uint64     `json:"cursor"`  // the number of the last event it is done with
	Pending      int        `json:"pending"` // events that wait
	LastSent     *Timestamp `json:"last_sent_at,omitempty"`
	LastError    string     `json:"last_error,omitempty"`
	FailingSince *Timestamp `json:"failing_since,omitempty"`
	Halted       string     `json:"halted,omitempty"` // why nothing is sent until somebody changes something
}

// SubscriptionInput is the body of POST and PATCH. Nil means: not said.
type SubscriptionInput struct {
	Name        *string       `json:"name"`
	Kind        *string       `json:"kind"` // POST alone
	Enabled     *bool         `json:"enabled"`
	Types       *[]string     `json:"types"`
	MinSeverity *string       `json:"min_severity"`
	Cameras     CameraSet     `json:"cameras"`
	Webhook     *WebhookInput `json:"webhook"`
	Mail        *MailInput    `json:"mail"`
	MQTT        *MQTTInput    `json:"mqtt"`
}

// WebhookInput changes a Webhook. Secrets go in, and never out.
type WebhookInput struct {
	URL    *string `json:"url"`
	Secret *string `json:"secret"`
}

// MailInput changes a Mail.
type MailInput struct {
	Host     *string   `json:"host"`
	Port     *int      `json:"port"`
	TLS      *string   `json:"tls"`
	Username *string   `json:"username"`
	Password *string   `json:"password"`
	From     *string   `json:"from"`
	To       *[]string `json:"to"`
}

// MQTTInput changes an MQTT.
type MQTTInput struct {
	URL             *string `json:"url"`
	Username        *string `json:"username"`
	Password        *string `json:"password"`
	Prefix          *string `json:"prefix"`
	Discovery       *bool   `json:"discovery"`
	DiscoveryPrefix *string `json:"discovery_prefix"`
}

// Delivery is one attempt to tell of an event.
type Delivery struct {
	At      Timestamp `json:"at"`
	Event   uint64    `json:"event_seq"`
	Type    string    `json:"type"`
	Attempt int       `json:"attempt"`
	Status  int       `json:"status"` // of HTTP; 0 where there is none
	Result  string    `json:"result"` // sent failed given_up skipped
	Error   string    `json:"error,omitempty"`
	Took    int64     `json:"took_ms"`
}

// Relay is what the API needs of the relay of reports to NATS.
type Relay interface {
	Relay(ctx context.Context) (RelayInfo, error)
	// SetRelay changes what is not nil in in.
	SetRelay(ctx context.Context, in RelayInput) (RelayInfo, error)
}

// RelayInfo is where reports are relayed to. It holds no secrets.
type RelayInfo struct {
	Enabled   bool       `json:"enabled"`
	URL       string     `json:"url"`
	Stream    string     `json:"stream"`
	Subject   string     `json:"subject"`
	Username  string     `json:"username,omitempty"`
	SecretSet bool       `json:"secret_set"`
	State     RelayState `json:"state"`
}

// RelayState is how far the relay is.
type RelayState struct {
	Cursor    uint64     `json:"cursor"`
	Pending   uint64     `json:"pending"`
	LastAck   *Timestamp `json:"last_ack_at,omitempty"`
	LastError string     `json:"last_error,omitempty"`
	Dropped   uint64     `json:"dropped"` // reports that went before they were relayed
}

// RelayInput is the body of PUT. Nil means: as it was.
type RelayInput struct {
	Enabled  *bool   `json:"enabled"`
	URL      *string `json:"url"`
	Stream   *string `json:"stream"`
	Subject  *string `json:"subject"`
	Username *string `json:"username"`
	Password *string `json:"password"`
	Token    *string `json:"token"`
	Creds    *string `json:"creds"` // a NATS credentials file
}

// HoldRules is what the API needs of the rules by which events hold footage. Methods
// that name a rule return ErrNotFound if there is none.
type HoldRules interface {
	Rules(ctx context.Context) ([]HoldRule, error)
	AddRule(ctx context.Context, in HoldRuleInput) (HoldRule, error)
	// ChangeRule changes what is not nil in in.
	ChangeRule(ctx context.Context, id string, in HoldRuleInput) (HoldRule, error)
	RemoveRule(ctx context.Context, id string) error
}

// HoldRule says which events hold footage.
type HoldRule struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Enabled      bool     `json:"enabled"`
	Types        []string `json:"types"`   // "*" = all
	Cameras      []string `json:"cameras"` // nil = all
	Zones        []string `json:"zones"`   // empty = all
	MinSeverity  string   `json:"min_severity"`
	Before       int      `json:"before_seconds"`
	After        int      `json:"after_seconds"`
	KeepDays     int      `json:"keep_days"` // 0 = until somebody releases it
	OpenIncident bool     `json:"open_incident"`
}

// HoldRuleInput is the body of POST and PATCH. Nil means: not said.
type HoldRuleInput struct {
	Name         *string   `json:"name"`
	Enabled      *bool     `json:"enabled"`
	Types        *[]string `json:"types"`
	Cameras      CameraSet `json:"cameras"`
	Zones        *[]string `json:"zones"`
	MinSeverity  *string   `json:"min_severity"`
	Before       *int      `json:"before_seconds"`
	After        *int      `json:"after_seconds"`
	KeepDays     *int      `json:"keep_days"`
	OpenIncident *bool     `json:"open_incident"`
}

// Incidents is what the API needs of incidents. Methods that name one return
// ErrNotFound if there is none. by is who asks.
type Incidents interface {
	// Incidents returns the newest first.
	Incidents(ctx context.Context) ([]Incident, error)
	Incident(ctx context.Context, id string) (Incident, error)
	OpenIncident(ctx context.Context, in IncidentInput, by string) (Incident, error)
	// ChangeIncident changes what is not nil in in.
	ChangeIncident(ctx context.Context, id string, in IncidentInput, by string) (Incident, error)
	AddNote(ctx context.Context, id, text, by string) (Incident, error)
}

// Incident is what belongs to one thing that happened.
type Incident struct {
	ID      string           `json:"id"`
	Title   string           `json:"title"`
	State   string           `json:"state"` // open closed
	Cameras []string         `json:"cameras"`
	Created Timestamp        `json:"created"`
	By      string           `json:"by"`
	Notes   []Note           `json:"notes"`
	Holds   []string         `json:"holds"`
	Exports []IncidentExport `json:"exports"`
}

// Note is what somebody wrote down.
type Note struct {
	At   Timestamp `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// IncidentExport is what was taken away of an incident.
type IncidentExport struct {
	At             Timestamp `json:"at"`
	By             string    `json:"by"`
	Cameras        []string  `json:"cameras"`
	From           Timestamp `json:"from"`
	To             Timestamp `json:"to"`
	ManifestSHA256 string    `json:"manifest_sha256"`
	Bytes          int64     `json:"bytes"`
}

// IncidentInput is the body of POST and PATCH. Nil means: not said.
type IncidentInput struct {
	Title   *string   `json:"title"`
	State   *string   `json:"state"` // PATCH alone
	Cameras *[]string `json:"cameras"`
}

// Exports is what the API needs of signed exports.
type Exports interface {
	// Export writes a zip of clips with its signed manifest to w, and notes it with
	// the incident if it is of one. Whatever can be refused is before the first byte:
	// ErrNotFound where there is no footage, no such camera or no such incident.
	Export(ctx context.Context, w io.Writer, x Export) error
	SigningKey(ctx context.Context) (SigningKey, error)
}

// Export is what is to be taken away.
type Export struct {
	Cameras  []string
	From, To time.Time
	Incident string // may be empty
	By       string
}

// SigningKey is what signatures of this box are checked with.
type SigningKey struct {
	ID     string `json:"key_id"`
	Public string `json:"public_key"` // Ed25519, base64
	Words  string `json:"words,omitempty"`
}
