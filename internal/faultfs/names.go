package faultfs

// inode is a file or a directory, whatever its names.
type inode struct {
	dir bool

	// Of a directory: what the process sees, and what the disk holds.
	names, kept map[string]*inode

	// Of a file.
	seen     content  // what the process sees
	durable  content  // what the disk holds for certain
	log      []change // made since
	reserved int64    // preallocated up to here
	links    int      // names that the process sees
	open     int      // handles
	charged  int64    // bytes of the disk that it takes
}

func newDir() *inode {
	return &inode{dir: true, names: map[string]*inode{}, kept: map[string]*inode{}}
}

// slot is a place for a name.
type slot struct {
	dir  *inode
	name string
}

// nameChange is a change of names that is not certain yet: file appears at
// to, if that is a slot, and goes from from, if that is one.
type nameChange struct {
	file     *inode
	from, to slot
	certain  bool
}

func (x *nameChange) slots() []slot {
	var s []slot
	for _, at := range [...]slot{x.from, x.to} {
		if at.dir != nil {
			s = append(s, at)
		}
	}
	return s
}

// settle makes the changes that sync is about certain, and with each of them
// those before it that it builds upon, and brings them to the disk.
func (d *Disk) settle(sync func(*nameChange) bool) {
	needed := map[slot]bool{}
	for i := len(d.pending) - 1; i >= 0; i-- {
		x := d.pending[i]
		x.certain = sync(x)
		for _, s := range x.slots() {
			x.certain = x.certain || needed[s]
		}
		if x.certain {
			for _, s := range x.slots() {
				needed[s] = true
			}
		}
	}
	left := d.pending[:0]
	for _, x := range d.pending {
		if !x.certain {
			left = append(left, x)
			continue
		}
		if x.from.dir != nil {
			delete(x.from.dir.kept, x.from.name)
		}
		if x.to.dir != nil {
			x.to.dir.kept[x.to.name] = x.file
		}
	}
	clear(d.pending[len(left):])
	d.pending = left
}

// syncDir is whether a sync of dir makes x certain.
func (x *nameChange) syncDir(dir *inode) bool {
	if x.to.dir != nil {
		return x.to.dir == dir
	}
	return x.from.dir == dir
}

// flush makes all that was written to a file certain.
func (n *inode) flush() {
	for i := range n.log {
		n.durable.apply(&n.log[i])
	}
	n.log = nil
}

// drop is a sync of a file that fails: some of it is on the disk, and the
// rest will never be.
func (n *inode) drop(c chance) {
	n.durable = survive(&n.durable, n.log, c)
	n.log = nil
}
