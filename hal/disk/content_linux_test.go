package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/testkit"

	"golang.org/x/sys/unix"
)

const testUUID = "0b8fc2d5-3c1d-4b8a-9d5e-5b6f2f1f0a11"

// mountAt mounts a partition until the test ends or unmount is called.
func mountAt(t *testing.T, name string, options ...string) (dir string, unmount func()) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "my disk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	testkit.Command(t, "mount", append(options, node(name), dir)...)
	is := true
	unmount = func() {
		if is {
			is = false
			testkit.Command(t, "umount", dir)
		}
	}
	t.Cleanup(unmount)
	return dir, unmount
}

// only returns the disk's one part.
func only(t *testing.T, d *Device) Part {
	t.Helper()
	parts, err := d.Parts()
	if err != nil || len(parts) != 1 {
		t.Fatalf("parts %+v, %v; want one", parts, err)
	}
	return parts[0]
}

func busy(t *testing.T, d *Device, want string) {
	t.Helper()
	if why, err := d.Busy(); err != nil || why != want {
		t.Errorf("busy: %q, %v; want %q", why, err, want)
	}
}

func TestADiskWithoutATableTellsWhatItHolds(t *testing.T) {
	d := loop(t, 32<<20)
	if parts, err := d.Parts(); err != nil || parts != nil {
		t.Errorf("an empty disk has %+v, %v", parts, err)
	}
	busy(t, d, "")
	testkit.Command(t, "mkfs.ext4", "-q", "-m", "0", "-L", "my di$k ü", "-U", testUUID, d.path())
	want := Part{Name: d.Info.Name, FS: "ext4", UUID: testUUID, Label: "my di$k ü", Bytes: 32 << 20}
	if p := only(t, d); p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	dir, unmount := mountAt(t, d.Info.Name)
	p := only(t, d)
	if p.Mount != dir || p.ReadOnly || p.Free < 16<<20 || p.Used <= 0 || p.Used+p.Free > p.Bytes {
		t.Errorf("mounted at %q: %+v", dir, p)
	}
	busy(t, d, "mounted at "+dir)
	unmount()
	dir, _ = mountAt(t, d.Info.Name, "-o", "ro")
	if p := only(t, d); p.Mount != dir || !p.ReadOnly {
		t.Errorf("mounted read-only at %q: %+v", dir, p)
	}
}

func TestPartitionsAreToldInTheirOrder(t *testing.T) {
	d := loop(t, 32<<20)
	split(t, d, 4<<20, 12)
	parts, err := d.Parts()
	if err != nil || len(parts) != 12 {
		t.Fatalf("%+v, %v; want 12", parts, err)
	}
	if p, want := parts[9], (Part{Name: d.Info.Name + "p10", Bytes: 1 << 20}); p != want {
		t.Errorf("the tenth is %+v, want %+v", p, want)
	}
	testkit.Command(t, "mkfs.ext4", "-q", node(parts[11].Name))
	dir, _ := mountAt(t, parts[11].Name)
	busy(t, d, "mounted at "+dir)
}

func TestWhoUsesADisk(t *testing.T) {
	d := loop(t, 4<<20)
	fd, err := unix.Open(d.path(), unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	busy(t, d, "opened by somebody")
	unix.Close(fd)
	busy(t, d, "")

	busy(t, loop(t, 4<<20, "-r"), "read-only")

	testkit.Command(t, "mkswap", d.path())
	if p := only(t, d); p.FS != "swap" {
		t.Errorf("%+v is no swap", p)
	}
	if err := swap(unix.SYS_SWAPON, d.path()); err != nil {
		t.Logf("swap is not tried: %v", err)
	} else {
		busy(t, d, "swap")
		if err := swap(unix.SYS_SWAPOFF, d.path()); err != nil {
			t.Fatal(err)
		}
	}
	gone := &Device{Info{Name: "gone"}, "/sys/block/gone"}
	if _, err := gone.Busy(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a disk that went: %v", err)
	}
	if _, err := gone.Parts(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a disk that went: %v", err)
	}
}

func TestHoldersOfDiskAndPartitionsAreSeen(t *testing.T) {
	for _, holder := range []string{"sdz/holders/dm-7", "sdz/sdz1/holders/dm-7"} {
		sys := sysfs(t, nil, map[string]string{"sdz/sdz1/partition": "1", holder: "", "sdz/dev": "8:400", "sdz/sdz1/dev": "8:401"})
		busy(t, &Device{Info{Name: "sdz"}, filepath.Join(sys, "sdz")}, "used by dm-7")
	}
}

func TestTwoThingsOnOneDisk(t *testing.T) {
	d := loop(t, 32<<20)
	testkit.Command(t, "mkfs.ext4", "-q", d.path())
	f, err := os.OpenFile(d.path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	squashfs := append([]byte("hsqs"), make([]byte, 26)...)
	squashfs[28] = 4 // its version
	if _, err := f.WriteAt(squashfs, 0); err != nil {
		t.Fatal(err)
	}
	if p := only(t, d); p.FS != "several" {
		t.Errorf("%+v is both ext4 and squashfs", p)
	}
}
