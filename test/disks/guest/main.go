// Command guest is the first process of the machine in the disk lab: it loads
// the modules it finds, asks every disk how it is, prints a line for each and
// switches the machine off. It runs nowhere else.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"vedette/hal/disk"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: only the first process of a machine may run this")
		os.Exit(2)
	}
	if err := look(); err != nil {
		fmt.Println("guest failed:", err)
	}
	time.Sleep(200 * time.Millisecond) // for the console
	fmt.Println("guest: power off:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
	time.Sleep(time.Hour) // the first process must not end
}

func look() error {
	for what, where := range map[string]string{"devtmpfs": "/dev", "proc": "/proc", "sysfs": "/sys"} {
		if err := os.MkdirAll(where, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(what, where, what, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", where, err)
		}
	}
	list, err := filepath.Glob("/modules/*")
	if err != nil {
		return err
	}
	slices.Sort(list)
	for _, path := range list {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		if err := errors.Join(err, f.Close()); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load %s: %w", path, err)
		}
	}
	time.Sleep(3 * time.Second) // disks appear a little after their drivers
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
	fmt.Println("guest done")
	return nil
}

func number[T int | int64](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}
