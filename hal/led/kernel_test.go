package led

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// class is a directory as the kernel shows lights. The files of a trigger are
// there from the beginning: how they come is shown on a real kernel, in test/board.
func class(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		p := filepath.Join(dir, "green:status", f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("255\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAKernelLightShowsEachPattern(t *testing.T) {
	dir := class(t, "max_brightness", "brightness", "trigger", "delay_on", "delay_off")
	k, err := Open(dir, "green:status")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(dir, "green:status", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for p, want := range map[Pattern]string{Blink: "timer 500 500", Fast: "timer 125 125", Pulse: "timer 100 1900", Solid: "none 255", Off: "none 0"} {
		for _, name := range []string{"trigger", "brightness", "delay_on", "delay_off"} {
			if err := os.Truncate(filepath.Join(dir, "green:status", name), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.Set(p); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(strings.Join([]string{read("trigger"), read("brightness"), read("delay_on"), read("delay_off")}, " ")), " ")
		if got != want || k.Pattern() != p {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
	if err := k.Set(Pulse + 1); !errors.Is(err, ErrPattern) {
		t.Errorf("an unknown pattern: %v", err)
	}
}

func TestAKernelLightIsNotWrittenTwiceButTriedAgain(t *testing.T) {
	dir := class(t, "max_brightness", "brightness", "trigger")
	k, err := Open(dir, "green:status")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Set(Solid); err != nil {
		t.Fatal(err)
	}
	brightness := filepath.Join(dir, "green:status", "brightness")
	if err := os.Remove(brightness); err != nil {
		t.Fatal(err)
	}
	if err := k.Set(Solid); err != nil {
		t.Errorf("what is shown already is written again: %v", err)
	}
	if err := k.Set(Off); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a light that went: %v", err)
	}
	if err := os.WriteFile(brightness, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Set(Off); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(brightness); err != nil || string(raw) != "0" {
		t.Errorf("tried again: %q, %v", raw, err)
	}
}

func TestALightThatIsNotThereIsRefusedWithThoseThatAre(t *testing.T) {
	dir := class(t, "max_brightness")
	if _, err := Open(dir, "red:fault"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "green:status") {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", "../leds", "a/b"} {
		if _, err := Open(dir, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
