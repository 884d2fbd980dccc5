package firstboot

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
)

var errPowerLost = errors.New("power lost")

// machine has two disks in memory, and a power that can be cut before any of their
// steps.
type machine struct {
	setup, system *memory
	steps, cutAt  int
}

func newMachine() *machine {
	m := &machine{}
	m.setup, m.system = newMemory(m), newMemory(m)
	return m
}

func (m *machine) step() error {
	if m.steps++; m.cutAt > 0 && m.steps >= m.cutAt {
		return errPowerLost
	}
	return nil
}

// memory is a directory with two states: what the process sees, and what the disk
// holds. Of bytes that were not synced any sectors survive, of names any changes
// whose own file came to be.
type memory struct {
	m        *machine
	seen     map[string]*inode
	kept     map[string]*inode
	pending  []change
	clusters []*inode // all there ever were: nothing erases what is removed
	readOnly bool
}

type inode struct {
	seen, kept []byte
}

type change struct {
	from, to string // "" = none
	file     *inode
}

func newMemory(m *machine) *memory {
	return &memory{m: m, seen: map[string]*inode{}, kept: map[string]*inode{}}
}

// place puts a file on the disk, as another machine did.
func (d *memory) place(name, text string) {
	n := &inode{seen: []byte(text), kept: []byte(text)}
	d.seen[name], d.kept[name] = n, n
	d.clusters = append(d.clusters, n)
}

func (d *memory) text(name string) string {
	if n := d.seen[name]; n != nil {
		return string(n.seen)
	}
	return ""
}

func (d *memory) names() (out []string) {
	for name := range d.seen {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (d *memory) Read(name string, most int64) ([]byte, error) {
	if err := d.m.step(); err != nil {
		return nil, err
	}
	n := d.seen[name]
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(n.seen[:min(int64(len(n.seen)), most)]), nil
}

// begin is the start of what writes.
func (d *memory) begin() error {
	if err := d.m.step(); err != nil {
		return err
	}
	if d.readOnly {
		return syscall.EROFS
	}
	return nil
}

func (d *memory) Create(name string, data []byte) error {
	if err := d.begin(); err != nil {
		return err
	}
	n := d.seen[name]
	if n == nil {
		n = &inode{}
		d.clusters = append(d.clusters, n)
		d.seen[name] = n
		d.pending = append(d.pending, change{to: name, file: n})
	}
	n.seen = nil
	if err := d.m.step(); err != nil {
		return err
	}
	n.seen = bytes.Clone(data)
	return d.sync(n)
}

func (d *memory) Overwrite(name string, data []byte) error {
	if err := d.begin(); err != nil {
		return err
	}
	n := d.seen[name]
	if n == nil {
		return fs.ErrNotExist
	}
	n.seen = append(bytes.Clone(data), n.seen[min(len(data), len(n.seen)):]...)
	return d.sync(n)
}

func (d *memory) sync(n *inode) error {
	if err := d.m.step(); err != nil {
		return err
	}
	n.kept = bytes.Clone(n.seen)
	return nil
}

func (d *memory) Rename(from, to string) error {
	if err := d.begin(); err != nil {
		return err
	}
	n := d.seen[from]
	if n == nil {
		return fs.ErrNotExist
	}
	delete(d.seen, from)
	d.seen[to] = n
	d.pending = append(d.pending, change{from, to, n})
	return nil
}

func (d *memory) Remove(name string) error {
	if err := d.begin(); err != nil {
		return err
	}
	if d.seen[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.seen, name)
	d.pending = append(d.pending, change{from: name})
	return nil
}

func (d *memory) Sync() error {
	if err := d.m.step(); err != nil {
		return err
	}
	d.kept = map[string]*inode{}
	for name, n := range d.seen {
		d.kept[name] = n
	}
	d.pending = nil
	return nil
}

// reboot returns the machine that a power cut now leaves. Seed 0 keeps nothing that
// is not certain, 1 everything, any other one a choice.
func (m *machine) reboot(seed uint64) *machine {
	rng := rand.New(rand.NewPCG(seed, 7))
	lives := func() bool { return seed == 1 || seed > 1 && rng.IntN(2) == 0 }
	out := newMachine()
	out.setup, out.system = m.setup.reboot(out, lives), m.system.reboot(out, lives)
	return out
}

func (d *memory) reboot(m *machine, lives func() bool) *memory {
	out := newMemory(m)
	out.readOnly = d.readOnly
	for _, c := range d.pending {
		if !lives() || c.from != "" && c.to != "" && d.kept[c.from] != c.file {
			continue
		}
		if c.from != "" {
			delete(d.kept, c.from)
		}
		if c.to != "" {
			d.kept[c.to] = c.file
		}
	}
	for _, n := range d.clusters {
		n.kept = torn(n.kept, n.seen, lives)
		n.seen = bytes.Clone(n.kept)
	}
	out.clusters = d.clusters
	for name, n := range d.kept {
		out.seen[name], out.kept[name] = n, n
	}
	return out
}

// torn mixes what was on the disk with what was to be.
func torn(kept, seen []byte, lives func() bool) []byte {
	const sector = 16 // small, as the files are
	if bytes.Equal(kept, seen) {
		return kept
	}
	size := len(kept)
	if lives() {
		size = len(seen)
	}
	out := make([]byte, size)
	copy(out, kept)
	for at := 0; at < size; at += sector {
		if end := min(at+sector, size, len(seen)); at < end && lives() {
			copy(out[at:end], seen[at:end])
		}
	}
	return out
}

// read does what one start does.
func (m *machine) read() Result {
	return (&reader{setup: m.setup, system: m.system, now: clock, rounds: 1}).read()
}

func (m *machine) settings() map[string]string {
	out := map[string]string{}
	for _, name := range m.system.names() {
		out[name] = m.system.text(name)
	}
	return out
}

// holds reports whether the bytes are anywhere on the disk.
func (d *memory) holds(secret string) bool {
	return slices.ContainsFunc(d.clusters, func(n *inode) bool { return bytes.Contains(n.kept, []byte(secret)) })
}

var _ tree = (*memory)(nil)

func TestTheMachineForgetsWhatWasNotSynced(t *testing.T) {
	m := newMachine()
	if err := m.setup.Create("a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := m.reboot(0).setup.names(); len(got) != 0 {
		t.Errorf("a name that was not synced is there: %v", got)
	}
}
