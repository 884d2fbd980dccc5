package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vedette/firmware/card"
	"vedette/firmware/slots"
)

// runDir is where a start leaves what only this start is concerned with.
const runDir = "/run/vedette"

// slotCommand answers RAUC about the slots.
func slotCommand(_ context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette slot", flag.ContinueOnError)
	rest, code, ok := parse(fs, args, std)
	if !ok {
		return code
	}
	running, _, store, err := openSlots()
	if err != nil {
		return fail(std, 1, err)
	}
	defer store.Close()
	if err := slots.Backend(rest, std.out, store, running); err != nil {
		return fail(std, 1, err)
	}
	return 0
}

// openSlots returns the slot that runs, how long it is on trial, and the state of both.
func openSlots() (slots.Slot, time.Duration, *slots.Store, error) {
	cmdline, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	if err != nil {
		return 0, 0, nil, fmt.Errorf("which slot runs: %w", err)
	}
	running, trial, err := slots.Running(string(cmdline))
	if err != nil {
		return 0, 0, nil, err
	}
	store, err := slots.Open(filepath.Join(runDir, "part", card.State))
	return running, trial, store, err
}
