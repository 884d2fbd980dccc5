package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	got, err := Parse("c.toml", "")
	if err != nil || got.Server.Listen != ":8080" || time.Duration(got.Recording.Segment) != time.Minute {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Parse("c.toml", "[recording]\nsegment = \"30s\"\nsync_cycle = \"2s\"\n[volume]\nmedium = \"sd\"\n"); err != nil {
		t.Errorf("a good file was refused: %v", err)
	}
}

func TestSeveralVolumesTakeThePlaceOfTheOne(t *testing.T) {
	c, err := Parse("c.toml", "[[volumes]]\nname = \"a\"\npath = \"x\"\nmount_point = true\n[[volumes]]\nname = \"b\"\npath = \"y\"\nmedium = \"hdd\"\n")
	want := []Volume{{Name: "a", Path: "x", Medium: "auto", MountPoint: true}, {Name: "b", Path: "y", Medium: "hdd"}}
	if got := c.FootageVolumes(); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got := Default(); len(got.FootageVolumes()) != 1 || got.FootageVolumes()[0].Name != "footage" {
		t.Errorf("without any: %+v", got.FootageVolumes())
	}
}

func TestFaultsNameFileLineKeyAndRange(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an unknown key", "[recording]\nsegmnt = \"60s\"\n", "c.toml:2: recording.segmnt: no such key"},
		{"an unknown table", "\n[recrding]\nsegment = \"60s\"\n", "c.toml:2: recrding: no such key"},
		{"a duration below the range", "[recording]\n\nsegment = \"4s\"\n", "c.toml:3: recording.segment: is 4s; allowed: 5s to 10m0s"},
		{"a duration above the range", "[recording]\nsegment = \"11m\"\n", "allowed: 5s to 10m0s"},
		{"a duration that is none", "[recording]\nsegment = \"soon\"\n", "c.toml:2: recording.segment"},
		{"a wrong type", "[live]\nmax_viewers = \"many\"\n", "c.toml:2: live.max_viewers"},
		{"a number out of range", "[live]\nudp_port = 65536\n", "live.udp_port: is 65536; allowed: 0 to 65535"},
		{"a word that is not on the list", "[volume]\nmedium = \"floppy\"\n", `is "floppy"; allowed: auto, ssd, hdd, sd, emmc`},
		{"a listen address without port", "[server]\nlisten = \"localhost\"\n", "c.toml:2: server.listen"},
		{"broken syntax", "[server\n", "c.toml:2: expected"},
		{"a watchdog that is no device", "[board]\nwatchdog = \"softdog\"\n", `c.toml:2: board.watchdog: is "softdog"; name a device file`},
		{"a button that is no input device", "[board]\nbutton = \"gpio17\"\n", "board.button: is \"gpio17\"; name an input device"},
		{"a light by its path", "[board]\nstatus_led = \"/sys/class/leds/led0\"\n", "board.status_led: is \"/sys/class/leds/led0\"; name a light"},
		{"one line for a light and the button", "[board]\nfault_led = \"gpio:GPIO17\"\nbutton = \"gpio:GPIO17:low\"\n", "board.button: is \"gpio:GPIO17:low\", which is board.fault_led already"},
		{"a line without a name", "[board]\nbutton = \"gpio:\"\n", "board.button: \"gpio:\" names no line"},
		{"a board that is none", "[board]\nid = \"toaster\"\n", "board.id: is \"toaster\""},
		{"one light for two things", "[board]\nstatus_led = \"led0\"\ndisk_led = \"led0\"\n", "board.disk_led: is \"led0\", which is board.status_led already"},
		{"events that would go at once", "[events]\nage = \"1h\"\n", "events.age: is 1h0m0s; allowed: 24h0m0s"},
		{"a redirect to itself", "[server]\nredirect = \":8080\"\n", "c.toml:2: server.redirect: is \":8080\"; it must be"},
		{"a redirect without a port", "[server]\nredirect = \"localhost\"\n", "server.redirect"},
		{"encryption by half", "[tls]\nmode = \"maybe\"\n", `tls.mode: is "maybe"; allowed: auto, on, off`},
		{"an audit that would go at once", "[audit]\nage = \"1h\"\n", "audit.age: is 1h0m0s; allowed: 24h0m0s"},
		{"a negative floor", "[sweep]\nfloor_bytes = -1\n", "sweep.floor_bytes: is -1"},
		{"two volumes of one name", "[[volumes]]\nname = \"a\"\npath = \"x\"\n[[volumes]]\nname = \"a\"\npath = \"y\"\n", `c.toml:5: volumes.2.name: is "a", which another volume has already`},
		{"two volumes in one place", "[[volumes]]\nname = \"a\"\npath = \"x\"\n[[volumes]]\nname = \"b\"\npath = \"./x\"\n", "c.toml:6: volumes.2.path"},
		{"a volume without a name", "[[volumes]]\npath = \"x\"\n", "volumes.1.name: is \"\""},
		{"one volume beside several", "[volume]\npath = \"x\"\n[[volumes]]\nname = \"a\"\npath = \"y\"\n", "c.toml:1: volume: stands beside [[volumes]]"},
		{"an unknown key of a volume", "[[volumes]]\nname = \"a\"\npath = \"y\"\nsize = 1\n", "volumes.size: no such key"},
		{"a zone that nobody knows", "[recording]\ntime_zone = \"Mars/Olympus\"\n", "c.toml:2: recording.time_zone: is \"Mars/Olympus\""},
		{"a program without its path", "[perception]\nffmpeg = \"ffmpeg\"\n", "c.toml:2: perception.ffmpeg: is \"ffmpeg\""},
		{"a budget that is no number", "[perception]\nbudget = nan\n", "c.toml:2: perception.budget: is NaN"},
		{"no room for detections", "[perception]\ndetection_bytes = 1\n", "allowed: 67108864 to"},
		{"a sync cycle too short", "[recording]\nsync_cycle = \"100ms\"\n", "allowed: 500ms to 30s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("c.toml", tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := Parse("c.toml", "[live]\nudp_port = -1\nmax_viewers = 0\nx = 1\n")
	if err == nil || strings.Count(err.Error(), "c.toml:") != 3 {
		t.Errorf("got %v, want three faults", err)
	}
}

func TestLoadTellsAMissingFileFromAnOptionalOne(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none.toml")
	if _, err := Load(name, false); err == nil {
		t.Error("a named file that is not there was accepted")
	}
	if c, err := Load(name, true); err != nil || c.Server.Listen == "" {
		t.Errorf("an optional file that is not there: %v", err)
	}
	if err := os.WriteFile(name, []byte("[log]\nlevel = \"debug\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(name, false); err != nil || c.Log.Level != "debug" {
		t.Errorf("got %+v, %v", c.Log, err)
	}
}

// TestEveryKeyIsDocumented holds docs/CONFIGURATION.md and the fields
// together.
func TestEveryKeyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/CONFIGURATION.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys() {
		if !strings.Contains(string(doc), "`"+key+"`") {
			t.Errorf("docs/CONFIGURATION.md does not mention `%s`", key)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[server]\nlisten = \":1\"\n")
	f.Add("[recording]\nsegment = \"60s\"\n[x]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f.toml", text)
		if err == nil {
			c.check(func(key, reason string) { t.Errorf("accepted %s: %s", key, reason) })
		}
	})
}
