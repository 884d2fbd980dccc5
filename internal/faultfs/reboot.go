package faultfs

import (
	"io/fs"
	"slices"
)

// Reboot returns the disk that a power cut now would leave, as a new one on
// which everything is durable. Seed decides what survives of that which is
// not certain: Nothing, Everything, NamesOnly and BytesOnly are the corners,
// every other seed a random legal choice. The disk itself is not changed and
// works on; faults and the hook do not come along.
func (d *Disk) Reboot(seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newChance(seed)
	r := &rebooter{chance: c, to: New(Options{
		Capacity: d.o.Capacity, Seed: seed, NoSyncFS: d.o.NoSyncFS, NoWriteback: d.o.NoWriteback, NoPreallocate: d.o.NoPreallocate,
	}), names: map[*inode]map[string]*inode{}, copies: map[*inode]*inode{}}
	r.choose(d.pending)
	r.to.used = 0
	clear(r.to.files)
	r.to.root = r.copy(d.root)
	return r.to
}

type rebooter struct {
	chance
	to     *Disk
	names  map[*inode]map[string]*inode // of directories that changes survive in
	copies map[*inode]*inode
}

// choose decides which changes of names survive: one that builds upon one
// that did not, does not.
func (r *rebooter) choose(pending []*nameChange) {
	gone := map[slot]bool{}
	for _, x := range pending {
		alive := r.name()
		for _, s := range x.slots() {
			alive = alive && !gone[s]
		}
		if !alive {
			for _, s := range x.slots() {
				gone[s] = true
			}
			continue
		}
		if x.from.dir != nil {
			delete(r.of(x.from.dir), x.from.name)
		}
		if x.to.dir != nil {
			r.of(x.to.dir)[x.to.name] = x.file
		}
	}
}

// of returns the names in dir after the reboot, to be changed.
func (r *rebooter) of(dir *inode) map[string]*inode {
	m, ok := r.names[dir]
	if !ok {
		m = make(map[string]*inode, len(dir.kept))
		for name, n := range dir.kept {
			m[name] = n
		}
		r.names[dir] = m
	}
	return m
}

// copy makes the inode n of the new disk, with all that is below it, in the
// order of names: chance must not depend on that of a map.
func (r *rebooter) copy(n *inode) *inode {
	if c, ok := r.copies[n]; ok {
		c.links++
		return c
	}
	c := &inode{dir: n.dir, links: 1}
	r.copies[n] = c
	if !n.dir {
		c.durable = survive(&n.durable, n.log, r.chance)
		c.seen = c.durable.clone()
		if n.reserved > c.seen.size && r.data() {
			c.reserved = n.reserved
		}
		r.to.settleSpace(c)
		return c
	}
	names := n.kept
	if m, ok := r.names[n]; ok {
		names = m
	}
	c.names, c.kept = make(map[string]*inode, len(names)), make(map[string]*inode, len(names))
	for _, name := range sorted(names) {
		child := r.copy(names[name])
		c.names[name], c.kept[name] = child, child
	}
	r.to.settleSpace(c)
	return c
}

func sorted(names map[string]*inode) []string {
	keys := make([]string, 0, len(names))
	for name := range names {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}

// File is a file as the process sees it.
type File struct {
	Path      string
	Size      int64
	Allocated int64 // bytes of the disk that it takes
	Links     int   // names that it has
}

// Files lists the files by path, without counting as an operation.
func (d *Disk) Files() []File {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []File
	var walk func(dir *inode, at string)
	walk = func(dir *inode, at string) {
		for _, name := range sorted(dir.names) {
			n := dir.names[name]
			if n.dir {
				walk(n, at+name+"/")
				continue
			}
			out = append(out, File{at + name, n.seen.size, n.charged, n.links})
		}
	}
	walk(d.root, "")
	return out
}

// ReadFile returns what the process sees of a file, without counting as an
// operation, or fs.ErrNotExist.
func (d *Disk) ReadFile(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(path)
	if err == nil && n.dir {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	data := make([]byte, n.seen.size)
	n.seen.read(data, 0)
	return data, nil
}
