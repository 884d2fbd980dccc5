package volume

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Media of a volume.
const (
	SSD     = "ssd"
	HDD     = "hdd"
	SD      = "sd"
	EMMC    = "emmc"
	Unknown = "unknown"
)

// Geometry is what the kernel says about the disk under a volume.
type Geometry struct {
	Medium string // one of SSD, HDD, SD, EMMC, Unknown
	// EraseBlock is the erase block in bytes, 0 if the disk does not say.
	EraseBlock int64
}

// maxStack bounds how many device-mapper layers are looked through.
const maxStack = 8

// geometry reads the disk behind the device number major:minor from the tree
// sys, which is /sys. Whatever cannot be read is Unknown.
func geometry(sys string, major, minor uint32) Geometry {
	dir, err := filepath.EvalSymlinks(filepath.Join(sys, "dev", "block", fmt.Sprintf("%d:%d", major, minor)))
	if err != nil {
		return Geometry{Medium: Unknown}
	}
	for range maxStack {
		if exists(filepath.Join(dir, "partition")) {
			dir = filepath.Dir(dir)
		}
		slaves, _ := filepath.Glob(filepath.Join(dir, "slaves", "*")) // the pattern is valid
		if len(slaves) == 0 {
			return diskGeometry(dir)
		}
		if dir, err = filepath.EvalSymlinks(slaves[0]); err != nil {
			break
		}
	}
	return Geometry{Medium: Unknown}
}

// diskGeometry reads one whole disk.
func diskGeometry(dir string) Geometry {
	g := Geometry{Medium: Unknown, EraseBlock: number(filepath.Join(dir, "device", "preferred_erase_size"))}
	if g.EraseBlock == 0 {
		g.EraseBlock = number(filepath.Join(dir, "queue", "discard_granularity"))
	}
	name := filepath.Base(dir)
	switch {
	case strings.HasPrefix(name, "mmcblk"):
		switch word(filepath.Join(dir, "device", "type")) {
		case "SD":
			g.Medium = SD
		case "MMC":
			g.Medium = EMMC
		}
	case strings.HasPrefix(name, "nvme"):
		g.Medium = SSD
	case strings.HasPrefix(name, "loop"), strings.HasPrefix(name, "zram"), strings.HasPrefix(name, "ram"), strings.HasPrefix(name, "nbd"):
		// whatever is behind it
	default:
		switch word(filepath.Join(dir, "queue", "rotational")) {
		case "0":
			g.Medium = SSD
		case "1":
			g.Medium = HDD
		}
	}
	return g
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// word returns the content of a small kernel file without white space, or "".
func word(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func number(path string) int64 {
	n, err := strconv.ParseInt(word(path), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

const mib = 1 << 20

// chunk is how much a file on this disk is preallocated at a time: whole
// erase blocks, at least 4 MiB (the allocation unit of SD cards).
func (g Geometry) chunk() int64 {
	const smallest, largest = 4 * mib, 64 * mib
	if g.EraseBlock <= 0 || g.EraseBlock > largest {
		return smallest
	}
	return (smallest + g.EraseBlock - 1) / g.EraseBlock * g.EraseBlock
}
