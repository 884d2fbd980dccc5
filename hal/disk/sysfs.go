package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxStack bounds how many layers of device mapper are looked through.
const maxStack = 8

// find returns the directory in the tree sys, which is /sys, of the whole disk
// behind a device number: through partitions, and through device mapper while it
// has one disk below.
func find(sys string, major, minor uint32) (string, error) {
	dir, err := filepath.EvalSymlinks(filepath.Join(sys, "dev", "block", fmt.Sprintf("%d:%d", major, minor)))
	if err != nil {
		return "", fmt.Errorf("device %d:%d is no disk: %w", major, minor, err)
	}
	for range maxStack {
		if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
			dir = filepath.Dir(dir)
		}
		below, _ := filepath.Glob(filepath.Join(dir, "slaves", "*")) // the pattern is valid
		if len(below) == 0 {
			return dir, nil
		}
		if len(below) > 1 {
			return "", fmt.Errorf("%s is %d disks", filepath.Base(dir), len(below))
		}
		if dir, err = filepath.EvalSymlinks(below[0]); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("device %d:%d: more than %d layers", major, minor, maxStack)
}

// read returns what the kernel says of the disk in a directory of sysfs.
func read(dir string) Info {
	i := Info{
		Name: filepath.Base(dir), Kind: Unknown,
		Model: word(dir, "device/model"), Serial: serial(dir),
		Bytes: number(dir, "size") * 512, Rotational: word(dir, "queue/rotational") == "1",
		Removable: word(dir, "removable") == "1", ReadOnly: word(dir, "ro") == "1",
		EraseBlock: number(dir, "device/preferred_erase_size"),
	}
	if number(dir, "queue/discard_max_bytes") > 0 {
		i.Discard = number(dir, "queue/discard_granularity")
	}
	switch {
	case strings.HasPrefix(i.Name, "mmcblk"):
		i.Rotational = false
		i.Model = word(dir, "device/name")
		switch word(dir, "device/type") {
		case "SD":
			i.Kind = SD
		case "MMC":
			i.Kind = EMMC
		}
	case strings.HasPrefix(i.Name, "nvme"):
		i.Kind = NVMe
	case strings.HasPrefix(i.Name, "sd"):
		i.Kind = SCSI
	case strings.HasPrefix(i.Name, "vd"), strings.HasPrefix(i.Name, "loop"), strings.HasPrefix(i.Name, "zram"), strings.HasPrefix(i.Name, "nbd"):
		i.Kind = Virtual
	}
	return i
}

// word returns the content of a small file of the kernel without white space at
// its ends, or "".
func word(dir, name string) string {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func number(dir, name string) int64 {
	n, err := strconv.ParseInt(word(dir, name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// written returns the bytes that the kernel has sent to the disk since it came
// (kernel document block/stat: sectors of 512 bytes), false where it does not say.
func written(dir string) (int64, bool) {
	f := strings.Fields(word(dir, "stat"))
	if len(f) < 7 {
		return 0, false
	}
	n, err := strconv.ParseInt(f[6], 10, 64)
	return n * 512, err == nil && n >= 0
}
