// Package memory says how much memory the machine has, and how much of it could
// be had now. It knows no policy.
package memory

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Figures are in bytes.
type Figures struct {
	Total     int64
	Available int64 // without swapping, as the kernel estimates
}

// Read reads the file meminfo of proc, which is /proc (proc_meminfo(5)).
func Read(proc fs.FS) (f Figures, err error) {
	file, err := proc.Open("meminfo")
	if err != nil {
		return f, err
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		key, rest, _ := strings.Cut(s.Text(), ":")
		value, _ := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			continue
		}
		switch key {
		case "MemTotal":
			f.Total = n * 1024
		case "MemAvailable":
			f.Available = n * 1024
		}
	}
	if f.Total == 0 || f.Available == 0 {
		return f, errors.New("meminfo does not tell how much memory there is")
	}
	return f, nil
}

// Protect asks the kernel to kill any other process first when memory runs out
// (proc_pid_oom_score_adj(5)). A process that may not ask gets fs.ErrPermission.
func Protect() error {
	f, err := os.OpenFile("/proc/self/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("protect from the out-of-memory killer: %w", err)
	}
	_, err = f.WriteString("-900")
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("protect from the out-of-memory killer: %w", err)
	}
	return nil
}
