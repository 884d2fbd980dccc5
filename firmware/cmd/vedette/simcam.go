package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"

	"vedette/internal/simcam"
)

// names is a flag that may be given several times.
type names []string

func (n *names) String() string     { return strings.Join(*n, ",") }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

// simcamCommand serves simulated cameras until it is told to stop.
func simcamCommand(ctx context.Context, args []string, std streams) int {
	fs := flag.NewFlagSet("vedette simcam", flag.ContinueOnError)
	o := simcam.Options{Log: slog.New(slog.NewTextHandler(std.err, nil))}
	var paths names
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:8554", "host:port to serve RTSP on")
	fs.Var(&paths, "path", "name of a stream; may be given several times (default cam)")
	fs.StringVar(&o.User, "user", "", "user name that cameras ask for; empty: none")
	fs.StringVar(&o.Password, "password", "", "password that goes with it")
	fs.StringVar(&o.Clip, "clip", "", "MP4 to loop instead of the built-in clip")
	fs.BoolVar(&o.NoAudio, "no-audio", false, "leave the sound out")
	fs.BoolVar(&o.UDP, "udp", false, "offer UDP beside TCP")
	if rest, code, ok := parse(fs, args, std); !ok || len(rest) > 0 {
		if ok {
			return fail(std, 2, fmt.Errorf("simcam takes no arguments, got %q", rest))
		}
		return code
	}
	if o.Paths = paths; len(o.Paths) == 0 {
		o.Paths = []string{"cam"}
	}
	server, err := simcam.New(o)
	if err != nil {
		return fail(std, 2, err)
	}
	for _, p := range o.Paths {
		fmt.Fprintln(std.out, server.URL(p))
	}
	if err := server.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fail(std, 1, err)
	}
	return 0
}
