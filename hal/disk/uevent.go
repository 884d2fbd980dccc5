package disk

import (
	"bytes"
	"strings"
)

// Change is what happened to a disk or a partition.
type Change struct {
	Action string // add, remove, change; or Lost
	Name   string // of the kernel: sdb1; "" with Lost
	Disk   bool   // a whole disk, not a partition
}

// Lost is the action of a Change that stands for others that came faster than
// they were taken: what was known of all disks is old.
const Lost = "lost"

// parseUevent reads a message of the kernel: ACTION@DEVPATH, then KEY=VALUE, each
// ended by NUL (lib/kobject_uevent.c). It returns false for what is not of a block
// device, not whole, or libudev's, whose messages begin in another way.
func parseUevent(message []byte) (Change, bool) {
	head, rest, ok := bytes.Cut(message, []byte{0})
	if !ok {
		return Change{}, false
	}
	action, path, ok := strings.Cut(string(head), "@")
	if !ok {
		return Change{}, false
	}
	keys := map[string]string{}
	for field := range bytes.SplitSeq(rest, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		keys[key] = value
	}
	if keys["SUBSYSTEM"] != "block" || keys["ACTION"] != action || keys["DEVPATH"] != path {
		return Change{}, false
	}
	switch action {
	case "add", "remove", "change":
	default:
		return Change{}, false
	}
	kind, name := keys["DEVTYPE"], path[strings.LastIndexByte(path, '/')+1:]
	if name == "" || kind != "disk" && kind != "partition" {
		return Change{}, false
	}
	return Change{Action: action, Name: name, Disk: kind == "disk"}, true
}
