package card

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// diskOf returns the directory in sysfs of the disk that root lies on, as Find says.
func (at Places) diskOf(root string) (string, error) {
	major, minor, err := deviceOf(root)
	if err != nil {
		return "", err
	}
	dir, err := at.disk(filepath.Join(at.Sys, "dev", "block", fmt.Sprintf("%d:%d", major, minor)))
	if err == nil {
		return dir, nil
	}
	line, unread := os.ReadFile(filepath.Join(at.Proc, "cmdline"))
	if unread != nil {
		return "", unread
	}
	device := rootOf(string(line))
	switch key, value, named := strings.Cut(device, "="); {
	case device == "":
		return "", fmt.Errorf("%s is on no disk, and the kernel's command line has no root", root)
	case named && (key == "PARTUUID" || key == "PARTLABEL"):
		return at.search(key, value)
	case strings.HasPrefix(device, "/dev/"):
		name := strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "!")
		return at.disk(filepath.Join(at.Sys, "class", "block", name))
	default:
		return "", fmt.Errorf("%s is on no disk, and root=%s is none", root, device)
	}
}

// disk returns the whole disk of a link in sysfs to a disk or partition.
func (at Places) disk(link string) (string, error) {
	dir, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", err
	}
	if number(dir, "partition") > 0 {
		dir = filepath.Dir(dir)
	}
	if number(dir, "size") == 0 {
		return "", fmt.Errorf("%s is no disk", filepath.Base(dir))
	}
	return dir, nil
}

// search returns the one disk with a partition of that name or GUID.
func (at Places) search(key, value string) (string, error) {
	links, err := filepath.Glob(filepath.Join(at.Sys, "block", "*"))
	if err != nil {
		return "", err
	}
	value, _, _ = strings.Cut(value, "/") // PARTUUID=…/PARTNROFF=1: the same disk
	var found []string
	for _, link := range links {
		dir, err := at.disk(link)
		if err != nil {
			continue
		}
		c, err := open(at, dir)
		if err != nil {
			continue // nothing in it, or no table
		}
		if slices.ContainsFunc(c.table.used(), func(e entry) bool {
			return key == "PARTLABEL" && e.name == value || key == "PARTUUID" && strings.EqualFold(e.guid, value)
		}) {
			found = append(found, dir)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d disks have a partition with %s=%s", len(found), key, value)
	}
	return found[0], nil
}

// rootOf returns the root device of a kernel command line, or "".
func rootOf(line string) string {
	root := ""
	for _, word := range strings.Fields(line) {
		if word == "--" {
			break // what follows is for init
		}
		if value, ok := strings.CutPrefix(word, "root="); ok {
			root = strings.Trim(value, `"`)
		}
	}
	return root
}

// node returns the device of a directory in sysfs.
func (at Places) node(dir string) string {
	name := ""
	for line := range strings.Lines(word(dir, "uevent")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVNAME="); ok {
			name = value
		}
	}
	return filepath.Join(at.Dev, cmp.Or(name, filepath.Base(dir)))
}

// mount is what is mounted at a directory.
type mount struct{ number, fs string } // 179:6, ext4

// mountedAt returns what is mounted at dir, the uppermost, and whether anything is.
func (at Places) mountedAt(dir string) (m mount, is bool, err error) {
	text, err := os.ReadFile(filepath.Join(at.Proc, "self", "mountinfo"))
	if err != nil {
		return mount{}, false, err
	}
	for line := range strings.Lines(string(text)) {
		left, right, _ := strings.Cut(line, " - ") // optional fields are before it, any number
		f, of := strings.Fields(left), strings.Fields(right)
		if len(f) >= 6 && len(of) >= 1 && f[4] == dir {
			m, is = mount{f[2], of[0]}, true
		}
	}
	return m, is, nil
}

// isMounted says whether a device, 179:7, is mounted anywhere.
func (at Places) isMounted(number string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(at.Proc, "self", "mountinfo"))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 3 && f[2] == number {
			return true, nil
		}
	}
	return false, nil
}
