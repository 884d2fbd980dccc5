package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on a machine without a database of them
	"unicode"
	"unicode/utf8"
)

// Bounds of a setup.
const (
	ntpMost     = 4
	dnsMost     = 3
	camerasMost = 64
	unknownMost = 32 // unknown keys that are told of: each is looked for in the text
)

var (
	label     = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	zoneName  = regexp.MustCompile(`^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$`)
	claimCode = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)
	ifaceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`)
	country   = regexp.MustCompile(`^[A-Z]{2}$`)
	rawPSK    = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// check calls fault for every value out of its range. Reasons repeat no secret.
func (s *Setup) check(fault func(key, reason string)) {
	switch {
	case s.Hostname == "":
	case !label.MatchString(s.Hostname):
		fault("hostname", fmt.Sprintf("is %q; allowed: 1 to 63 of A-Z, a-z, 0-9 and -, beginning and ending with a letter or digit, no dots", s.Hostname))
	case strings.EqualFold(s.Hostname, "localhost"):
		fault("hostname", "is localhost, which every machine calls itself")
	}
	s.checkZone(fault)
	if len(s.NTP) > ntpMost {
		fault("ntp", fmt.Sprintf("names %d servers; allowed: 1 to %d", len(s.NTP), ntpMost))
	}
	for _, h := range s.NTP[:min(len(s.NTP), ntpMost)] {
		if !isHost(h) {
			fault("ntp", fmt.Sprintf("%q is neither a host name nor an address", h))
		}
	}
	if s.ClaimCode != "" && !claimCode.MatchString(s.ClaimCode) {
		fault("claim_code", "must be 8 to 64 of A-Z, a-z, 0-9 and -")
	}
	if s.Network != nil {
		s.Network.check(fault)
	}
	if s.WiFi != nil {
		s.WiFi.check(fault)
	}
	s.checkCameras(fault)
}

func (s *Setup) checkZone(fault func(key, reason string)) {
	z := s.TimeZone
	if z == "" {
		return
	}
	// "Local" is what the machine has, and "UTC" is in the database.
	if zoneName.MatchString(z) && len(z) <= 64 && z != "Local" {
		if _, err := time.LoadLocation(z); err == nil {
			return
		}
	}
	fault("time_zone", fmt.Sprintf("is %q; name a zone such as Europe/Berlin, America/New_York or UTC", z))
}

// isHost reports whether s is an address, or a name of RFC 1123.
func isHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	if len(s) > 253 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !label.MatchString(part) {
			return false
		}
	}
	return true
}

func (n *SetupNetwork) check(fault func(key, reason string)) {
	if n.Interface == "lo" || !ifaceName.MatchString(n.Interface) {
		fault("network.interface", fmt.Sprintf("is %q; name an interface such as eth0 or wlan0", n.Interface))
	}
	net, ok := n.checkAddress(fault)
	switch gw, err := netip.ParseAddr(n.Gateway); {
	case n.Gateway == "":
	case n.Address == "":
		fault("network.gateway", "stands without network.address; DHCP brings its own")
	case err != nil || gw.Zone() != "":
		fault("network.gateway", fmt.Sprintf("is %q; write it like 192.0.2.1", n.Gateway))
	case ok && gw == net.Addr():
		fault("network.gateway", fmt.Sprintf("is %s, the box itself", gw))
	case ok && !net.Masked().Contains(gw):
		fault("network.gateway", fmt.Sprintf("is %s, which is not in the network %s", gw, net.Masked()))
	}
	if len(n.DNS) > dnsMost {
		fault("network.dns", fmt.Sprintf("names %d servers; allowed: at most %d", len(n.DNS), dnsMost))
	}
	for _, d := range n.DNS[:min(len(n.DNS), dnsMost)] {
		if a, err := netip.ParseAddr(d); err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
			fault("network.dns", fmt.Sprintf("%q is not the address of a server; write it like 192.0.2.1", d))
		}
	}
}

// checkAddress returns the address with its network, if there is a good one.
func (n *SetupNetwork) checkAddress(fault func(key, reason string)) (netip.Prefix, bool) {
	if n.Address == "" {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(n.Address)
	switch {
	case err != nil:
		fault("network.address", fmt.Sprintf("is %q; write it with the length of its network, like 192.0.2.20/24", n.Address))
	case p.Bits() < 1 || p.Bits() >= p.Addr().BitLen():
		fault("network.address", fmt.Sprintf("is %s; allowed: /1 to /%d", p, p.Addr().BitLen()-1))
	case p.Addr().Is4In6() || p.Addr().IsLoopback() || p.Addr().IsMulticast() || p.Addr().IsUnspecified():
		fault("network.address", fmt.Sprintf("is %s, which no machine of a network has", p))
	case p.Addr().Is4() && p.Bits() < 31 && (p.Addr() == p.Masked().Addr() || p.Addr() == broadcast(p)):
		fault("network.address", fmt.Sprintf("is %s, which stands for the whole network; choose an address in it", p))
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

// broadcast returns the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

func (w *SetupWiFi) check(fault func(key, reason string)) {
	if len(w.SSID) < 1 || len(w.SSID) > 32 {
		fault("wifi.ssid", fmt.Sprintf("has %d bytes; allowed: 1 to 32", len(w.SSID)))
	}
	if w.Password != "" && !w.IsKey() {
		switch n := utf8.RuneCountInString(w.Password); {
		case n < 8 || n > 63:
			fault("wifi.password", fmt.Sprintf("has %d characters; allowed: 8 to 63, or 64 hexadecimal digits; leave it out for an open network", n))
		case strings.ContainsFunc(w.Password, func(r rune) bool { return r < ' ' || r > '~' }):
			fault("wifi.password", "has a character that WPA does not allow; allowed are letters, digits and signs of ASCII")
		}
	}
	if w.Country != "" && !country.MatchString(w.Country) {
		fault("wifi.country", fmt.Sprintf("is %q; write two letters, such as DE", w.Country))
	}
}

// IsKey reports whether the password is the key itself, in hexadecimal digits.
func (w *SetupWiFi) IsKey() bool { return rawPSK.MatchString(w.Password) }

func (s *Setup) checkCameras(fault func(key, reason string)) {
	if len(s.Cameras) > camerasMost {
		fault("cameras", fmt.Sprintf("are %d; allowed: at most %d", len(s.Cameras), camerasMost))
	}
	for i, c := range s.Cameras[:min(len(s.Cameras), camerasMost)] {
		key := "cameras." + strconv.Itoa(i+1) + "."
		switch n := utf8.RuneCountInString(c.Name); {
		case n < 1 || n > 64 || !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unicode.IsControl):
			fault(key+"name", "must have 1 to 64 characters and no control characters")
		case slices.ContainsFunc(s.Cameras[:i], func(o SetupCamera) bool { return strings.EqualFold(o.Name, c.Name) }):
			fault(key+"name", fmt.Sprintf("is %q, which another camera has already", c.Name))
		}
		if why := checkStream(c.URL); why != "" {
			fault(key+"url", why)
		}
		if !isCredential(c.Username) {
			fault(key+"username", "must have at most 256 bytes and no control characters")
		}
		if !isCredential(c.Password) {
			fault(key+"password", "must have at most 256 bytes and no control characters")
		}
	}
}

func isCredential(s string) bool {
	return len(s) <= 256 && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkStream returns what is wrong with the address of a stream, without repeating
// it: as recorder.CheckURL, which this package must not know, and nothing that it
// would refuse.
func checkStream(address string) string {
	if address == "" {
		return "is needed, like rtsp://192.0.2.10:554/stream1"
	}
	if len(address) > 2048 || strings.ContainsFunc(address, unicode.IsControl) {
		return "must have at most 2048 bytes and no control characters"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "is not a URL; write it like rtsp://192.0.2.10:554/stream1"
	case u.Scheme != "rtsp" && u.Scheme != "rtsps":
		return "must begin with rtsp:// or rtsps://"
	case u.Hostname() == "":
		return "names no host"
	case u.User == nil && (u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@")):
		return "seems to hold a password with a special character; give username and password by themselves"
	}
	if password, _ := u.User.Password(); !isCredential(u.User.Username()) || !isCredential(password) {
		return "has a user name or password of more than 256 bytes, or with control characters"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "has a port that is none"
		}
	}
	return ""
}

// publicURL returns the address without credentials, and without path and query
// where these may hold some, as those of some cameras do.
func publicURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	public := url.URL{Scheme: u.Scheme, Host: u.Host}
	if !strings.ContainsAny(u.Path, "=&@:") {
		public.Path = u.Path
	}
	return public.String()
}
