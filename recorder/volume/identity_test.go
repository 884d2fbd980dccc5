package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, dir string, o Options) *Volume {
	t.Helper()
	v, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func TestAnEmptyDirectoryBecomesAVolumeAndStaysTheSame(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, identityTemp), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := v.ID()
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second process got %v, want ErrInUse", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, dir, Options{}); again.ID() != id || len(id) != 32 {
		t.Errorf("identity %q became %q", id, again.ID())
	}
	for _, sub := range []string{FootageDir, EvidenceDir, QuarantineDir} {
		if fi, err := os.Stat(filepath.Join(dir, sub)); err != nil || !fi.IsDir() {
			t.Errorf("%s: %v", sub, err)
		}
	}
	if look := open(t, dir, Options{ReadOnly: true}); look.ID() != id {
		t.Error("looking needs the lock, or reads another identity")
	}
}

func TestOpenRefusesWhatIsNoVolumeAndSaysWhatToDo(t *testing.T) {
	identity := func(text string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, identityName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    error
	}{
		{"a directory of somebody else", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "thesis.doc"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrNotVolume},
		{"a missing directory", func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
		}, ErrNoDirectory},
		{"a newer format", identity(`{"id":"00112233445566778899aabbccddeeff","format":2}`), ErrUnknownFormat},
		{"no format", identity(`{"id":"00112233445566778899aabbccddeeff"}`), ErrDamagedVolume},
		{"an empty identity", identity(""), ErrDamagedVolume},
		{"a torn identity", identity(`{"id":"0011223344`), ErrDamagedVolume},
		{"an identity with a tail", identity(`{"id":"00112233445566778899aabbccddeeff","format":1}x`), ErrDamagedVolume},
		{"an id that is no id", identity(`{"id":"../../etc","format":1}`), ErrDamagedVolume},
		{"an id in capitals", identity(`{"id":"00112233445566778899AABBCCDDEEFF","format":1}`), ErrDamagedVolume},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "v")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.prepare(t, dir)
			before, _ := os.ReadDir(dir)
			v, err := Open(dir, Options{})
			if !errors.Is(err, tt.want) || v != nil {
				t.Fatalf("Open = %v, %v; want %v", v, err, tt.want)
			}
			if after, _ := os.ReadDir(dir); len(after) != len(before) {
				t.Errorf("a refused directory was changed: %v became %v", before, after)
			}
		})
	}
}

func TestOpenTellsReadOnlyFullAndForbiddenApart(t *testing.T) {
	for errno, want := range map[error]error{errROFS: ErrReadOnly, errNoSpace: ErrNoSpaceToBegin, fs.ErrPermission: ErrPermission} {
		disk := newFaultFS(t, t.TempDir())
		disk.fault = func(op, _ string) error {
			if op == "create" || op == "mkdir" {
				return errno
			}
			return nil
		}
		if _, err := Open("disk", Options{FS: disk}); !errors.Is(err, want) || !strings.Contains(err.Error(), "open volume disk") {
			t.Errorf("%v: Open = %v, want %v", errno, err, want)
		}
	}
	disk := newFaultFS(t, t.TempDir())
	disk.space.ReadOnly = true
	if _, err := Open("disk", Options{FS: disk}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read-only mount: Open = %v, want ErrReadOnly", err)
	}
}

func TestAFullVolumeThatExistsIsOpened(t *testing.T) {
	disk := newFaultFS(t, t.TempDir())
	v := open(t, "disk", Options{FS: disk})
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	disk.fault = func(op, _ string) error {
		if op == "create" {
			return errNoSpace
		}
		return nil
	}
	open(t, "disk", Options{FS: disk})
}

func TestAnotherVolumeThanTheExpectedOneIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	const other = "00112233445566778899aabbccddeeff"
	untouched := func(what string, entries int) {
		t.Helper()
		for _, readOnly := range []bool{false, true} {
			if v, err := Open(dir, Options{ExpectID: other, ReadOnly: readOnly}); !errors.Is(err, ErrOtherVolume) || v != nil {
				t.Errorf("%s: Open = %v, %v; want ErrOtherVolume", what, v, err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != entries {
			t.Errorf("%s: it was changed: %v, %v", what, left, err)
		}
	}
	untouched("an empty directory", 0)
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := v.ID()
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, QuarantineDir)); err != nil {
		t.Fatal(err)
	}
	untouched("another volume", 3)
	if again := open(t, dir, Options{ExpectID: id}); again.ID() != id {
		t.Errorf("opened %s, want %s", again.ID(), id)
	}
	if err := os.WriteFile(filepath.Join(dir, identityName), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{ExpectID: id}); !errors.Is(err, ErrDamagedVolume) {
		t.Errorf("a damaged identity: Open = %v, want ErrDamagedVolume", err)
	}
}
