package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// modules is the directory of the modules to load, in the order of their names.
const modules = "/modules"

// Main runs f, and switches the machine off without syncing anything. It does not
// return. Where it is not the first process it ends with code 2 and does nothing.
func Main(f func()) {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: only the first process of a machine may run this")
		os.Exit(2)
	}
	f()
	time.Sleep(200 * time.Millisecond) // for the console
	fmt.Println("guest: power off:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
	time.Sleep(time.Hour) // the first process must not end
}

// Mount mounts what the kernel shows, and an empty /tmp.
func Mount() error {
	for _, m := range []struct{ what, where string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}} {
		if err := os.MkdirAll(m.where, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.what, m.where, m.what, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m.where, err)
		}
	}
	return nil
}

// LoadModules loads everything in /modules, in the order of the names.
func LoadModules() error {
	list, err := filepath.Glob(filepath.Join(modules, "*"))
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
	return nil
}
