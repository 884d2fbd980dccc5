package disks

import (
	"fmt"

	"vedette/hal/disk"
)

// seen is a disk with what is on it.
type seen struct {
	device Device
	info   disk.Info
	parts  []disk.Part
	err    error // why it could not be asked for all of them
}

// look returns the disks there are. One that cannot be asked is there without
// partitions.
func (m *Manager) look() ([]seen, error) {
	all, err := m.o.Kernel.List()
	if err != nil {
		return nil, err
	}
	out := make([]seen, 0, len(all))
	for _, d := range all {
		parts, err := d.Parts()
		if err != nil {
			m.o.Log.Warn("disk cannot be asked", "disk", d.About().Name, "err", err)
		}
		out = append(out, seen{d, d.About(), parts, err})
	}
	return out, nil
}

// find returns the disk and the partition that is answers true for.
func find(all []seen, is func(disk.Part) bool) (seen, disk.Part, bool) {
	for _, s := range all {
		for _, p := range s.parts {
			if is(p) {
				return s, p, true
			}
		}
	}
	return seen{}, disk.Part{}, false
}

// mountedAt returns the disk that is mounted at a place.
func mountedAt(all []seen, p Place) (s seen, mounted bool) {
	s, _, mounted = find(all, func(x disk.Part) bool { return x.Mount == p.Dir })
	return s, mounted
}

// named returns the disk of that kernel name.
func named(all []seen, name string) (seen, error) {
	for _, s := range all {
		if s.info.Name == name {
			return s, nil
		}
	}
	return seen{}, fmt.Errorf("%q: %w", name, ErrNoDisk)
}

// scan puts every place in order: what is known and there is mounted, what was
// pulled is let go. It reports whether it should be called again soon.
func (m *Manager) scan() (again bool) {
	all, err := m.look()
	if err != nil {
		m.o.Log.Error("disks cannot be listed", "err", err)
		return true
	}
	m.forgetRemoved(all)
	for _, p := range m.o.Places {
		s, mounted := mountedAt(all, p)
		switch {
		case mounted:
			m.on[p.Volume] = s.info.Name
		case m.ours[p.Volume] && !m.letGo(p):
			again = true
		default:
			delete(m.on, p.Volume)
			m.mountKnown(all, p)
		}
	}
	m.offer(all)
	return again
}

// letGo unmounts a disk that was pulled, and reports whether that is done. Who has
// files of it open finds out by itself, and closes them.
func (m *Manager) letGo(p Place) bool {
	if name, told := m.on[p.Volume]; told {
		m.o.Emit("disk_pulled", true, map[string]any{"volume": p.Volume, "disk": name})
		delete(m.on, p.Volume)
	}
	if err := m.o.Kernel.Unmount(p.Dir); err != nil {
		m.o.Log.Info("a disk that was pulled is still open", "volume", p.Volume, "err", err)
		return false
	}
	m.ours[p.Volume] = false
	return true
}

// mountKnown mounts the disk that belongs to a volume, if it is there.
func (m *Manager) mountKnown(all []seen, p Place) {
	uuid := m.kept(p.Volume)
	m.mu.Lock()
	_, removed := m.removed[p.Volume]
	m.mu.Unlock()
	if uuid == "" || removed {
		return
	}
	s, part, ok := find(all, func(x disk.Part) bool { return x.UUID == uuid && x.FS == "ext4" && x.Mount == "" })
	if !ok {
		return
	}
	if err := m.mount(s.info.Name, part.Name, p); err != nil {
		m.o.Log.Error("disk not mounted", "volume", p.Volume, "disk", part.Name, "err", err)
	}
}

// mount mounts a partition for a volume and has it used.
func (m *Manager) mount(name, part string, p Place) error {
	if err := m.o.Kernel.Mount("/dev/"+part, p.Dir); err != nil {
		return err
	}
	m.on[p.Volume], m.ours[p.Volume] = name, true
	m.o.Log.Info("disk mounted", "volume", p.Volume, "disk", part)
	m.o.Emit("disk_mounted", false, map[string]any{"volume": p.Volume, "disk": name})
	return m.o.Wake(p.Volume)
}

// forgetRemoved lets disks that were unplugged be mounted when they come again.
func (m *Manager) forgetRemoved(all []seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for volume, name := range m.removed {
		there := false
		for _, s := range all {
			there = there || s.info.Name == name
		}
		if !there {
			delete(m.removed, volume)
		}
	}
}

// offer tells of disks that nobody uses and that were not told of since they came.
func (m *Manager) offer(all []seen) {
	there := map[string]bool{}
	for _, s := range all {
		phrase := s.device.Phrase()
		there[phrase] = true
		if m.offered[phrase] || !m.free(s) || len(m.o.Places) == 0 {
			continue
		}
		m.offered[phrase] = true
		m.o.Emit("disk_offered", false, map[string]any{"disk": s.info.Name, "model": s.info.Model, "bytes": s.info.Bytes})
	}
	for phrase := range m.offered {
		if !there[phrase] {
			delete(m.offered, phrase)
		}
	}
}

// free reports whether nothing uses a disk, and no volume waits for it.
func (m *Manager) free(s seen) bool {
	why, err := s.device.Busy()
	if err != nil || why != "" {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range s.parts {
		for _, uuid := range m.known {
			if p.UUID == uuid && uuid != "" {
				return false
			}
		}
	}
	return true
}
