package card

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// slot is a card in a slot: a file behind a loop device, and where vedette-data is
// mounted.
type slot struct {
	t           *testing.T
	image, data string
	node        string // /dev/loop0
	options     []string
}

// script lays out the image of the document for sfdisk.
const script = `label: gpt
name=vedette-boot, start=16MiB, size=64MiB, type=U
name=vedette-state, size=1MiB, type=8DA63339-0007-60C0-C436-083AC8230908
name=vedette-a, size=256MiB
name=vedette-b, size=256MiB
name=vedette-setup, size=32MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
name=vedette-data, size=64MiB
`

// flashed returns a card of that many MiB with an image of 700 MiB, of which
// vedette-data holds a file, in its slot.
func flashed(t *testing.T, diskMiB int64, options ...string) *slot {
	t.Helper()
	if os.Getuid() != 0 {
		testkit.Lacking(t, "a loop device needs root")
	}
	dir := t.TempDir()
	s := &slot{t: t, image: filepath.Join(dir, "card.img"), data: filepath.Join(dir, "data"), options: options}
	if err := os.WriteFile(s.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.resizeImage(700)
	s.plug()
	sfdisk := exec.Command("sfdisk", "-q", "--no-reread", "--no-tell-kernel", s.node)
	sfdisk.Stdin = strings.NewReader(script)
	if out, err := sfdisk.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v: %s", err, out)
	}
	s.unplug()
	s.resizeImage(diskMiB)
	s.plug()
	t.Cleanup(func() { s.unplug() })
	testkit.Command(t, "partx", "-u", s.node)
	testkit.Command(t, "mkfs.ext4", "-q", "-b", "4096", "-i", "16384", "-m", "0", "-L", Data, s.node+"p6")
	s.write(6, "precious")
	return s
}

func (s *slot) resizeImage(mib int64) {
	s.t.Helper()
	if err := os.Truncate(s.image, mib<<20); err != nil {
		s.t.Fatal(err)
	}
}

// plug attaches the card.
func (s *slot) plug() {
	s.t.Helper()
	out, err := exec.Command("losetup", append(s.options, "-f", "--show", s.image)...).CombinedOutput()
	if err != nil {
		testkit.Lacking(s.t, "losetup: "+err.Error()+": "+string(out))
	}
	s.node = strings.TrimSpace(string(out))
}

// unplug takes it out, with what is mounted of it. Another process that got a mount
// namespace meanwhile has a copy of the mount, and the kernel keeps the loop device until
// that is gone too: the same file must not be behind a second one.
func (s *slot) unplug() {
	s.t.Helper()
	for mounted(s.data) {
		testkit.Command(s.t, "umount", s.data)
	}
	_ = exec.Command("partx", "-d", s.node).Run() // none is there
	testkit.Command(s.t, "losetup", "-d", s.node)
	testkit.Until(s.t, time.Minute, s.node+" is let go by whoever has a copy of its mounts", func() bool {
		behind := word("/sys/block/"+filepath.Base(s.node), "loop/backing_file")
		return strings.TrimSuffix(behind, " (deleted)") != s.image
	})
}

// reboot takes the card out and puts it in again, and finds it.
func (s *slot) reboot() *Card {
	s.t.Helper()
	s.unplug()
	s.plug()
	testkit.Command(s.t, "partx", "-u", s.node)
	return s.find()
}

func (s *slot) find() *Card {
	s.t.Helper()
	c, err := Find(Places{}, s.node+"p3")
	if err != nil {
		s.t.Fatal(err)
	}
	c.machine = resizer{c.machine, s.data}
	return c
}

// resizer grows a file system while it is not mounted where the kernel would not
// let it grow otherwise: that takes CAP_SYS_RESOURCE, which containers lack.
type resizer struct {
	machine
	data string
}

func (r resizer) Program(ctx context.Context, name string, arg ...string) (string, int, error) {
	said, code, err := r.machine.Program(ctx, name, arg...)
	if name != "resize2fs" || code == 0 || !strings.Contains(said, "Permission denied") {
		return said, code, err
	}
	unmounted := r.Unmount(r.data)
	_, _, checked := r.machine.Program(ctx, "e2fsck", "-f", "-p", arg[0])
	said, code, err = r.machine.Program(ctx, name, arg...)
	again := r.Mount(mounting{source: arg[0], dir: r.data, fs: "ext4", data: dataOptions})
	return said, code, errors.Join(unmounted, checked, err, again)
}

// prepare has a card prepared, and fails the test if a step did.
func (s *slot) prepare(c *Card) Report {
	s.t.Helper()
	r, err := c.Prepare(s.t.Context(), s.data)
	if err != nil {
		s.t.Fatalf("%v: %+v", err, r)
	}
	return r
}

// write puts a file of that content into a partition that is not mounted.
func (s *slot) write(n int, content string) {
	s.t.Helper()
	dir := s.t.TempDir()
	testkit.Command(s.t, "mount", fmt.Sprintf("%sp%d", s.node, n), dir)
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		s.t.Error(err)
	}
	testkit.Command(s.t, "umount", dir)
}

// holds reports what file vedette-data has; "" for none.
func (s *slot) holds() string {
	b, err := os.ReadFile(filepath.Join(s.data, "file"))
	if err != nil {
		return ""
	}
	return string(b)
}

// sum returns a checksum of all of a partition.
func (s *slot) sum(n int) string {
	s.t.Helper()
	f, err := os.Open(fmt.Sprintf("%sp%d", s.node, n))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// blank reports whether the first bytes of a partition are zeros.
func (s *slot) blank(n int, length int64) bool {
	s.t.Helper()
	f, err := os.Open(fmt.Sprintf("%sp%d", s.node, n))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, length)
	if _, err := io.ReadFull(f, b); err != nil {
		s.t.Fatal(err)
	}
	return bytes.Equal(b, make([]byte, length))
}

// spoil overwrites a piece of a partition with what is no zero.
func (s *slot) spoil(n int, offset, length int64) {
	s.t.Helper()
	f, err := os.OpenFile(fmt.Sprintf("%sp%d", s.node, n), os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	junk := make([]byte, 1<<20)
	for i := range junk {
		junk[i] = byte(n + i%7)
	}
	for done := int64(0); done < length; done += int64(len(junk)) {
		if _, err := f.WriteAt(junk[:min(int64(len(junk)), length-done)], offset+done); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		s.t.Fatal(err)
	}
}

// ruin leaves nothing of a file system that could be repaired: no superblock.
func (s *slot) ruin(n int) {
	s.t.Helper()
	s.spoil(n, 0, 4<<20)
	for _, group := range []int64{1, 3} { // where its copies are, up to 640 MiB
		if c := s.find(); c.table.used()[n-1].last-c.table.used()[n-1].first > (group*128<<20+1<<20)/c.table.sector {
			s.spoil(n, group*128<<20, 1<<20)
		}
	}
}

// valid has sfdisk, which shares no code with this, look at the table.
func (s *slot) valid() {
	s.t.Helper()
	out, err := exec.Command("sfdisk", "--verify", s.node).CombinedOutput()
	text := strings.ReplaceAll(string(out), "GPT PMBR size mismatch", "") // the MBR is left alone
	if err != nil || !strings.Contains(text, "No errors detected") || strings.Contains(text, "corrupt") || strings.Contains(text, "mismatch") ||
		strings.Contains(text, "not on the end") {
		s.t.Errorf("sfdisk --verify: %v: %s", err, out)
	}
}
