package recovery

import (
	"path/filepath"
	"testing"

	"vedette/internal/faultfs"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

func TestWhatRecoveryRemovesStaysAwayAfterAPowerCut(t *testing.T) {
	disk := faultfs.New(faultfs.Options{})
	v, err := volume.Open("disk", volume.Options{FS: disk, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	n := volume.Name{Camera: "door", Start: t0, Open: true}
	for _, dir := range []string{"footage/door", n.Dir()} {
		if err := disk.Mkdir(dir); err != nil {
			t.Fatal(err)
		}
	}
	h, err := disk.Create(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.SyncFS(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), IndexName)
	for range 2 {
		x, r, err := Recover(disk, path, index.Options{}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		disk = disk.Reboot(faultfs.Nothing)
		if _, err := disk.Stat(n.Path()); err == nil {
			t.Errorf("after %s and a power cut the empty segment is there again", r.String())
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}
