// Package thermal says how warm a board is, by what the kernel knows. It has no
// policy.
package thermal

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Zone is a place that is measured.
type Zone struct {
	Name string  // of the kernel's: cpu-thermal
	Temp float64 // °C
	// Critical is where the kernel switches the machine off, °C; 0 = not said.
	Critical float64
}

// Plausible temperatures, °C: sensors that are not connected say anything.
const (
	coldest = -55
	hottest = 200
)

// Zones returns the thermal zones of the tree sys, which is os.DirFS("/sys")
// (kernel document driver-api/thermal/sysfs-api), in the kernel's order. Zones that
// cannot be read or say what cannot be are passed over; none is no error.
func Zones(sys fs.FS) ([]Zone, error) {
	dirs, err := fs.Glob(sys, "class/thermal/thermal_zone*")
	if err != nil {
		return nil, fmt.Errorf("list thermal zones: %w", err)
	}
	slices.SortFunc(dirs, func(a, b string) int { return number(a) - number(b) })
	var zones []Zone
	for _, dir := range dirs {
		temp, err := milli(sys, path.Join(dir, "temp"))
		if err != nil || temp < coldest || temp > hottest {
			continue
		}
		name, err := fs.ReadFile(sys, path.Join(dir, "type"))
		if err != nil {
			continue
		}
		zones = append(zones, Zone{strings.TrimSpace(string(name)), temp, critical(sys, dir)})
	}
	return zones, nil
}

func number(dir string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(path.Base(dir), "thermal_zone"))
	return n // 0 for what is no number: only the order
}

// critical returns the lowest critical trip point.
func critical(sys fs.FS, dir string) (lowest float64) {
	kinds, err := fs.Glob(sys, path.Join(dir, "trip_point_*_type"))
	if err != nil {
		return 0
	}
	for _, kind := range kinds {
		raw, err := fs.ReadFile(sys, kind)
		if err != nil || strings.TrimSpace(string(raw)) != "critical" {
			continue
		}
		t, err := milli(sys, strings.TrimSuffix(kind, "type")+"temp")
		if err == nil && t > 0 && t <= hottest && (lowest == 0 || t < lowest) {
			lowest = t
		}
	}
	return lowest
}

// milli reads a file of thousandths.
func milli(sys fs.FS, file string) (float64, error) {
	raw, err := fs.ReadFile(sys, file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return float64(n) / 1000, err
}
