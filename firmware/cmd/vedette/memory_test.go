package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"vedette/firmware/health"
)

func TestViewersGoBeforeTheMemoryDoes(t *testing.T) {
	proc := fstest.MapFS{}
	available := func(kb int) {
		proc["meminfo"] = &fstest.MapFile{Data: fmt.Appendf(nil, "MemTotal: 512000 kB\nMemAvailable: %d kB\n", kb)}
	}
	shed := 0
	g := &memoryGuard{proc: proc, shed: func() int { shed++; return 0 }, log: slog.New(slog.DiscardHandler)}
	for _, tt := range []struct {
		kb    int
		short bool
	}{{300000, false}, {25000, false}, {24000, true}, {40000, true}, {60000, false}, {23000, true}} {
		available(tt.kb)
		before := shed
		g.look()
		if g.short.Load() != tt.short || (shed > before) != (tt.kb < 24576) {
			t.Errorf("%d kB: short %v, shed %v", tt.kb, g.short.Load(), shed > before)
		}
		if v := g.check(); (v.State == health.Degraded) != tt.short || tt.short != strings.Contains(v.Reason, "of 500 MiB") {
			t.Errorf("%d kB: %+v", tt.kb, v)
		}
	}
}
