package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// program returns where a program is: services often have no /sbin in PATH.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		return "", fmt.Errorf("program %s: %w", name, exec.ErrNotFound)
	}
	return path, nil
}

// run runs a program to its end and returns what it writes. The end of ctx kills
// it, and the error is then ctx's cause; a program that waits for a sick disk
// dies only when the kernel gives the disk up.
func run(ctx context.Context, name string, arg ...string) (string, error) {
	path, err := program(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, arg...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	switch {
	case err == nil:
		return string(out), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s %s: %w", name, arg[len(arg)-1], context.Cause(ctx))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		said, _, _ := bytes.Cut(bytes.TrimSpace(exit.Stderr), []byte("\n"))
		return "", fmt.Errorf("%s %s: %w: %s", name, arg[len(arg)-1], err, strings.TrimPrefix(string(said), name+": "))
	}
	return "", fmt.Errorf("%s %s: %w", name, arg[len(arg)-1], err)
}

// node returns the path of a disk or partition in /dev (in sysfs a slash is "!").
func node(name string) string { return "/dev/" + strings.ReplaceAll(name, "!", "/") }
