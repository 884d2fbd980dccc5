package disks

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asdine/storm/v3"

	"vedette/hal/disk"
)

// machine is a kernel in memory with the disks that a test plugs in. It refuses
// what a real one does: to mount twice, to unmount what is open, to touch what is
// mounted.
type machine struct {
	t *testing.T

	mu     sync.Mutex
	disks  []*fakeDisk
	mounts map[string]string // partition by directory
	open   map[string]bool   // directories somebody has files open in
	tell   func(disk.Change)
	events []string
	log    []string
}

type fakeDisk struct {
	m       *machine
	info    disk.Info
	parts   []disk.Part
	ejected bool
	fails   error // of Prepare
}

func (m *machine) List() ([]Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Device
	for _, d := range m.disks {
		out = append(out, d)
	}
	return out, nil
}

func (m *machine) Mount(dev, dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mounts[dir] != "" {
		return disk.ErrMounted
	}
	for _, d := range m.disks {
		for _, p := range d.parts {
			if "/dev/"+p.Name == dev && p.FS == "ext4" {
				m.mounts[dir] = p.Name
				return nil
			}
		}
	}
	return errors.New("no such device")
}

func (m *machine) Unmount(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open[dir] {
		return disk.ErrBusy
	}
	delete(m.mounts, dir)
	return nil
}

func (m *machine) Watch(ctx context.Context, f func(disk.Change)) error {
	m.mu.Lock()
	m.tell = f
	m.mu.Unlock()
	<-ctx.Done()
	return context.Cause(ctx)
}

// plug has a disk come; unplug has it go, mounted or not.
func (m *machine) plug(name, serial string, parts ...disk.Part) *fakeDisk {
	m.mu.Lock()
	d := &fakeDisk{m: m, info: disk.Info{Name: name, Serial: serial, Bytes: 4e12}, parts: parts}
	m.disks = append(m.disks, d)
	tell := m.tell
	m.mu.Unlock()
	if tell != nil {
		tell(disk.Change{Action: "add", Name: name, Disk: true})
	}
	return d
}

func (m *machine) unplug(d *fakeDisk) {
	m.mu.Lock()
	m.disks = slices.DeleteFunc(m.disks, func(o *fakeDisk) bool { return o == d })
	tell := m.tell
	m.mu.Unlock()
	tell(disk.Change{Action: "remove", Name: d.info.Name, Disk: true})
}

func (m *machine) mounted(dir string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mounts[dir]
}

func (d *fakeDisk) About() disk.Info { return d.info }
func (d *fakeDisk) Phrase() string   { return d.info.Serial }

func (d *fakeDisk) Parts() ([]disk.Part, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	out := slices.Clone(d.parts)
	for i := range out {
		for dir, name := range d.m.mounts {
			if name == out[i].Name {
				out[i].Mount = dir
			}
		}
	}
	return out, nil
}

func (d *fakeDisk) Busy() (string, error) {
	parts, _ := d.Parts()
	for _, p := range parts {
		if p.Mount != "" {
			return "mounted at " + p.Mount, nil
		}
	}
	return "", nil
}

func (d *fakeDisk) Prepare(_ context.Context, o disk.PrepareOptions) (disk.Part, error) {
	if o.Confirm != d.Phrase() {
		return disk.Part{}, disk.ErrConfirm
	}
	if why, _ := d.Busy(); why != "" {
		return disk.Part{}, disk.ErrBusy
	}
	if d.fails != nil {
		return disk.Part{}, d.fails
	}
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	p := disk.Part{Name: d.info.Name + "1", FS: "ext4", UUID: "uuid-" + d.info.Serial, Label: o.Label}
	d.parts = []disk.Part{p}
	return p, nil
}

func (d *fakeDisk) Eject() error {
	if why, _ := d.Busy(); why != "" {
		return disk.ErrBusy
	}
	d.ejected = true
	return nil
}

const dir = "/media/left"

// builder returns what builds managers of the volume left on a machine, each on the
// same state, as the next start does.
func builder(t *testing.T, m *machine) func() *Manager {
	db, err := storm.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return func() *Manager {
		x, err := New(Options{
			Kernel: m, Places: []Place{{"left", dir}}, State: db, Log: slog.New(slog.DiscardHandler),
			Rest: func(context.Context, string) error { m.note("rest"); return nil },
			Wake: func(string) error { m.note("wake"); return nil },
			Emit: func(kind string, _ bool, _ map[string]any) {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.events = append(m.events, kind)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// hold has somebody open files of the place, or close them.
func (m *machine) hold(open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[dir] = open
}

// last returns what the volume was told last.
func (m *machine) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.log) == 0 {
		return ""
	}
	return m.log[len(m.log)-1]
}

func (m *machine) note(s string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, s)
}

func (m *machine) told() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.events
	m.events = nil
	return out
}

func newMachine(t *testing.T) *machine {
	return &machine{t: t, mounts: map[string]string{}, open: map[string]bool{}}
}

// run has the manager work while f does.
func run(t *testing.T, mgr *Manager, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	mgr.Begin()
	go func() { done <- mgr.Run(ctx) }()
	synctest.Wait()
	f(ctx)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
}
