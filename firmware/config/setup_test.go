package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"vedette/recorder"
)

const wholeSetup = `# a comment
hostname = "nvr-1"
time_zone = "Europe/Berlin"
ntp = ["ntp.example.org", "192.0.2.1"]
claim_code = "Geheim-12345"

[network]
interface = "wlan0"
address = "192.168.1.20/24"
gateway = "192.168.1.1"
dns = ["192.168.1.1", "2001:db8::1"]

[wifi]
ssid = "Büro \"1\""
password = "correct horse"
country = "de"

[[cameras]]
name = " Door "
url = "rtsp://admin:s3cret@192.0.2.9:554/ch0?token=abc"

[[cameras]]
name = "Yard"
url = "rtsps://192.0.2.10/user=a&password=b"
username = "viewer"
password = "hunter22"
`

func whole() Setup {
	return Setup{
		Hostname: "nvr-1", TimeZone: "Europe/Berlin", NTP: []string{"ntp.example.org", "192.0.2.1"}, ClaimCode: "Geheim-12345",
		Network: &SetupNetwork{"wlan0", "192.168.1.20/24", "192.168.1.1", []string{"192.168.1.1", "2001:db8::1"}},
		WiFi:    &SetupWiFi{`Büro "1"`, "correct horse", "DE"},
		Cameras: []SetupCamera{
			{"Door", "rtsp://admin:s3cret@192.0.2.9:554/ch0?token=abc", "", ""},
			{"Yard", "rtsps://192.0.2.10/user=a&password=b", "viewer", "hunter22"},
		},
	}
}

func TestASetupIsReadAsPeopleSaveIt(t *testing.T) {
	for name, text := range map[string]string{
		"plain": wholeSetup,
		"with the mark and the line ends of Windows": "\ufeff" + strings.ReplaceAll(wholeSetup, "\n", "\r\n"),
	} {
		got, err := ParseSetup("vedette.toml", text)
		if err != nil || !reflect.DeepEqual(got, whole()) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	got, err := ParseSetup("vedette.toml", "\ufeff# nothing but a comment\r\n")
	if err != nil || !reflect.DeepEqual(got, Setup{}) || got.Keys() != nil {
		t.Errorf("an empty setup: %+v, %v", got, err)
	}
	got, err = ParseSetup("vedette.toml", "[network]\n")
	if err != nil || got.Network == nil || got.Network.Interface != "eth0" || got.Network.Address != "" {
		t.Errorf("DHCP: %+v, %v", got, err)
	}
}

func TestFaultsOfASetupNameLineAndKey(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := []struct{ name, text, want string }{
		{"an unknown key", "a = 1\n", "vedette.toml:1: a: no such key; the keys are in docs/PROVISIONING.md"},
		{"an unknown key of a table", "\n[wifi]\nssid = \"x\"\npasswrd = \"longenough\"\n", "vedette.toml:4: wifi.passwrd: no such key"},
		{"an unknown key of the second camera", "[[cameras]]\nname = \"a\"\nurl = \"rtsp://h/\"\n[[cameras]]\nname = \"b\"\nurl = \"rtsp://h/\"\nuser = \"x\"\n", "vedette.toml:7: cameras.user: no such key"},
		{"the same unknown key of the third", "[[cameras]]\nx=1\nname = \"a\"\nurl = \"rtsp://h/\"\n[[cameras]]\nname = \"b\"\nurl = \"rtsp://h/\"\n[[cameras]]\nname = \"c\"\nurl = \"rtsp://h/\"\nx = \"x\"\n", "vedette.toml:11: cameras.x: no such key"},
		{"a line after the mark of Windows", "\ufeffhostname = \"a.b\"\r\n", "vedette.toml:1: hostname"},
		{"a name with a dot", "hostname = \"nvr.local\"\n", `vedette.toml:1: hostname: is "nvr.local"; allowed: 1 to 63`},
		{"a name that ends with a hyphen", "hostname = \"nvr-\"\n", "hostname: is"},
		{"a name too long", "hostname = \"" + long + "\"\n", "hostname: is"},
		{"an empty name", "hostname = \"\"\n", "vedette.toml:1: hostname: is empty; leave the key out"},
		{"localhost", "hostname = \"localHost\"\n", "hostname: is localhost"},
		{"a zone that is none", "time_zone = \"Europe/Atlantis\"\n", `time_zone: is "Europe/Atlantis"; name a zone`},
		{"a zone outside of the database", "time_zone = \"../../etc/passwd\"\n", "time_zone: is"},
		{"the zone of whoever reads", "time_zone = \"Local\"\n", "time_zone: is"},
		{"five time servers", "ntp = [\"a\",\"b\",\"c\",\"d\",\"e\"]\n", "vedette.toml:1: ntp: names 5 servers; allowed: 1 to 4"},
		{"a time server with a space", "ntp = [\"a b\"]\n", `ntp: "a b" is neither`},
		{"no time server", "ntp = []\n", "ntp: is empty"},
		{"a time server that is no list", "ntp = \"a\"\n", `vedette.toml:1: ntp: is no list; write it as ["one", "two"]`},
		{"a short code", "claim_code = \"short12\"\n", "claim_code: must be 8 to 64"},
		{"a long code", "claim_code = \"" + long + "a\"\n", "claim_code: must be 8 to 64"},
		{"an address without its network", "[network]\naddress = \"192.0.2.1\"\n", `vedette.toml:2: network.address: is "192.0.2.1"; write it with the length`},
		{"an address of one machine", "[network]\naddress = \"192.0.2.1/32\"\n", "network.address: is 192.0.2.1/32; allowed: /1 to /31"},
		{"an address that is the network", "[network]\naddress = \"192.0.2.0/24\"\n", "stands for the whole network"},
		{"an address that is everybody's", "[network]\naddress = \"192.0.2.127/25\"\n", "stands for the whole network"},
		{"an address that nobody has", "[network]\naddress = \"127.0.0.1/8\"\n", "which no machine of a network has"},
		{"a gateway elsewhere", "[network]\naddress = \"192.0.2.20/25\"\ngateway = \"192.0.2.129\"\n", "vedette.toml:3: network.gateway: is 192.0.2.129, which is not in the network 192.0.2.0/25"},
		{"a gateway of another family", "[network]\naddress = \"192.0.2.20/25\"\ngateway = \"2001:db8::1\"\n", "network.gateway: is 2001:db8::1, which is not in"},
		{"a gateway that is the box", "[network]\naddress = \"192.0.2.20/25\"\ngateway = \"192.0.2.20\"\n", "network.gateway: is 192.0.2.20, the box itself"},
		{"a gateway with DHCP", "[network]\ngateway = \"192.0.2.20\"\n", "network.gateway: stands without network.address"},
		{"four name servers", "[network]\ndns = [\"192.0.2.1\",\"192.0.2.2\",\"192.0.2.3\",\"192.0.2.4\"]\n", "network.dns: names 4 servers; allowed: at most 3"},
		{"a name server by name", "[network]\ndns = [\"dns.example.org\"]\n", `network.dns: "dns.example.org" is not the address`},
		{"an interface that is a command", "[network]\ninterface = \"eth0;reboot\"\n", "network.interface: is"},
		{"an interface too long", "[network]\ninterface = \"abcdefghijklmnop\"\n", "network.interface: is"},
		{"no SSID", "[wifi]\npassword = \"longenough\"\n", "vedette.toml:1: wifi.ssid: has 0 bytes; allowed: 1 to 32"},
		{"an SSID too long", "[wifi]\nssid = \"" + strings.Repeat("ä", 17) + "\"\n", "wifi.ssid: has 34 bytes"},
		{"a short password", "[wifi]\nssid = \"x\"\npassword = \"seven77\"\n", "vedette.toml:3: wifi.password: has 7 characters; allowed: 8 to 63"},
		{"an empty password", "[wifi]\nssid = \"x\"\npassword = \"\"\n", "vedette.toml:3: wifi.password: is empty"},
		{"64 characters that are no key", "[wifi]\nssid = \"x\"\npassword = \"" + strings.Repeat("g", 64) + "\"\n", "wifi.password: has 64 characters"},
		{"a password with an umlaut", "[wifi]\nssid = \"x\"\npassword = \"pässword\"\n", "wifi.password: has a character"},
		{"a country by its name", "[wifi]\nssid = \"x\"\ncountry = \"Germany\"\n", `wifi.country: is "Germany"`},
		{"a table in one line", "wifi = {ssid = \"x\", password = \"short\"}\n", "vedette.toml:1: wifi.password: has 5 characters"},
		{"a camera without a name", "[[cameras]]\nurl = \"rtsp://h/\"\n", "vedette.toml:1: cameras.1.name: must have 1 to 64"},
		{"a camera without an address", "[[cameras]]\nname = \"a\"\n", "vedette.toml:1: cameras.1.url: is needed"},
		{"two cameras of one name", "[[cameras]]\nname = \"a\"\nurl = \"rtsp://h/\"\n[[cameras]]\nurl = \"rtsp://h/\"\nname = \"A\"\n", `vedette.toml:6: cameras.2.name: is "A", which another camera has already`},
		{"a camera of the web", "[[cameras]]\nname = \"a\"\nurl = \"http://h/\"\n", "vedette.toml:3: cameras.1.url: must begin with rtsp://"},
		{"65 cameras", strings.Repeat("[[cameras]]\n", 65), "cameras: are 65; allowed: at most 64"},
		{"UTF-16", "\xff\xfeh\x00", "vedette.toml:1: is UTF-16; save it as UTF-8"},
		{"Latin-1", "hostname = \"a\"\n# B\xfcro\n", "vedette.toml:2: is not UTF-8"},
		{"zeros", "hostname = \"a\"\n\x00\x00", "vedette.toml:2: holds bytes that are no text"},
		{"too much", strings.Repeat("#\n", SetupMost/2) + "\n", "vedette.toml: has more than 65536 bytes"},
		{"a key twice", "hostname = \"a\"\nhostname = \"b\"\n", "vedette.toml:2: hostname: Key 'hostname' has already been defined."},
		{"text without quotes", "hostname = nvr\n", "vedette.toml:1: hostname: is not a value as TOML knows them; put text in double quotes"},
		{"a number for a text", "\n[wifi]\nssid = \"x\"\npassword = 12345678\n", "vedette.toml:4: wifi.password: is no text; put it in double quotes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSetup("vedette.toml", tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%T is no *Error", err)
			}
		})
	}
}

func TestFaultsOfASetupComeTogetherByLine(t *testing.T) {
	_, err := ParseSetup("v", "claim_code = \"x\"\n[network]\naddress = \"x\"\nfoo = 1\n[wifi]\nssid = \"\"\n")
	want := regexp.MustCompile(`^v:1: claim_code.*\nv:3: network.address.*\nv:4: network.foo.*\nv:6: wifi.ssid.*$`)
	if err == nil || !want.MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestAFileFullOfMistakesIsToldOfInShort(t *testing.T) {
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&b, "a.k%d = 1\n", i)
	}
	_, err := ParseSetup("v", b.String())
	if err == nil || strings.Count(err.Error(), "\n") != unknownMost || !strings.HasSuffix(err.Error(), "v: 3968 further keys do not exist") {
		t.Errorf("got %v", err)
	}
}

func TestFaultsRepeatNoSecret(t *testing.T) {
	for _, text := range []string{
		"claim_code = hunter2\n",
		"claim_code = hunter2hunter2_\n",
		"claim_code = \"hunter2_hunter2\"\n",
		"[wifi]\nssid = \"x\"\npassword = hunter2\n",
		"[wifi]\nssid = \"x\"\npasswort = hunter\n",
		"[wifi]\nssid = \"x\"\npassword = \"hunter\"\n",
		"[wifi]\nssid = \"x\"\npassword = \"hunter\\xzz\"\n",
		"[wifi]\nssid = \"x\"\npassword = \"hunter\\qzz\"\n",
		"[wifi]\nssid = \"x\"\npassword = \"hunter\nzz\"\n",
		"[wifi]\nssid = \"x\"\npassword = 0999999999\n",
		"[wifi]\nssid = \"x\"\npassword = 99999999999999999999999999\n",
		"[wifi]\nssid = \"x\"\npassword = 9999-99-99\n",
		"[wifi]\nssid = \"x\"\npassword = 9_999__999\n",
		"[wifi]\nssid = \"x\"\npassword = 9999.\n",
		"[wifi]\nssid = \"x\"\npassword = +0x9999\n",
		"[wifi]\nssid = \"x\"\npassword = 99999999\n",
		"[[cameras]]\nname = \"a\"\nurl = \"rtsp://admin:hunter#2@h/\"\n",
		"[[cameras]]\nname = \"a\"\nurl = \"rtsp://admin:hunter2@h:99999/\"\n",
		"[[cameras]]\nname = \"a\"\nurl = \"admin:hunter2@h\"\n",
		"[[cameras]]\nname = \"a\"\nurl = \"rtsp://h/\"\npassword = \"hunter\\u0000\"\n",
	} {
		_, err := ParseSetup("v", text)
		if err == nil {
			t.Errorf("accepted %q", text)
		} else if s := err.Error(); strings.Contains(s, "hunter") || strings.Contains(s, "9999") && !strings.Contains(text, ":9999") {
			t.Errorf("%q: %s", text, s)
		}
	}
}

// TestStreamsAreThoseOfTheRecorder keeps the two checks of an address the same.
func TestStreamsAreThoseOfTheRecorder(t *testing.T) {
	for _, u := range []string{
		"", "rtsp://h", "rtsps://h:322/x", "RTSP://h/", "http://h/", "rtsp:///x", "rtsp://h:0/", "rtsp://h:65536/", "rtsp://h:65535/",
		"rtsp://a:b@h/x", "rtsp://a:b#c@h/x", "rtsp://a:b/c@h/x", "rtsp://[::1]:554/", "rtsp://[::1/", "rtsp://h/%zz", "rtsp://h/\x01", "h", "://",
		"rtsp://h/" + strings.Repeat("a", 2039), "rtsp://h/" + strings.Repeat("a", 2040), "rtsp://h/?a@b", "rtsp://h/#a", "rtsp://a@h/#a",
	} {
		if ours, theirs := checkStream(u), recorder.CheckURL(u); (ours == "") != (theirs == nil) {
			t.Errorf("%q: %q here, %v in the recorder", u, ours, theirs)
		}
	}
}

func TestAPublicSetupHoldsNoSecretAndIsASetup(t *testing.T) {
	s := whole()
	text, err := s.Public()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Geheim", "correct horse", "s3cret", "abc", "password", "hunter22", "admin"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in\n%s", secret, text)
		}
	}
	got, err := ParseSetup("v", text)
	want := whole()
	want.ClaimCode, want.WiFi.Password, want.Cameras[1].Password = "", "", ""
	want.Cameras[0].URL, want.Cameras[1].URL = "rtsp://192.0.2.9:554/ch0", "rtsps://192.0.2.10"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if s.ClaimCode == "" || s.WiFi.Password == "" || s.Cameras[1].Password == "" {
		t.Error("the setup itself lost its secrets")
	}
}

// TestEveryKeyOfASetupIsDocumented holds docs/PROVISIONING.md and the fields
// together, and its example good.
func TestEveryKeyOfASetupIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/PROVISIONING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(doc), "```toml\n")
	example, _, _ = strings.Cut(example, "```")
	s, err := ParseSetup("example", example)
	if err != nil {
		t.Errorf("the example: %v", err)
	}
	set := strings.Join(s.Keys(), " ")
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
			inner := f.Type
			if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				walk(prefix+key+".", inner)
				continue
			}
			if !strings.Contains(string(doc), "`"+prefix+key+"`") {
				t.Errorf("docs/PROVISIONING.md does not mention `%s`", prefix+key)
			}
			if prefix != "cameras." && !strings.Contains(set, prefix+key) {
				t.Errorf("the example does not set %s, or Keys does not tell", prefix+key)
			}
		}
	}
	walk("", reflect.TypeFor[Setup]())
}

func FuzzParseSetup(f *testing.F) {
	f.Add(wholeSetup)
	f.Add("\ufeffhostname = \"a\"\r\n")
	f.Add("wifi = {ssid = \"x\"}\ncameras = [{name = \"a\", url = \"rtsp://h\"}]\n")
	f.Add("[network]\naddress = \"2001:db8::2/64\"\ngateway = \"2001:db8::1\"\n")
	f.Add("hostname = nvr\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSetup("v", text)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%T is no *Error: %v", err, err)
			}
			return
		}
		if err := s.Check(); err != nil {
			t.Errorf("accepted: %v", err)
		}
		public, err := s.Public()
		if err != nil {
			t.Fatal(err)
		}
		// Escapes may make much of it longer than is allowed.
		if _, err := ParseSetup("public", public); err != nil && len(text) < 600 {
			t.Errorf("what is public is no setup: %v\n%s", err, public)
		}
	})
}
