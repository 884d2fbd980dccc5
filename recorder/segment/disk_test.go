package segment

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/volume"
)

// sickFS is a directory whose writes and syncs fail, or hang, on demand.
type sickFS struct {
	volume.FS
	mu    sync.Mutex
	write error
	sync  error
	stall chan struct{} // writes wait for it
	room  int64
}

func newSickFS(t *testing.T) *sickFS {
	t.Helper()
	disk, err := volume.OpenFS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	return &sickFS{FS: disk, room: 1 << 40}
}

func (d *sickFS) set(write, sync error, room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write, d.sync, d.room = write, sync, room
}

func (d *sickFS) Create(path string) (volume.Handle, error) {
	h, err := d.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return &sickHandle{h, d}, nil
}

func (d *sickFS) SyncFS() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.sync, d.FS.SyncFS())
}

func (d *sickFS) Space() (volume.Space, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return volume.Space{Total: 1 << 40, Free: d.room, Available: d.room}, nil
}

type sickHandle struct {
	volume.Handle
	disk *sickFS
}

func (h *sickHandle) WriteVAt(bufs [][]byte, off int64) (int64, error) {
	h.disk.mu.Lock()
	err, stall := h.disk.write, h.disk.stall
	h.disk.mu.Unlock()
	if stall != nil {
		<-stall
	}
	if err != nil {
		return 0, err
	}
	return h.Handle.WriteVAt(bufs, off)
}

// TestADiskThatFailsCostsAGapAndRecordingComesBack: a full disk whenever it has
// room again, and a sick one as long as its volume is not given up for it.
func TestADiskThatFailsCostsAGapAndRecordingComesBack(t *testing.T) {
	const long, passing = 20 * time.Second, 3 * time.Second
	tests := []struct {
		name        string
		write, sync error
		room        int64
		lasts       time.Duration
	}{
		{"a full disk", syscall.ENOSPC, nil, 0, long},
		{"write errors", syscall.EIO, nil, 1 << 40, passing},
		{"sync errors", nil, syscall.EIO, 1 << 40, passing},
		{"a disk that became read-only", syscall.EROFS, syscall.EROFS, 1 << 40, passing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSickFS(t)
				r := newRig(t, Options{}, volume.Options{FS: disk})
				c := newCamera(testRun(1, true), start)
				c.gop = 25
				c.play(r.hub, 10*time.Second)
				disk.set(tt.write, tt.sync, tt.room)
				c.play(r.hub, tt.lasts)
				// Where only syncs fail, a new file may just have been begun: it is
				// one since the fault, and the error stands.
				if s := r.State(); s.Err == nil || s.Missing != Disk && s.Writing && s.Since <= start/1000+10_000 {
					t.Errorf("state %+v while the disk fails", s)
				}
				disk.set(nil, nil, 1<<40)
				healed := c.wall/1000 + 10_000 + tt.lasts.Milliseconds()
				c.play(r.hub, 10*time.Second)
				if s := r.State(); !s.Writing || s.Err != nil || s.Since > healed+2000+1500+1000 {
					t.Errorf("state %+v, want recording within two seconds of backoff, a cycle and a group of pictures after %d", s, healed)
				}
				r.stop()
				names := r.names()
				if len(names) < 2 || len(r.gaps) == 0 {
					t.Fatalf("segments %v, gaps %v", names, r.gaps)
				}
				// What is not in a segment is in a gap, and nothing is in both.
				at := names[0].Start
				for i, n := range names {
					if i > 0 && n.Start != at {
						found := false
						for _, g := range r.gaps {
							found = found || g.start == at && g.cause == Disk
						}
						if !found {
							t.Errorf("between %d and %d there is neither footage nor a gap: %v", at, n.Start, r.gaps)
						}
						if got := r.closed[i].Gap; got != Disk {
							t.Errorf("segment %d says %q is why", i, got)
						}
					}
					at = n.End()
					if fi, err := os.Stat(filepath.Join(r.dir, n.Path())); r.dir != "" && err == nil && fi.Size() != n.Bytes {
						t.Errorf("%s has %d bytes", n.Path(), fi.Size())
					}
				}
				if first := names[0]; first.End() > start/1000+10_000+1500+1000 || first.End() < start/1000+10_000-1500-1000 {
					t.Errorf("the first segment ends at %d, about 10 s after %d were whole", first.End(), first.Start)
				}
			})
		})
	}
}

func TestADiskThatHangsIsAnOverloadAndNeverHoldsUpTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSickFS(t)
		r := newRig(t, Options{}, volume.Options{FS: disk, QueueBytes: 256 << 10})
		c := newCamera(testRun(1, false), start)
		c.size, c.gop = 2000, 25
		c.play(r.hub, 5*time.Second)
		stall := make(chan struct{})
		disk.mu.Lock()
		disk.stall = stall
		disk.mu.Unlock()
		began := time.Now()
		c.play(r.hub, 20*time.Second)
		if d := time.Since(began); d != 20*time.Second {
			t.Errorf("publishing 20 s took %v", d)
		}
		if q := r.vol.Stats().Queued; q > 256<<10 {
			t.Errorf("%d bytes wait", q)
		}
		disk.mu.Lock()
		disk.stall = nil
		disk.mu.Unlock()
		close(stall)
		c.play(r.hub, 10*time.Second)
		r.stop()
		names := r.names()
		if len(names) != 2 || len(r.gaps) != 1 || r.gaps[0] != (gap{names[0].End(), names[1].Start, Overload}) || r.closed[1].Gap != Overload {
			t.Errorf("segments %v, gaps %v; want one gap for overload between two segments", names, r.gaps)
		}
	})
}
