package relay

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// Info is where reports are relayed to. It holds no secrets.
type Info struct {
	Enabled   bool   `json:"enabled"`
	URL       string `json:"url"`
	Stream    string `json:"stream"`
	Subject   string `json:"subject"`
	Username  string `json:"username,omitempty"`
	SecretSet bool   `json:"secret_set"`
	State     State  `json:"state"`
}

// State is how far the relay is in the store that is attached.
type State struct {
	Cursor    uint64    // the stream has everything up to here
	Pending   uint64    // batches behind it
	LastAck   time.Time // zero = none since the start
	LastError string    // why nothing goes; empty = nothing is known to be wrong
	Dropped   uint64    // batches that went before they were relayed, ever
}

// Input changes a configuration. Nil means: as it was. Of password, token and creds
// there is one at most: one that is given takes the place of another.
type Input struct {
	Enabled  *bool
	URL      *string
	Stream   *string
	Subject  *string
	Username *string
	Password *string
	Token    *string
	Creds    *string // the text of a NATS credentials file
}

// FieldError says which field of an Input is wrong, and why, for a person.
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

// config is a configuration as it lies on disk; secrets sealed there, opened in use.
type config struct {
	Enabled  bool   `json:"enabled"`
	URL      string `json:"url"`
	Stream   string `json:"stream"`
	Subject  string `json:"subject"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`
	Creds    string `json:"creds,omitempty"`
}

// Bounds of a configuration, in bytes.
const (
	mostURL   = 2048
	mostName  = 128
	mostText  = 256
	mostCreds = 16 << 10
)

// What a configuration has that nobody said otherwise.
const (
	defaultStream  = "VEDETTE"
	defaultSubject = "vedette"
)

// table names the class of secrets that relays have; there is one relay.
const table, tableID = "relay", "relay"

func (c *config) secrets() map[string]*string {
	return map[string]*string{"password": &c.Password, "token": &c.Token, "creds": &c.Creds}
}

// secret returns the one that is set, and its name.
func (c *config) secret() (field, text string) {
	for field, text := range c.secrets() {
		if *text != "" {
			return field, *text
		}
	}
	return "", ""
}

// each replaces every secret of c by what change makes of it.
func (c *config) each(change func(table, id, field, text string) (string, error)) error {
	for field, text := range c.secrets() {
		if *text == "" {
			continue
		}
		changed, err := change(table, tableID, field, *text)
		if err != nil {
			return fmt.Errorf("%s of the relay: %w", field, err)
		}
		*text = changed
	}
	return nil
}

func (c *config) info() Info {
	_, secret := c.secret()
	return Info{Enabled: c.Enabled, URL: c.URL, Stream: cmp.Or(c.Stream, defaultStream), Subject: cmp.Or(c.Subject, defaultSubject), Username: c.Username, SecretSet: secret != ""}
}

// merge returns what in makes of the configuration old, whose secrets are as they
// lie on disk, and which of them are new. A secret does not go along to another
// server or user: whoever may change the address could have it sent to himself.
func merge(old config, in Input) (next config, fresh map[string]bool, err error) {
	next, fresh = old, map[string]bool{}
	next.Stream, next.Subject = cmp.Or(old.Stream, defaultStream), cmp.Or(old.Subject, defaultSubject)
	set(&next.Enabled, in.Enabled)
	set(&next.URL, in.URL)
	set(&next.Stream, in.Stream)
	set(&next.Subject, in.Subject)
	set(&next.Username, in.Username)
	next.URL = strings.TrimSpace(next.URL)

	given := map[string]*string{"password": in.Password, "token": in.Token, "creds": in.Creds}
	for field, text := range given {
		if text != nil && *text != "" {
			fresh[field] = true
		}
	}
	if len(fresh) > 1 {
		return next, nil, wrong("token", "There is one of password, token and creds.")
	}
	for field, text := range next.secrets() {
		if given[field] != nil {
			*text = *given[field]
		} else if len(fresh) == 1 {
			*text = ""
		}
	}
	if in.Username == nil && (fresh["token"] || fresh["creds"]) {
		next.Username = ""
	}
	if in.Username != nil && *in.Username == "" && !fresh["password"] {
		next.Password = ""
	}
	if field, text := next.secret(); text != "" && !fresh[field] && (next.URL != old.URL || next.Username != old.Username) {
		return next, nil, wrong(field, "Enter it again for another server or user.")
	}
	return next, fresh, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// check returns a *FieldError for what is wrong. Secrets are looked at where fresh.
func (c *config) check(fresh map[string]bool, reach func(host string, port int) error) error {
	if c.URL != "" || c.Enabled {
		if err := c.checkURL(reach); err != nil {
			return err
		}
	}
	if len(c.Stream) > mostName || c.Stream == "" || strings.ContainsFunc(c.Stream, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`.*>/\`, r) }) {
		return wrong("stream", "The name of a stream has 1 to %d characters, and no spaces, dots, *, > and slashes.", mostName)
	}
	if !validSubject(c.Subject) {
		return wrong("subject", "A subject has letters, digits, - and _, with dots between them.")
	}
	if len(c.Username) > mostText || !plain(c.Username) {
		return wrong("username", "A name has at most %d characters.", mostText)
	}
	if c.Username != "" && c.Password == "" {
		return wrong("password", "A login needs a password.")
	}
	if c.Username == "" && c.Password != "" {
		return wrong("username", "A password needs the name of a user.")
	}
	if fresh["password"] && (len(c.Password) > mostText || !plain(c.Password)) {
		return wrong("password", "A password has at most %d characters.", mostText)
	}
	if fresh["token"] && (len(c.Token) > mostText || !plain(c.Token)) {
		return wrong("token", "A token has at most %d characters.", mostText)
	}
	if fresh["creds"] && !validCreds(c.Creds) {
		return wrong("creds", "This is not a NATS credentials file, with the JWT and the seed of a user.")
	}
	return nil
}

func (c *config) checkURL(reach func(host string, port int) error) error {
	if c.URL == "" || len(c.URL) > mostURL || strings.ContainsFunc(c.URL, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == ',' }) {
		return wrong("url", "The address has 1 to %d characters, and no spaces.", mostURL)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return wrong("url", "The address cannot be read.")
	}
	if u.Scheme != "nats" && u.Scheme != "tls" {
		return wrong("url", "The address begins with nats:// or tls://.")
	}
	if u.User != nil {
		return wrong("url", "Names and passwords do not belong in the address.")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(c.URL, "#") {
		return wrong("url", "The address of a server has nothing behind its port.")
	}
	port, err := strconv.Atoi(cmp.Or(u.Port(), "4222"))
	if err != nil || port < 1 || port > 65535 {
		return wrong("url", "A port is from 1 to 65535.")
	}
	// Of creds the server gets a signature alone.
	if (c.Password != "" || c.Token != "") && u.Scheme != "tls" {
		return wrong("url", "A password or token is sent over tls:// alone.")
	}
	if reach != nil {
		if err := reach(u.Hostname(), port); err != nil {
			return wrong("url", "The address is refused: %v", err)
		}
	}
	return nil
}

// validSubject reports whether s may stand before the subjects of messages; those
// of the server itself may not.
func validSubject(s string) bool {
	if len(s) > mostName || strings.HasPrefix(s, "_") {
		return false
	}
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || strings.ContainsFunc(token, odd) {
			return false
		}
	}
	return true
}

// odd reports whether r is none of the letters that are used in subjects.
func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// validCreds reports whether a connection can be made with creds.
func validCreds(creds string) bool {
	var o nats.Options
	if len(creds) > mostCreds || nats.UserCredentialBytes([]byte(creds))(&o) != nil {
		return false
	}
	if jwt, err := o.UserJWT(); err != nil || strings.Count(jwt, ".") != 2 {
		return false
	}
	sig, err := o.SignatureCB([]byte("nonce"))
	return err == nil && len(sig) > 0
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
