package firstboot

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"vedette/firmware/config"
	"vedette/internal/testkit"
)

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testkit.Lacking(t, "this test needs "+name)
	}
	return path
}

// TestAShellReadsTheNetwork has a real shell source the file.
func TestAShellReadsTheNetwork(t *testing.T) {
	tests := []struct {
		name string
		n    config.SetupNetwork
		want string
	}{
		{"fixed", config.SetupNetwork{Interface: "wlan0.1", Address: "192.0.2.20/24", Gateway: "192.0.2.1", DNS: []string{"192.0.2.1", "2001:DB8:0::1"}}, "wlan0.1|192.0.2.20/24|192.0.2.1|192.0.2.1 2001:db8::1"},
		{"DHCP", config.SetupNetwork{Interface: "eth0"}, "eth0|||"},
		{"IPv6", config.SetupNetwork{Interface: "eth0", Address: "2001:DB8::20/64", Gateway: "2001:DB8::1"}, "eth0|2001:db8::20/64|2001:db8::1|"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			system := filepath.Join(t.TempDir(), "system")
			if err := Apply(system, config.Setup{Network: &tt.n}); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("sh", "-euc", `. "$1"; printf '%s|%s|%s|%s' "$INTERFACE" "$ADDRESS" "$GATEWAY" "$DNS"`, "sh", filepath.Join(system, networkFile)).CombinedOutput()
			if err != nil || string(out) != tt.want {
				t.Errorf("the shell says %q, %v; want %q", out, err, tt.want)
			}
		})
	}
}

func TestWhatWasNotCheckedIsRefused(t *testing.T) {
	system := t.TempDir()
	for name, s := range map[string]config.Setup{
		"a quote in the interface":  {Network: &config.SetupNetwork{Interface: "a';reboot;'"}},
		"a command for an address":  {Network: &config.SetupNetwork{Interface: "eth0", Address: "$(reboot)"}},
		"a line break in a server":  {NTP: []string{"a\nb"}},
		"a line break in a country": {WiFi: &config.SetupWiFi{SSID: "x", Country: "D\n"}},
		"a path in the name":        {Hostname: "../x"},
	} {
		if err := Apply(system, s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if left, err := os.ReadDir(system); err != nil || len(left) > 0 {
		t.Errorf("something was written: %v, %v", left, err)
	}
}

func TestSettingsAreForRootAlone(t *testing.T) {
	system := filepath.Join(t.TempDir(), "system")
	s, err := config.ParseSetup("v", setupText)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Apply(system, s); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(system)
	if err != nil || len(left) != 6 {
		t.Errorf("got %v, %v", left, err)
	}
	for _, e := range left {
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	want := map[string]string{"hostname": "nvr\n", "ntp": "a.example.org\n192.0.2.1\n", "timezone": "Europe/Berlin\n"}
	for name, want := range want {
		if got, err := os.ReadFile(filepath.Join(system, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestTheKeyIsThatOfIEEE holds the key against a vector of IEEE 802.11-2020, J.4.2.
func TestTheKeyIsThatOfIEEE(t *testing.T) {
	got, err := supplicant(&config.SetupWiFi{SSID: "IEEE", Password: "password", Country: "DE"})
	want := "country=DE\nnetwork={\n\tssid=49454545\n\tscan_ssid=1\n\tkey_mgmt=WPA-PSK\n\tpsk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n}\n"
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestTheSupplicantReadsItsFile compares the key with that of wpa_supplicant's own
// tool, and has the real program read the file.
func TestTheSupplicantReadsItsFile(t *testing.T) {
	supplicantProgram, passphrase := program(t, "wpa_supplicant"), program(t, "wpa_passphrase")
	for name, w := range map[string]*config.SetupWiFi{
		"a passphrase":             {SSID: "My network", Password: `quote " and \ back`, Country: "DE"},
		"quotes and bytes of UTF8": {SSID: "Büro \"1\"\n", Password: strings.Repeat("p", 63)},
		"a key":                    {SSID: "x", Password: strings.Repeat("0A", 32)},
		"an open network":          {SSID: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := supplicant(w)
			if err != nil {
				t.Fatal(err)
			}
			if w.Password != "" && !w.IsKey() {
				if strings.Contains(text, w.Password) {
					t.Error("the passphrase itself is stored")
				}
				out, err := exec.Command(passphrase, w.SSID, w.Password).CombinedOutput()
				_, key, _ := strings.Cut(string(out), "\tpsk=")
				key, _, _ = strings.Cut(key, "\n")
				if err != nil || len(key) != 64 || !strings.Contains(text, "psk="+key+"\n") {
					t.Errorf("wpa_passphrase says %s, %v; the file is\n%s", out, err, text)
				}
			}
			file := filepath.Join(t.TempDir(), wifiFile)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			said := supplicantReads(t, supplicantProgram, file)
			if strings.Contains(said, "Line ") || !strings.Contains(said, "Reading configuration file") {
				t.Errorf("it says\n%s\nof\n%s", said, text)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(text, "ssid=", "ssid=\"", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if said := supplicantReads(t, supplicantProgram, file); !strings.Contains(said, "Line ") {
				t.Errorf("it says nothing of a file that is wrong:\n%s", said)
			}
		})
	}
}

// supplicantReads starts wpa_supplicant for an interface that does not exist, which
// ends it once the file is read.
func supplicantReads(t *testing.T, name, file string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, name, "-d", "-D", "wired", "-i", "vedette-none", "-c", file).CombinedOutput()
	return string(out)
}

func TestWhatWaitsIsTakenOnce(t *testing.T) {
	system := t.TempDir()
	if p, ok, err := TakePending(system); ok || err != nil {
		t.Errorf("nothing waits: %+v, %v, %v", p, ok, err)
	}
	s, err := config.ParseSetup("v", setupText)
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(system, s); err != nil {
		t.Fatal(err)
	}
	want := Pending{s.ClaimCode, s.Cameras}
	for range 2 { // a power cut before Done
		if p, ok, err := TakePending(system); !ok || err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("got %+v, %v, %v; want %+v", p, ok, err, want)
		}
	}
	for range 2 {
		if err := Done(system); err != nil {
			t.Error(err)
		}
	}
	if _, ok, err := TakePending(system); ok || err != nil {
		t.Errorf("after Done: %v, %v", ok, err)
	}
	if err := os.WriteFile(filepath.Join(system, pendingFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := TakePending(system); ok || err == nil {
		t.Errorf("half a file: %v, %v", ok, err)
	}
}

// TestNothingLingersOnARealDisk takes a setup up from a real file system, and looks for
// the secrets in all its sectors: ext4, and vfat where the kernel knows it.
func TestNothingLingersOnARealDisk(t *testing.T) {
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ext4", func(t *testing.T) { linger(t, "ext4", SetupFile, "mkfs.ext4", "-q") })
	if !strings.Contains(string(known), "\tvfat\n") {
		t.Log("the kernel knows no vfat: not tried")
		return
	}
	t.Run("vfat", func(t *testing.T) { linger(t, "vfat", "VEDETTE.TOML", "mkfs.vfat") })
}

func linger(t *testing.T, kind, name string, mkfs ...string) {
	if os.Getuid() != 0 {
		testkit.Lacking(t, "mounting a loop device needs root")
	}
	program(t, mkfs[0])
	work := t.TempDir()
	image, mount, system := filepath.Join(work, "setup.img"), filepath.Join(work, "setup"), filepath.Join(work, "data", "system")
	if err := os.WriteFile(image, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, mkfs[0], append(mkfs[1:], image)...)
	out, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Fatal(err)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() { testkit.Command(t, "losetup", "--detach", loop) })
	mounted := func(options string, f func()) {
		// Who looks at all disks of the machine may have it open for a moment.
		testkit.Until(t, 20*time.Second, "mount "+loop, func() bool {
			return exec.Command("mount", "-t", kind, "-o", options, loop, mount).Run() == nil
		})
		defer testkit.Command(t, "umount", mount)
		f()
	}
	// Longer than a cluster, so that it lies in several.
	text := setupText + strings.Repeat("# s3cret comment\n", 3000)
	mounted("rw", func() {
		if err := os.WriteFile(filepath.Join(mount, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	lingers := func() bool {
		raw, err := os.ReadFile(image)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte("s3cret"))
	}
	if !lingers() {
		t.Fatal("the secrets are not seen where they are")
	}
	mounted("ro", func() {
		if res := Read(mount, system); !res.Applied || len(res.Problems) == 0 {
			t.Errorf("read-only: %+v", res)
		}
	})
	mounted("rw", func() {
		if res := Read(mount, system); !res.Applied || len(res.Problems) > 0 {
			t.Errorf("got %+v", res)
		}
	})
	if lingers() {
		t.Error("secrets linger on the medium")
	}
	mounted("ro", func() {
		if res := Read(mount, system); !reflect.DeepEqual(res, Result{}) {
			t.Errorf("the next start, read-only: %+v", res)
		}
		if _, err := os.Stat(filepath.Join(mount, SetupFile)); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
		if _, err := os.Stat(filepath.Join(mount, DoneFile)); err != nil {
			t.Error(err)
		}
	})
}

func TestNoPartitionIsAProblemAlone(t *testing.T) {
	if res := Read(filepath.Join(t.TempDir(), "none"), t.TempDir()); res.Applied || len(res.Problems) != 1 {
		t.Errorf("got %+v", res)
	}
	if res := Read(t.TempDir(), filepath.Join(t.TempDir(), "system")); !reflect.DeepEqual(res, Result{}) {
		t.Errorf("one without a file: %+v", res)
	}
}
