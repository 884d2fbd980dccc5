package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// figures are a contender's at one moment; cpu counts since its start.
type figures struct {
	cpu               time.Duration
	pss, rss, written int64 // bytes
}

func measure(g group, dir string) (f figures, err error) {
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
		f.cpu, f.pss, f.rss = f.cpu+cpu, f.pss+pss, f.rss+rss
	}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files are renamed while we look
		}
		if info, err := d.Info(); err == nil {
			f.written += info.Size()
		}
		return nil
	})
	return f, err
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
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("stat of %d: %v %v", pid, err1, err2)
	}
	return time.Duration(user+system) * clockTick, nil
}

// memory returns the proportional and the resident set size of a process.
func memory(pid int) (pss, rss int64, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "Pss:":
			pss = kib << 10
		case "Rss:":
			rss = kib << 10
		}
	}
	return pss, rss, nil
}
