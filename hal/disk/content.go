package disk

import (
	"slices"
	"strconv"
	"strings"
)

// Part is a partition, or a whole disk that has none.
type Part struct {
	Name     string // of the kernel: sdb1
	FS       string // file system, or what else is there: ext4, vfat, swap; "several" if two are; "" if nothing is known
	UUID     string // of the file system, as it writes it
	Label    string // of the file system
	Bytes    int64  // size of the partition
	Mount    string // first mount point, "" if none
	ReadOnly bool   // it cannot be written, or is mounted so
	Used     int64  // bytes of the mounted file system; 0 if not mounted
	Free     int64  // bytes of it for those without the right to the reserve; 0 if not mounted
}

// mountPoint is a line of mountinfo.
type mountPoint struct {
	number   string // of the device: 8:17; of the file system's own with btrfs
	dir      string
	fs       string
	source   string // /dev/sdb1; what else a file system without a disk says
	readOnly bool
}

// parseMountinfo reads /proc/self/mountinfo, in its order (proc_pid_mountinfo(5)).
// Lines that are not whole are left out.
func parseMountinfo(text string) []mountPoint {
	var all []mountPoint
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(line, " - ") // optional fields are before it, any number
		f, of := strings.Fields(left), strings.Fields(right)
		if !ok || len(f) < 6 || len(of) < 2 {
			continue
		}
		readOnly := has(f[5], "ro")
		if len(of) > 2 {
			readOnly = readOnly || has(of[2], "ro") // the file system's: ext4 goes read-only at an error
		}
		all = append(all, mountPoint{f[2], unoctal(f[4]), of[0], unoctal(of[1]), readOnly})
	}
	return all
}

// has says whether a list with commas has that word.
func has(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

// unoctal undoes what the kernel does to white space and backslashes: \040.
func unoctal(s string) string { return unescape(s, `\`, 3, 8) }

// unescape replaces a mark and that many digits after it by their byte. What is
// not that stays.
func unescape(s, mark string, digits, base int) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, mark)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		s = after
		if len(s) >= digits {
			if n, err := strconv.ParseUint(s[:digits], base, 8); err == nil {
				b.WriteByte(byte(n))
				s = s[digits:]
				continue
			}
		}
		b.WriteString(mark)
	}
}

// parseSwaps returns what /proc/swaps names: devices and files (proc_swaps(5)).
func parseSwaps(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 2 && strings.HasPrefix(f[0], "/") { // not the heading
			all = append(all, unoctal(f[0]))
		}
	}
	return all
}

// parseProbe reads what blkid -o udev writes, the one format of it that does not
// depend on the locale: KEY=VALUE, encoded as \x20 where the key ends in _ENC.
func parseProbe(text string) map[string]string {
	keys := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if short, ok := strings.CutSuffix(key, "_ENC"); ok {
			key, value = short, unescape(value, `\x`, 2, 16)
		} else if _, ok := keys[key]; ok {
			continue // the encoded one is the better
		}
		keys[key] = value
	}
	return keys
}
