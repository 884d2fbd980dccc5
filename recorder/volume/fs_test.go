package volume

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPathsCannotLeaveTheVolume(t *testing.T) {
	dir := t.TempDir()
	disk := newFaultFS(t, filepath.Clean(dir)).osFS
	if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"../x", "/etc/passwd", "out/passwd", "out"} {
		if h, err := disk.Open(p); err == nil {
			t.Errorf("opened %q: %v", p, h.Close())
		}
		if h, err := disk.Create(p); err == nil {
			t.Errorf("created %q: %v", p, h.Close())
		}
	}
	if err := disk.Rename("out", "../taken"); err == nil {
		t.Error("renamed out of the volume")
	}
}

func TestDirectoriesAreListedWithTypes(t *testing.T) {
	dir := t.TempDir()
	disk := newFaultFS(t, dir).osFS
	if err := errors.Join(disk.Mkdir("d"), disk.Mkdir("d/sub"), os.WriteFile(filepath.Join(dir, "d/file"), []byte("123"), 0o600), os.Symlink("/etc", filepath.Join(dir, "d/link"))); err != nil {
		t.Fatal(err)
	}
	entries, err := disk.ReadDir("d")
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	want := map[string]fs.FileMode{"sub": fs.ModeDir, "file": 0, "link": fs.ModeSymlink}
	for _, e := range entries {
		fi, err := e.Info()
		if e.Type() != want[e.Name()] || err != nil || fi.Mode().Type() != e.Type() || fi.Name() != e.Name() {
			t.Errorf("%s has type %v, info %v, %v", e.Name(), e.Type(), fi, err)
		}
	}
	if _, err := disk.ReadDir("d/file"); err == nil {
		t.Error("listed a file")
	}
	if _, err := disk.ReadDir(".."); err == nil {
		t.Error("listed what lies outside")
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	disk := newFaultFS(t, dir).osFS
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := disk.Mkdir("d"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"pipe", "d"} {
		if h, err := disk.Open(p); err == nil {
			t.Errorf("opened %s: %v", p, h.Close())
		}
	}
}

func TestNothingIsEverReplaced(t *testing.T) {
	dir := t.TempDir()
	disk := newFaultFS(t, dir).osFS
	for _, p := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, p), []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Rename("a", "b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("rename onto a file = %v, want ErrExist", err)
	}
	if _, err := disk.Create("a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a file = %v, want ErrExist", err)
	}
	if err := WriteFile(disk, ".", "tmp", "b", []byte("new")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("write over a file = %v, want ErrExist", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "b")); string(got) != "b" {
		t.Errorf("b holds %q", got)
	}
	if err := disk.Rename("missing", "c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing = %v, want ErrNotExist", err)
	}
}

func TestManyBuffersAreWrittenInOrder(t *testing.T) {
	disk := newFaultFS(t, t.TempDir()).osFS
	h, err := disk.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	var bufs [][]byte
	var want []byte
	for i := range maxVec*2 + 5 {
		b := bytes.Repeat([]byte{byte(i)}, i%7)
		bufs, want = append(bufs, b), append(want, b...)
	}
	if err := h.Preallocate(0, 4*mib); err != nil && !unsupported(err) {
		t.Fatal(err)
	}
	if n, err := h.WriteVAt(bufs, 10); err != nil || n != int64(len(want)) {
		t.Fatalf("wrote %d, %v; want %d", n, err, len(want))
	}
	if err := errors.Join(h.StartWriteback(0, 1<<20), h.WaitWriteback(0, 1<<20), h.Sync(), disk.SyncDir("."), disk.SyncFS()); err != nil {
		t.Error(err)
	}
	if size, err := h.Size(); err != nil || size != 10+int64(len(want)) {
		t.Errorf("size %d, %v; want %d: preallocation must not show", size, err, 10+len(want))
	}
	got := make([]byte, len(want))
	if _, err := h.ReadAt(got, 10); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read back differs: %v", err)
	}
	if err := errors.Join(h.Truncate(12), h.Close()); err != nil {
		t.Error(err)
	}
	if s, err := disk.Space(); err != nil || s.Total <= 0 || s.Available > s.Free || s.Free > s.Total {
		t.Errorf("space %+v, %v", s, err)
	}
}
