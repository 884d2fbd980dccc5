// Package box runs the product and simulated cameras as child processes for
// the benchmarks, and reads what processes and disks cost from the kernel.
package box

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one child with its log.
type Process struct {
	cmd     *exec.Cmd
	log     *os.File
	wrapped bool // the program runs another, and that one is meant
}

// Start starts a program whose output goes to logFile. It dies with us.
func Start(ctx context.Context, logFile, name string, args ...string) (*Process, error) {
	f, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), f.Close())
	}
	return &Process{cmd: cmd, log: f}, nil
}

// Stop ends the process politely and waits for it.
func (p *Process) Stop() {
	p.terminate()
	_ = p.cmd.Wait() // how it ended is in its log
	_ = p.log.Close()
}

// Kill ends the process at once and waits for it. It may have been stopped.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.log.Close()
}

// terminate asks the process to end; it may be gone already. A tracer ends
// with what it traces.
func (p *Process) terminate() {
	pid := p.cmd.Process.Pid
	if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)); p.wrapped && err == nil {
		if child, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
			pid = child
		}
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
}

// Group is processes that are measured as one contender.
type Group []*Process

// Stop ends all of them.
func (g Group) Stop() {
	for _, p := range g {
		p.terminate()
	}
	for _, p := range g {
		p.Stop()
	}
}

// Figures are a contender's at one moment; CPU counts since its start.
type Figures struct {
	CPU            time.Duration
	PSS, RSS, Peak int64 // bytes; Peak is the largest RSS so far
	Files          int   // open ones
}

// Measure adds up what the processes of g have used.
func (g Group) Measure() (f Figures, err error) {
	for _, p := range g {
		pid := p.cmd.Process.Pid
		cpu, err := cpuTime(pid)
		if err != nil {
			return f, err
		}
		pss, rss, err := memory(pid)
		if err != nil {
			return f, err
		}
		peak, err := peak(pid)
		if err != nil {
			return f, err
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return f, err
		}
		f.Files += len(files)
		f.CPU, f.PSS, f.RSS, f.Peak = f.CPU+cpu, f.PSS+pss, f.RSS+rss, f.Peak+peak
	}
	return f, nil
}

// clockTick is USER_HZ, 100 on every Linux that Go runs on (times(2)).
const clockTick = time.Second / 100

// cpuTime returns user and system time of a process (proc_pid_stat(5)).
func cpuTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d: %d fields", pid, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// memory returns the proportional and the resident set size of a process.
func memory(pid int) (pss, rss int64, err error) {
	sizes, err := kibibytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	return sizes["Pss:"], sizes["Rss:"], err
}

// peak returns the largest resident set size that a process had.
func peak(pid int) (int64, error) {
	sizes, err := kibibytes(fmt.Sprintf("/proc/%d/status", pid))
	return sizes["VmHWM:"], err
}

// Anonymous returns the memory of a process that no file backs.
func Anonymous(pid int) (int64, error) {
	sizes, err := kibibytes(fmt.Sprintf("/proc/%d/status", pid))
	return sizes["RssAnon:"], err
}

// kibibytes reads a file of lines like "Pss: 12 kB" and returns bytes.
func kibibytes(name string) (map[string]int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sizes := map[string]int64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) == 3 && fields[2] == "kB" {
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				sizes[fields[0]] = kib << 10
			}
		}
	}
	return sizes, nil
}

// Load returns the machine's load average over the last minute, as text.
func Load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(raw))[0]
}

// FreeAddr returns a TCP address of this machine that nobody listens on.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// Cameras starts simulated cameras cam0, cam1, … that loop clip. They run from
// a copy of the binary, because processes of one file share its pages and the
// product's proportional memory would look smaller than it is.
func Cameras(ctx context.Context, binary, dir, clip string, n int) (p *Process, addr string, err error) {
	own := filepath.Join(dir, "camera-server")
	if err := copyFile(own, binary); err != nil {
		return nil, "", err
	}
	if addr, err = FreeAddr(); err != nil {
		return nil, "", err
	}
	args := []string{"simcam", "--listen", addr, "--clip", clip}
	for i := range n {
		args = append(args, "--path", fmt.Sprintf("cam%d", i))
	}
	p, err = Start(ctx, filepath.Join(dir, "camera-server.log"), own, args...)
	return p, addr, err
}

func copyFile(to, from string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
