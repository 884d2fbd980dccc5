package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// clockSet records on a machine whose clock says 1970, and then sets it, as an NTP
// daemon does at last: the footage must be kept, under its right time.
func clockSet() error {
	if err := errors.Join(os.MkdirAll("/data", 0o755), unix.Mount("tmpfs", "/data", "tmpfs", 0, "size=192m"), loopback()); err != nil {
		return err
	}
	if err := os.WriteFile("/data/vedette.toml", []byte("[recording]\nsegment = \"5s\"\n[sweep]\nfloor_bytes = 16777216\n"), 0o600); err != nil {
		return err
	}
	fmt.Println("clock: begins in", time.Now().UTC().Year())
	stop, err := recording("/data")
	if err != nil {
		return err
	}
	time.Sleep(20 * time.Second)
	years, err := footageYears("/data/footage-volume/footage")
	if err != nil {
		return err
	}
	fmt.Println("clock: before the step footage of", years)
	right := unix.NsecToTimeval(time.Date(2026, time.December, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	if err := errors.Join(unix.Settimeofday(&right), setClock()); err != nil {
		return err
	}
	time.Sleep(20 * time.Second)
	if err := stop(); err != nil {
		return err
	}
	if years, err = footageYears("/data/footage-volume/footage"); err != nil {
		return err
	}
	fmt.Println("clock: after the step footage of", years)
	rtc, err := os.ReadFile("/sys/class/rtc/rtc0/date")
	if err != nil {
		return err
	}
	fmt.Println("clock: the real-time clock says", strings.TrimSpace(string(rtc)))
	return printEvents("clock_stepped")
}

// footageYears returns how many files there are of each year.
func footageYears(dir string) (map[string]int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.mp4"))
	years := map[string]int{}
	for _, f := range files {
		years[filepath.Base(f)[:4]]++
	}
	return years, err
}
