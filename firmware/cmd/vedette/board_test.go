package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/firmware/config"
	"vedette/firmware/health"
	"vedette/hal/led"
)

// A watchdog that is wanted and not there keeps nothing from recording, and is
// told. A real one is shown in test/board.
func TestAWatchdogThatIsNotThereIsTold(t *testing.T) {
	h := openBoard(config.Board{ID: "auto"}, t.TempDir(), slog.New(slog.DiscardHandler))
	if d := h.openWatchdog(""); d != nil || h.checkWatchdog().State != health.Recording {
		t.Errorf("none is wanted: %v, %+v", d, h.checkWatchdog())
	}
	if d := h.openWatchdog(filepath.Join(t.TempDir(), "watchdog0")); d != nil {
		t.Errorf("there is %v", d)
	}
	if v := h.checkWatchdog(); v.State != health.Degraded || !strings.Contains(v.Reason, "no such file") {
		t.Errorf("the check says %+v", v)
	}
	sim := openBoard(config.Board{ID: "sim"}, t.TempDir(), slog.New(slog.DiscardHandler))
	if d := sim.openWatchdog(""); d == nil || sim.view(health.Report{}).Watchdog == nil {
		t.Error("the simulated board has no watchdog")
	} else if err := d.Close(true); err != nil {
		t.Error(err)
	}
}

func TestLightsOfTheKernelShowTheState(t *testing.T) {
	class := t.TempDir()
	for _, f := range []string{"max_brightness", "brightness", "trigger", "delay_on", "delay_off"} {
		p := filepath.Join(class, "led0", f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := openBoard(config.Board{ID: "auto", StatusLED: "led0", DiskLED: "led9"}, class, slog.New(slog.DiscardHandler))
	if v := h.checkLights(); v.State != health.Degraded || !strings.Contains(v.Reason, `"led9", of those there are (led0)`) {
		t.Errorf("the check says %+v", v)
	}
	h.show(health.Lights{Status: led.Solid, Fault: led.Blink, Disk: led.Pulse})
	if v := h.view(health.Report{}); len(v.LEDs) != 1 || v.LEDs[0].Pattern != "solid" || v.LEDs[0].Label != "Status" {
		t.Errorf("shown: %+v", v.LEDs)
	}
}
