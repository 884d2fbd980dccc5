package disk

import (
	"strings"
	"testing"
)

// uevent builds a message of the kernel.
func uevent(fields ...string) []byte { return []byte(strings.Join(fields, "\x00") + "\x00") }

// addSDB1 is a message as kernel 6.18 sends it.
func addSDB1() []byte {
	return uevent("add@/devices/pci0/usb1/1-1/host6/block/sdb/sdb1", "ACTION=add",
		"DEVPATH=/devices/pci0/usb1/1-1/host6/block/sdb/sdb1", "SUBSYSTEM=block", "MAJOR=8", "MINOR=17",
		"DEVNAME=sdb1", "DEVTYPE=partition", "DISKSEQ=9", "PARTN=1", "SEQNUM=10409")
}

func TestMessagesOfTheKernelAreRead(t *testing.T) {
	block := func(action, path, kind string) []byte {
		return uevent(action+"@"+path, "ACTION="+action, "DEVPATH="+path, "SUBSYSTEM=block", "DEVTYPE="+kind)
	}
	tests := []struct {
		name    string
		message []byte
		want    Change
		ok      bool
	}{
		{"a partition comes", addSDB1(), Change{"add", "sdb1", false}, true},
		{"a disk goes", block("remove", "/devices/x/sdb", "disk"), Change{"remove", "sdb", true}, true},
		{"a disk changes", block("change", "/devices/x/cciss!c0d0", "disk"), Change{"change", "cciss!c0d0", true}, true},
		{"the last NUL is missing", block("add", "/d/sdb", "disk")[:len(block("add", "/d/sdb", "disk"))-1], Change{"add", "sdb", true}, true},
		{"other actions are not told", block("move", "/devices/x/sdb", "disk"), Change{}, false},
		{"other kinds are not told", block("add", "/devices/x/sdb", "bdi"), Change{}, false},
		{"a name that is none", block("add", "/devices/", "disk"), Change{}, false},
		{"another subsystem", uevent("add@/devices/x", "ACTION=add", "DEVPATH=/devices/x", "SUBSYSTEM=usb", "DEVTYPE=disk"), Change{}, false},
		{"head and keys differ", uevent("add@/d/sda", "ACTION=remove", "DEVPATH=/d/sda", "SUBSYSTEM=block", "DEVTYPE=disk"), Change{}, false},
		{"paths differ", uevent("add@/d/sda", "ACTION=add", "DEVPATH=/d/sdb", "SUBSYSTEM=block", "DEVTYPE=disk"), Change{}, false},
		{"libudev's", append([]byte("libudev\x00\xfe\xed\xca\xfe(\x00\x00\x00"), addSDB1()...), Change{}, false},
		{"no keys", []byte("add@/devices/x/sdb\x00"), Change{}, false},
		{"no end", []byte("add@/devices/x/sdb"), Change{}, false},
		{"nothing", nil, Change{}, false},
	}
	for _, tt := range tests {
		if got, ok := parseUevent(tt.message); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzUevent(f *testing.F) {
	f.Add(addSDB1())
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe"))
	f.Add([]byte("@\x00ACTION=\x00DEVPATH=\x00SUBSYSTEM=block\x00DEVTYPE=disk"))
	f.Fuzz(func(t *testing.T, message []byte) {
		c, ok := parseUevent(message)
		if ok && (c.Name == "" || strings.ContainsAny(c.Name, "/\x00") || c.Action == "" || c.Action == Lost) {
			t.Errorf("%q is %+v", message, c)
		}
		if !ok && c != (Change{}) {
			t.Errorf("%q is nothing, and %+v", message, c)
		}
	})
}
