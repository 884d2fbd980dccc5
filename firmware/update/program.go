package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Program is one to be run.
type Program struct {
	Name string
	Args []string
	Env  []string // beside a search path and LC_ALL
	// Line, if not nil, is given each line of its output, one after the other.
	Line func(line string)
	// Private gives it mounts of its own, which go when it ends.
	Private bool
}

// Exec runs a program to its end. The end of ctx ends it and what it has started; the
// error is then ctx's cause, and otherwise holds the end of what the program wrote to
// its standard error.
type Exec func(ctx context.Context, p Program) error

const (
	polite   = 5 * time.Second // from being asked to end until it is killed
	maxLine  = 1 << 20         // bytes
	maxWords = 2 << 10         // bytes of standard error that are kept
	nice     = 10
	// ioprio_set(2): the lowest of the best-effort class. Idle would wait for ever
	// where recording never rests.
	ioprioLowest     = 2<<13 | 7
	ioprioWhoProcess = 1
)

// System is the Exec of this machine. Programs run at low priority, so that recording
// does not wait for them, and die with this process.
func System(ctx context.Context, p Program) error {
	return lowly(func() error { return runProgram(ctx, p) })
}

// lowly runs f on a thread of low priority, which what it starts inherits. The
// thread ends with it: only root could raise it again.
func lowly(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		// Where this is not allowed all is as before, but for who waits for whom.
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice)
		_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioLowest)
		done <- f()
	}()
	return <-done
}

func runProgram(ctx context.Context, p Program) error {
	cmd := exec.CommandContext(ctx, p.Name, p.Args...)
	const path = "/usr/sbin:/usr/bin:/sbin:/bin"
	cmd.Env = append([]string{"PATH=" + path, "LC_ALL=C", "HOME=/", "GIO_USE_VFS=local"}, p.Env...)
	out := &lines{tell: p.Line}
	words := &tail{}
	cmd.Stdout, cmd.Stderr = out, words
	cmd.WaitDelay = polite
	// The thread that starts it lives until it has ended, as Pdeathsig demands.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.Private && os.Getuid() == 0 {
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	err := cmd.Wait()
	// What it has started and left behind must not outlive it.
	if failed := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); failed != nil && !errors.Is(failed, syscall.ESRCH) {
		err = errors.Join(err, fmt.Errorf("end what %s has started: %w", p.Name, failed))
	}
	out.end()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", p.Name, context.Cause(ctx))
	}
	return fmt.Errorf("%s: %w: %s", p.Name, err, words)
}

// lines cuts what is written to it into lines.
type lines struct {
	tell func(string)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, after, ended := bytes.Cut(b, []byte("\n"))
		if room := maxLine - len(l.rest); len(line) > room {
			line = line[:room]
		}
		l.rest = append(l.rest, line...)
		if !ended {
			return n, nil
		}
		l.end()
		b = after
	}
}

// end tells of the line that there is.
func (l *lines) end() {
	if l.tell != nil && len(l.rest) > 0 {
		l.tell(string(l.rest))
	}
	l.rest = l.rest[:0]
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if over := len(t.b) - maxWords; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

// String returns what was said in one line, without messages that are no complaints.
func (t *tail) String() string {
	var said []string
	for line := range strings.Lines(string(t.b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "rauc-Message:") {
			said = append(said, strings.ToValidUTF8(line, "?"))
		}
	}
	return strings.Join(said, "; ")
}
