package config

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/board"
	"vedette/hal/gpio"
)

// check calls fault for every value out of its range.
func (c *Config) check(fault func(key, reason string)) {
	if _, port, err := net.SplitHostPort(c.Server.Listen); err != nil || port == "" {
		fault("server.listen", fmt.Sprintf("%q is not host:port, such as :8080 or 192.0.2.1:80", c.Server.Listen))
	}
	for _, h := range c.Server.Hosts {
		if h == "" || strings.ContainsAny(h, "/: ") {
			fault("server.hosts", fmt.Sprintf("%q is not a host name", h))
		}
	}
	if r := c.Server.Redirect; r != "" {
		_, port, err := net.SplitHostPort(r)
		_, own, _ := net.SplitHostPort(c.Server.Listen)
		if err != nil || port == "" || port == own {
			fault("server.redirect", fmt.Sprintf("is %q; it must be host:port, such as :80, with another port than server.listen", r))
		}
	}
	oneOf(fault, "tls.mode", c.TLS.Mode, "auto", "on", "off")
	c.checkVolumes(fault)
	between(fault, "recording.segment", time.Duration(c.Recording.Segment), 5*time.Second, 10*time.Minute)
	if c.Recording.SyncCycle != 0 {
		between(fault, "recording.sync_cycle", time.Duration(c.Recording.SyncCycle), 500*time.Millisecond, 30*time.Second)
	}
	between(fault, "recording.queue_bytes", c.Recording.QueueBytes, 1<<20, 256<<20)
	if c.Sweep.FloorBytes < 0 {
		fault("sweep.floor_bytes", fmt.Sprintf("is %d; allowed: 0 (by disk) or more", c.Sweep.FloorBytes))
	}
	between(fault, "sweep.interval", time.Duration(c.Sweep.Interval), 30*time.Second, time.Hour)
	between(fault, "events.age", time.Duration(c.Events.Age), 24*time.Hour, 10*365*24*time.Hour)
	between(fault, "audit.age", time.Duration(c.Audit.Age), 24*time.Hour, 10*365*24*time.Hour)
	between(fault, "live.max_viewers", c.Live.MaxViewers, 1, 1000)
	between(fault, "live.udp_port", c.Live.UDPPort, 0, 65535)
	c.checkPerception(fault)
	if _, err := time.LoadLocation(c.Recording.TimeZone); err != nil {
		fault("recording.time_zone", fmt.Sprintf("is %q, which this machine does not know; write it like Europe/Berlin", c.Recording.TimeZone))
	}
	c.checkBoard(fault)
	oneOf(fault, "log.level", c.Log.Level, "debug", "info", "warn", "error")
}

func (c *Config) checkPerception(fault func(key, reason string)) {
	p := c.Perception
	if !(p.Budget >= 0 && p.Budget <= 10_000) { // NaN is TOML too
		fault("perception.budget", fmt.Sprintf("is %v; allowed: 0 (by processor) to 10000 million pixels a second", p.Budget))
	}
	if p.FFmpeg != "" && p.FFmpeg != None && !filepath.IsAbs(p.FFmpeg) {
		fault("perception.ffmpeg", fmt.Sprintf("is %q; give the whole path of the program, or none", p.FFmpeg))
	}
	oneOf(fault, "perception.tickets", p.Tickets, "auto", "off", "warn", "enforce")
	between(fault, "perception.age", time.Duration(p.Age), time.Hour, 10*365*24*time.Hour)
	between(fault, "perception.detection_bytes", p.DetectionBytes, 64<<20, 1<<40)
	between(fault, "perception.evidence_bytes", p.EvidenceBytes, 16<<20, 1<<40)
}

// checkBoard refuses what nobody could mean, and a light, or a line, that is to be
// two things.
func (c *Config) checkBoard(fault func(key, reason string)) {
	oneOf(fault, "board.id", c.Board.ID, append([]string{"auto"}, board.IDs()...)...)
	if w := c.Board.Watchdog; w != "" && w != None && !strings.HasPrefix(w, "/dev/") {
		fault("board.watchdog", fmt.Sprintf("is %q; name a device file such as /dev/watchdog0, or none", w))
	}
	used := map[string]string{}
	for _, p := range [][2]string{
		{"board.status_led", c.Board.StatusLED}, {"board.fault_led", c.Board.FaultLED}, {"board.disk_led", c.Board.DiskLED}, {"board.button", c.Board.Button},
	} {
		key, name := p[0], p[1]
		if name == "" || name == None {
			continue
		}
		is := name
		switch {
		case gpio.Is(name):
			spec, err := gpio.Parse(name)
			if err != nil {
				fault(key, err.Error())
				continue
			}
			is = "line " + spec.Line
		case key == "board.button" && !strings.HasPrefix(name, "/dev/input/"):
			fault(key, fmt.Sprintf("is %q; name an input device such as /dev/input/event0, a line such as gpio:GPIO17:low, or none", name))
		case key != "board.button" && (name != filepath.Base(name) || name == "." || name == ".."):
			fault(key, fmt.Sprintf("is %q; name a light as below /sys/class/leds, a line such as gpio:GPIO17, or none", name))
		}
		if other := used[is]; other != "" {
			fault(key, fmt.Sprintf("is %q, which is %s already", name, other))
		}
		used[is] = key
	}
}

// maxVolumes bounds the footage volumes of one box.
const maxVolumes = 16

func (c *Config) checkVolumes(fault func(key, reason string)) {
	if len(c.Volumes) > maxVolumes {
		fault("volumes", fmt.Sprintf("are %d; allowed: 1 to %d", len(c.Volumes), maxVolumes))
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for i, v := range c.FootageVolumes() {
		key := "volume."
		if len(c.Volumes) > 0 {
			key = fmt.Sprintf("volumes.%d.", i+1)
		}
		path := filepath.Clean(v.Path)
		switch {
		case v.Path == "":
			fault(key+"path", "is empty; name a directory")
		case paths[path]:
			fault(key+"path", fmt.Sprintf("is %q, which another volume has already", v.Path))
		}
		switch {
		case !volumeName.MatchString(v.Name):
			fault(key+"name", fmt.Sprintf("is %q; allowed: 1 to 48 of a-z, 0-9 and -, beginning and ending with a letter or digit", v.Name))
		case names[v.Name]:
			fault(key+"name", fmt.Sprintf("is %q, which another volume has already", v.Name))
		}
		names[v.Name], paths[path] = true, true
		oneOf(fault, key+"medium", v.Medium, "auto", "ssd", "hdd", "sd", "emmc")
	}
}

var volumeName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$`)

func between[T int | int64 | time.Duration](fault func(key, reason string), key string, v, least, most T) {
	if v < least || v > most {
		fault(key, fmt.Sprintf("is %v; allowed: %v to %v", v, least, most))
	}
}

func oneOf(fault func(key, reason string), key, v string, allowed ...string) {
	if !slices.Contains(allowed, v) {
		fault(key, fmt.Sprintf("is %q; allowed: %s", v, strings.Join(allowed, ", ")))
	}
}
