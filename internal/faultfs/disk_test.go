package faultfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/volume"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, d *Disk, path string, data string) volume.Handle {
	t.Helper()
	h, err := d.Create(path)
	must(t, err)
	write(t, h, data, 0)
	return h
}

func write(t *testing.T, h volume.Handle, data string, off int64) {
	t.Helper()
	if n, err := h.WriteVAt([][]byte{[]byte(data)}, off); err != nil || n != int64(len(data)) {
		t.Fatalf("write: %d, %v", n, err)
	}
}

// reads returns what is in a file after a reboot, "-" if it is not there.
func reads(d *Disk, seed uint64, path string) string {
	data, err := d.Reboot(seed).ReadFile(path)
	if err != nil {
		return "-"
	}
	return string(data)
}

func TestOnlySyncsMakeAnythingLast(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, d *Disk)
		path string
		// What there is if nothing survives, if all does, if names alone do,
		// and if bytes alone do.
		want [4]string
	}{
		{"nothing was synced", func(t *testing.T, d *Disk) { create(t, d, "a", "one") }, "a", [4]string{"-", "one", "", "-"}},
		{"the file was synced, its directory not", func(t *testing.T, d *Disk) {
			must(t, create(t, d, "a", "one").Sync())
		}, "a", [4]string{"-", "one", "one", "-"}},
		{"the directory was synced, the file not", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncDir("."))
		}, "a", [4]string{"", "one", "", "one"}},
		{"both were synced", func(t *testing.T, d *Disk) {
			must(t, create(t, d, "a", "one").Sync())
			must(t, d.SyncDir("."))
		}, "a", [4]string{"one", "one", "one", "one"}},
		{"everything was synced at once", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
		}, "a", [4]string{"one", "one", "one", "one"}},
		{"write-back is no sync", func(t *testing.T, d *Disk) {
			h := create(t, d, "a", "one")
			must(t, d.SyncDir("."))
			must(t, h.StartWriteback(0, 3))
			must(t, h.WaitWriteback(0, 3))
		}, "a", [4]string{"", "one", "", "one"}},
		{"a write after the sync", func(t *testing.T, d *Disk) {
			h := create(t, d, "a", "one")
			must(t, d.SyncFS())
			write(t, h, "two", 3)
		}, "a", [4]string{"one", "onetwo", "one", "onetwo"}},
		{"a truncation after the sync", func(t *testing.T, d *Disk) {
			h := create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, h.Truncate(1))
		}, "a", [4]string{"one", "o", "one", "o"}},
		{"a rename without a sync", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Rename("a", "b"))
		}, "b", [4]string{"-", "one", "one", "-"}},
		{"and the old name", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Rename("a", "b"))
		}, "a", [4]string{"one", "-", "-", "one"}},
		{"a removal without a sync", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Remove("a"))
		}, "a", [4]string{"one", "-", "-", "one"}},
		{"a removal with one", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Remove("a"))
			must(t, d.SyncDir("."))
		}, "a", [4]string{"-", "-", "-", "-"}},
		{"a link without a sync", func(t *testing.T, d *Disk) {
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Link("a", "b"))
		}, "b", [4]string{"-", "one", "one", "-"}},
		{"a directory whose own name was not synced", func(t *testing.T, d *Disk) {
			must(t, d.Mkdir("dir"))
			must(t, create(t, d, "dir/a", "one").Sync())
			must(t, d.SyncDir("dir"))
		}, "dir/a", [4]string{"-", "one", "one", "-"}},
		{"a sync of the directory a file came from is not enough", func(t *testing.T, d *Disk) {
			must(t, d.Mkdir("dir"))
			create(t, d, "a", "one")
			must(t, d.SyncFS())
			must(t, d.Rename("a", "dir/a"))
			must(t, d.SyncDir("."))
		}, "dir/a", [4]string{"-", "one", "one", "-"}},
		{"a rename that lasts takes along that its file was created", func(t *testing.T, d *Disk) {
			must(t, d.Mkdir("dir"))
			must(t, d.SyncFS())
			must(t, create(t, d, "a", "one").Sync())
			must(t, d.Rename("a", "dir/a"))
			must(t, d.SyncDir("dir"))
		}, "dir/a", [4]string{"one", "one", "one", "one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := New(Options{})
			tt.do(t, d)
			for seed, want := range tt.want {
				// A file of which only its name survived may have any size it
				// had, the corner says the first.
				if got := reads(d, uint64(seed), tt.path); got != want {
					t.Errorf("corner %d: %q, want %q", seed, got, want)
				}
			}
		})
	}
}

func TestUnsyncedPagesTearInEveryWay(t *testing.T) {
	d := New(Options{})
	h := create(t, d, "a", string(bytes.Repeat([]byte{'o'}, 4*PageSize)))
	must(t, d.SyncFS())
	write(t, h, string(bytes.Repeat([]byte{'n'}, 4*PageSize)), 0)
	seen, tears := map[string]bool{}, map[int]bool{}
	for seed := range uint64(4000) {
		data := []byte(reads(d, seed, "a"))
		pattern := ""
		for i := range 4 {
			p := data[i*PageSize : (i+1)*PageSize]
			if n := bytes.IndexByte(p, 'o'); n > 0 { // new, then old
				if n%sectorSize != 0 || !bytes.Equal(p[n:], bytes.Repeat([]byte{'o'}, PageSize-n)) {
					t.Fatalf("seed %d: page %d is torn at byte %d", seed, i, n)
				}
				tears[n] = true
			}
			pattern += string(p[:1])
		}
		seen[pattern] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d of 16 patterns of old and new pages came up: %v", len(seen), seen)
	}
	if len(tears) != PageSize/sectorSize-1 {
		t.Errorf("pages were torn at %v, want at every sector", tears)
	}
}

func TestUnsyncedNamesSurviveInEveryWay(t *testing.T) {
	d := New(Options{})
	must(t, d.Mkdir("x"))
	must(t, d.Mkdir("y"))
	create(t, d, "x/a", "1")
	must(t, d.SyncFS())
	must(t, d.Rename("x/a", "y/a"))
	create(t, d, "x/b", "2")
	must(t, d.Rename("x/b", "x/c"))
	seen := map[string]bool{}
	for seed := range uint64(500) {
		var names []string
		for _, f := range d.Reboot(seed).Files() {
			names = append(names, f.Path)
		}
		s := ""
		for _, n := range names {
			s += n + " "
		}
		if slices.Contains(names, "x/a") == slices.Contains(names, "y/a") {
			t.Fatalf("seed %d: the renamed file is there twice or not at all: %s", seed, s)
		}
		seen[s] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d of 6 outcomes came up: %v", len(seen), seen)
	}
}

func TestAFailedSyncLosesWhatItWasToSync(t *testing.T) {
	for _, kind := range []Kind{Sync, SyncFS, WaitWrite} {
		lost := 0
		for seed := range uint64(50) {
			d := New(Options{Seed: seed})
			h := create(t, d, "a", "one")
			must(t, d.SyncDir("."))
			d.Inject(Fault{Kinds: []Kind{kind}, Err: syscall.EIO})
			call := map[Kind]func() error{Sync: h.Sync, SyncFS: d.SyncFS, WaitWrite: func() error { return h.WaitWriteback(0, 3) }}[kind]
			if err := call(); !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s: error %v, want EIO", kind, err)
			}
			must(t, h.Sync()) // says that all is well
			if data, _ := d.ReadFile("a"); string(data) != "one" {
				t.Errorf("%s: the process reads %q", kind, data)
			}
			if got := reads(d, Nothing, "a"); got != "one" {
				lost++
			}
		}
		if lost == 0 || lost == 50 {
			t.Errorf("%s: of 50 failures %d lost the bytes", kind, lost)
		}
	}
}

func TestThePowerIsCutBeforeAnOperation(t *testing.T) {
	d := New(Options{})
	d.CutAt(4)
	h := create(t, d, "a", "one") // operations 1 and 2
	must(t, h.Sync())
	if err := d.SyncDir("."); !errors.Is(err, ErrPowerLost) {
		t.Errorf("SyncDir = %v, want ErrPowerLost", err)
	}
	if _, err := h.WriteVAt([][]byte{{1}}, 0); !errors.Is(err, ErrPowerLost) {
		t.Errorf("write = %v, want ErrPowerLost", err)
	}
	if got := reads(d, Nothing, "a"); got != "-" {
		t.Errorf("the disk holds %q, want nothing", got)
	}
	if _, err := d.Reboot(Everything).Open("a"); err != nil {
		t.Errorf("after the reboot: %v", err)
	}
}

func TestRebootDependsOnTheSeedAlone(t *testing.T) {
	d := New(Options{})
	for _, p := range []string{"a", "b", "c", "d"} {
		create(t, d, p, string(bytes.Repeat([]byte(p), 3*PageSize)))
	}
	for seed := range uint64(50) {
		one, two := d.Reboot(seed), d.Reboot(seed)
		if !slices.Equal(one.Files(), two.Files()) {
			t.Fatalf("seed %d: %v and %v", seed, one.Files(), two.Files())
		}
		for _, f := range one.Files() {
			x, _ := one.ReadFile(f.Path)
			y, _ := two.ReadFile(f.Path)
			if !bytes.Equal(x, y) {
				t.Fatalf("seed %d: %s differs", seed, f.Path)
			}
		}
	}
}

func TestSpaceRunsOutAndComesBack(t *testing.T) {
	d := New(Options{Capacity: 10 * PageSize})
	free := func() int64 { s, err := d.Space(); must(t, err); return s.Available / PageSize }
	if got := free(); got != 9 { // one for the root
		t.Fatalf("%d pages free, want 9", got)
	}
	h := create(t, d, "a", "x")
	must(t, h.Preallocate(0, 4*PageSize))
	if got := free(); got != 5 {
		t.Errorf("%d pages free after preallocation, want 5", got)
	}
	if err := h.Preallocate(4*PageSize, 6*PageSize); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Preallocate = %v, want ENOSPC", err)
	}
	write(t, h, string(make([]byte, 4*PageSize)), 0)
	if got := free(); got != 5 {
		t.Errorf("%d pages free after writing what was reserved, want 5", got)
	}
	n, err := h.WriteVAt([][]byte{make([]byte, 8*PageSize)}, 4*PageSize)
	if n != 5*PageSize || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write = %d, %v, want %d and ENOSPC", n, err, 5*PageSize)
	}
	if _, err := d.Create("b"); err != nil {
		t.Errorf("an empty file takes no page: %v", err)
	}
	if err := d.Mkdir("dir"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Mkdir = %v, want ENOSPC", err)
	}
	must(t, d.Link("a", "c"))
	must(t, d.Remove("a"))
	must(t, d.Remove("c"))
	if got := free(); got != 0 {
		t.Errorf("%d pages free while a removed file is open, want 0", got)
	}
	must(t, h.Close())
	if got := free(); got != 9 {
		t.Errorf("%d pages free, want 9", got)
	}
}

func TestTruncationGivesBackWhatWasPreallocated(t *testing.T) {
	d := New(Options{})
	h := create(t, d, "a", "x")
	must(t, h.Preallocate(0, 100*PageSize))
	must(t, h.Truncate(1))
	if f := d.Files()[0]; f.Allocated != PageSize || f.Size != 1 {
		t.Errorf("%+v, want one page", f)
	}
}

func TestFaultsHitWhatTheyFit(t *testing.T) {
	d := New(Options{})
	h := create(t, d, "a", "x")
	d.Inject(Fault{At: d.Ops() + 2, Err: syscall.ENOSPC})
	must(t, d.SyncDir("."))
	if _, err := d.ReadDir("."); err != nil {
		t.Errorf("reading never lacks space: %v", err)
	}
	if _, err := d.Create("b"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Create = %v, want ENOSPC", err)
	}
	if _, err := d.Create("b"); err != nil {
		t.Errorf("the fault came twice: %v", err)
	}
	d.Inject(Fault{Kinds: []Kind{Write}, Prefix: "a", Err: syscall.EIO, Short: 2, Sticky: true})
	for range 2 {
		if n, err := h.WriteVAt([][]byte{[]byte("abc")}, 0); n != 2 || !errors.Is(err, syscall.EIO) {
			t.Errorf("write = %d, %v, want 2 and EIO", n, err)
		}
	}
	d.Heal()
	write(t, h, "abc", 0)
	d.Inject(Fault{Kinds: []Kind{Write}, Short: 1})
	if n, err := h.WriteVAt([][]byte{[]byte("abc")}, 0); n != 1 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("write = %d, %v, want 1 and a short write", n, err)
	}
	d.SetReadOnly(true)
	if err := d.Mkdir("dir"); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Mkdir = %v, want EROFS", err)
	}
	if s, err := d.Space(); err != nil || !s.ReadOnly {
		t.Errorf("Space = %+v, %v", s, err)
	}
	if _, err := d.ReadFile("a"); err != nil {
		t.Error(err)
	}
	if got := d.Hits(); got != 4 {
		t.Errorf("%d hits, want 4", got)
	}
}

func TestASlowCallTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Options{})
		d.Inject(Fault{Kinds: []Kind{SyncFS}, Delay: 500 * time.Millisecond, Sticky: true})
		began := time.Now()
		must(t, d.SyncFS())
		must(t, d.Mkdir("dir"))
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestOnlyOneProcessHasTheVolume(t *testing.T) {
	d := New(Options{})
	if _, err := d.Lock("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Lock = %v, want fs.ErrNotExist", err)
	}
	must(t, create(t, d, "a", "").Close())
	l, err := d.Lock("a")
	must(t, err)
	if _, err := d.Lock("a"); !errors.Is(err, volume.ErrInUse) {
		t.Errorf("Lock = %v, want ErrInUse", err)
	}
	must(t, l.Close())
	if _, err := d.Lock("a"); err != nil {
		t.Error(err)
	}
}
