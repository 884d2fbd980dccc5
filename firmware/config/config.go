// Package config owns the configuration file: its keys, their defaults and
// ranges, and the errors people see when they get one wrong. It never guesses:
// an unknown key or a value out of range is refused with file, line, key and
// what is allowed.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Config is the whole configuration. Every key has a default; an empty file
// is a good configuration. Durations are written as Go writes them ("90s",
// "1h30m"), sizes as plain bytes.
type Config struct {
	Server Server `toml:"server"`
	TLS    TLS    `toml:"tls"`
	// Volume is the one footage volume, unless Volumes names several.
	Volume Volume `toml:"volume"`
	// Volumes are the footage volumes, 1 to 16. They take the place of Volume.
	Volumes   []Volume  `toml:"volumes"`
	Recording Recording `toml:"recording"`
	Sweep     Sweep     `toml:"sweep"`
	Events    Events    `toml:"events"`
	Audit     Audit     `toml:"audit"`
	Live      Live      `toml:"live"`
	// Perception is what workers look at, and what is kept of what they see.
	Perception Perception `toml:"perception"`
	Board      Board      `toml:"board"`
	Log        Log        `toml:"log"`
}

// Server is the one listener.
type Server struct {
	// Listen is host:port; an empty host means every interface.
	Listen string `toml:"listen"` // default ":8080"
	// Hosts are further names the panel may be opened under, beside
	// addresses, localhost and the host's own name. Others are refused
	// (DNS rebinding).
	Hosts []string `toml:"hosts"` // default none
	// Redirect is host:port of a second listener that sends browsers to the
	// first, where that speaks TLS. Empty = none.
	Redirect string `toml:"redirect"` // default ""
}

// TLS says whether the panel is encrypted. Where its certificate comes from is
// set on the panel.
type TLS struct {
	// Mode is on, off, or auto: on unless the panel listens to this machine
	// alone.
	Mode string `toml:"mode"` // default "auto"
}

// Audit says how long is remembered who did what.
type Audit struct {
	// Age is how long entries are kept; of more than 200,000 the oldest go anyway.
	Age Duration `toml:"age"` // default 8760h (a year), 24h to 87600h (10 years)
}

// Volume is a disk that footage goes to.
type Volume struct {
	// Name is what people and cameras call it: a-z, 0-9 and -.
	Name string `toml:"name"` // of [volume]: default "footage"
	// Path is a directory on it; relative paths are below the data directory.
	Path string `toml:"path"` // default "footage-volume"
	// Medium overrides what the kernel says: auto, ssd, hdd, sd or emmc.
	Medium string `toml:"medium"` // default "auto"
	// MountPoint demands that a disk is mounted at Path: without it nothing is
	// recorded there. A volume that was on a mounted disk once demands it anyway.
	MountPoint bool `toml:"mount_point"` // default false
}

// Recording says how footage is cut and made durable.
type Recording struct {
	// Segment is the target length of a file; it ends at the next key frame.
	Segment Duration `toml:"segment"` // default 60s, 5s to 10m
	// SyncCycle is how often footage is made durable: what a power cut may
	// cost, less one sync. 0 = by medium: 1.5 s, on SD cards 4 s.
	SyncCycle Duration `toml:"sync_cycle"` // default 0, else 500ms to 30s
	// QueueBytes bounds the memory a lagging disk may take, in bytes.
	QueueBytes int64 `toml:"queue_bytes"` // default 16 MiB, 1 MiB to 256 MiB
	// TimeZone is the zone of weekly schedules, such as Europe/Berlin. Empty = the
	// machine's.
	TimeZone string `toml:"time_zone"` // default ""
}

// Location returns the zone of weekly schedules.
func (r Recording) Location() *time.Location {
	if r.TimeZone == "" {
		return time.Local
	}
	loc, err := time.LoadLocation(r.TimeZone)
	if err != nil { // it was found when the file was read
		return time.Local
	}
	return loc
}

// Perception bounds what AI workers cost.
type Perception struct {
	// FFmpeg is the program that decodes pictures for workers. Empty = the one in
	// PATH; None.
	FFmpeg string `toml:"ffmpeg"` // default ""
	// Budget is how much may be decoded for them, in millions of pixels a second;
	// 0 = 10 for each processor.
	Budget float64 `toml:"budget"` // default 0, 0 to 10000
	// Tickets says whether what a worker reports must name the frame it looked at:
	// off, warn, enforce, or auto: enforce on our image, else warn.
	Tickets string `toml:"tickets"` // default "auto"
	// Age is how long detections are kept, and evidence pictures as long as events.
	Age Duration `toml:"age"` // default 168h (a week), 1h to 87600h (10 years)
	// DetectionBytes and EvidenceBytes bound both on disk, in bytes; the oldest go.
	DetectionBytes int64 `toml:"detection_bytes"` // default 2 GiB, 64 MiB to 1 TiB
	EvidenceBytes  int64 `toml:"evidence_bytes"`  // default 1 GiB, 16 MiB to 1 TiB
}

// Sweep says how much of the disk stays free.
type Sweep struct {
	// FloorBytes is the free space that is kept, in bytes. 0 = by disk and
	// medium (see docs/ARCHITECTURE.md).
	FloorBytes int64 `toml:"floor_bytes"` // default 0
	// Interval is how often free space is looked at when nothing else asks.
	Interval Duration `toml:"interval"` // default 30s, 30s to 1h
}

// Events says how long is remembered what happened.
type Events struct {
	// Age is how long events are kept; of more than 20,000 the oldest go anyway.
	Age Duration `toml:"age"` // default 2160h (90 days), 24h to 87600h (10 years)
}

// Live bounds the viewers.
type Live struct {
	// MaxViewers is how many pictures may be sent at once.
	MaxViewers int `toml:"max_viewers"` // default 64, 1 to 1000
	// UDPPort is the one port WebRTC media uses; 0 = any free port.
	UDPPort int `toml:"udp_port"` // default 0, 0 to 65535
}

// Board chooses the board.
type Board struct {
	// ID is the id of a board, or "auto": the one that the device tree names.
	ID string `toml:"id"` // default "auto"
	// Watchdog is the device file of a watchdog that is to reset the machine when
	// the recorder hangs, such as /dev/watchdog0. Empty = the board's; None.
	Watchdog string `toml:"watchdog"` // default ""
	// StatusLED, FaultLED and DiskLED are the lights that show the state: names
	// below /sys/class/leds, or lines of a GPIO controller, as gpio:GPIO17 or
	// gpio:GPIO17:low. Empty = the board's; None.
	StatusLED string `toml:"status_led"` // default ""
	FaultLED  string `toml:"fault_led"`  // default ""
	DiskLED   string `toml:"disk_led"`   // default ""
	// Button is the input device of the button, such as /dev/input/event0: any of
	// its keys; or a line of a GPIO controller. Empty = the board's; None.
	Button string `toml:"button"` // default ""
}

// None stands for a light, button or watchdog that is not to be used.
const None = "none"

// Log says how much is logged.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `toml:"level"` // default "info"
}

// Duration is a time.Duration that TOML text writes as "90s".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 90s or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Server:     Server{Listen: ":8080"},
		TLS:        TLS{Mode: "auto"},
		Audit:      Audit{Age: Duration(365 * 24 * time.Hour)},
		Volume:     Volume{Name: "footage", Path: "footage-volume", Medium: "auto"},
		Recording:  Recording{Segment: Duration(time.Minute), QueueBytes: 16 << 20},
		Sweep:      Sweep{Interval: Duration(30 * time.Second)},
		Events:     Events{Age: Duration(90 * 24 * time.Hour)},
		Live:       Live{MaxViewers: 64},
		Perception: Perception{Tickets: "auto", Age: Duration(7 * 24 * time.Hour), DetectionBytes: 2 << 30, EvidenceBytes: 1 << 30},
		Board:      Board{ID: "auto"},
		Log:        Log{Level: "info"},
	}
}

// FootageVolumes returns the volumes to record to: Volumes, or the one Volume.
func (c *Config) FootageVolumes() []Volume {
	if len(c.Volumes) > 0 {
		return c.Volumes
	}
	return []Volume{c.Volume}
}

// Error is a fault in a configuration file. It names where and what.
type Error struct {
	File   string
	Line   int    // from 1; 0 = not known
	Key    string // dotted, such as "recording.segment"
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, ": %s", e.Key)
	}
	return b.String() + ": " + e.Reason
}

// Load reads the file. An empty name, or a file that is not there when
// optional, gives the defaults. Faults are *Error, all of them joined.
func Load(name string, optional bool) (Config, error) {
	if name == "" {
		return Default(), nil
	}
	text, err := os.ReadFile(name)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(name, string(text))
}

// Parse reads text as the file called name. Faults are *Error, all of them
// joined; the configuration is then not to be used.
func Parse(name, text string) (Config, error) {
	c := Default()
	meta, err := toml.Decode(text, &c)
	if err != nil {
		return Config{}, syntaxError(name, err)
	}
	var faults []error
	fault := func(key toml.Key, reason string) {
		faults = append(faults, &Error{File: name, Line: lineOf(text, key), Key: key.String(), Reason: reason})
	}
	for _, key := range meta.Undecoded() {
		fault(key, "no such key; the keys are in docs/CONFIGURATION.md")
	}
	if meta.IsDefined("volume") && meta.IsDefined("volumes") {
		fault(toml.Key{"volume"}, "stands beside [[volumes]]; put it among them, with a name")
	}
	for i := range c.Volumes {
		c.Volumes[i].Medium = cmp.Or(c.Volumes[i].Medium, "auto")
	}
	c.check(func(key, reason string) { fault(strings.Split(key, "."), reason) })
	if len(faults) > 0 {
		return Config{}, errors.Join(faults...)
	}
	return c, nil
}

func syntaxError(name string, err error) error {
	e := &Error{File: name, Reason: err.Error()}
	if pe, ok := errors.AsType[toml.ParseError](err); ok {
		e.Line, e.Key, e.Reason = pe.Position.Line, pe.LastKey, pe.Message
		return e
	}
	// Type errors carry their position in the text alone.
	if m := positioned.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Key, e.Reason = m[2], m[3]
	}
	return e
}

var positioned = regexp.MustCompile(`(?s)^toml: line (\d+) \(last key "([^"]*)"\): (.*)$`)

// lineOf returns the line on which key is set, or 0. It reads plain tables
// and bare keys, which is what people write; the tables of an array have a
// number, from 1.
func lineOf(text string, key toml.Key) int {
	table, count := "", map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			array := strings.HasPrefix(line, "[[")
			table = strings.Trim(strings.TrimSpace(strings.SplitN(line, "#", 2)[0]), "[] ")
			if array {
				count[table]++
				table += "." + strconv.Itoa(count[table])
			}
			if table == key.String() {
				return i + 1
			}
			continue
		}
		name, _, found := strings.Cut(line, "=")
		full := strings.Trim(strings.TrimSpace(name), `"'`)
		if table != "" {
			full = table + "." + full
		}
		if found && full == key.String() {
			return i + 1
		}
	}
	return 0
}
