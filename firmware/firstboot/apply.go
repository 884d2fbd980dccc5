package firstboot

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"vedette/firmware/config"
)

// Files in the directory of the system's settings. Programs read them that are no
// part of Vedette.
const (
	hostnameFile = "hostname"            // one line
	networkFile  = "network"             // for a shell to source
	ntpFile      = "ntp"                 // a server a line
	timezoneFile = "timezone"            // one line, such as Europe/Berlin
	wifiFile     = "wpa_supplicant.conf" // as wpa_supplicant(8) reads it
)

// Apply writes what s sets into the directory system, for root alone, and leaves
// what it does not set. Each file has its old or its new content after a power cut;
// applying again ends what was cut. It refuses a setup that config.ParseSetup would.
func Apply(system string, s config.Setup) error {
	if err := makeDir(system); err != nil {
		return fmt.Errorf("make the directory of settings: %w", err)
	}
	return apply(dir(system), s)
}

func apply(t tree, s config.Setup) error {
	if err := s.Check(); err != nil {
		return err // what is written below is safe for those who read it because of this
	}
	files := []struct{ name, text string }{
		{hostnameFile, lines(s.Hostname)},
		{networkFile, network(s.Network)},
		{ntpFile, lines(s.NTP...)},
		{timezoneFile, lines(s.TimeZone)},
	}
	wifi, err := supplicant(s.WiFi)
	if err != nil {
		return fmt.Errorf("make the key of the Wi-Fi: %w", err)
	}
	files = append(files, struct{ name, text string }{wifiFile, wifi})
	for _, f := range files {
		if f.text == "" {
			continue
		}
		if err := replace(t, f.name, []byte(f.text)); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return addPending(t, Pending{s.ClaimCode, s.Cameras})
}

// lines returns the values, each on a line of its own; "" if there is none.
func lines(values ...string) string {
	var b strings.Builder
	for _, v := range values {
		if v != "" {
			b.WriteString(v + "\n")
		}
	}
	return b.String()
}

// network is a file that a POSIX shell can source. No value can end its quotes:
// addresses are written as they were understood, and names of interfaces have no
// quote in them.
func network(n *config.SetupNetwork) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	put := func(key, value string) { fmt.Fprintf(&b, "%s='%s'\n", key, value) }
	put("INTERFACE", cmp.Or(n.Interface, config.DefaultInterface))
	address, _ := netip.ParsePrefix(n.Address) // checked
	gateway, _ := netip.ParseAddr(n.Gateway)
	put("ADDRESS", known(address))
	put("GATEWAY", known(gateway))
	var dns []string
	for _, d := range n.DNS {
		a, _ := netip.ParseAddr(d)
		dns = append(dns, known(a))
	}
	put("DNS", strings.Join(dns, " "))
	return b.String()
}

// known is the text of an address, "" of one that is none: DHCP.
func known(a interface {
	IsValid() bool
	String() string
}) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// pskRounds is how often IEEE 802.11-2020, J.4, hashes a passphrase.
const pskRounds = 4096

// supplicant is the configuration of wpa_supplicant, with the key and not with the
// passphrase that it is made of.
func supplicant(w *config.SetupWiFi) (string, error) {
	if w == nil {
		return "", nil
	}
	var b strings.Builder
	if w.Country != "" {
		fmt.Fprintf(&b, "country=%s\n", w.Country)
	}
	fmt.Fprintf(&b, "network={\n\tssid=%x\n\tscan_ssid=1\n", w.SSID)
	switch {
	case w.Password == "":
		b.WriteString("\tkey_mgmt=NONE\n")
	case w.IsKey():
		fmt.Fprintf(&b, "\tkey_mgmt=WPA-PSK\n\tpsk=%s\n", strings.ToLower(w.Password))
	default:
		key, err := pbkdf2.Key(sha1.New, w.Password, []byte(w.SSID), pskRounds, 32)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\tkey_mgmt=WPA-PSK\n\tpsk=%s\n", hex.EncodeToString(key))
	}
	b.WriteString("}\n")
	return b.String(), nil
}
