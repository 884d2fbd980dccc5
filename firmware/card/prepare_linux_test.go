package card

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vedette/internal/testkit"
)

// told returns the types of a report's events.
func told(r Report) []string {
	var all []string
	for _, e := range r.Events {
		all = append(all, e.Type)
	}
	return all
}

// faults returns what went wrong in a report.
func faults(r Report) []string {
	var all []string
	for _, s := range r.Steps {
		if s.Error != "" {
			all = append(all, s.Name+": "+s.Error)
		}
	}
	return all
}

// room returns how many bytes vedette-data has.
func (s *slot) room() int64 {
	s.t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(s.data, &st); err != nil {
		s.t.Fatal(err)
	}
	return int64(st.Blocks) * int64(st.Bsize)
}

func TestTheFirstStartGrowsTheCard(t *testing.T) {
	for _, options := range [][]string{{}, {"-b", "4096"}} {
		s := flashed(t, 4096, options...)
		root := t.TempDir()
		testkit.Command(t, "mkfs.ext4", "-q", s.node+"p3")
		testkit.Command(t, "mount", "-o", "ro", s.node+"p3", root) // the disk is in use
		unmount := func() { testkit.Command(t, "umount", root) }
		c, err := Find(Places{}, root)
		if err != nil || "/dev/"+c.Disk != s.node {
			t.Fatalf("%+v, %v", c, err)
		}
		c.machine = resizer{c.machine, s.data}
		r := s.prepare(c)
		if got := faults(r); got != nil || !slices.Equal(told(r), []string{"card_grown"}) || r.Check != Clean {
			t.Errorf("faults %q, told %q, %s", got, told(r), r.Check)
		}
		const want = (3836 - 625) << 20
		if s.holds() != "precious" || s.room() < want*95/100 || r.DataBytes != want || r.SpareBytes != 256<<20 {
			t.Errorf("file %q, %d bytes of %d, spare %d", s.holds(), s.room(), r.DataBytes, r.SpareBytes)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
		s.valid()
		s.mountedWith("rw", "nosuid", "nodev", "noexec", "noatime", "commit=30", "errors=remount-ro")
		before := s.tableBytes()
		for _, next := range []func() *Card{s.find, func() *Card { unmount(); return s.reboot() }} {
			r = s.prepare(next())
			if len(faults(r))+len(told(r)) > 0 || s.holds() != "precious" || r.DataBytes != want || r.Volatile || r.Fresh {
				t.Errorf("the second time: %+v", r)
			}
			if s.tableBytes() != before {
				t.Error("the table was written again")
			}
		}
	}
}

// mountedWith looks at the options.
func (s *slot) mountedWith(options ...string) {
	s.t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, " "+s.data+" ") {
			continue
		}
		for _, option := range options {
			if !strings.Contains(line, option) {
				s.t.Errorf("no %s in %s", option, line)
			}
		}
		return
	}
	s.t.Errorf("nothing is mounted at %s", s.data)
}

// tableBytes returns both copies as they are in the file.
func (s *slot) tableBytes() string {
	s.t.Helper()
	f, err := os.Open(s.node)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 2<<20)
	end, err := f.Seek(0, 2)
	if err != nil {
		s.t.Fatal(err)
	}
	_, one := f.ReadAt(b[:1<<20], 0)
	_, two := f.ReadAt(b[1<<20:], end-1<<20)
	if err := errors.Join(one, two); err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// cutter is the machine on which the process ends before a call.
type cutter struct {
	machine
	left int
}

func (c *cutter) spend() {
	if c.left == 0 {
		runtime.Goexit()
	}
	c.left--
}

func (c *cutter) Program(ctx context.Context, name string, arg ...string) (string, int, error) {
	c.spend()
	return c.machine.Program(ctx, name, arg...)
}
func (c *cutter) WriteTable(node string, t table) error {
	c.spend()
	return c.machine.WriteTable(node, t)
}
func (c *cutter) AddPartition(node string, n int, start, length int64) error {
	c.spend()
	return c.machine.AddPartition(node, n, start, length)
}
func (c *cutter) ResizePartition(node string, n int, start, length int64) error {
	c.spend()
	return c.machine.ResizePartition(node, n, start, length)
}
func (c *cutter) Mount(m mounting) error             { c.spend(); return c.machine.Mount(m) }
func (c *cutter) Unmount(dir string) error           { c.spend(); return c.machine.Unmount(dir) }
func (c *cutter) Probe(dir string) error             { c.spend(); return c.machine.Probe(dir) }
func (c *cutter) Trim(dir string) (int64, error)     { c.spend(); return c.machine.Trim(dir) }
func (c *cutter) Discard(node string, n int64) error { c.spend(); return c.machine.Discard(node, n) }

// cutAfter prepares a card, and reports whether that came to its end within n calls.
func (s *slot) cutAfter(c *Card, n int) bool {
	s.t.Helper()
	cut := &cutter{c.machine, n}
	c.machine = cut
	ended := make(chan bool, 1)
	go func() {
		whole := false
		defer func() { ended <- whole }()
		if _, err := c.Prepare(s.t.Context(), s.data); err != nil {
			s.t.Error(err)
		}
		whole = true
	}()
	return <-ended
}

// TestWhereverItEndsTheNextStartFinishes ends the process before each call in turn;
// then the board starts again, or the process alone does.
func TestWhereverItEndsTheNextStartFinishes(t *testing.T) {
	for name, again := range map[string]func(*slot) *Card{"board": (*slot).reboot, "process": (*slot).find} {
		everyCut(t, "first start, "+name, 6, func(t *testing.T, n int) (ended bool) {
			s := flashed(t, 1400)
			if s.cutAfter(s.find(), n) {
				return true
			}
			r := s.prepare(again(s))
			if len(faults(r)) > 0 || s.holds() != "precious" || r.DataBytes != (1140-625)<<20 || r.SpareBytes != 256<<20 || s.room() < 480<<20 {
				t.Errorf("%+v, %q, %d bytes", r, s.holds(), s.room())
			}
			s.valid()
			return false
		})
		everyCut(t, "replacement, "+name, 7, func(t *testing.T, n int) (ended bool) {
			s := flashed(t, 1144)
			s.prepare(s.find())
			c := s.reboot()
			s.ruin(6)
			before := s.sum(6)
			if s.cutAfter(c, n) {
				return true
			}
			r := s.prepare(again(s))
			if part, _ := s.find().Part(Data); part.Number != 7 || r.Volatile || s.room() < 200<<20 {
				t.Errorf("%s is partition %d: %+v", Data, part.Number, r)
			}
			if s.sum(6) != before {
				t.Error("what was there is not kept")
			}
			s.valid()
			return false
		})
	}
}

// everyCut calls f with each number of calls up to want, after which alone it is to
// say that it came to its end.
func everyCut(t *testing.T, name string, want int, f func(t *testing.T, n int) (ended bool)) {
	for n := range want + 1 {
		ended := false
		t.Run(fmt.Sprintf("%s, cut %d", name, n), func(t *testing.T) { ended = f(t, n) })
		if ended != (n == want) {
			t.Fatalf("%s: after %d calls it has ended: %v, want that after %d", name, n, ended, want)
		}
	}
}

func mounted(dir string) bool {
	_, is, err := Places{"/sys", "/dev", "/proc"}.mountedAt(dir)
	return err == nil && is
}

func TestADamagedFileSystemIsRepaired(t *testing.T) {
	s := flashed(t, 1400)
	s.prepare(s.find())
	c := s.reboot()
	s.spoil(6, 0, 4096) // the first superblock
	r := s.prepare(c)
	if r.Check != Repaired || !slices.Equal(told(r), []string{"data_repaired"}) || s.holds() != "precious" || r.Fresh || r.Volatile {
		t.Errorf("%+v, %q", r, s.holds())
	}
}

func TestADamagedPartitionIsKeptAndReplaced(t *testing.T) {
	s := flashed(t, 1400)
	s.prepare(s.find())
	testkit.Command(t, "umount", s.data)
	c := s.find()
	s.spoil(6, 0, 515<<20) // every byte
	before := s.sum(6)
	r := s.prepare(c)
	if !r.Fresh || r.Kept != Spare || r.Overwrote || r.Volatile || r.Check != Broken || !slices.Equal(told(r), []string{"data_replaced"}) {
		t.Errorf("%+v", r)
	}
	if s.holds() != "" || s.sum(6) != before || r.DataBytes != 256<<20 || r.SpareBytes != 515<<20 {
		t.Errorf("%q, kept %v, %+v", s.holds(), s.sum(6) == before, r)
	}
	s.mountedWith("rw", "nosuid", "nodev", "noexec", "noatime", "commit=30") // the rest is in its superblock
	s.valid()
	if err := os.WriteFile(filepath.Join(s.data, "file"), []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = s.prepare(s.reboot())
	if s.holds() != "second" || len(told(r))+len(faults(r)) > 0 {
		t.Errorf("the next start: %q, %+v", s.holds(), r)
	}

	c = s.reboot()
	s.ruin(7)
	before = s.sum(7)
	r = s.prepare(c)
	if !r.Fresh || !r.Overwrote || s.sum(7) != before || r.DataBytes != 515<<20 || s.room() < 480<<20 || s.holds() != "" {
		t.Errorf("replaced again: %+v", r)
	}
	s.valid()
}

func TestWithoutASpareDataIsInMemory(t *testing.T) {
	s := flashed(t, 1000)
	r := s.prepare(s.find())
	if r.SpareBytes != 0 || r.DataBytes != (996-625)<<20 || len(faults(r)) > 0 {
		t.Errorf("%+v", r)
	}
	c := s.reboot()
	s.ruin(6)
	before := s.sum(6)
	for range 2 {
		r = s.prepare(c)
		if !r.Volatile || r.Fresh || !slices.Equal(told(r), []string{"data_volatile"}) || s.sum(6) != before {
			t.Errorf("%+v", r)
		}
		if err := os.WriteFile(filepath.Join(s.data, "file"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// TestTheMachinesFaultIsNotTheCards refuses to mount for other reasons than damage.
func TestTheMachinesFaultIsNotTheCards(t *testing.T) {
	s := flashed(t, 1400)
	s.prepare(s.find())
	c := s.reboot()
	c.machine = busy{c.machine}
	before := s.sum(7)
	r, err := c.Prepare(t.Context(), s.data)
	if err != nil || !r.Volatile || s.sum(7) != before {
		t.Errorf("%v, %+v", err, r)
	}
}

type busy struct{ machine }

func (b busy) Mount(m mounting) error {
	if m.fs == "ext4" {
		m.source = "/dev/none"
	}
	return b.machine.Mount(m)
}

func TestForeignPartitionsAreNotTouched(t *testing.T) {
	s := flashed(t, 1400)
	add := []string{"-q", "--no-reread", "--no-tell-kernel", "--relocate", "gpt-bak-std", s.node}
	testkit.Command(t, "sfdisk", add...)
	c := s.find()
	foreign := c.table.clone()
	foreign.put(headerLast, foreign.sectors-2-foreign.entrySectors())
	foreign.add(7, [16]byte{9}, "photos", 1000<<11, 1100<<11-1)
	if err := (system{}).WriteTable(s.node, foreign); err != nil {
		t.Fatal(err)
	}
	before := s.tableBytes()
	r := s.prepare(s.reboot())
	if got := faults(r); len(got) != 1 || !strings.Contains(got[0], "partition 7 lies behind") || s.tableBytes() != before || s.holds() != "precious" {
		t.Errorf("%q, %q", got, s.holds())
	}
}

func TestADamagedTableIsPutInOrder(t *testing.T) {
	s := flashed(t, 1400)
	s.prepare(s.find())
	before := s.tableBytes()
	s.unplug()
	f, err := os.OpenFile(s.image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 512), 1024); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.plug()
	testkit.Command(t, "partx", "-u", s.node)
	r := s.prepare(s.find())
	if s.tableBytes() != before || s.holds() != "precious" || len(faults(r)) > 0 {
		t.Errorf("%+v", r)
	}
	s.valid()
}

// TestAResetIsCarriedOutBeforeAnythingReads also ends the process before each call.
func TestAResetIsCarriedOutBeforeAnythingReads(t *testing.T) {
	s := flashed(t, 1144)
	s.prepare(s.find())
	if err := os.Remove(filepath.Join(s.data, "file")); err != nil {
		t.Fatal(err)
	}
	everyCut(t, "reset", 5, func(t *testing.T, n int) (ended bool) {
		fill(t, s.data)
		if err := RequestReset(s.data, true); err != nil {
			t.Fatal(err)
		}
		keeping := s.reboot().table
		keeping.setFlags(7, kept)
		if err := (system{}).WriteTable(s.node, keeping); err != nil {
			t.Fatal(err)
		}
		s.spoil(7, 0, 4<<20)
		ended = s.cutAfter(s.find(), n)
		r := s.prepare(s.reboot())
		if ended != (r.Reset == nil) || !ended && (!r.Reset.Done || r.Reset.Footage) || len(faults(r)) > 0 {
			t.Errorf("%+v %+v", r.Reset, r)
		}
		if got := files(t, s.data); !slices.Equal(got, keptFiles()) {
			t.Errorf("left is %q", got)
		}
		if e := s.find().table.named(Spare)[0]; e.flags&kept != 0 || !s.blank(7, 4<<20) {
			t.Errorf("the spare still keeps something: %+v", e)
		}
		return ended
	})
	fill(t, s.data)
	if err := RequestReset(s.data, false); err != nil {
		t.Fatal(err)
	}
	r := s.prepare(s.reboot())
	if got := files(t, s.data); !slices.Equal(got, goneFiles()) || r.Reset == nil || !r.Reset.Footage || !r.Reset.Done || r.Reset.TrimmedBytes == 0 {
		t.Errorf("%+v, left is %q", r.Reset, got)
	}
}

// TestAPowerCutIsNoDamage starts from a copy of the card that was made while it was
// in use.
func TestAPowerCutIsNoDamage(t *testing.T) {
	s := flashed(t, 1400)
	s.prepare(s.find())
	if err := os.WriteFile(filepath.Join(s.data, "file"), []byte("synced"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, "sync", "-f", s.data)
	cut := s.image + ".cut"
	testkit.Command(t, "cp", "--sparse=always", s.image, cut)
	s.unplug()
	s.image = cut
	s.plug()
	testkit.Command(t, "partx", "-u", s.node)
	r := s.prepare(s.find())
	if s.holds() != "synced" || len(told(r))+len(faults(r)) > 0 || r.Check != Clean && r.Check != Tidied {
		t.Errorf("%q, %+v", s.holds(), r)
	}
}

// ext4Setup is a machine on which vedette-setup is ext4, for kernels without vfat.
type ext4Setup struct {
	machine
	refuse bool
}

func (m ext4Setup) Mount(of mounting) error {
	of.fs, of.data = "ext4", ""
	if m.refuse && !of.readOnly {
		return errors.New("it is worn")
	}
	return m.machine.Mount(of)
}

func TestSetupIsMountedOnlyWhileItIsUsed(t *testing.T) {
	s := flashed(t, 700)
	testkit.Command(t, "mkfs.ext4", "-q", s.node+"p5")
	c, dir, mine := s.find(), filepath.Join(t.TempDir(), "setup"), errors.New("mine")
	real := c.machine
	c.machine = ext4Setup{machine: real}
	err := c.WithSetup(dir, func(readOnly error) error {
		if readOnly != nil || !mounted(dir) {
			t.Errorf("%v, mounted %v", readOnly, mounted(dir))
		}
		return errors.Join(mine, os.WriteFile(filepath.Join(dir, "vedette.toml"), []byte("x"), 0o600))
	})
	if !errors.Is(err, mine) || mounted(dir) {
		t.Errorf("%v, still mounted %v", err, mounted(dir))
	}
	c.machine = ext4Setup{real, true}
	err = c.WithSetup(dir, func(readOnly error) error {
		if _, err := os.Stat(filepath.Join(dir, "vedette.toml")); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "y"), nil, 0o600); !errors.Is(err, unix.EROFS) || readOnly == nil {
			t.Errorf("%v, %v", err, readOnly)
		}
		return nil
	})
	if err != nil || mounted(dir) {
		t.Errorf("%v, still mounted %v", err, mounted(dir))
	}
	s.spoil(5, 0, 32<<20)
	if err := c.WithSetup(dir, func(error) error { t.Error("called"); return nil }); err == nil {
		t.Error("what cannot be mounted is no error")
	}
}
