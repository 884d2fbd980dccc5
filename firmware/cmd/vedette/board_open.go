package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"vedette/board"
	"vedette/firmware/config"
	"vedette/hal/button"
	"vedette/hal/gpio"
	"vedette/hal/led"
)

// sysfs is where the kernel shows its devices.
const sysfs = "/sys"

// buttonReader reads a button until ctx is done.
type buttonReader func(ctx context.Context, e button.Edges, lost func(error)) error

// openBoard opens the board that the configuration names, or the one that the
// machine is. What the configuration says of a light, the button or the watchdog
// goes before the board's own data. What the configuration wants and is not there
// is told by a check; what only the data name is logged. Neither keeps anything
// from recording. sys is where the kernel shows its devices.
func openBoard(c config.Board, sys string, lines gpio.Lines, log *slog.Logger) *hardware {
	h := &hardware{lights: map[string]light{}, log: log}
	if c.ID == "sim" {
		h.board = board.Sim()
		for _, l := range h.board.LEDs {
			h.lights[l.Name] = &led.Fake{}
		}
		return h
	}
	h.sys = os.DirFS(sys)
	data, known := board.Detect(h.sys)
	if c.ID != "auto" {
		data, known = board.ByID(c.ID)
	}
	if !known {
		log.Warn("this machine is no board of ours: lights, button and watchdog are those of the configuration, and lights whose names say what they are for", "machine", data.Name)
	}
	h.board = data
	h.openLights(c, sys, lines)
	h.openButton(c.Button, sys, lines)
	if c.Watchdog != config.None {
		h.watchdog = cmp.Or(c.Watchdog, data.Watchdog)
	}
	return h
}

// openLights keeps of the board's lights those that are there, with what the
// configuration says instead.
func (h *hardware) openLights(c config.Board, sys string, lines gpio.Lines) {
	data := h.board.LEDs
	h.board.LEDs = nil
	for _, l := range []board.LED{
		{Name: "status", Label: "Status", Color: "green", Role: "status"}, {Name: "fault", Label: "Fault", Color: "red", Role: "fault"},
		{Name: "disk", Label: "Disk", Color: "amber", Role: "disk"},
	} {
		i := slices.IndexFunc(data, func(d board.LED) bool { return d.Role == l.Role })
		wanted := map[string]string{"status": c.StatusLED, "fault": c.FaultLED, "disk": c.DiskLED}[l.Role]
		switch {
		case wanted == config.None, wanted == "" && i < 0:
			continue
		case wanted == "":
			l = data[i]
		}
		opened, err := h.openLight(wanted, l, sys, lines)
		if err != nil {
			if wanted == "" {
				h.log.Info("the board's light is not there", "role", l.Role, "err", err)
				continue
			}
			h.log.Error("light not found", "role", l.Role, "err", err)
			h.ledErr = errors.Join(h.ledErr, err)
			continue
		}
		h.lights[l.Name] = opened
		h.board.LEDs = append(h.board.LEDs, l)
	}
}

// openLight opens the light that is wanted, or the one of the data.
func (h *hardware) openLight(wanted string, l board.LED, sys string, lines gpio.Lines) (light, error) {
	if gpio.Is(wanted) {
		spec, err := gpio.Parse(wanted)
		if err != nil {
			return nil, err
		}
		out, err := lines.Output(spec)
		if errors.Is(err, gpio.ErrClaimed) {
			return nil, fmt.Errorf("%w; a light of the kernel's is named as below /sys/class/leds", err)
		}
		if err != nil {
			return nil, err
		}
		p := led.NewPin(out.Set)
		h.pins = append(h.pins, p)
		return p, nil
	}
	names := l.Kernel
	if wanted != "" {
		names = []string{wanted}
	}
	var errs error
	for _, name := range names {
		k, err := led.Open(filepath.Join(sys, "class", "leds"), name)
		if err == nil {
			return k, nil
		}
		errs = errors.Join(errs, err)
	}
	return nil, errs
}

// openButton finds the button that is wanted, or the one of the data.
func (h *hardware) openButton(wanted, sys string, lines gpio.Lines) {
	data := h.board.Buttons
	h.board.Buttons = nil
	found := board.Button{Name: "main", Label: "Button"}
	switch {
	case wanted == config.None, wanted == "" && len(data) == 0:
		return
	case gpio.Is(wanted):
		spec, err := gpio.Parse(wanted)
		if err != nil { // the configuration was checked
			h.log.Error("no button", "err", err)
			return
		}
		h.reader = func(ctx context.Context, e button.Edges, lost func(error)) error {
			watch := func(ctx context.Context, edge func(bool)) error { return lines.Watch(ctx, spec, edge) }
			return button.NewPin(watch, e, lost).Run(ctx)
		}
	default:
		if wanted == "" {
			found = data[0]
			if wanted = inputDevice(os.DirFS(sys), found.Input); wanted == "" {
				h.log.Warn("the board's button is not there", "input_devices", found.Input)
				return
			}
		}
		h.reader = func(ctx context.Context, e button.Edges, lost func(error)) error {
			return button.NewInput(wanted, e, lost).Run(ctx)
		}
	}
	h.board.Buttons = []board.Button{found}
}

// inputDevice returns the device file of the first input device of one of these
// names, "" if there is none.
func inputDevice(sys fs.FS, names []string) string {
	files, err := fs.Glob(sys, "class/input/event*/device/name")
	if err != nil {
		return "" // the pattern is ours and valid
	}
	for _, name := range names {
		for _, f := range files {
			data, err := fs.ReadFile(sys, f)
			if err == nil && strings.TrimSpace(string(data)) == name {
				return "/dev/input/" + path.Base(path.Dir(path.Dir(f)))
			}
		}
	}
	return ""
}
