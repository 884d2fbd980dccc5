package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"vedette/firmware/card"
	"vedette/firmware/config"
	"vedette/firmware/firstboot"
	"vedette/firmware/health"
	"vedette/hal/gpio"
)

// Places of the running system (docs/format/card.md).
const (
	dataDir   = "/data"
	setupDir  = "/setup"
	systemDir = dataDir + "/system"
	updateDir = dataDir + "/update"
	bakedConf = "/usr/share/vedette/vedette.toml"
)

// bootReport is what a start did before the recorder, in runDir.
type bootReport struct {
	Card  *card.Report      `json:"card,omitempty"`
	Setup *firstboot.Result `json:"setup,omitempty"`
	Error string            `json:"error,omitempty"` // the card could not be made ready
}

const bootFile = runDir + "/boot.json"

// bootCommand does what must be done between init and vedette run: it makes the card
// ready and takes up what the setup partition says. It returns 0 whenever there is a place
// for data, whatever else went wrong: the recorder tells.
func bootCommand(ctx context.Context, args []string, std streams) int {
	flags := flag.NewFlagSet("vedette boot", flag.ContinueOnError)
	if _, code, ok := parse(flags, args, std); !ok {
		return code
	}
	began := time.Now()
	fmt.Fprintln(std.out, "vedette: preparing the card")
	quiet := slog.New(slog.DiscardHandler)
	openBoard(config.Default().Board, sysfs, gpio.Chips{}, quiet).show(health.LightsFor(health.Starting, false))
	report, err := prepareCard(ctx)
	if err != nil {
		report.Error = err.Error()
		fmt.Fprintln(std.err, "vedette:", err)
	}
	if s := report.Setup; s != nil {
		for _, f := range s.Errors {
			fmt.Fprintln(std.err, "vedette: settings on the card:", f)
		}
		for _, p := range s.Problems {
			fmt.Fprintln(std.err, "vedette:", p)
		}
	}
	if err := writeReport(report); err != nil {
		return fail(std, 1, err)
	}
	fmt.Fprintf(std.out, "vedette: card ready in %d ms\n", time.Since(began).Milliseconds())
	if report.Card == nil {
		return 1
	}
	return 0
}

func prepareCard(ctx context.Context) (bootReport, error) {
	c, err := card.Find(card.Places{}, "")
	if err != nil {
		return bootReport{}, errors.Join(err, inMemory())
	}
	r, err := c.Prepare(ctx, dataDir)
	out := bootReport{Card: &r}
	for _, s := range r.Steps {
		if s.Error != "" {
			err = errors.Join(err, fmt.Errorf("%s: %s", s.Name, s.Error))
		}
	}
	// By the names of after the preparation, which may have exchanged two.
	err = errors.Join(err, c.Link(filepath.Join(runDir, "part")))
	err = errors.Join(err, c.WithSetup(setupDir, func(error) error {
		s := firstboot.Read(setupDir, systemDir)
		faults, err := takeConfig(setupDir, filepath.Join(dataDir, "vedette"))
		s.Errors = append(s.Errors, faults...)
		out.Setup = &s
		return err
	}))
	return out, err
}

// inMemory is what a machine without a card of ours gets for its data.
func inMemory() error {
	if err := unix.Mount("data", dataDir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700,size=50%"); err != nil {
		return fmt.Errorf("data in memory: %w", err)
	}
	return nil
}

func writeReport(r bootReport) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return fmt.Errorf("report of the start: %w", err)
	}
	if err := os.WriteFile(bootFile, b, 0o600); err != nil {
		return fmt.Errorf("report of the start: %w", err)
	}
	return nil
}

// readReport returns what bootCommand left; an empty one if it did not run.
func readReport() (r bootReport, err error) {
	b, err := os.ReadFile(bootFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("report of the start: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("report of the start: %w", err)
	}
	return r, nil
}
