package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vedette/hal/gpio"
)

// onLines asks the lines of a GPIO controller what the fake is asked in hal/gpio,
// and then runs the product, which is to know the board by itself: a camera is
// recorded, the light of the board shows it, and somebody outside presses a button
// on a line.
func onLines() error {
	if err := unix.Mount("debugfs", "/sys/kernel/debug", "debugfs", 0, ""); err != nil {
		return fmt.Errorf("mount debugfs: %w", err)
	}
	if err := kernelLines(); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll("/data", 0o755), unix.Mount("tmpfs", "/data", "tmpfs", 0, "size=192m"), loopback(), setClock()); err != nil {
		return err
	}
	if err := os.WriteFile("/data/vedette.toml", []byte("[board]\nbutton = \"gpio:BUTTON\"\ndisk_led = \"gpio:LED-A\"\n[sweep]\nfloor_bytes = 16777216\n"), 0o600); err != nil {
		return err
	}
	stop, err := recording("/data")
	if err != nil {
		return err
	}
	seen := ""
	for range 400 { // 40 s
		time.Sleep(100 * time.Millisecond)
		now := kernelLight("green:status")
		if now != seen {
			fmt.Println("light green:status", now)
			seen = now
		}
	}
	err = stop()
	fmt.Println("light green:status", kernelLight("green:status"), "after the stop")
	return errors.Join(err, countFootage("/data/footage-volume"))
}

// countFootage prints how many files of footage and of evidence a volume has.
func countFootage(volume string) (err error) {
	for _, dir := range []string{"footage", "evidence"} {
		n := 0
		werr := filepath.WalkDir(filepath.Join(volume, dir), func(name string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(name, ".mp4") {
				n++
			}
			return err
		})
		if !errors.Is(werr, fs.ErrNotExist) {
			err = errors.Join(err, werr)
		}
		fmt.Println(dir, "files", n)
	}
	return err
}

// setClock says that the network has set the clock, as an NTP daemon does.
func setClock() error {
	_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_STATUS | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR})
	return err
}

// loopback switches the loopback interface on.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// kernelLight returns the trigger of a light of the kernel's, and whether it is lit
// where it has none.
func kernelLight(name string) string {
	trigger, err := os.ReadFile("/sys/class/leds/" + name + "/trigger")
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(string(trigger), "[")
	chosen, _, _ := strings.Cut(rest, "]")
	if chosen != "none" {
		return chosen
	}
	bright, err := os.ReadFile("/sys/class/leds/" + name + "/brightness")
	if err != nil {
		return err.Error()
	}
	if strings.TrimSpace(string(bright)) == "0" {
		return "dark"
	}
	return "lit"
}

// kernelLines drives lines and asks the kernel for their voltage.
func kernelLines() error {
	var lines gpio.Lines = gpio.Chips{}
	if _, err := lines.Output(gpio.Spec{Line: "STATUS"}); !errors.Is(err, gpio.ErrClaimed) || !strings.Contains(err.Error(), "green:status") {
		return fmt.Errorf("a line of the kernel's: %w", err)
	}
	if _, err := lines.Output(gpio.Spec{Line: "GPIO99"}); !errors.Is(err, gpio.ErrNoLine) || !strings.Contains(err.Error(), "BUTTON, LED-A, LED-B") {
		return fmt.Errorf("a line that is not there: %w", err)
	}
	for _, s := range []gpio.Spec{{Line: "LED-A"}, {Line: "LED-B", Low: true}} {
		o, err := lines.Output(s)
		if err != nil {
			return err
		}
		if _, err := lines.Output(s); !errors.Is(err, gpio.ErrClaimed) {
			return fmt.Errorf("claimed twice: %w", err)
		}
		for _, on := range []bool{false, true, false} {
			if err := o.Set(on); err != nil {
				return err
			}
			high, err := voltage(s.Line)
			if err != nil || high != (on != s.Low) {
				return fmt.Errorf("line %+v set %v is high %v, %w", s, on, high, err)
			}
		}
		if err := o.Close(); err != nil {
			return err
		}
		again, err := lines.Output(s)
		if err != nil {
			return fmt.Errorf("given back and claimed again: %w", err)
		}
		if err := again.Close(); err != nil {
			return err
		}
	}
	fmt.Println("lines: driven, claimed, named")
	return nil
}

// voltage asks the kernel whether a line is high.
func voltage(name string) (bool, error) {
	data, err := os.ReadFile("/sys/kernel/debug/gpio")
	if err != nil {
		return false, err
	}
	for l := range strings.Lines(string(data)) {
		if strings.Contains(l, "("+name+" ") {
			return strings.Contains(l, " hi"), nil
		}
	}
	return false, fmt.Errorf("the kernel does not tell of %s:\n%s", name, data)
}
