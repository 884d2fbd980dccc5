package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// SetupMost bounds the file of ParseSetup, in bytes.
const SetupMost = 64 << 10

// Setup is what vedette.toml on the setup partition sets: how a box gets on the
// network, and what it is to do there (docs/PROVISIONING.md). What the file does
// not name is empty, and is to be left as it is.
type Setup struct {
	// Hostname is one label of RFC 1123: 1 to 63 letters, digits and hyphens.
	Hostname string `toml:"hostname,omitempty"`
	// TimeZone is a name of the IANA's database, such as Europe/Berlin.
	TimeZone string `toml:"time_zone,omitempty"`
	// NTP are 1 to 4 time servers, names or addresses.
	NTP []string `toml:"ntp,omitempty"`
	// ClaimCode is what the first admin has to know: 8 to 64 of A-Z, a-z, 0-9
	// and -. A secret.
	ClaimCode string        `toml:"claim_code,omitempty"`
	Network   *SetupNetwork `toml:"network,omitempty"`
	WiFi      *SetupWiFi    `toml:"wifi,omitempty"`
	// Cameras are at most 64, each with a name of its own.
	Cameras []SetupCamera `toml:"cameras,omitempty"`
}

// SetupNetwork is how one interface gets its address.
type SetupNetwork struct {
	Interface string   `toml:"interface,omitempty"` // default "eth0"
	Address   string   `toml:"address,omitempty"`   // with its prefix, as 192.0.2.20/24; empty = DHCP
	Gateway   string   `toml:"gateway,omitempty"`   // inside the network of Address
	DNS       []string `toml:"dns,omitempty"`       // at most 3 addresses
}

// SetupWiFi is the wireless network to join.
type SetupWiFi struct {
	SSID string `toml:"ssid"` // 1 to 32 bytes
	// Password is a passphrase of 8 to 63 printable ASCII characters, or the key
	// itself as 64 hexadecimal digits; empty = an open network. A secret.
	Password string `toml:"password,omitempty"`
	Country  string `toml:"country,omitempty"` // two letters, as DE: which channels are allowed
}

// SetupCamera is a camera to record from the first minute on.
type SetupCamera struct {
	Name string `toml:"name" json:"name"` // 1 to 64 characters
	// URL begins with rtsp:// or rtsps://. It may hold credentials: a secret.
	URL      string `toml:"url" json:"url"`
	Username string `toml:"username,omitempty" json:"username,omitempty"`
	Password string `toml:"password,omitempty" json:"password,omitempty"` // a secret
}

// DefaultInterface is the one that [network] is about if it names none.
const DefaultInterface = "eth0"

// ParseSetup reads text as the file called name. A byte order mark and line ends
// of Windows are fine. Faults are *Error, all of them joined, in the order of
// their lines, and hold no secret; the setup is then not to be used.
func ParseSetup(name, text string) (Setup, error) {
	if e := unreadable(text); e != nil {
		e.File = name
		return Setup{}, e
	}
	text = strings.TrimPrefix(text, "\ufeff")
	var s Setup
	meta, err := toml.Decode(text, &s)
	if err != nil {
		return Setup{}, discreet(syntaxError(name, err))
	}
	var faults []*Error
	fault := func(key toml.Key, reason string) {
		faults = append(faults, &Error{File: name, Line: setupLine(text, key), Key: key.String(), Reason: reason})
	}
	seen := map[string]int{}
	for i, key := range meta.Undecoded() {
		if i == unknownMost {
			break
		}
		seen[key.String()]++
		e := &Error{File: name, Key: key.String(), Reason: "no such key; the keys are in docs/PROVISIONING.md"}
		e.Line = unknownLine(text, key, seen[key.String()], len(s.Cameras))
		faults = append(faults, e)
	}
	for _, key := range s.empty() {
		if meta.IsDefined(key...) {
			fault(key, "is empty; leave the key out")
		}
	}
	s.normalise()
	s.check(func(key, reason string) { fault(strings.Split(key, "."), reason) })
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
		if more := len(meta.Undecoded()) - unknownMost; more > 0 {
			faults = append(faults, &Error{File: name, Reason: fmt.Sprintf("%d further keys do not exist", more)})
		}
		return Setup{}, joined(faults)
	}
	return s, nil
}

// Check returns what is wrong with s, as *Error without file and line, joined; nil
// for what ParseSetup returned.
func (s *Setup) Check() error {
	var faults []*Error
	s.check(func(key, reason string) { faults = append(faults, &Error{File: "setup", Key: key, Reason: reason}) })
	return joined(faults)
}

func joined(faults []*Error) error {
	errs := make([]error, len(faults))
	for i, e := range faults {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// unreadable returns what keeps text from being read at all, nil if nothing does.
func unreadable(text string) *Error {
	switch {
	case len(text) > SetupMost:
		return &Error{Reason: fmt.Sprintf("has more than %d bytes", SetupMost)}
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return &Error{Line: 1, Reason: "is UTF-16; save it as UTF-8"}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return &Error{Line: lineAt(text, i), Reason: "holds bytes that are no text; it may have been copied incompletely"}
	}
	if !utf8.ValidString(text) {
		i := 0
		for {
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n <= 1 {
				return &Error{Line: lineAt(text, i), Reason: "is not UTF-8; save it as UTF-8"}
			}
			i += n
		}
	}
	return nil
}

func lineAt(text string, i int) int { return 1 + strings.Count(text[:i], "\n") }

// discreet takes out of a parser's message what it repeats of the file, which may
// be half of a password: only those that are known to repeat keys or one character
// stay.
func discreet(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case strings.Contains(e.Reason, "destination has type string"):
		e.Reason = "is no text; put it in double quotes"
	case strings.Contains(e.Reason, "destination has type slice"):
		e.Reason = `is no list; write it as ["one", "two"]`
	case !harmless.MatchString(e.Reason):
		e.Reason = "is not a value as TOML knows them; put text in double quotes"
	}
	return e
}

var harmless = regexp.MustCompile(`^(?:Key '|unexpected |expected (?:a |end |'\.')|incompatible types|type mismatch|strings cannot|control characters|newlines|files cannot)`)

// setupLine is lineOf, or the line of the nearest table or list around the key
// where it is written inside of one.
func setupLine(text string, key toml.Key) int {
	for ; len(key) > 0; key = key[:len(key)-1] {
		if line := lineOf(text, key); line > 0 {
			return line
		}
	}
	return 0
}

// unknownLine returns the line of a key that the decoder does not know, the nth of
// its name. It does not tell which of the cameras it is in.
func unknownLine(text string, key toml.Key, nth, cameras int) int {
	if len(key) > 1 {
		for i, n := 1, 0; i <= min(cameras, camerasMost); i++ {
			line := lineOf(text, slices.Insert(slices.Clone(key), 1, strconv.Itoa(i)))
			if line == 0 {
				continue
			}
			if n++; n == nth {
				return line
			}
		}
	}
	return setupLine(text, key)
}

// empty returns the keys that have no value.
func (s *Setup) empty() (out []toml.Key) {
	add := func(v string, key ...string) {
		if v == "" {
			out = append(out, key)
		}
	}
	add(s.Hostname, "hostname")
	add(s.TimeZone, "time_zone")
	if len(s.NTP) == 0 {
		add("", "ntp")
	}
	add(s.ClaimCode, "claim_code")
	if n := s.Network; n != nil {
		add(n.Interface, "network", "interface")
		add(n.Address, "network", "address")
		add(n.Gateway, "network", "gateway")
	}
	if w := s.WiFi; w != nil {
		add(w.Password, "wifi", "password")
		add(w.Country, "wifi", "country")
	}
	return out
}

func (s *Setup) normalise() {
	if s.Network != nil {
		s.Network.Interface = cmp.Or(s.Network.Interface, DefaultInterface)
	}
	if s.WiFi != nil && len(s.WiFi.Country) == 2 {
		s.WiFi.Country = strings.ToUpper(s.WiFi.Country)
	}
	for i := range s.Cameras {
		c := &s.Cameras[i]
		c.Name, c.URL = strings.TrimSpace(c.Name), strings.TrimSpace(c.URL)
	}
}

// Keys returns the keys that are set, as docs/PROVISIONING.md has them.
func (s *Setup) Keys() (out []string) {
	add := func(set bool, key string) {
		if set {
			out = append(out, key)
		}
	}
	add(s.Hostname != "", "hostname")
	add(s.TimeZone != "", "time_zone")
	add(len(s.NTP) > 0, "ntp")
	add(s.ClaimCode != "", "claim_code")
	if n := s.Network; n != nil {
		add(true, "network.interface")
		add(n.Address != "", "network.address")
		add(n.Gateway != "", "network.gateway")
		add(len(n.DNS) > 0, "network.dns")
	}
	if w := s.WiFi; w != nil {
		add(true, "wifi.ssid")
		add(w.Password != "", "wifi.password")
		add(w.Country != "", "wifi.country")
	}
	add(len(s.Cameras) > 0, "cameras")
	return out
}

// Public returns s as a file of the same kind, without its secrets: claim code,
// passwords, and all of a camera's address that may hold one.
func (s *Setup) Public() (string, error) {
	p := *s
	p.ClaimCode = ""
	if s.WiFi != nil {
		w := *s.WiFi
		w.Password = ""
		p.WiFi = &w
	}
	p.Cameras = slices.Clone(s.Cameras)
	for i := range p.Cameras {
		p.Cameras[i].Password = ""
		p.Cameras[i].URL = publicURL(p.Cameras[i].URL)
	}
	var b bytes.Buffer
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	if err := enc.Encode(p); err != nil {
		return "", fmt.Errorf("write setup: %w", err)
	}
	return b.String(), nil
}
