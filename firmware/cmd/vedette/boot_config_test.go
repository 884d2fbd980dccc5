package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAConfigurationOnTheSetupPartition: a good one becomes the recorder's, one with
// mistakes is told with file, line and key and changes nothing, none leaves what there is.
func TestAConfigurationOnTheSetupPartition(t *testing.T) {
	setup, data := t.TempDir(), filepath.Join(t.TempDir(), "vedette")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(setup, configFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	has := func() string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(data, "vedette.toml"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(b)
	}
	if faults, err := takeConfig(setup, data); err != nil || faults != nil || has() != "" {
		t.Errorf("without a file: %v, %v, %q", faults, err, has())
	}
	good := "[live]\r\nudp_port = 7000\r\n"
	put("\uFEFF" + good)
	if faults, err := takeConfig(setup, data); err != nil || faults != nil || has() != good {
		t.Errorf("a good file: %v, %v, %q", faults, err, has())
	}
	put("[live]\nudp_port = 70000\nbandwidth = 1\n")
	faults, err := takeConfig(setup, data)
	if err != nil || len(faults) != 2 || has() != good {
		t.Fatalf("a bad file: %v, %v, %q", faults, err, has())
	}
	for _, f := range faults {
		if f.Line < 2 || !strings.HasPrefix(f.Key, "recorder.toml: live.") || f.Reason == "" {
			t.Errorf("%+v; want the file, the line, the key and a reason", f)
		}
	}
	put("# " + strings.Repeat("x", maxConfig))
	if _, err := takeConfig(setup, data); err == nil || has() != good {
		t.Errorf("a file that is too long: %v, %q", err, has())
	}
}
