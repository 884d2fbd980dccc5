package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"vedette/firmware/health"
)

// A watchdog that is wanted and not there keeps nothing from recording, and is
// told. A real one is shown in test/board.
func TestAWatchdogThatIsNotThereIsTold(t *testing.T) {
	h := openBoard("auto", slog.New(slog.DiscardHandler))
	if d := h.openWatchdog(""); d != nil || h.checkWatchdog().State != health.Recording {
		t.Errorf("none is wanted: %v, %+v", d, h.checkWatchdog())
	}
	if d := h.openWatchdog(filepath.Join(t.TempDir(), "watchdog0")); d != nil {
		t.Errorf("there is %v", d)
	}
	if v := h.checkWatchdog(); v.State != health.Degraded || !strings.Contains(v.Reason, "no such file") {
		t.Errorf("the check says %+v", v)
	}
	sim := openBoard("sim", slog.New(slog.DiscardHandler))
	if d := sim.openWatchdog(""); d == nil || sim.view(health.Report{}).Watchdog == nil {
		t.Error("the simulated board has no watchdog")
	} else if err := d.Close(true); err != nil {
		t.Error(err)
	}
}
