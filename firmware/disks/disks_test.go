package disks

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/hal/disk"
)

// settle lets a manager do what is due.
func settle() {
	time.Sleep(2 * calm)
	synctest.Wait()
}

// inBubble runs f with the state database opened before: its file locks must not
// be waited for by a fake clock.
func inBubble(t *testing.T, f func(t *testing.T, m *machine, mgr *Manager, again func() *Manager)) {
	t.Helper()
	m := newMachine(t)
	build := builder(t, m)
	synctest.Test(t, func(t *testing.T) { f(t, m, build(), build) })
}

func TestADiskIsOfferedPreparedAndKnownAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, m *machine, mgr *Manager, again func() *Manager) {
		var d *fakeDisk
		run(t, mgr, func(context.Context) {
			d = m.plug("sda", "S1", disk.Part{Name: "sda1", FS: "ntfs", UUID: "holiday"})
			settle()
			if got := m.told(); !slices.Equal(got, []string{"disk_offered"}) {
				t.Errorf("told %v", got)
			}
			for _, err := range []error{
				mgr.Prepare("sda", "left", "s1"), mgr.Prepare("sdz", "left", "S1"), mgr.Prepare("sda", "attic", "S1"),
			} {
				if !errors.Is(err, disk.ErrConfirm) && !errors.Is(err, ErrNoDisk) && !errors.Is(err, ErrNoPlace) {
					t.Errorf("%v", err)
				}
			}
			if d.parts[0].UUID != "holiday" {
				t.Error("the disk was touched")
			}
			if err := mgr.Prepare("sda", "left", "S1"); err != nil {
				t.Fatal(err)
			}
			settle()
			if m.mounted(dir) != "sda1" || d.parts[0].Label != "vedette-left" {
				t.Errorf("mounted %q, %+v", m.mounted(dir), d.parts)
			}
			if got := m.told(); !slices.Equal(got, []string{"disk_mounted", "disk_prepared"}) {
				t.Errorf("told %v", got)
			}
			if err := mgr.Prepare("sda", "left", "S1"); !errors.Is(err, ErrBusy) {
				t.Errorf("prepared while it is used: %v", err)
			}
		})
		if err := mgr.Close(); err != nil || m.mounted(dir) != "" {
			t.Errorf("after the end: %v, mounted %q", err, m.mounted(dir))
		}
		// The next boot, under another name of the kernel.
		m.disks, m.tell = nil, nil
		m.plug("sdb", "S1", disk.Part{Name: "sdb1", FS: "ext4", UUID: "uuid-S1"})
		m.plug("sdc", "S2", disk.Part{Name: "sdc1", FS: "ext4", UUID: "other"})
		run(t, again(), func(context.Context) {
			if got := m.mounted(dir); got != "sdb1" {
				t.Errorf("mounted %q", got)
			}
		})
	})
}

func TestADiskThatIsLetGoIsParkedAndComesBackWhenPluggedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, m *machine, mgr *Manager, _ func() *Manager) {
		run(t, mgr, func(ctx context.Context) {
			d := m.plug("sda", "S1", disk.Part{Name: "sda1", FS: "ext4", UUID: "u1"})
			settle()
			if err := mgr.Use(ctx, "sda", "left"); err != nil || m.mounted(dir) != "sda1" {
				t.Fatal(err, m.mounted(dir))
			}
			if err := mgr.Use(ctx, "sda", "left"); !errors.Is(err, ErrTaken) {
				t.Errorf("used twice: %v", err)
			}
			m.hold(true)
			if err := mgr.Remove(ctx, "left"); !errors.Is(err, ErrBusy) || m.mounted(dir) == "" || d.ejected {
				t.Errorf("while somebody reads: %v, mounted %q", err, m.mounted(dir))
			}
			if last := m.last(); last != "wake" {
				t.Errorf("after that the volume is left at %s", last)
			}
			m.hold(false)
			m.told()
			if err := mgr.Remove(ctx, "left"); err != nil || m.mounted(dir) != "" || !d.ejected {
				t.Errorf("%v, mounted %q, parked %v", err, m.mounted(dir), d.ejected)
			}
			settle()
			if got := m.told(); m.mounted(dir) != "" || !slices.Equal(got, []string{"disk_removed"}) {
				t.Errorf("mounted again by itself: %q, told %v", m.mounted(dir), got)
			}
			m.unplug(d)
			settle()
			m.plug("sdb", "S1", disk.Part{Name: "sdb1", FS: "ext4", UUID: "u1"})
			settle()
			if m.mounted(dir) != "sdb1" || m.last() != "wake" {
				t.Errorf("plugged again: mounted %q, %v", m.mounted(dir), m.last())
			}
			if err := mgr.Remove(ctx, "attic"); !errors.Is(err, ErrNoPlace) {
				t.Errorf("%v", err)
			}
		})
	})
}

func TestADiskThatIsPulledIsLetGoOnceNobodyHasItOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, m *machine, mgr *Manager, _ func() *Manager) {
		run(t, mgr, func(ctx context.Context) {
			d := m.plug("sda", "S1", disk.Part{Name: "sda1", FS: "ext4", UUID: "u1"})
			settle()
			if err := mgr.Use(ctx, "sda", "left"); err != nil {
				t.Fatal(err)
			}
			settle()
			m.told()
			m.hold(true)
			m.unplug(d)
			settle()
			m.plug("sdb", "S1", disk.Part{Name: "sdb1", FS: "ext4", UUID: "u1"})
			settle()
			if m.mounted(dir) != "sda1" {
				t.Errorf("mounted %q while the recorder has files open", m.mounted(dir))
			}
			m.hold(false)
			time.Sleep(again + calm)
			synctest.Wait()
			time.Sleep(again + calm)
			synctest.Wait()
			if got := m.told(); m.mounted(dir) != "sdb1" || !slices.Equal(got, []string{"disk_pulled", "disk_mounted"}) {
				t.Errorf("mounted %q, told %v", m.mounted(dir), got)
			}
		})
	})
}

func TestADiskThatCannotBePreparedIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, m *machine, mgr *Manager, _ func() *Manager) {
		run(t, mgr, func(ctx context.Context) {
			d := m.plug("sda", "S1")
			d.fails = errors.New("mkfs said no")
			settle()
			m.told()
			if err := mgr.Prepare("sda", "left", "S1"); err != nil {
				t.Fatal(err)
			}
			settle()
			if got := m.told(); !slices.Equal(got, []string{"disk_prepare_failed"}) || m.mounted(dir) != "" {
				t.Errorf("told %v", got)
			}
			if list, err := mgr.Disks(); err != nil || len(list) != 1 || list[0].Working || list[0].Volume != "" {
				t.Errorf("%+v, %v", list, err)
			}
			if err := mgr.Use(ctx, "sda", "left"); !errors.Is(err, ErrContent) {
				t.Errorf("a disk without a file system: %v", err)
			}
		})
	})
}
