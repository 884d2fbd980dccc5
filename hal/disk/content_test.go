package disk

import (
	"reflect"
	"strings"
	"testing"
)

const mountinfo = `24 1 8:2 / / rw,relatime shared:1 - ext4 /dev/root rw,discard
25 24 0:5 / /proc rw shared:2 master:1 - proc proc rw
40 24 8:17 / /media/my\040disk\134\011x rw,noatime - ext4 /dev/sdb1 ro,errors=remount-ro
41 24 8:17 /sub /mnt/again ro - ext4 /dev/sdb1 rw
42 24 0:51 / /mnt/many rw,errors=continue - btrfs /dev/sdc rw
43 24 8:33 / /mnt/short rw
- - - -

`

func TestMountsAreRead(t *testing.T) {
	want := []mountPoint{
		{"8:2", "/", "ext4", "/dev/root", false},
		{"0:5", "/proc", "proc", "proc", false},
		{"8:17", "/media/my disk\\\tx", "ext4", "/dev/sdb1", true},
		{"8:17", "/mnt/again", "ext4", "/dev/sdb1", true},
		{"0:51", "/mnt/many", "btrfs", "/dev/sdc", false},
	}
	if got := parseMountinfo(mountinfo); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSwapsAreRead(t *testing.T) {
	text := "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n/dev/sda3                               partition\t1048572\t0\t-2\n/var/my\\040swap  file 10 0 -3\n"
	if got, want := parseSwaps(text), []string{"/dev/sda3", "/var/my swap"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := parseSwaps(""); got != nil {
		t.Errorf("nothing is %q", got)
	}
}

func TestEscapesAreUndone(t *testing.T) {
	for in, want := range map[string]string{`a\040b`: "a b", `\134`: `\`, `\04`: `\04`, `\999`: `\999`, `\777`: `\777`, `x\`: `x\`, ``: ``} {
		if got := unoctal(in); got != want {
			t.Errorf("unoctal(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAProbeIsRead(t *testing.T) {
	text := "ID_FS_LABEL=my_di$k\nID_FS_LABEL_ENC=my\\x20di\\x24k\\x5cx20\\x4ü=\nID_FS_TYPE=ext4\nID_FS_UUID_ENC=1\nID_FS_UUID=2\n\n"
	got := parseProbe(text)
	if got["ID_FS_LABEL"] != `my di$k\x20\x4ü=` || got["ID_FS_TYPE"] != "ext4" || got["ID_FS_UUID"] != "1" {
		t.Errorf("%q", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add(mountinfo)
	f.Add("ID_FS_LABEL_ENC=my\\x20disk\\x\nID_FS_TYPE=ext4\\")
	f.Fuzz(func(t *testing.T, s string) {
		for _, m := range parseMountinfo(s) {
			if m.number == "" || m.dir == "" || m.fs == "" {
				t.Errorf("%+v", m)
			}
		}
		for _, p := range parseSwaps(s) {
			if !strings.HasPrefix(p, "/") {
				t.Errorf("swap %q", p)
			}
		}
		parseProbe(s)
	})
}
