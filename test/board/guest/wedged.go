package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/asdine/storm/v3"
	"golang.org/x/sys/unix"

	"vedette/perception/events"
)

// wedged records to a disk of its own, and then freezes its file system, so that
// the writer hangs in the kernel: the machine must be reset. The boot after that
// must say what had hung, and record again.
func wedged(freeze bool) error {
	if err := errors.Join(loopback(), setClock(), mountDisk("state", "/data"), mountDisk("footage", "/footage")); err != nil {
		return err
	}
	const settings = "[volume]\npath = \"/footage\"\nmount_point = true\n[sweep]\nfloor_bytes = 16777216\n"
	if err := os.WriteFile("/data/vedette.toml", []byte(settings), 0o600); err != nil {
		return err
	}
	stop, err := recording("/data")
	if err != nil {
		return err
	}
	time.Sleep(20 * time.Second)
	if freeze {
		f, err := os.Open("/footage")
		if err != nil {
			return err
		}
		if err := unix.IoctlSetInt(int(f.Fd()), fifreeze, 0); err != nil {
			return fmt.Errorf("freeze the footage disk: %w", err)
		}
		fmt.Println("wedged: the footage disk hangs")
		time.Sleep(150 * time.Second)
		return errors.New("the machine was not reset")
	}
	if err := stop(); err != nil {
		return err
	}
	return errors.Join(printEvents("watchdog_reset"), countFootage("/footage"))
}

const fifreeze = 0xc0045877 // FIFREEZE of linux/fs.h

// mountDisk mounts the ext4 of the virtio disk with that serial number.
func mountDisk(serial, dir string) error {
	files, err := filepath.Glob("/sys/block/vd*/serial")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || string(data) != serial {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+filepath.Base(filepath.Dir(f)), dir, "ext4", unix.MS_NOATIME, ""); err != nil {
			return fmt.Errorf("mount the disk %q: %w", serial, err)
		}
		return nil
	}
	return fmt.Errorf("there is no disk %q", serial)
}

// recording starts a camera and the product, which records it.
func recording(data string) (stop func() error, err error) {
	camera := exec.Command("/vedette", "simcam", "--path", "door")
	camera.Stdout, camera.Stderr = os.Stdout, os.Stdout
	if err := camera.Start(); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second)
	box := exec.Command("/vedette", "run", "--data", data, "--listen", "127.0.0.1:8080", "--camera", "rtsp://127.0.0.1:8554/door")
	box.Stdout, box.Stderr = os.Stdout, os.Stdout
	if err := box.Start(); err != nil {
		return nil, err
	}
	return func() error {
		err := errors.Join(box.Process.Signal(unix.SIGTERM), box.Wait(), camera.Process.Kill())
		_ = camera.Wait() // it was killed
		return err
	}, nil
}

// printEvents prints the events of a type, or of all for "*", that the product left.
func printEvents(kind string) error {
	db, err := storm.Open("/data/state.db")
	if err != nil {
		return err
	}
	defer db.Close()
	log, err := events.Open(db, events.Options{})
	if err != nil {
		return err
	}
	list, err := log.Latest(100, events.Filter{Types: []string{kind}})
	if err != nil {
		return err
	}
	for _, e := range list {
		fmt.Printf("event %s %v\n", e.Type, e.Payload)
	}
	return nil
}
