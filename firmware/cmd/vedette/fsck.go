package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"

	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
)

// fsckCommand checks a footage volume: one line per finding; exit code 0 for
// clean, 1 for findings, 2 if it could not be checked.
func fsckCommand(_ context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette fsck", flag.ContinueOnError)
	dir := fs.String("volume", "", "directory of the volume")
	repair := fs.Bool("repair", false, "put in order what can be, without giving up footage")
	rest, code, ok := parse(fs, args, std)
	if !ok {
		return code
	}
	if *dir == "" || len(rest) > 0 {
		return fail(std, 2, errors.New("usage: vedette fsck --volume DIR [--repair]"))
	}
	left, err := check(*dir, *repair, std)
	switch {
	case errors.Is(err, index.ErrInUse), errors.Is(err, volume.ErrInUse):
		return fail(std, 2, fmt.Errorf("%s is in use: stop the recorder first", *dir))
	case err != nil:
		return fail(std, 2, err)
	case left > 0:
		return 1
	}
	fmt.Fprintln(std.out, "clean")
	return 0
}

// check prints the findings and returns how many of them are left.
func check(dir string, repair bool, std streams) (left int, err error) {
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	v, err := volume.Open(dir, volume.Options{ReadOnly: !repair, Log: log})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	emit := func(f recovery.Finding) {
		fmt.Fprintln(std.out, f)
		if !f.Fixed {
			left++
		}
	}
	path := filepath.Join(dir, "segments.db")
	if !repair {
		return left, recovery.Check(v.FS(), path, emit)
	}
	_, err = recovery.Repair(v.FS(), path, index.Options{}, log, emit)
	return left, err
}
