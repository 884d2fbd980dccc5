package clock

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// RTC returns what the real-time clock says that set the system's time at boot
// (rtc(4): the one whose hctosys is 1), in UTC. sys is the tree the kernel
// shows its devices in, os.DirFS("/sys"). It returns fs.ErrNotExist if no such
// clock set the time.
func RTC(sys fs.FS) (time.Time, error) {
	list, err := fs.Glob(sys, "class/rtc/rtc*")
	if err != nil {
		return time.Time{}, fmt.Errorf("list real-time clocks: %w", err)
	}
	for _, dir := range list {
		set, err := fs.ReadFile(sys, filepath.Join(dir, "hctosys"))
		if err != nil || strings.TrimSpace(string(set)) != "1" {
			continue
		}
		raw, err := fs.ReadFile(sys, filepath.Join(dir, "since_epoch"))
		if err != nil {
			return time.Time{}, fmt.Errorf("read real-time clock: %w", err)
		}
		seconds, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("read real-time clock: %w", err)
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("find a real-time clock: %w", fs.ErrNotExist)
}
