package card

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kernel is a tree of sysfs, of devices that are files, and of proc.
type kernel struct {
	t    *testing.T
	root string
	at   Places
}

func newKernel(t *testing.T, cmdline string) kernel {
	t.Helper()
	dir := t.TempDir()
	k := kernel{t, filepath.Join(dir, "root"), Places{filepath.Join(dir, "sys"), filepath.Join(dir, "dev"), filepath.Join(dir, "proc")}}
	k.put(k.root+"/file", "")
	k.put(k.at.Proc+"/cmdline", cmdline)
	k.put(k.at.Dev+"/null", "")
	k.put(k.at.Sys+"/block/.keep", "")
	return k
}

func (k kernel) put(path, content string) {
	k.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

func (k kernel) link(to, path string) {
	k.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		k.t.Fatal(err)
	}
}

// disk has a disk be there, with that table, and of its partitions those the kernel
// knows.
func (k kernel) disk(name string, t table, known ...int) string {
	k.t.Helper()
	dir := filepath.Join(k.at.Sys, "devices", name)
	k.put(dir+"/size", fmt.Sprint(t.sectors*t.sector/512))
	k.put(dir+"/queue/logical_block_size", fmt.Sprint(t.sector))
	k.put(dir+"/uevent", "DEVNAME="+name+"\n")
	k.link(dir, filepath.Join(k.at.Sys, "block", name))
	for _, n := range known {
		part := fmt.Sprintf("%sp%d", name, n)
		k.put(dir+"/"+part+"/partition", fmt.Sprint(n))
		k.put(dir+"/"+part+"/uevent", "DEVNAME="+part+"\nPARTNAME=wrong\n")
		k.link(dir+"/"+part, filepath.Join(k.at.Sys, "class", "block", part))
	}
	f, err := os.Create(filepath.Join(k.at.Dev, name))
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(t.write(f), f.Truncate(t.sectors*t.sector)); err != nil {
		k.t.Fatal(err)
	}
	return dir
}

// mounted has the root lie on a directory of sysfs.
func (k kernel) mounted(dir string) {
	k.t.Helper()
	major, minor, err := deviceOf(k.root)
	if err != nil {
		k.t.Fatal(err)
	}
	k.link(dir, filepath.Join(k.at.Sys, "dev", "block", fmt.Sprintf("%d:%d", major, minor)))
}

func TestTheCardIsWhereTheRootIs(t *testing.T) {
	card := made(512, 700, 700, shipped())
	other := made(512, 700, 700, shipped())
	copy(other.raw(3)[entryGUID:], bytes.Repeat([]byte{0xab}, 16))
	const otherGUID = "abababab-ABAB-abab-abab-abababababab"
	tests := []struct {
		name, cmdline string
		mounted       string // below devices; "" = on no disk
		want          string
	}{
		{"on a slot", "", "mmcblk1/mmcblk1p3", "mmcblk1"},
		{"the command line names another", "root=/dev/mmcblk0p3", "mmcblk1/mmcblk1p3", "mmcblk1"},
		{"in memory, root by name", "quiet root=/dev/mmcblk0p3 -- root=/dev/mmcblk1p3", "", "mmcblk0"},
		{"in memory, the last root counts", "root=/dev/mmcblk0p3 root=/dev/mmcblk1p3", "", "mmcblk1"},
		{"in memory, root by GUID", "root=PARTUUID=" + otherGUID, "", "mmcblk1"},
		{"in memory, root beside a GUID", "root=PARTUUID=" + otherGUID + "/PARTNROFF=1", "", "mmcblk1"},
		{"a name that two disks have", "root=PARTLABEL=vedette-a", "", ""},
		{"over a network", "root=/dev/nfs", "", ""},
		{"no root", "quiet", "", ""},
	}
	for _, tt := range tests {
		k := newKernel(t, tt.cmdline)
		k.disk("mmcblk0", card, 1, 2, 3, 4, 5, 6)
		k.disk("mmcblk1", other, 1, 2, 3, 4, 5, 6)
		k.put(k.at.Dev+"/sda", "no table")
		if tt.mounted != "" {
			k.mounted(filepath.Join(k.at.Sys, "devices", tt.mounted))
		}
		c, err := Find(k.at, k.root)
		switch {
		case tt.want == "":
			if !errors.Is(err, ErrNoCard) {
				t.Errorf("%s: %v", tt.name, err)
			}
		case err != nil || c.Disk != tt.want || c.Bytes != 700<<20:
			t.Errorf("%s: %+v, %v; want %s", tt.name, c, err, tt.want)
		default:
			want := Part{Data, 6, filepath.Join(k.at.Dev, tt.want+"p6"), 625 << 20, 64 << 20}
			if p, ok := c.Part(Data); !ok || p != want || len(c.Parts()) != 6 {
				t.Errorf("%s: %+v, want %+v of 6", tt.name, p, want)
			}
		}
	}
}

func TestOtherDisksAreNoCard(t *testing.T) {
	tests := []struct {
		name   string
		pieces []piece
		why    string
	}{
		{"a PC's", []piece{{"EFI", 1, 100}, {"root", 100, 600}}, State},
		{"without slots", []piece{{State, 1, 2}, {Data, 100, 600}}, "slot"},
		{"a name twice", shipped(piece{Data, 690, 695}), "2 partitions"},
	}
	for _, tt := range tests {
		k := newKernel(t, "")
		k.mounted(k.disk("sda", made(512, 700, 700, tt.pieces)))
		if _, err := Find(k.at, k.root); !errors.Is(err, ErrNoCard) || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	k := newKernel(t, "")
	k.mounted(k.disk("sda", made(512, 700, 700, shipped())))
	k.put(k.at.Dev+"/sda", strings.Repeat("x", 700<<10))
	if _, err := Find(k.at, k.root); !errors.Is(err, ErrNoCard) || !strings.Contains(err.Error(), "no GPT") {
		t.Errorf("without a table: %v", err)
	}
}

func TestLinksLeadToWhatIsThere(t *testing.T) {
	k := newKernel(t, "")
	old, _, err := plan(made(512, 700, 4096, shipped()), [16]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	dir := k.disk("vda", old, 1, 2, 3, 4, 5, 6) // not the spare
	k.mounted(dir)
	c, err := Find(k.at, k.root)
	if err != nil {
		t.Fatal(err)
	}
	links := filepath.Join(t.TempDir(), "run", "part")
	leads := func(name, want string) {
		t.Helper()
		if err := c.Link(links); err != nil {
			t.Fatal(err)
		}
		got, _ := os.Readlink(filepath.Join(links, name)) // "" if there is none
		if got != want {
			t.Errorf("%s leads to %q, want %q", name, got, want)
		}
	}
	leads(Data, filepath.Join(k.at.Dev, "vdap6"))
	leads(Spare, "")
	k.put(dir+"/vdap7/partition", "7")
	leads(Spare, filepath.Join(k.at.Dev, "vdap7"))
	c.table = c.table.swapped()
	leads(Data, filepath.Join(k.at.Dev, "vdap7"))
	leads(Spare, filepath.Join(k.at.Dev, "vdap6"))
	if err := os.RemoveAll(dir + "/vdap6"); err != nil {
		t.Fatal(err)
	}
	leads(Spare, "")
	if all, err := os.ReadDir(links); err != nil || len(all) != 6 {
		t.Errorf("%d links, %v; want 6", len(all), err)
	}
}
