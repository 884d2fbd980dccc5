package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"vedette/firmware/config"
	"vedette/firmware/health"
	"vedette/hal/button"
	"vedette/hal/gpio"
	"vedette/hal/led"
)

// A watchdog that is wanted and not there keeps nothing from recording, and is
// told. A real one is shown in test/board.
func TestAWatchdogThatIsNotThereIsTold(t *testing.T) {
	h := openBoard(config.Board{ID: "auto"}, t.TempDir(), gpio.NewFake(), slog.New(slog.DiscardHandler))
	if d := h.openWatchdog(); d != nil || h.checkWatchdog().State != health.Recording {
		t.Errorf("none is wanted: %v, %+v", d, h.checkWatchdog())
	}
	h.watchdog = filepath.Join(t.TempDir(), "watchdog0")
	if d := h.openWatchdog(); d != nil {
		t.Errorf("there is %v", d)
	}
	if v := h.checkWatchdog(); v.State != health.Degraded || !strings.Contains(v.Reason, "no such file") {
		t.Errorf("the check says %+v", v)
	}
	sim := openBoard(config.Board{ID: "sim"}, t.TempDir(), gpio.NewFake(), slog.New(slog.DiscardHandler))
	if d := sim.openWatchdog(); d == nil || sim.view(health.Report{}).Watchdog == nil {
		t.Error("the simulated board has no watchdog")
	} else if err := d.Close(true); err != nil {
		t.Error(err)
	}
}

// kernelLights makes lights in a /sys.
func kernelLights(t *testing.T, sys string, names ...string) {
	t.Helper()
	for _, name := range names {
		for _, f := range []string{"max_brightness", "brightness", "trigger", "delay_on", "delay_off"} {
			writeFile(t, filepath.Join(sys, "class", "leds", name, f), "1")
		}
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLightsOfTheKernelShowTheState(t *testing.T) {
	sys := t.TempDir()
	kernelLights(t, sys, "led0")
	h := openBoard(config.Board{ID: "auto", StatusLED: "led0", DiskLED: "led9"}, sys, gpio.NewFake(), slog.New(slog.DiscardHandler))
	if v := h.checkLights(); v.State != health.Degraded || !strings.Contains(v.Reason, `"led9", of those there are (led0)`) {
		t.Errorf("the check says %+v", v)
	}
	h.show(health.Lights{Status: led.Solid, Fault: led.Blink, Disk: led.Pulse})
	if v := h.view(health.Report{}); len(v.LEDs) != 1 || v.LEDs[0].Pattern != "solid" || v.LEDs[0].Label != "Status" || v.Board != "generic" {
		t.Errorf("shown: %+v", v)
	}
}

// raspberry is the /sys of a Raspberry Pi 4 whose kernel has these lights.
func raspberry(t *testing.T, lights ...string) string {
	t.Helper()
	sys := t.TempDir()
	writeFile(t, filepath.Join(sys, "firmware/devicetree/base/compatible"), "raspberrypi,4-model-b\x00brcm,bcm2711\x00")
	kernelLights(t, sys, lights...)
	return sys
}

func TestAKnownBoardNeedsNoConfiguration(t *testing.T) {
	h := openBoard(config.Board{ID: "auto"}, raspberry(t, "ACT", "PWR"), gpio.NewFake(), slog.New(slog.DiscardHandler))
	if v := h.view(health.Report{}); v.Board != "rpi4" || len(v.LEDs) != 2 || v.LEDs[0].Label != "ACT" || v.LEDs[1].Color != "red" || len(v.Buttons) != 0 {
		t.Errorf("%+v", v)
	}
	if h.watchdog != "/dev/watchdog0" {
		t.Errorf("watchdog %q", h.watchdog)
	}
	// A kernel that has none of them, and nobody asked: it is no fault.
	bare := openBoard(config.Board{ID: "auto", Watchdog: config.None}, raspberry(t), gpio.NewFake(), slog.New(slog.DiscardHandler))
	if v := bare.checkLights(); v.State != health.Recording || len(bare.board.LEDs) != 0 || bare.watchdog != "" {
		t.Errorf("%+v, lights %+v, watchdog %q", v, bare.board.LEDs, bare.watchdog)
	}
}

func TestTheConfigurationGoesBeforeTheBoardsData(t *testing.T) {
	lines := gpio.NewFake("GPIO17", "GPIO27", "STATUS_LED_G_CLK")
	lines.Claim("STATUS_LED_G_CLK", "ACT")
	sys := raspberry(t, "ACT", "PWR")
	c := config.Board{ID: "auto", StatusLED: "gpio:GPIO17:low", FaultLED: config.None, DiskLED: "gpio:STATUS_LED_G_CLK", Button: "gpio:GPIO27:low"}
	h := openBoard(c, sys, lines, slog.New(slog.DiscardHandler))
	if len(h.board.LEDs) != 1 || h.board.LEDs[0].Role != "status" || len(h.board.Buttons) != 1 {
		t.Fatalf("%+v", h.board)
	}
	if v := h.checkLights(); v.State != health.Degraded || !strings.Contains(v.Reason, `in use by "ACT"`) || !strings.Contains(v.Reason, "/sys/class/leds") || strings.Contains(v.Reason, `"none"`) {
		t.Errorf("the check says %+v", v)
	}
	h.show(health.Lights{Status: led.Solid})
	if lines.High("GPIO17") {
		t.Error("the light is dark")
	}
	unknown := openBoard(config.Board{ID: "auto", StatusLED: "gpio:GPIO99"}, sys, lines, slog.New(slog.DiscardHandler))
	if v := unknown.checkLights(); !strings.Contains(v.Reason, "GPIO17, GPIO27") {
		t.Errorf("a line that is not there: %+v", v)
	}
}

func TestAButtonOnALineIsAGesture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := gpio.NewFake("GPIO27")
		lines.Drive("GPIO27", true)
		h := openBoard(config.Board{ID: "auto", Button: "gpio:GPIO27:low"}, t.TempDir(), lines, slog.New(slog.DiscardHandler))
		var got []button.Gesture
		h.handle(func(e button.Event) { got = append(got, e.Gesture) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.readButton(ctx) }()
		synctest.Wait()
		for _, held := range []time.Duration{time.Second, 4 * time.Second} {
			lines.Drive("GPIO27", false)
			time.Sleep(held)
			lines.Drive("GPIO27", true)
			synctest.Wait()
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || !slices.Equal(got, []button.Gesture{button.Press, button.Hold}) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestTheBoardsButtonIsFoundByTheNameOfItsInputDevice(t *testing.T) {
	sys := fstest.MapFS{
		"class/input/event0/device/name": {Data: []byte("HDMI remote\n")}, "class/input/event3/device/name": {Data: []byte("gpio-keys\n")},
	}
	if got := inputDevice(sys, []string{"pwr_button", "gpio-keys"}); got != "/dev/input/event3" {
		t.Errorf("%q", got)
	}
	if got := inputDevice(sys, []string{"pwr_button"}); got != "" {
		t.Errorf("one that is not there: %q", got)
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
		h := openBoard(config.Board{ID: "auto"}, t.TempDir(), gpio.NewFake(), slog.New(slog.DiscardHandler))
		h.sys = sys
		if v := h.checkTemperature(); v.State != tt.want || !strings.Contains(v.Reason, tt.says) {
			t.Errorf("%s of %s: %+v", tt.temp, tt.critical, v)
		}
		if v := h.view(health.Report{}); len(v.Temps) != 1 || v.Temps[0].Name != "cpu-thermal" {
			t.Errorf("shown: %+v", v.Temps)
		}
	}
}
