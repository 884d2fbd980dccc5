package firstboot

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func clock() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC) }

const setupText = `hostname = "nvr"
time_zone = "Europe/Berlin"
ntp = ["a.example.org", "192.0.2.1"]
claim_code = "s3cret-code"
[network]
address = "192.0.2.20/24"
gateway = "192.0.2.1"
dns = ["192.0.2.1", "2001:DB8::1"]
[wifi]
ssid = "IEEE"
password = "s3cret password"
country = "de"
[[cameras]]
name = "Door"
url = "rtsp://admin:s3cret-url@192.0.2.9/ch0"
[[cameras]]
name = "Yard"
url = "rtsp://192.0.2.10/ch0"
username = "viewer"
password = "s3cret-camera"
`

func TestASetupIsTakenUpAndItsSecretsAreWiped(t *testing.T) {
	m := newMachine()
	m.setup.place(SetupFile, setupText)
	m.setup.place(ErrorsFile, "of the last time")
	got := m.read()
	want := Result{Applied: true, At: clock().Truncate(time.Second), Keys: strings.Fields("hostname time_zone ntp claim_code " +
		"network.interface network.address network.gateway network.dns wifi.ssid wifi.password wifi.country cameras")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if names := m.setup.names(); !slices.Equal(names, []string{DoneFile}) {
		t.Errorf("the setup partition holds %v", names)
	}
	if m.setup.holds("s3cret") {
		t.Error("a secret lingers on the setup partition")
	}
	done := m.setup.text(DoneFile)
	for _, want := range []string{"2026-03-04T05:06:07Z", "hostname = \"nvr\"\r\n", "ssid = \"IEEE\"", "rtsp://192.0.2.9/ch0"} {
		if !strings.Contains(done, want) {
			t.Errorf("%q is not in\n%s", want, done)
		}
	}
	if got := slices.Sorted(maps.Keys(m.settings())); !slices.Equal(got, []string{"hostname", "network", "ntp", "pending.json", "timezone", "wpa_supplicant.conf"}) {
		t.Errorf("the settings are %v", got)
	}
	if got := m.read(); !reflect.DeepEqual(got, Result{}) {
		t.Errorf("the next start: %+v", got)
	}
}

func TestAMistakeAppliesNothingAndIsToldBeside(t *testing.T) {
	m := newMachine()
	text := strings.Replace(setupText, "s3cret password", "s3cret", 1) + "colour = \"red\"\n"
	m.setup.place(SetupFile, text)
	got := m.read()
	want := Result{Errors: []Fault{
		{11, "wifi.password", "has 6 characters; allowed: 8 to 63, or 64 hexadecimal digits; leave it out for an open network"},
		{21, "cameras.colour", "no such key; the keys are in docs/PROVISIONING.md"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(m.system.names()) != 0 || m.setup.text(SetupFile) != text {
		t.Errorf("something was done: %v", m.system.names())
	}
	report := m.setup.text(ErrorsFile)
	if !strings.Contains(report, "\r\nline 11, wifi.password: has 6 characters") || strings.Contains(report, "s3cret") {
		t.Errorf("the report is\n%s", report)
	}
	m.setup.readOnly = true // what is there already is not written again
	if got := m.read(); !reflect.DeepEqual(got, want) {
		t.Errorf("the next start: %+v", got)
	}
	m.setup.readOnly = false
	m.setup.place(SetupFile, "hostname = \"b\"\n")
	if got := m.read(); !got.Applied || m.setup.text(ErrorsFile) != "" {
		t.Errorf("the file that was corrected: %+v, report %q", got, m.setup.text(ErrorsFile))
	}
}

func TestWhatIsNotNamedStays(t *testing.T) {
	m := newMachine()
	m.setup.place(SetupFile, setupText)
	m.read()
	before := m.settings()
	m.setup.place(SetupFile, "hostname = \"other\"\n[[cameras]]\nname = \"New\"\nurl = \"rtsp://h/\"\n")
	if got := m.read(); !got.Applied || !slices.Equal(got.Keys, []string{"hostname", "cameras"}) {
		t.Errorf("got %+v", got)
	}
	after := m.settings()
	before["hostname"] = "other\n"
	before["pending.json"] = `{"claim_code":"s3cret-code","cameras":[{"name":"New","url":"rtsp://h/"}]}` + "\n"
	if !reflect.DeepEqual(after, before) {
		t.Errorf("got %v, want %v", after, before)
	}
}

func TestAFileThatSetsNothingIsLeftAlone(t *testing.T) {
	m := newMachine()
	m.setup.place(SetupFile, "# hostname = \"x\"\n")
	if got := m.read(); !reflect.DeepEqual(got, Result{}) || !slices.Equal(m.setup.names(), []string{SetupFile}) || len(m.system.names()) > 0 {
		t.Errorf("got %+v, %v", got, m.setup.names())
	}
}

// TestAPartitionThatCannotBeWrittenIsReadOnce: else the cameras would come back at
// each start.
func TestAPartitionThatCannotBeWrittenIsReadOnce(t *testing.T) {
	m := newMachine()
	m.setup.place(SetupFile, setupText)
	m.setup.readOnly = true
	if got := m.read(); !got.Applied || len(got.Problems) != 2 || !strings.Contains(got.Problems[1], "its secrets are still on") {
		t.Errorf("got %+v", got)
	}
	if err := m.system.Remove(pendingFile); err != nil {
		t.Fatal(err)
	}
	if got := m.read(); got.Applied || len(got.Problems) == 0 || m.system.text(pendingFile) != "" {
		t.Errorf("the next start: %+v, %q", got, m.system.text(pendingFile))
	}
	m.setup.readOnly = false
	if got := m.read(); !got.Applied || len(got.Problems) != 0 || m.system.text(pendingFile) != "" || m.setup.holds("s3cret") {
		t.Errorf("once it can be written: %+v", got)
	}
	// The same file, put there again, is meant.
	m.setup.place(SetupFile, setupText)
	if got := m.read(); !got.Applied || m.system.text(pendingFile) == "" {
		t.Errorf("the same file again: %+v", got)
	}
}

func TestAnotherFileThanTheOneThatCouldNotBeWipedIsTakenUp(t *testing.T) {
	m := newMachine()
	m.setup.place(SetupFile, setupText)
	m.setup.readOnly = true
	m.read()
	m.setup.readOnly = false
	m.setup.place(SetupFile, strings.Replace(setupText, `"nvr"`, `"nvs"`, 1)) // of the same length
	if got := m.read(); !got.Applied || m.system.text(hostnameFile) != "nvs\n" {
		t.Errorf("got %+v, %q", got, m.system.text(hostnameFile))
	}
}

func TestAFileThatWasCopiedInPartIsNotWiped(t *testing.T) {
	m := newMachine()
	text := "hostname = \"x\"\n" + strings.Repeat("\x00", 40)
	m.setup.place(SetupFile, text)
	if got := m.read(); len(got.Errors) != 1 || got.Errors[0].Line != 2 || m.setup.text(SetupFile) != text {
		t.Errorf("got %+v", got)
	}
}

func TestANameThatHidesItsEndIsTold(t *testing.T) {
	m := newMachine()
	m.setup.place(hidden, setupText)
	if got := m.read(); len(got.Problems) != 1 || !strings.Contains(got.Problems[0], "vedette.toml.txt is not read") {
		t.Errorf("got %+v", got)
	}
}

func TestAResultIsJSON(t *testing.T) {
	got, err := json.Marshal(Result{Errors: []Fault{{3, "wifi.ssid", "x"}}, Problems: []string{"y"}})
	if want := `{"applied":false,"errors":[{"line":3,"key":"wifi.ssid","reason":"x"}],"problems":["y"]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// TestAPowerCutAtAnyStepEndsTheSame cuts the power before each step of a first
// start, and of the start after it, with every kind of loss. Invariant: the start
// that is not cut ends with the same settings as one that never was, and with no
// secret on the setup partition; what the recorder has taken over never comes back.
func TestAPowerCutAtAnyStepEndsTheSame(t *testing.T) {
	begin := func() *machine {
		m := newMachine()
		// A key as it is saves the time that making one takes.
		m.setup.place(SetupFile, strings.Replace(setupText, "s3cret password", strings.Repeat("5ec2e7", 10)+"5ec2", 1))
		m.setup.place(DoneFile, "an older one")
		m.setup.place(ErrorsFile, "of the last time")
		m.system.place(hostnameFile, "old\n")
		return m
	}
	dry := begin()
	dry.read()
	want, wantSetup := dry.settings(), dry.setup.text(DoneFile)
	const seeds = 6
	for at := 1; at <= dry.steps; at++ {
		for seed := range uint64(seeds) {
			for again := 0; again <= 40; again += 10 { // the second start is cut too, or not
				m := begin()
				m.cutAt = at
				m.read()
				m = m.reboot(seed)
				if again > 0 {
					m.cutAt = again
					m.read()
					m = m.reboot(seed + 100)
				}
				res := m.read()
				where := fmt.Sprintf("cut at %d, seed %d, again %d: %+v", at, seed, again, res)
				if m.setup.holds("s3cret") || m.setup.holds("5ec2") {
					t.Fatalf("%s: a secret lingers", where)
				}
				if len(res.Errors)+len(res.Problems) > 0 {
					t.Fatalf("%s: errors", where)
				}
				got := m.settings()
				maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasSuffix(name, ".new") })
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: settings %v, want %v", where, got, want)
				}
				if names := m.setup.names(); !slices.Equal(names, []string{DoneFile}) || m.setup.text(DoneFile) != wantSetup {
					t.Fatalf("%s: setup %v, %q", where, names, m.setup.text(DoneFile))
				}
			}
		}
	}
	t.Logf("%d steps, %d losses each, and each with four further cuts", dry.steps, seeds)
}
