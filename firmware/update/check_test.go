package update

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestVersionsHaveAnOrder(t *testing.T) {
	order := []string{
		"v0.9.9", "v1.0.0", "v1.0.0-dirty", "v1.0.0-1-gabcdef0", "v1.0.0-1-gabcdef0-dirty", "v1.0.0-12-g0123456789",
		"v1.0.1", "v1.2.0", "v1.10.0", "v1.10.0-9-gffff", "v1.10.0-10-gaaaa", "v2.0.0",
	}
	for i, a := range order {
		for j, b := range order {
			if ok, note := newer(a, b); ok != (i > j) || note != "" {
				t.Errorf("%s over %s: %v, %q", a, b, ok, note)
			}
		}
	}
	for _, bad := range []string{
		"", "dev", "1.2.3", "v1.2", "v1.2.3.4", "v1.2.x", "v1.2.+3", "v1.2.-3", "v1.2.3-4", "v1.2.3-4-gxyz0", "v1.2.3-4-g", "v1.2.3--gabcd",
		"v1.2.3-rc1", "v1.2.3-4-gabcdef0-5", "v1.2.99999999999", "v1.2.3 ", "9fceb02", "9fceb02-dirty",
	} {
		if v, ok := parseVersion(bad); ok {
			t.Errorf("%q is %+v", bad, v)
		}
		if ok, _ := newer(bad, "v1.0.0"); ok {
			t.Errorf("%q replaces v1.0.0", bad)
		}
		if ok, note := newer("v0.0.1", bad); !ok || note == "" {
			t.Errorf("v0.0.1 does not replace %q: %v, %q", bad, ok, note)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("v1.2.3-4-gabcdef0-dirty")
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := parseVersion(s); ok && v.compare(v) != 0 {
			t.Errorf("%q is not as old as itself", s)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	f.Add("** message\n" + `{"compatible":"c","version":"v","description":null,"images":[{"rootfs":{"variant":null,"checksum":"00","size":1,"hooks":[],"adaptive":[]}}]}`)
	f.Add(`{"compatible":"c","version":"v","format":"plain","hash":"x","images":[{"rootfs":{"artifact":null,"type":null,"checksum":"","size":-1}}]}`)
	f.Fuzz(func(t *testing.T, said string) {
		m, err := parseManifest(said)
		if err != nil {
			return
		}
		var b Bundle
		if err := m.image(&b); err == nil && (b.Bytes <= 0 || len(b.SHA256) != 64) {
			t.Errorf("%+v", b)
		}
	})
}

// TestWhatLaterVersionsOfRAUCAddIsPassedOver has what 1.15 tells beyond 1.8.
func TestWhatLaterVersionsOfRAUCAddIsPassedOver(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	m, err := parseManifest(`{"compatible":"vedette-rpi4","version":"v1.2.3","description":null,"build":null,"format":"plain","hooks":[],"hash":null,` +
		`"images":[{"rootfs":{"artifact":null,"variant":null,"filename":"rootfs.img","type":null,"checksum":"` + sum + `","size":4096,"hooks":[],"adaptive":[],"convert":[]}}]}`)
	var b Bundle
	if err != nil || m.image(&b) != nil || b.Bytes != 4096 || b.SHA256 != sum || m.Version != "v1.2.3" {
		t.Errorf("%+v, %+v, %v", m, b, err)
	}
	if _, err := parseManifest(""); err == nil {
		t.Error("nothing is a manifest")
	}
}

func TestProgressIsRead(t *testing.T) {
	for line, want := range map[string]int{"  0% Installing": 0, " 80% Updating slots": 80, "100% Installing done.": 100} {
		if percent, message, ok := parseProgress(line); !ok || percent != want || message == "" || message[0] == ' ' {
			t.Errorf("%q: %d, %q, %v", line, percent, message, ok)
		}
	}
	for _, line := range []string{"", "installing", "%", "x% y", "101% z", "-1% z", "LastError: 5% of"} {
		if _, _, ok := parseProgress(line); ok {
			t.Errorf("%q is progress", line)
		}
	}
}

func TestTheStatusIsWhatThePanelReads(t *testing.T) {
	got, err := json.Marshal(Status{Slot: "A", Version: "v1.0.0", Other: Other{Slot: "B", State: "empty"}, Trial: &Trial{}})
	const want = `{"slot":"A","version":"v1.0.0","other":{"slot":"B","state":"empty"},"trial":{"since":"0001-01-01T00:00:00Z","waiting_for":""},"busy":"","percent":0}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
