// Command guest is the first process of the machine in the board lab: it loads
// the modules it finds, does what the kernel's command line says after lab=, prints
// what it saw and switches the machine off. It runs nowhere else.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vedette/hal/disk"
	"vedette/hal/led"
	"vedette/hal/watchdog"
	"vedette/internal/guest"
)

func main() {
	guest.Main(func() {
		if err := work(); err != nil {
			fmt.Println("guest failed:", err)
		} else {
			fmt.Println("guest done")
		}
	})
}

func work() error {
	if err := guest.Mount(); err != nil {
		return err
	}
	if err := guest.LoadModules(); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // disks appear a little after their drivers
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	for _, word := range strings.Fields(string(line)) {
		switch word {
		case "lab=disks":
			return disks()
		case "lab=leds":
			return light()
		case "lab=fed", "lab=starved", "lab=dropped":
			return dog(strings.TrimPrefix(word, "lab="))
		case "lab=wedged", "lab=after":
			return wedged(word == "lab=wedged")
		case "lab=clock":
			return clockSet()
		case "lab=hotplug":
			return hotplug()
		case "lab=board":
			return onLines()
		case "lab=product", "lab=frozen", "lab=button":
			return product(strings.TrimPrefix(word, "lab="))
		}
	}
	return fmt.Errorf("nothing to do: %s", line)
}

// dog arms the watchdog: fed it must keep still, and after the magic close too;
// starved, or dropped without, it must reset the machine before this returns.
func dog(what string) error {
	k, err := watchdog.Open("/dev/watchdog0")
	if err != nil {
		return err
	}
	got, err := k.SetTimeout(5500 * time.Millisecond)
	if err != nil {
		return err
	}
	_, left, resets := k.State()
	fmt.Printf("watchdog %q timeout=%v left=%v resets=%d\n", k.Identity(), got, left, resets)
	if _, err := k.SetTimeout(48 * time.Hour); !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("a timeout of two days: %w", err)
	}
	switch what {
	case "fed":
		for range 15 {
			time.Sleep(time.Second)
			if err := k.Feed(); err != nil {
				return err
			}
		}
		if err := k.Close(true); err != nil {
			return err
		}
		time.Sleep(15 * time.Second)
		return nil
	case "dropped":
		if err := k.Close(false); err != nil {
			return err
		}
	}
	time.Sleep(60 * time.Second)
	return errors.New("the machine was not reset")
}

// light has a light of the kernel's show patterns, and looks how bright it is.
func light() error {
	const name = "input0::capslock" // of the emulated keyboard
	k, err := led.Open("/sys/class/leds", name)
	if err != nil {
		return err
	}
	bright := func() string {
		raw, err := os.ReadFile("/sys/class/leds/" + name + "/brightness")
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(raw))
	}
	for _, p := range []led.Pattern{led.Solid, led.Blink, led.Fast, led.Off} {
		if err := k.Set(p); err != nil {
			return err
		}
		changes, on, looks, last := 0, 0, 0, bright()
		// By the clock: beside other machines a look may take its time.
		for began := time.Now(); time.Since(began) < 3*time.Second; looks++ {
			time.Sleep(50 * time.Millisecond)
			now := bright()
			if now != last {
				changes++
			}
			if now != "0" {
				on++
			}
			last = now
		}
		fmt.Printf("light %v changes=%d on=%d\n", p, changes, on*60/max(looks, 1)) // of sixty
	}
	return nil
}

// product runs the recorder with the watchdog for longer than that waits, and
// stops it: the machine must go on. Frozen in the meantime, it must be reset. With
// a button, somebody outside holds that, and the recorder must stop by itself.
func product(what string) error {
	if err := errors.Join(os.MkdirAll("/data", 0o755), unix.Mount("tmpfs", "/data", "tmpfs", 0, "size=128m")); err != nil {
		return err
	}
	if err := os.WriteFile("/data/vedette.toml", []byte("[board]\nwatchdog = \"/dev/watchdog0\"\nstatus_led = \"input0::capslock\"\nbutton = \"/dev/input/event0\"\n"), 0o600); err != nil {
		return err
	}
	cmd := exec.Command("/vedette", "run", "--data", "/data", "--listen", "127.0.0.1:8080")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if what == "button" {
		return <-ended
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the recorder ended: %w", err)
	case <-time.After(40 * time.Second):
	}
	if what == "frozen" {
		fmt.Println("watchdog: the recorder is frozen")
		if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
			return err
		}
		time.Sleep(90 * time.Second)
		return errors.New("the machine was not reset")
	}
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("the recorder did not stop cleanly: %w", err)
	}
	time.Sleep(40 * time.Second)
	return nil
}

// disks asks every disk how it is.
func disks() error {
	all, err := disk.List()
	if err != nil {
		return err
	}
	for _, d := range all {
		h := d.Health()
		fmt.Printf("disk %s kind=%s model=%q serial=%q bytes=%d rotational=%v discard=%d status=%s used=%s spare=%s written=%s temperature=%s reason=%q\n",
			d.Info.Name, d.Info.Kind, d.Info.Model, d.Info.Serial, d.Info.Bytes, d.Info.Rotational, d.Info.Discard,
			h.Status, number(h.UsedPercent), number(h.SparePercent), number(h.Written), number(h.Temperature), h.Reason)
	}
	return nil
}

func number[T int | int64](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}
