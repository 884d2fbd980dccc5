package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vedette/firmware/journal"
	"vedette/perception/events"
)

// end stops the process cleanly. On our own machine the init system is then told to
// reboot or poweroff; elsewhere it is not ours to switch off.
func (p *process) end(how string) {
	if p.flags.appliance {
		p.ending.Store(&how)
	}
	if p.stop != nil {
		p.stop()
	}
}

// leaving is how long the init system may take to end this process once it was told.
const leaving = time.Minute

// leave does what is left once everything is closed: it has the machine restarted or
// switched off, and waits to be ended by that, because the init system would start
// a process that is gone again. It returns the exit code.
func (p *process) leave(std streams) int {
	how := p.ending.Load()
	if how == nil {
		return 0
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	if err := exec.CommandContext(ctx, filepath.Join("/sbin", *how)).Run(); err != nil {
		return fail(std, 1, fmt.Errorf("%s: %w", *how, err))
	}
	select {
	case <-term:
	case <-ctx.Done():
	}
	return 0
}

// keepCrashes has a crash of this process kept, and tells of the one before.
func (p *process) keepCrashes() {
	if p.flags.dev {
		return // a developer sees it
	}
	last, err := journal.CrashFile(filepath.Join(p.flags.data, "log"))
	if err != nil {
		p.log.Warn("a crash would not be kept", "err", err)
	}
	p.crashed = last
}

// tellCrash makes an event of a crash of the run before.
func (p *process) tellCrash() {
	if p.crashed == "" {
		return
	}
	p.log.Error("the recorder crashed", "in", "log/crash.1.txt")
	p.events.Emit(events.Event{Type: "crashed", Severity: events.Critical, Payload: map[string]any{"what": firstLine(p.crashed)}})
}

func firstLine(s string) string {
	for i, c := range s {
		if c == '\n' || i >= 200 {
			return s[:i]
		}
	}
	return s
}
