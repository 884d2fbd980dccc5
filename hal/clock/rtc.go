package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// RTC returns what the real-time clock says that set the system's time at boot
// (rtc(4): the one whose hctosys is 1), in UTC. sys is the tree the kernel
// shows its devices in, os.DirFS("/sys"). It returns fs.ErrNotExist if no such
// clock set the time.
func RTC(sys fs.FS) (time.Time, error) {
	dir, err := find(sys)
	if err != nil {
		return time.Time{}, err
	}
	raw, err := fs.ReadFile(sys, path.Join(dir, "since_epoch"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read real-time clock: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read real-time clock: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// find returns the directory of the clock that set the system's time.
func find(sys fs.FS) (string, error) {
	list, err := fs.Glob(sys, "class/rtc/rtc*")
	if err != nil {
		return "", fmt.Errorf("list real-time clocks: %w", err)
	}
	for _, dir := range list {
		set, err := fs.ReadFile(sys, path.Join(dir, "hctosys"))
		if err == nil && strings.TrimSpace(string(set)) == "1" {
			return dir, nil
		}
	}
	return "", fmt.Errorf("find a real-time clock: %w", fs.ErrNotExist)
}

// SetRTC sets the clock that RTC reads to t, whole seconds of it (rtc(4),
// RTC_SET_TIME). It returns fs.ErrNotExist if there is none, and fs.ErrPermission
// to a process that may not.
func SetRTC(sys fs.FS, t time.Time) error {
	dir, err := find(sys)
	if err != nil {
		return err
	}
	f, err := os.OpenFile("/dev/"+path.Base(dir), os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("set real-time clock: %w", err)
	}
	t = t.UTC()
	err = unix.IoctlSetRTCTime(int(f.Fd()), &unix.RTCTime{
		Sec: int32(t.Second()), Min: int32(t.Minute()), Hour: int32(t.Hour()),
		Mday: int32(t.Day()), Mon: int32(t.Month()) - 1, Year: int32(t.Year()) - 1900,
	})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set real-time clock: %w", err)
	}
	return nil
}
