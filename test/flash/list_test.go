package flash_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vedette/internal/testkit"
)

// machine is what the kernel shows of a machine's disks, mounted over /sys and /dev for
// flash.sh alone. Its USB stick sdb is really a loop device.
type machine struct {
	sys, dev string
	boot     string // a loop device that is mounted at /boot, and is its sde1
}

// newMachine has the disks of a small PC with card readers.
func newMachine(t testing.TB, stick disk) machine {
	t.Helper()
	m := machine{t.TempDir(), t.TempDir(), newDisk(t, diskBytes).node}
	testkit.Command(t, "mkfs.ext4", "-q", "-F", m.boot)
	number := func(path string) uint64 {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		return st.Rdev
	}
	usb := "devices/pci0000:00/usb1/1-2"
	card := map[string]string{"device/type": "SD", "device/name": "SC32G", "device/serial": "0x1234abcd"}
	m.write(t, usb, map[string]string{"idVendor": "0781", "serial": "4C530001\x1b[2J"})
	m.disk(t, usb+"/host6/target6:0:0/6:0:0:0/block/sdb", number(stick.node), diskBytes, map[string]string{"removable": "1", "device/vendor": "SanDisk ", "device/model": "Ultra Fit       ", "diskseq": "11"})
	m.disk(t, usb+"/host6/target6:0:0/6:0:0:1/block/sdc", unix.Mkdev(8, 32), 0, map[string]string{"removable": "1"})
	m.disk(t, "devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0/block/sda", unix.Mkdev(8, 0), 4e12, map[string]string{"device/model": "WDC WD40EFRX"})
	m.disk(t, "devices/pci0000:00/usb2/2-1/host7/target7:0:0/7:0:0:0/block/sdd", unix.Mkdev(8, 48), 4e12, map[string]string{"device/model": "Elements"})
	m.disk(t, "devices/pci0000:00/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0", unix.Mkdev(179, 0), 31914983424, card)
	m.disk(t, "devices/pci0000:00/mmc_host/mmc1/mmc1:0001/block/mmcblk1", unix.Mkdev(179, 8), 31914983424, map[string]string{"device/type": "MMC", "device/name": "eMMC"})
	m.disk(t, "devices/pci0000:00/ata2/host1/target1:0:0/1:0:0:0/block/sr0", unix.Mkdev(11, 0), 1e9, map[string]string{"removable": "1"})
	m.disk(t, "devices/pci0000:00/mmc_host/mmc2/mmc2:bbbb/block/mmcblk2", unix.Mkdev(179, 16), 4e6, card)
	m.disk(t, "devices/pci0000:00/usb3/3-1/host8/target8:0:0/8:0:0:0/block/sde", unix.Mkdev(8, 64), 64e9, map[string]string{"removable": "1"})
	m.disk(t, "devices/pci0000:00/usb3/3-1/host8/target8:0:0/8:0:0:0/block/sde/sde1", number(m.boot), 63e9, map[string]string{"partition": "1"})
	m.disk(t, "devices/pci0000:00/usb4/4-1/host9/target9:0:0/9:0:0:0/block/sdf", unix.Mkdev(8, 80), 64e9, map[string]string{"holders/md0/x": ""})
	for _, name := range []string{"null", "zero", "urandom", "tty"} {
		m.node(t, name, unix.S_IFCHR, number("/dev/"+name))
	}
	m.node(t, "sdb", unix.S_IFBLK, number(stick.node))
	m.node(t, "sda", unix.S_IFBLK, unix.Mkdev(8, 0))
	m.node(t, "sde", unix.S_IFBLK, unix.Mkdev(8, 64))
	return m
}

// disk is one of the kernel's directories, with links to it.
func (m machine) disk(t testing.TB, dir string, number uint64, bytes int64, files map[string]string) {
	t.Helper()
	name := filepath.Base(dir)
	dev := fmt.Sprintf("%d:%d", unix.Major(number), unix.Minor(number))
	m.write(t, dir, map[string]string{"size": fmt.Sprint(bytes / 512), "dev": dev, "ro": "0", "removable": "0"})
	m.write(t, dir, files)
	for _, link := range []string{"class/block/" + name, "dev/block/" + dev} {
		path := filepath.Join(m.sys, link)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../"+dir, path); err != nil {
			t.Fatal(err)
		}
	}
}

func (m machine) write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(m.sys, dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (m machine) node(t testing.TB, name string, kind uint32, number uint64) {
	t.Helper()
	path := filepath.Join(m.dev, name)
	if err := unix.Mknod(path, kind|0o600, int(number)); err != nil {
		testkit.Lacking(t, "mknod: "+err.Error())
	}
	if f, err := os.Open(path); errors.Is(err, unix.EACCES) {
		testkit.Lacking(t, "the directory for temporary files is mounted without devices")
	} else if err == nil {
		f.Close()
	}
}

// in is the program that starts another one in the machine.
func (m machine) in() []string {
	return []string{"unshare", "--mount", "sh", "-c", `mount -o ro "$1" /boot && mount --bind "$2" /sys && mount --bind "$3" /dev && shift 3 && exec "$@"`, "sh", m.boot, m.sys, m.dev}
}

// lists shows what may be meant, and why some of it may not be chosen.
func lists(t *testing.T, i image) {
	m := newMachine(t, newDisk(t, diskBytes))
	for _, tt := range []struct {
		name, stdin string
		args        []string
		code        int
		says        []string
	}{
		{"nothing chosen", "", nil, 2, []string{"Which one?", "no answer"}},
		{"no such number", "9\n", nil, 2, []string{"none has the number 9"}},
		{"not a number", "/dev/sda\n", nil, 2, []string{"none has the number /dev/sda"}},
		{"the system's", "5\n", []string{"--force"}, 2, []string{"/dev/sde holds the running system (/boot)"}},
		{"another's, named", "", []string{"--device", "/dev/sda"}, 2, []string{"/dev/sda is larger than 2 TB"}},
		{"without its directory", "", []string{"--device", "sdb"}, 2, []string{"is /dev/sdb meant?"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, sh shell) {
				run{sh: sh, stdin: tt.stdin, wrap: m.in(), args: append([]string{"--image", i.xz, "--dry-run"}, tt.args...)}.do(t).want(t, tt.code, append(tt.says, "nothing was written")...)
			})
		})
	}
	eachShell(t, func(t *testing.T, sh shell) {
		res := run{sh: sh, wrap: m.in(), args: []string{"--image", i.xz, "--dry-run"}}.do(t)
		var got []string
		for line := range strings.Lines(res.err) {
			if strings.HasPrefix(line, "  ") {
				got = append(got, strings.TrimRight(line, "\n"))
			}
		}
		want := []string{
			"  1  /dev/mmcblk0  31.9 GB  SD  SC32G  serial 0x1234abcd",
			"  2  /dev/mmcblk2  3.9 MB  SD  SC32G  serial 0x1234abcd",
			"     not possible: it is too small: it holds 3999744 bytes, the image has 16777216",
			"  3  /dev/sdb  22.0 MB  USB  SanDisk Ultra Fit  serial 4C530001[2J",
			"  4  /dev/sdd  4000.0 GB  USB  Elements",
			"     not possible: it is larger than 2 TB (4000.0 GB), hardly a card: --force takes it all the same",
			"  5  /dev/sde  64.0 GB  USB",
			"     not possible: it holds the running system (/boot)",
			"  6  /dev/sdf  64.0 GB  USB",
			"     not possible: it is part of md0 (LVM, RAID or encryption)",
		}
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("lists\n%s\nwant\n%s", g, w)
		}
	})
}

// writesWhatWasChosen chooses by number, and types the name.
func writesWhatWasChosen(t *testing.T, i image) {
	stick := newDisk(t, diskBytes)
	m := newMachine(t, stick)
	eachShell(t, func(t *testing.T, sh shell) {
		writeAt(t, stick.file, 0, dirt(diskBytes))
		run{sh: sh, stdin: "3\nsdb\n", wrap: m.in(), args: []string{"--image", i.xz}}.do(t).want(t, 0, "Type sdb")
		if got, want := read(t, stick.file)[:imageBytes], read(t, i.plain); !bytes.Equal(got, want) {
			t.Errorf("differs from the image at byte %d", difference(got, want))
		}
	})
}

// noticesAnotherCard changes the card while the name is typed.
func noticesAnotherCard(t *testing.T, i image) {
	stick := newDisk(t, diskBytes)
	before := head(t, stick.file)
	m := newMachine(t, stick)
	for file, text := range map[string]string{"diskseq": "12", "size": "43007"} {
		t.Run(file, func(t *testing.T) {
			eachShell(t, func(t *testing.T, sh shell) {
				path := filepath.Join(m.sys, "class/block/sdb", file)
				old := read(t, path)
				defer func() {
					if err := os.WriteFile(path, old, 0o644); err != nil {
						t.Error(err)
					}
				}()
				r := run{sh: sh, wrap: m.in(), args: []string{"--image", i.xz, "--device", "/dev/sdb"}}
				res := r.meanwhile(t, "sdb", func() {
					if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				})
				res.want(t, 1, "is another device than before", "nothing was written")
				if head(t, stick.file) != before {
					t.Error("it was written to")
				}
			})
		})
	}
}

// noticesAMount has the disk mounted while its name is typed.
func noticesAMount(t *testing.T, i image) {
	eachShell(t, func(t *testing.T, sh shell) {
		d := newDisk(t, diskBytes)
		testkit.Command(t, "mkfs.ext4", "-q", "-F", d.node)
		r := run{sh: sh, args: []string{"--image", i.xz, "--device", d.node}}
		r.meanwhile(t, filepath.Base(d.node), func() { mount(t, d.node) }).want(t, 2, "is mounted at", "nothing was written")
	})
}

// meanwhile runs it, and does something before it types the name.
func (r run) meanwhile(t testing.TB, name string, do func()) result {
	t.Helper()
	cmd := r.command(t)
	cmd.Stdin = nil
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := until(t, out, "go on: ") // its context ends it, should it not ask
	do()
	if _, err := io.WriteString(in, name+"\n"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its code is looked at
	return result{err: said + string(rest), code: cmd.ProcessState.ExitCode()}
}

// until reads up to and with a word.
func until(t testing.TB, r io.Reader, word string) string {
	t.Helper()
	var said []byte
	for one := make([]byte, 1); !bytes.HasSuffix(said, []byte(word)); {
		if _, err := io.ReadFull(r, one); err != nil {
			t.Fatalf("%v after %q", err, said)
		}
		said = append(said, one...)
	}
	return string(said)
}
