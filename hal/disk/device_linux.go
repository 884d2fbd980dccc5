package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is a whole disk. Its methods may be called concurrently.
type Device struct {
	Info Info
	dir  string // in sysfs
}

// Of returns the disk that holds the file or directory path. It returns an error
// where no single disk does: tmpfs, a network, several disks in one.
func Of(path string) (*Device, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	dev := uint64(st.Dev)
	dir, err := find("/sys", unix.Major(dev), unix.Minor(dev))
	if err != nil {
		return nil, fmt.Errorf("disk of %s: %w", path, err)
	}
	return &Device{read(dir), dir}, nil
}

// Written returns the bytes that the kernel has sent to the disk since it came,
// whosever they are; false where it does not say.
func (d *Device) Written() (int64, bool) { return written(d.dir) }

// Health asks the disk, which may take a second. A disk that sleeps is not woken:
// then, and where a disk cannot or may not be asked, the status is unknown, with
// the reason.
func (d *Device) Health() Health {
	switch d.Info.Kind {
	case EMMC:
		return parseEMMC(word(d.dir, "device/life_time"), word(d.dir, "device/pre_eol_info"))
	case SD:
		return unknown("an SD card does not tell its wear")
	case NVMe:
		return d.ask(nvmeHealth)
	case SCSI:
		return d.ask(ataHealth)
	}
	return unknown("a %s disk does not tell its wear", d.Info.Kind)
}

// ask opens the disk for f.
func (d *Device) ask(f func(fd int) (Health, error)) Health {
	fd, err := unix.Open("/dev/"+d.Info.Name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return unknown("the disk cannot be asked: %v", err)
	}
	defer unix.Close(fd)
	h, err := f(fd)
	if err != nil {
		return unknown("the disk does not answer: %v", err)
	}
	return h
}

// pass hands a structure to a driver, and returns what the driver answers beside
// an error.
func pass(fd int, request uintptr, arg unsafe.Pointer) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// nvmeCommand is struct nvme_passthru_cmd of linux/nvme_ioctl.h.
type nvmeCommand struct {
	opcode, flags      uint8
	_                  uint16
	namespace          uint32
	_, _               uint32
	metadata, data     uint64
	metadataLen        uint32
	dataLen            uint32
	cdw10, cdw11       uint32
	_, _, _, _         uint32
	timeoutMS, results uint32
}

const (
	nvmeAdmin  = 0xc0484e41 // NVME_IOCTL_ADMIN_CMD
	nvmeGetLog = 0x02
	nvmeSMART  = 0x02
	nvmeAll    = 0xffffffff // the controller, and not one namespace
)

func nvmeHealth(fd int) (Health, error) {
	page := make([]byte, nvmeLogBytes)
	var pin runtime.Pinner // the kernel gets its address as a number
	pin.Pin(&page[0])
	defer pin.Unpin()
	c := nvmeCommand{
		opcode: nvmeGetLog, namespace: nvmeAll, data: uint64(uintptr(unsafe.Pointer(&page[0]))), dataLen: nvmeLogBytes,
		cdw10: (nvmeLogBytes/4-1)<<16 | nvmeSMART, timeoutMS: 5000,
	}
	status, err := pass(fd, nvmeAdmin, unsafe.Pointer(&c))
	switch {
	case err != nil:
		return Health{}, err
	case status != 0:
		return Health{}, fmt.Errorf("status %#x", status)
	}
	return parseNVMe(page), nil
}

// Trim tells the disk below the open directory which parts of [start,
// start+length) of its file system are free, in runs of at least least bytes, and
// returns how many bytes that were (FITRIM of linux/fs.h). It returns ErrNoTrim
// where file system or disk cannot, or the process may not.
func Trim(dir *os.File, start, length, least uint64) (uint64, error) {
	r := [3]uint64{start, length, least}
	raw, err := dir.SyscallConn()
	if err != nil {
		return 0, err
	}
	var errno error
	if err := raw.Control(func(fd uintptr) { _, errno = pass(int(fd), fitrim, unsafe.Pointer(&r)) }); err != nil {
		return 0, err
	}
	switch {
	case errno == nil:
		return r[1], nil
	case errors.Is(errno, unix.EOPNOTSUPP), errors.Is(errno, unix.ENOTTY), errors.Is(errno, unix.EPERM), errors.Is(errno, unix.EROFS):
		return 0, fmt.Errorf("%w: %w", ErrNoTrim, errno)
	}
	return 0, &os.PathError{Op: "trim", Path: dir.Name(), Err: errno}
}

const fitrim = 0xc0185879

// List returns the disks that the kernel has, by name, without those that are
// only memory, files or layers.
func List() ([]*Device, error) {
	dirs, err := filepath.Glob("/sys/block/*")
	if err != nil {
		return nil, err
	}
	var all []*Device
	for _, link := range dirs {
		name := filepath.Base(link)
		if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "zram") ||
			strings.HasPrefix(name, "dm-") || strings.HasPrefix(name, "md") || strings.HasPrefix(name, "nbd") || strings.Contains(name, "boot") {
			continue
		}
		dir, err := filepath.EvalSymlinks(link)
		if err != nil {
			continue // it went
		}
		all = append(all, &Device{read(dir), dir})
	}
	return all, nil
}
