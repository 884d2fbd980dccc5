// Command guest is the first process of the machine in the power-cut lab. It
// loads the modules it finds, mounts the logged disk, runs the product on it
// with simulated cameras after a plan, and writes markers (package marker) to
// the disk behind the file system. It then switches the machine off without
// unmounting anything. It runs nowhere else.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"vedette/internal/guest"
	"vedette/test/power/plan"
)

// Where things are in the guest.
const (
	disk  = "/dev/vda"
	mount = "/data"
)

func main() {
	guest.Main(func() { // nothing is synced: its end is the power cut after the last one
		if err := live(); err != nil {
			fmt.Printf("%s %v\n", plan.Failed, err)
		} else {
			fmt.Println(plan.Done)
		}
	})
}

func live() error {
	if err := guest.Mount(); err != nil {
		return err
	}
	raw, err := os.ReadFile(plan.File)
	if err != nil {
		return err
	}
	var p plan.Plan
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	now := unix.NsecToTimeval(p.Now.UnixNano())
	if err := unix.Settimeofday(&now); err != nil {
		return fmt.Errorf("set clock: %w", err)
	}
	if err := errors.Join(guest.LoadModules(), loopback()); err != nil {
		return err
	}
	if err := mountDisk(p.MountOptions); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.Limit)
	defer cancel()
	return follow(ctx, &p)
}

// loopback brings up the one network there is.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }() // nothing was sent
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}

// mountDisk waits for the disk, which appears a little after its driver.
func mountDisk(options string) error {
	if err := os.MkdirAll(mount, 0o755); err != nil {
		return err
	}
	var err error
	for range 100 {
		if err = unix.Mount(disk, mount, "ext4", unix.MS_NOATIME, options); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("mount %s: %w", disk, err)
}
