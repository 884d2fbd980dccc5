package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"vedette/recorder/schedule"
)

// Errors a caller may test for.
var (
	ErrNoCamera     = errors.New("no such camera")
	ErrCameraExists = errors.New("a camera with this id exists already")
)

// FieldError says which field of a request is wrong, and why, for a person.
type FieldError struct {
	Name    string // as in the API
	Message string // one sentence
}

// Error implements error.
func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field.
func (e *FieldError) Field() string { return e.Name }

func field(name, format string, a ...any) error {
	return &FieldError{Name: name, Message: fmt.Sprintf(format, a...)}
}

// Camera is the stored configuration of one camera. URLs hold no
// credentials.
type Camera struct {
	ID       string `storm:"id"`
	Name     string
	Vendor   string
	Address  string // host or host:port, for vendor templates
	MainURL  string // explicit, or empty: by vendor and address
	SubURL   string
	Username string
	Password string
	Record   bool
	Audio    bool
	Created  time.Time
	// Volume is the name of the volume it is recorded to; empty = the recorder
	// spreads cameras by room. While that one is not there, another serves.
	Volume string
	// Mirror is the name of a second volume that holds the same; empty = none.
	Mirror string
	// RecordMode says when it is recorded, if Record says that it is at all:
	// ModeContinuous and so on; empty = continuous.
	RecordMode string
	Schedule   []Window // for the scheduled modes
	// Preroll is how much of the past is kept in memory for recordings that
	// begin by a trigger, and Postroll how long those last after the last one, in
	// seconds; 0 = the defaults.
	Preroll, Postroll int
	// Priority says whose pictures are looked at first where there is no time for
	// all, the higher the sooner; 0 = PriorityDefault.
	Priority int
}

// Defaults of a camera; times are in seconds.
const (
	PrerollDefault  = 10
	PostrollDefault = 30
	PriorityDefault = 100
)

const (
	prerollMost   = 60 // seconds
	postrollLeast = 5
	postrollMost  = 600
	priorityMost  = 1000
	maxWindows    = 64
)

func (c *Camera) mode() string { return cmp.Or(c.RecordMode, ModeContinuous) }

// preroll returns how much of the past is recorded by a trigger. What is
// recorded all the time is on disk, and what no event begins has none.
func (c *Camera) preroll() time.Duration {
	if !c.Record || c.mode() != ModeEvent && c.mode() != ModeScheduledEvent {
		return 0
	}
	return time.Duration(cmp.Or(c.Preroll, PrerollDefault)) * time.Second
}

func (c *Camera) postroll() time.Duration {
	return time.Duration(cmp.Or(c.Postroll, PostrollDefault)) * time.Second
}

// templates are the paths of the main and sub streams by vendor, as the
// vendors document them. Port 554 unless the address names another.
var templates = map[string][2]string{
	"hikvision": {"/Streaming/Channels/101", "/Streaming/Channels/102"},
	"dahua":     {"/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"},
	"amcrest":   {"/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"},
	"reolink":   {"/h264Preview_01_main", "/h264Preview_01_sub"},
	"axis":      {"/axis-media/media.amp?videocodec=h264", "/axis-media/media.amp?videocodec=h264&resolution=640x360"},
	"tapo":      {"/stream1", "/stream2"},
}

// Vendors returns the vendors there are templates for, sorted.
func Vendors() []string {
	names := make([]string, 0, len(templates))
	for v := range templates {
		names = append(names, v)
	}
	slices.Sort(names)
	return names
}

// URLs returns the addresses of the main and the sub stream, without
// credentials; sub is empty if there is none.
func (c *Camera) URLs() (main, sub string) {
	main, sub = c.MainURL, c.SubURL
	t, known := templates[c.Vendor]
	if !known || c.Address == "" {
		return main, sub
	}
	host := c.Address
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "554")
	}
	if main == "" {
		main = "rtsp://" + host + t[0]
		if sub == "" {
			sub = "rtsp://" + host + t[1]
		}
	}
	return main, sub
}

// maxName bounds names, in runes.
const maxName = 64

// normalise cleans c in place and returns what is wrong with it: a
// *FieldError. Credentials inside the URLs are moved to Username and
// Password.
func (c *Camera) normalise() error {
	c.Name = strings.TrimSpace(c.Name)
	if n := len([]rune(c.Name)); n == 0 || n > maxName || strings.ContainsFunc(c.Name, unicode.IsControl) {
		return field("name", "must have 1 to %d characters and no control characters", maxName)
	}
	if c.ID == "" {
		c.ID = slug(c.Name)
	}
	if !validID.MatchString(c.ID) {
		return field("id", "must be 1 to 48 of a-z, 0-9 and -, beginning and ending with a letter or digit")
	}
	c.Vendor = strings.ToLower(strings.TrimSpace(c.Vendor))
	if _, known := templates[c.Vendor]; c.Vendor != "" && !known {
		return field("vendor", "is %q; known are %s; leave it out and give main_url for any other", c.Vendor, strings.Join(Vendors(), ", "))
	}
	if err := c.normaliseAddress(); err != nil {
		return err
	}
	for _, u := range []struct {
		field string
		url   *string
	}{{"main_url", &c.MainURL}, {"sub_url", &c.SubURL}} {
		if err := c.takeURL(u.field, u.url); err != nil {
			return err
		}
	}
	if main, _ := c.URLs(); main == "" {
		return field("main_url", "is needed, or a vendor and an address")
	}
	if err := c.checkMode(); err != nil {
		return err
	}
	for name, v := range map[string]string{"username": c.Username, "password": c.Password} {
		if len(v) > 256 || strings.ContainsFunc(v, unicode.IsControl) {
			return field(name, "must have at most 256 bytes and no control characters")
		}
	}
	return nil
}

// checkMode returns what is wrong with when c is to be recorded: a *FieldError.
func (c *Camera) checkMode() error {
	switch c.mode() {
	case ModeContinuous, ModeEvent:
	case ModeScheduled, ModeScheduledEvent:
		if len(c.Schedule) == 0 {
			return field("schedule", "must have a window, if the camera is recorded by it")
		}
	default:
		return field("record_mode", "is %q; it must be %s, %s, %s or %s", c.RecordMode, ModeContinuous, ModeScheduled, ModeEvent, ModeScheduledEvent)
	}
	if len(c.Schedule) > maxWindows {
		return field("schedule", "must not have more than %d windows", maxWindows)
	}
	if _, err := schedule.New(c.Schedule, time.UTC); err != nil {
		return field("schedule", "has a mistake: %v", err)
	}
	for _, n := range []struct {
		field              string
		value, least, most int
		standard           int
	}{
		{"preroll_s", c.Preroll, 1, prerollMost, PrerollDefault},
		{"postroll_s", c.Postroll, postrollLeast, postrollMost, PostrollDefault},
		{"priority", c.Priority, 1, priorityMost, PriorityDefault},
	} {
		if n.value != 0 && (n.value < n.least || n.value > n.most) {
			return field(n.field, "must be %d to %d; 0 means %d", n.least, n.most, n.standard)
		}
	}
	return nil
}

func (c *Camera) normaliseAddress() error {
	c.Address = strings.TrimSpace(c.Address)
	if c.Address == "" {
		return nil
	}
	host := c.Address
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return field("address", "has a port that is none: %q", port)
		}
		host = h
	}
	host = strings.Trim(host, "[]")
	if net.ParseIP(host) == nil && !validHost.MatchString(host) {
		return field("address", "must be a host name or IP address, with :port if not 554")
	}
	return nil
}

// CheckURL returns what is wrong with the address of a stream, as AddCamera
// would, or nil.
func CheckURL(address string) error {
	if strings.TrimSpace(address) == "" {
		return field("main_url", "is empty")
	}
	return (&Camera{}).takeURL("main_url", &address)
}

// takeURL checks one stream address and moves its credentials out.
func (c *Camera) takeURL(name string, s *string) error {
	*s = strings.TrimSpace(*s)
	if *s == "" {
		return nil
	}
	if len(*s) > 2048 || strings.ContainsFunc(*s, unicode.IsControl) {
		return field(name, "must have at most 2048 bytes and no control characters")
	}
	u, err := url.Parse(*s)
	if err != nil { // the error would repeat the URL, and with it a password
		return field(name, "is not a URL; write it like rtsp://192.0.2.10:554/stream1")
	}
	if u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return field(name, "must begin with rtsp:// or rtsps://")
	}
	if u.Hostname() == "" {
		return field(name, "names no host")
	}
	if u.User == nil && (u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@")) {
		return field(name, "seems to hold a password with a special character: write # as %%23, / as %%2F, ? as %%3F and @ as %%40, or give username and password by themselves")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return field(name, "has a port that is none: %q", port)
		}
	}
	if u.User != nil {
		c.Username = u.User.Username()
		if p, has := u.User.Password(); has {
			c.Password = p
		}
		u.User = nil
	}
	*s = u.String()
	return nil
}

var (
	validID   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$`)
	validHost = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
	notSlug   = regexp.MustCompile(`[^a-z0-9]+`)
	secrets   = regexp.MustCompile(`(?i)((?:pass(?:word|wd)?|pwd|token|secret|auth|key)=)[^&/?#]*`)
)

// slug makes an id of a name; names without a usable letter become "camera".
func slug(name string) string {
	s := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(s) > 48 {
		s = strings.Trim(s[:48], "-")
	}
	if s == "" {
		return "camera"
	}
	return s
}

// Mask returns u fit for people to see: without credentials, and without the
// values of parameters that look like secrets.
func Mask(u string) string {
	if p, err := url.Parse(u); err == nil && p.User != nil {
		p.User = nil
		u = p.String()
	}
	return secrets.ReplaceAllString(u, "${1}***")
}
