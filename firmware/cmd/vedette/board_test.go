package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

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
	sys := t.TempDir()
	for _, f := range []string{"max_brightness", "brightness", "trigger", "delay_on", "delay_off"} {
		p := filepath.Join(sys, "class", "leds", "led0", f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := openBoard(config.Board{ID: "auto", StatusLED: "led0", DiskLED: "led9"}, sys, slog.New(slog.DiscardHandler))
	if v := h.checkLights(); v.State != health.Degraded || !strings.Contains(v.Reason, `"led9", of those there are (led0)`) {
		t.Errorf("the check says %+v", v)
	}
	h.show(health.Lights{Status: led.Solid, Fault: led.Blink, Disk: led.Pulse})
	if v := h.view(health.Report{}); len(v.LEDs) != 1 || v.LEDs[0].Pattern != "solid" || v.LEDs[0].Label != "Status" {
		t.Errorf("shown: %+v", v.LEDs)
	}
}

func TestABoardThatIsTooWarmIsTold(t *testing.T) {
	for _, tt := range []struct {
		temp, critical string
		want           health.State
		says           string
	}{
		{"84000", "", health.Recording, ""},
		{"85000", "", health.Degraded, "cpu-thermal is at 85 °C"},
		{"99000", "110000", health.Recording, ""},
		{"100000", "110000", health.Degraded, "switches off at 110"},
	} {
		sys := fstest.MapFS{
			"class/thermal/thermal_zone0/type": {Data: []byte("cpu-thermal")}, "class/thermal/thermal_zone0/temp": {Data: []byte(tt.temp)},
		}
		if tt.critical != "" {
			sys["class/thermal/thermal_zone0/trip_point_0_type"] = &fstest.MapFile{Data: []byte("critical")}
			sys["class/thermal/thermal_zone0/trip_point_0_temp"] = &fstest.MapFile{Data: []byte(tt.critical)}
		}
		h := openBoard(config.Board{ID: "auto"}, t.TempDir(), slog.New(slog.DiscardHandler))
		h.sys = sys
		if v := h.checkTemperature(); v.State != tt.want || !strings.Contains(v.Reason, tt.says) {
			t.Errorf("%s of %s: %+v", tt.temp, tt.critical, v)
		}
		if v := h.view(health.Report{}); len(v.Temps) != 1 || v.Temps[0].Name != "cpu-thermal" {
			t.Errorf("shown: %+v", v.Temps)
		}
	}
}
