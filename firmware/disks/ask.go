package disks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vedette/hal/disk"
)

// Disk is a disk as people see it.
type Disk struct {
	disk.Info
	Parts  []disk.Part
	Busy   string // why it must not be erased; "" = it may
	Phrase string // what has to be typed to erase it
	Volume string // that it is mounted for, or belongs to
	// Working says that it is being prepared.
	Working bool
}

// Disks returns every disk there is. It asks each of them, and so wakes those that
// sleep.
func (m *Manager) Disks() ([]Disk, error) {
	all, err := m.look()
	if err != nil {
		return nil, err
	}
	out := make([]Disk, 0, len(all))
	for _, s := range all {
		why, err := s.device.Busy()
		if err != nil {
			why = err.Error()
		}
		d := Disk{Info: s.info, Parts: s.parts, Busy: why, Phrase: s.device.Phrase(), Volume: m.volumeOf(s)}
		m.mu.Lock()
		d.Working = m.working == s.info.Name
		m.mu.Unlock()
		out = append(out, d)
	}
	return out, nil
}

// Places returns the volumes that a disk may be given to, in the order of the
// configuration.
func (m *Manager) Places() []Place { return slices.Clone(m.o.Places) }

// volumeOf returns the volume a disk is mounted for, or belongs to.
func (m *Manager) volumeOf(s seen) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, place := range m.o.Places {
		for _, p := range s.parts {
			if p.Mount == place.Dir || p.UUID != "" && p.UUID == m.known[place.Volume] {
				return place.Volume
			}
		}
	}
	return ""
}

// Prepare erases the disk of that name, makes it a volume's and has it used, beside
// the caller: an event tells how it ended. confirm is what a person typed. Errors,
// after which nothing is touched: ErrNoDisk, ErrNoPlace, ErrTaken, ErrBusy with the
// reason, disk.ErrConfirm.
func (m *Manager) Prepare(name, volume, confirm string) error {
	p, err := m.place(volume)
	if err != nil {
		return err
	}
	all, err := m.look()
	if err != nil {
		return err
	}
	s, err := named(all, name)
	if err != nil {
		return err
	}
	d := s.device
	switch why, err := d.Busy(); {
	case confirm != d.Phrase():
		return disk.ErrConfirm
	case err != nil:
		return err
	case why != "":
		return fmt.Errorf("%w: %s", ErrBusy, why)
	}
	if err := vacant(all, p); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.working != "" {
		return fmt.Errorf("%w: %s is being prepared", ErrBusy, m.working)
	}
	select {
	case m.jobs <- job{do: func(ctx context.Context) error { return m.prepare(ctx, d, p, confirm) }}:
		m.working = name
		return nil
	default:
		return fmt.Errorf("%w: too much waits already", ErrBusy)
	}
}

// vacant returns ErrTaken while a disk is mounted at a place.
func vacant(all []seen, p Place) error {
	if s, mounted := mountedAt(all, p); mounted {
		return fmt.Errorf("%s: %w: %s", p.Volume, ErrTaken, s.info.Name)
	}
	return nil
}

// labelOf is the label of the file system of a volume: ext4 keeps 16 bytes.
func labelOf(volume string) string { return ("vedette-" + volume)[:min(16, 8+len(volume))] }

func (m *Manager) prepare(ctx context.Context, d Device, p Place, confirm string) error {
	name := d.About().Name
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.working = ""
	}()
	part, err := d.Prepare(ctx, disk.PrepareOptions{Confirm: confirm, Label: labelOf(p.Volume)})
	if err == nil {
		err = m.give(name, part, p)
	}
	if err != nil {
		m.o.Log.Error("disk not prepared", "disk", name, "err", err)
		m.o.Emit("disk_prepare_failed", true, map[string]any{"disk": name, "volume": p.Volume, "error": err.Error()})
		return err
	}
	m.o.Emit("disk_prepared", false, map[string]any{"disk": name, "volume": p.Volume})
	return nil
}

// give makes a partition a volume's.
func (m *Manager) give(name string, part disk.Part, p Place) error {
	if err := m.keep(p.Volume, part.UUID); err != nil {
		return err
	}
	return m.mount(name, part.Name, p)
}

// Use mounts a disk that has a file system for footage, of this box or another, for
// a volume, and returns when it is mounted. Nothing on it is changed by that. With
// footage of another volume the recorder asks before it takes it. Errors:
// ErrNoDisk, ErrNoPlace, ErrTaken, ErrContent, those of ctx and the kernel.
func (m *Manager) Use(ctx context.Context, name, volume string) error {
	p, err := m.place(volume)
	if err != nil {
		return err
	}
	return m.ask(ctx, func(context.Context) error {
		all, err := m.look()
		if err != nil {
			return err
		}
		s, err := named(all, name)
		if err != nil {
			return err
		}
		if err := vacant(all, p); err != nil {
			return err
		}
		if s.err != nil {
			return s.err
		}
		i := slices.IndexFunc(s.parts, func(x disk.Part) bool { return x.FS == "ext4" && x.UUID != "" && x.Mount == "" && !x.ReadOnly })
		if i < 0 {
			return fmt.Errorf("%s: %w", name, ErrContent)
		}
		return m.give(name, s.parts[i], p)
	})
}

// patience is how long whoever reads footage of a disk has to end before it is not
// unmounted after all.
const patience = 5 * time.Second

// Remove lets the disk of a volume go: its cameras are recorded elsewhere, all of it
// is written, it is unmounted and parked. When it returns nil the disk may be
// unplugged; it is mounted again when it comes again, or by Use. With nothing
// mounted there nothing is done. Errors: ErrNoPlace, ErrBusy while somebody reads
// footage of it, after which it is used again; those of ctx.
func (m *Manager) Remove(ctx context.Context, volume string) error {
	p, err := m.place(volume)
	if err != nil {
		return err
	}
	return m.ask(ctx, func(context.Context) error {
		all, err := m.look()
		if err != nil {
			return err
		}
		s, mounted := mountedAt(all, p)
		if !mounted {
			return nil
		}
		if err := m.unmount(ctx, p); err != nil {
			return errors.Join(err, m.o.Wake(volume))
		}
		m.mu.Lock()
		m.removed[volume] = s.info.Name
		m.mu.Unlock()
		delete(m.on, volume)
		m.ours[volume] = false
		if err := s.device.Eject(); err != nil {
			m.o.Log.Warn("disk not parked", "disk", s.info.Name, "err", err)
		}
		m.o.Emit("disk_removed", false, map[string]any{"volume": volume, "disk": s.info.Name})
		return nil
	})
}

func (m *Manager) unmount(ctx context.Context, p Place) error {
	if err := m.o.Rest(ctx, p.Volume); err != nil {
		return err
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		err := m.o.Kernel.Unmount(p.Dir)
		if !errors.Is(err, disk.ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			return fmt.Errorf("%w: somebody watches or downloads footage of it", ErrBusy)
		case <-time.After(patience / 20):
		}
	}
}
