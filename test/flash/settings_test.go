package flash_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vedette/firmware/config"
	"vedette/internal/testkit"
)

// settings reads vedette.toml off a card, as the box does.
func settings(t testing.TB, card string) (config.Setup, string) {
	t.Helper()
	out, err := exec.Command("mtype", "-i", card+"@@"+strconv.Itoa(setupAt), "::vedette.toml").CombinedOutput()
	if err != nil {
		t.Fatalf("mtype: %v: %s", err, out)
	}
	s, err := config.ParseSetup("vedette.toml", string(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return s, string(out)
}

func putsSettings(t *testing.T, i image) {
	code := regexp.MustCompile(`(?m)^claim code: ([0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5})$`)
	seen := map[string]bool{}
	eachShell(t, func(t *testing.T, sh shell) {
		d := newDisk(t, diskBytes)
		ssid, password := `Caf`+"\u00e9"+` "9\`+"\t"+`" 📷 #$(x)`, `qu"o\te $HOME 'x' \u00e9`
		args := []string{"--image", i.xz, "--device", d.node, "--yes", "--hostname", "cam-7", "--wifi", ssid, "--wifi-password-stdin", "--claim"}
		res := run{sh: sh, stdin: password + "\n", args: args}.do(t)
		res.want(t, 0)
		m := code.FindStringSubmatch(res.out)
		if m == nil {
			t.Fatalf("tells no claim code:\n%s", res.out)
		}
		if seen[m[1]] {
			t.Errorf("the claim code is %s again", m[1])
		}
		seen[m[1]] = true
		s, _ := settings(t, d.file)
		if s.Hostname != "cam-7" || s.ClaimCode != m[1] || s.WiFi == nil || s.WiFi.SSID != ssid || s.WiFi.Password != password {
			t.Errorf("settings are %+v, %+v; the code is %s", s, s.WiFi, m[1])
		}
		if strings.Contains(res.out+res.err, password) {
			t.Error("shows the password")
		}
	})
}

func putsSomeSettings(t *testing.T, i image) {
	eachShell(t, func(t *testing.T, sh shell) {
		for _, tt := range []struct {
			name, stdin string
			args        []string
			want        string
		}{
			{"a name", "", []string{"--hostname", "Cam"}, "hostname = \"Cam\"\n"},
			{"an open network", "\n", []string{"--wifi=free", "--wifi-password-stdin"}, "\n[wifi]\nssid = \"free\"\n"},
			{"a key, without an end of line", strings.Repeat("0f", 32), []string{"--wifi", "x", "--wifi-password-stdin"},
				"\n[wifi]\nssid = \"x\"\npassword = \"" + strings.Repeat("0f", 32) + "\"\n"},
		} {
			file := filepath.Join(t.TempDir(), "card.img")
			run{sh: sh, stdin: tt.stdin, args: append([]string{"--image", i.xz, "--device", file}, tt.args...)}.do(t).want(t, 0)
			if _, got := settings(t, file); got != tt.want {
				t.Errorf("%s: the card has\n%s", tt.name, got)
			}
		}
		for _, password := range []string{"1234567", "schl\u00fcssel", strings.Repeat("x", 64), strings.Repeat("0", 65), "tab\tinside"} {
			file := filepath.Join(t.TempDir(), "card.img")
			args := []string{"--image", i.xz, "--device", file, "--wifi", "x", "--wifi-password-stdin"}
			run{sh: sh, stdin: password + "\n", args: args}.do(t).want(t, 2, "the password of a Wi-Fi is", "nothing was written")
		}
	})
}

func putsAWholeFile(t *testing.T, i image) {
	setup := filepath.Join(t.TempDir(), "my.toml")
	text := "hostname = \"cam\"\r\ntime_zone = \"Europe/Berlin\" # ü\r\n[[cameras]]\r\nname = \"Door\"\r\nurl = \"rtsp://192.0.2.7/1\"\r\n"
	if err := os.WriteFile(setup, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	eachShell(t, func(t *testing.T, sh shell) {
		file := filepath.Join(t.TempDir(), "card.img")
		run{sh: sh, args: []string{"--image", i.xz, "--device", file, "--setup", setup}}.do(t).want(t, 0)
		if _, got := settings(t, file); got != text {
			t.Errorf("the card has\n%s", got)
		}
	})
}

// putsSettingsByMounting has no mtools. Where the kernel of the tests knows no vfat, mount
// and umount are stand-ins, which note where the partition was said to be and copy what was
// written there.
func putsSettingsByMounting(t *testing.T, i image) {
	path := without(t, "mcopy")
	if !strings.Contains(string(read(t, "/proc/filesystems")), "\tvfat\n") {
		mcopy, err := exec.LookPath("mcopy")
		if err != nil {
			testkit.Lacking(t, err.Error())
		}
		bin := t.TempDir()
		for name, body := range map[string]string{
			"mount": `[ "$1 $2 $3" = "-t vfat -o" ] || exit 1
echo "$4 $5" >"` + bin + `/mounted"`,
			"umount": `read -r options device <"` + bin + `/mounted"
offset=${options#loop,offset=}
[ "${offset#*,}" = sizelimit=4194304 ] || exit 1
` + mcopy + ` -o -i "$device@@${offset%,*}" "$1/vedette.toml" ::vedette.toml && rm "$1/vedette.toml"`,
		} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		path = bin + ":" + path
	}
	file := filepath.Join(t.TempDir(), "card.img")
	run{sh: both()[0], path: path, args: []string{"--image", i.xz, "--device", file, "--hostname", "cam"}}.do(t).want(t, 0)
	if s, _ := settings(t, file); s.Hostname != "cam" {
		t.Errorf("settings are %+v", s)
	}
}

// terminal is a pseudo terminal: what a person has, and what the script has.
func terminal(t testing.TB) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		testkit.Lacking(t, err.Error())
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// asksForThePassword types it, and Ctrl-C instead of it: it is never shown, and the
// terminal shows again what is typed afterwards.
func asksForThePassword(t *testing.T, i image) {
	for _, typed := range []string{"correct horse\n", "\x03"} {
		eachShell(t, func(t *testing.T, sh shell) {
			person, program := terminal(t)
			file := filepath.Join(t.TempDir(), "card.img")
			cmd := run{sh: sh, args: []string{"--image", i.xz, "--device", file, "--wifi", "net"}}.command(t)
			cmd.Stdin, cmd.Stderr, cmd.Stdout = program, program, program
			cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			shown := make(chan []byte, 1)
			asked := make(chan struct{})
			go func() { // until the program's side is closed by everybody
				var all []byte
				buf := make([]byte, 4096)
				for {
					n, err := person.Read(buf)
					had := bytes.Contains(all, []byte("Password of the Wi-Fi net"))
					all = append(all, buf[:n]...)
					if !had && bytes.Contains(all, []byte("Password of the Wi-Fi net")) {
						close(asked)
					}
					if err != nil {
						shown <- all
						return
					}
				}
			}()
			select {
			case <-asked:
			case <-time.After(20 * time.Second):
				t.Fatal("does not ask")
			}
			if _, err := person.WriteString(typed); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its code is looked at
			settled, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
			if err != nil || settled.Lflag&unix.ECHO == 0 {
				t.Errorf("the terminal does not show what is typed: %v", err)
			}
			program.Close()
			got := string(<-shown)
			if strings.Contains(got, "horse") {
				t.Errorf("the password was shown:\n%s", got)
			}
			if typed == "\x03" {
				if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(got, "nothing was written") {
					t.Errorf("ended with %v:\n%s", cmd.ProcessState, got)
				}
				return
			}
			if cmd.ProcessState.ExitCode() != 0 || !strings.Contains(got, "100 %") {
				t.Fatalf("ended with %v:\n%s", cmd.ProcessState, got)
			}
			if s, _ := settings(t, file); s.WiFi == nil || s.WiFi.Password != "correct horse" {
				t.Errorf("settings are %+v", s.WiFi)
			}
		})
	}
}
