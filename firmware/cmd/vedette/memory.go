package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"vedette/firmware/health"
	"vedette/hal/memory"
)

const (
	// memoryShare is how much of the machine's memory the Go runtime aims to stay
	// within, in percent: what footage is written through is the kernel's cache, and
	// has to fit as well.
	memoryShare = 50
	leastMemory = 96 << 20 // bytes; below that the collector would do nothing else
	// Memory is short below a share of all of it, in percent, or a fixed amount, the
	// larger; it is not any more at twice that.
	shortShare = 4
	shortBytes = 24 << 20
	memoryLook = time.Second
)

// proc is where the kernel shows its processes.
const proc = "/proc"

// limitMemory has the runtime collect harder before the machine runs out. The
// GOMEMLIMIT of the environment wins.
func limitMemory(proc fs.FS, log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	f, err := memory.Read(proc)
	if err != nil {
		log.Warn("memory is not limited", "err", err)
		return
	}
	debug.SetMemoryLimit(max(f.Total/100*memoryShare, leastMemory))
}

// The memory that the past of cameras that wait for events may take: a share of all
// of it, in percent, and no more than mostPreroll.
const (
	prerollShare = 12
	mostPreroll  = 192 << 20
)

// prerollBytes returns how much that is, 0 where nobody knows.
func prerollBytes(proc fs.FS) int {
	f, err := memory.Read(proc)
	if err != nil {
		return 0
	}
	return int(min(f.Total/100*prerollShare, mostPreroll))
}

// memoryGuard sheds what can be done without when memory is short, so that the
// writer and the feeding of the watchdog go on: viewers and exports first.
type memoryGuard struct {
	proc  fs.FS
	shed  func() int // ends what can be done without; returns how much there was
	log   *slog.Logger
	state atomic.Pointer[memory.Figures]
	short atomic.Bool
}

// run looks after memory until ctx is done.
func (g *memoryGuard) run(ctx context.Context) error {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	for {
		g.look()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (g *memoryGuard) look() {
	f, err := memory.Read(g.proc)
	if err != nil {
		return // it was told at the start
	}
	g.state.Store(&f)
	limit := max(f.Total/100*shortShare, shortBytes)
	switch was := g.short.Load(); {
	case f.Available < limit:
		g.short.Store(true)
		n := g.shed()
		if !was || n > 0 {
			g.log.Error("memory is short", "available", f.Available, "viewers_and_exports_ended", n)
			debug.FreeOSMemory()
		}
	case was && f.Available >= 2*limit:
		g.short.Store(false)
		g.log.Info("memory is not short any more", "available", f.Available)
	}
}

// check says that memory is short.
func (g *memoryGuard) check() health.Verdict {
	f := g.state.Load()
	if f == nil || !g.short.Load() {
		return health.Verdict{State: health.Recording}
	}
	mib := func(n int64) float64 { return math.Round(float64(n) / (1 << 20)) }
	return health.Verdict{State: health.Degraded, Reason: fmt.Sprintf("%.0f of %.0f MiB of memory are left: nobody may watch live or export until there is more", mib(f.Available), mib(f.Total))}
}
