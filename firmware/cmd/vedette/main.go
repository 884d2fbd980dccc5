// Command vedette is the whole product: the recorder, its panel, and the
// tools that go with it. main holds flags, signals and exit codes; run.go
// wires the parts together.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// command is one subcommand. run gets the arguments after its name and
// returns the exit code: 0 done, 1 found or failed, 2 could not or misused.
type command struct {
	name, synopsis string
	run            func(ctx context.Context, args []string, std streams) int
}

// streams are the standard streams, so that tests can hold them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func commands() []command {
	return []command{
		{"run", "run [--config FILE] [--data DIR] [--listen ADDR]", runCommand},
		{"boot", "boot", bootCommand},
		{"slot", "slot get-primary|set-primary|get-state|set-state|get-current …", slotCommand},
		{"user", "user add NAME --role ROLE --password-stdin [--data DIR]", userCommand},
		{"fsck", "fsck --volume DIR [--repair]", fsckCommand},
		{"verify", "verify FILE [--key KEY]", verifyCommand},
		{"simcam", "simcam [--listen ADDR] [--path NAME]…", simcamCommand},
		{"version", "version", versionCommand},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

func dispatch(ctx context.Context, args []string, std streams) int {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(ctx, args[1:], std)
			}
		}
		fmt.Fprintf(std.err, "vedette: there is no command %q\n", args[0])
	}
	fmt.Fprintln(std.err, "usage:")
	for _, c := range commands() {
		fmt.Fprintf(std.err, "  vedette %s\n", c.synopsis)
	}
	return 2
}

func versionCommand(_ context.Context, _ []string, std streams) int {
	fmt.Fprintln(std.out, "vedette", version)
	return 0
}

// parse parses flags that may stand before and after the positional
// arguments, and returns the latter. ok is false after a usage error, which
// has then been printed; help is no error, but ends the command too.
func parse(fs *flag.FlagSet, args []string, std streams) (positional []string, code int, ok bool) {
	fs.SetOutput(std.err)
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, 0, false
			}
			return nil, 2, false
		}
		if fs.NArg() == 0 {
			return positional, 0, true
		}
		positional = append(positional, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// fail prints err as people read it and returns code.
func fail(std streams, code int, err error) int {
	fmt.Fprintf(std.err, "vedette: %v\n", err)
	return code
}
