package flash_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/testkit"
)

// head is what tells whether a disk was touched.
func head(t testing.TB, path string) [32]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, diskBytes)
	n, _ := f.Read(b) // less is also a head
	return sha256.Sum256(b[:n])
}

// refusesDevices asks for devices that must not be written to, with --yes and
// --force, which change nothing about it.
func refusesDevices(t *testing.T, i image) {
	for _, tt := range []struct {
		name   string
		device func(t *testing.T) string
		why    string
	}{
		{"mounted", func(t *testing.T) string {
			d := newDisk(t, diskBytes)
			testkit.Command(t, "mkfs.ext4", "-q", "-F", d.node)
			mount(t, d.node)
			return d.node
		}, "is mounted at /"},
		{"with a mounted partition", func(t *testing.T) string {
			d := partitioned(t)
			testkit.Command(t, "mkfs.ext4", "-q", "-F", d.node+"p1")
			mount(t, d.node+"p1")
			return d.node
		}, "is mounted at /"},
		{"a partition", func(t *testing.T) string {
			return partitioned(t).node + "p1"
		}, "is a partition: name the whole disk, /dev/loop"},
		{"swap", func(t *testing.T) string {
			d := newDisk(t, diskBytes)
			testkit.Command(t, "mkswap", "-q", "-f", d.node)
			testkit.Command(t, "swapon", d.node)
			t.Cleanup(func() { testkit.Command(t, "swapoff", d.node) })
			return d.node
		}, "holds the running system (swap)"},
		{"below a loop device", func(t *testing.T) string {
			d := newDisk(t, diskBytes)
			attach(t, d.node)
			return d.node
		}, "is in use by /dev/loop"},
		{"read-only", func(t *testing.T) string {
			return newDisk(t, diskBytes, "-r").node
		}, "is read-only"},
		{"too small by a sector", func(t *testing.T) string {
			return newDisk(t, imageBytes-512).node
		}, "is too small: it holds 16776704 bytes"},
		{"locked", func(t *testing.T) string {
			d := newDisk(t, diskBytes)
			hold(t, "flock", "-x", d.node, "sh", "-c", "echo ready; read line")
			return d.node
		}, "another program has locked it"},
		{"mounted where we cannot see it", func(t *testing.T) string {
			d := newDisk(t, diskBytes)
			testkit.Command(t, "mkfs.ext4", "-q", "-F", d.node)
			hold(t, "unshare", "--mount", "sh", "-c", "mount -o ro "+d.node+" /mnt && echo ready; read line; umount /mnt")
			return d.node
		}, "is in use"},
		{"no block device", func(t *testing.T) string { return "/dev/null" }, "neither a disk nor a plain file"},
		{"not there", func(t *testing.T) string { return "/dev/sd-none" }, "is not there"},
		{"a directory", func(t *testing.T) string { return t.TempDir() }, "neither a disk nor a plain file"},
		{"a file in no directory", func(t *testing.T) string { return t.TempDir() + "/no/file" }, "its directory is not there"},
		{"the image", func(t *testing.T) string { return i.xz }, "is what is flashed"},
		{"the file behind a loop device", func(t *testing.T) string { return newDisk(t, diskBytes).file }, "is in use as a loop device"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			device := tt.device(t)
			var before [32]byte
			if info, err := os.Stat(device); err == nil && !info.IsDir() {
				before = head(t, device)
			}
			eachShell(t, func(t *testing.T, sh shell) {
				args := []string{"--image", i.xz, "--device", device, "--yes", "--force"}
				run{sh: sh, args: args}.do(t).want(t, 2, tt.why, "nothing was written")
				if info, err := os.Stat(device); err == nil && !info.IsDir() && head(t, device) != before {
					t.Fatal("it was written to")
				}
			})
		})
	}
}

// refusesTheSystemsDisk never goes without --dry-run.
func refusesTheSystemsDisk(t *testing.T, i image) {
	out, err := exec.Command("findmnt", "-n", "-o", "SOURCE", "/").Output()
	source := strings.TrimSpace(string(out))
	if err != nil || !strings.HasPrefix(source, "/dev/") {
		t.Logf("the root of this machine is on no disk: %s%v", out, err)
		return // the machine of newMachine has such a disk
	}
	disks, err := exec.Command("lsblk", "-nrspo", "NAME,TYPE", source).Output()
	if err != nil {
		t.Fatalf("lsblk: %v", err)
	}
	var disk string
	for line := range strings.Lines(string(disks)) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == "disk" {
			disk = f[0]
		}
	}
	if disk == "" {
		t.Logf("below %s is no disk", source)
		return
	}
	eachShell(t, func(t *testing.T, sh shell) {
		run{sh: sh, args: []string{"--dry-run", "--force", "--image", i.xz, "--device", disk}}.do(t).want(t, 2, "holds the running system", "nothing was written")
	})
}

func takesALargeDiskByForceAlone(t *testing.T, i image) {
	d := newDisk(t, 2_000_000_000_512)
	eachShell(t, func(t *testing.T, sh shell) {
		args := []string{"--dry-run", "--image", i.xz, "--device", d.node}
		run{sh: sh, args: args}.do(t).want(t, 2, "is larger than 2 TB (2000.0 GB)", "--force", "nothing was written")
		run{sh: sh, args: append(args, "--force")}.do(t).want(t, 0)
	})
}

func refusesDamagedImages(t *testing.T, i image) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, i image) (image string)
		why   string
	}{
		{"one bit of the image", func(t *testing.T, i image) string {
			writeAt(t, i.xz, 4000, []byte{read(t, i.xz)[4000] ^ 1})
			return i.xz
		}, "is damaged: its checksum is not the one"},
		{"the checksum of another file", func(t *testing.T, i image) string {
			i.sum(t, i.bmap)
			testkit.Command(t, "mv", i.bmap+".sha256", i.xz+".sha256")
			return i.xz
		}, "does not name"},
		{"cut, without a checksum", func(t *testing.T, i image) string {
			testkit.Command(t, "rm", i.xz+".sha256")
			testkit.Command(t, "truncate", "-s", "-100", i.xz)
			return i.xz
		}, "is damaged"},
		{"one digit of the map", func(t *testing.T, i image) string {
			b := read(t, i.bmap)
			at := bytes.LastIndex(b, []byte("</Range>")) - 2
			writeAt(t, i.bmap, int64(at), []byte{b[at] ^ 1})
			return i.xz
		}, "its own checksum is wrong"},
		{"the map of another image", func(t *testing.T, i image) string {
			testkit.Command(t, "truncate", "-s", "+4096", i.plain)
			return i.plain
		}, "it is for an image of"},
		{"no whole sectors", func(t *testing.T, i image) string {
			testkit.Command(t, "truncate", "-s", "+100", i.plain)
			return i.plain
		}, "is not the image of a disk"},
		{"neither kind", func(t *testing.T, i image) string {
			return i.bmap
		}, "neither .img nor .img.xz"},
		{"for another board", func(t *testing.T, i image) string {
			other := filepath.Join(i.dir, "vedette-rpi5-v1.img.xz")
			testkit.Command(t, "cp", i.xz, other)
			return other
		}, "is not for rpi4"},
		{"no place for settings", func(t *testing.T, i image) string {
			testkit.Command(t, "sfdisk", "-q", "--part-label", i.plain, "5", "other")
			testkit.Command(t, "rm", i.bmap)
			return i.plain
		}, "has no partition vedette-setup"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spoilt := i.copy(t)
			image := tt.spoil(t, spoilt)
			eachShell(t, func(t *testing.T, sh shell) {
				file := filepath.Join(t.TempDir(), "card.img")
				args := []string{"--board", "rpi4", "--image", image, "--device", file, "--hostname", "cam"}
				run{sh: sh, args: args}.do(t).want(t, 2, tt.why, "nothing was written")
				if _, err := os.Stat(file); err == nil {
					t.Error("the file was made")
				}
			})
		})
	}
}

func refusesMaps(t *testing.T, i image) {
	i = i.copy(t)
	good := string(read(t, i.bmap))
	// Without a checksum of its own a map is taken as it is: what follows is then looked at.
	at := strings.Index(good, "<BmapFileChecksum> ")
	end := strings.Index(good, "</BmapFileChecksum>")
	good = good[:at] + good[end+len("</BmapFileChecksum>"):]
	for _, tt := range []struct{ name, old, new, why string }{
		{"as it is", "", "", ""},
		{"version 1", `version="2.0"`, `version="1.4"`, "not of version 2"},
		{"another checksum", "> sha256 <", "> md5 <", "not sha256"},
		{"blocks of nothing", "> 4096 <", "> 0 <", "BlockSize"},
		{"a range beyond the end", "> 768-2048 <", "> 768-99999 <", "is not where it may be"},
		{"a range backwards", "> 768-2048 <", "> 768-700 <", "is not where it may be"},
		{"a range that is none", "> 768-2048 <", "> 768-$(reboot) <", "range 2"},
		{"no checksum", `chksum="`, `chksum="zz`, "has no checksum"},
		{"a comment without end", "-->", "--", "has no end"},
		{"empty", good, "", "image of  bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := good
			if tt.old != "" {
				if text = strings.ReplaceAll(good, tt.old, tt.new); text == good {
					t.Fatalf("the map has no %q:\n%s", tt.old, good)
				}
			}
			if err := os.WriteFile(i.bmap, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			eachShell(t, func(t *testing.T, sh shell) {
				res := run{sh: sh, args: []string{"--dry-run", "--image", i.xz, "--device", t.TempDir() + "/card.img"}}.do(t)
				if tt.why == "" {
					res.want(t, 0)
				} else {
					res.want(t, 2, tt.why, "nothing was written")
				}
			})
		})
	}
}

func refusesArguments(t *testing.T, i image) {
	setup := filepath.Join(i.dir, "setup.toml")
	if err := os.WriteFile(setup, []byte("hostname = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, why string }{
		{"--unknown", "--unknown is not an option"},
		{"card.img", "card.img is not an option"},
		{"--device", "--device wants a value"},
		{"--yes", "--yes wants --device"},
		{"--device FILE --size 12k", "not a number of bytes"},
		{"--device FILE --size 4096", "less than the image's"},
		{"--device FILE --hostname -cam", "--hostname -cam: 1 to 63 letters"},
		{"--device FILE --hostname cam_1", "--hostname cam_1"},
		{"--device FILE --hostname=" + strings.Repeat("a", 64), "1 to 63 letters"},
		{"--device FILE --setup " + setup + " --claim", "--setup is a whole vedette.toml"},
		{"--device FILE --setup /none", "no file that can be read"},
		{"--device FILE --wifi net", "is asked for on a terminal"},
		{"--device FILE --wifi-password-stdin", "wants --wifi"},
		{"--device FILE --wifi net --wifi-password-stdin", "no line on the standard input"},
		{"--device FILE --wifi \xff --wifi-password-stdin", "not UTF-8"},
		{"--device FILE --wifi " + strings.Repeat("a", 33) + " --wifi-password-stdin", "longer than 32 bytes"},
		{"--device FILE --board ../rpi4", "no board has such a name"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			eachShell(t, func(t *testing.T, sh shell) {
				file := filepath.Join(t.TempDir(), "card.img")
				args := append([]string{"--image", i.xz}, strings.Fields(strings.ReplaceAll(tt.args, "FILE", file))...)
				run{sh: sh, args: args}.do(t).want(t, 2, tt.why, "nothing was written")
				if _, err := os.Stat(file); err == nil {
					t.Error("the file was made")
				}
			})
		})
	}
}

// dryRunWritesNothing shows what would be written, and a claim code to nobody.
func dryRunWritesNothing(t *testing.T, i image) {
	d := newDisk(t, diskBytes)
	before := head(t, d.file)
	eachShell(t, func(t *testing.T, sh shell) {
		res := run{sh: sh, args: []string{"--dry-run", "--image", i.xz, "--device", d.node, "--claim"}}.do(t)
		res.want(t, 0)
		for _, w := range []string{d.node, "would write 5246976 bytes at byte 3145728", "nothing was written"} {
			if !strings.Contains(res.out, w) {
				t.Errorf("does not say %q:\n%s", w, res.out)
			}
		}
		if strings.Contains(res.out, "claim code") {
			t.Errorf("says a code that is nowhere:\n%s", res.out)
		}
		file := filepath.Join(t.TempDir(), "card.img")
		run{sh: sh, args: []string{"--dry-run", "--image", i.xz, "--device", file}}.do(t).want(t, 0)
		if _, err := os.Stat(file); err == nil {
			t.Error("the file was made")
		}
		if head(t, d.file) != before {
			t.Error("it was written to")
		}
	})
}

// asksForTheName has it typed: nothing else will do.
func asksForTheName(t *testing.T, i image) {
	d := newDisk(t, diskBytes)
	before := head(t, d.file)
	name := filepath.Base(d.node)
	eachShell(t, func(t *testing.T, sh shell) {
		args := []string{"--image", i.xz, "--device", d.node}
		for _, typed := range []string{"", "\n", "yes\n", d.node + "\n", name + "1\n"} {
			run{sh: sh, stdin: typed, args: args}.do(t).want(t, 2, "Type "+name, "nothing was written")
			if head(t, d.file) != before {
				t.Fatalf("typed %q: it was written to", typed)
			}
		}
	})
	eachShell(t, func(t *testing.T, sh shell) {
		run{sh: sh, stdin: name + "\n", args: []string{"--image", i.xz, "--device", d.node}}.do(t).want(t, 0)
		file := filepath.Join(t.TempDir(), "old.img")
		if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		run{sh: sh, stdin: "no\n", args: []string{"--image", i.xz, "--device", file}}.do(t).want(t, 2, "Type old.img", "nothing was written")
		if got := string(read(t, file)); got != "precious" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func mount(t testing.TB, node string) {
	t.Helper()
	dir := t.TempDir()
	testkit.Command(t, "mount", "-o", "ro", node, dir) // so that only flash.sh could write to it
	t.Cleanup(func() { testkit.Command(t, "umount", dir) })
}

// partitioned is a disk with one partition, known to the kernel.
func partitioned(t testing.TB) disk {
	t.Helper()
	d := newDisk(t, diskBytes)
	testkit.Command(t, "addpart", d.node, "1", "2048", "36864")
	t.Cleanup(func() { testkit.Command(t, "delpart", d.node, "1") })
	return d
}

// hold runs a program that says ready and then waits for its standard input to end.
func hold(t testing.TB, name string, arg ...string) {
	t.Helper()
	cmd := exec.Command(name, arg...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // how it ends says nothing
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s said %q, %v", name, line, err)
	}
}
