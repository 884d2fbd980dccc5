package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
)

var errPowerLost = errors.New("power lost")

// box is a disk with a key file and a database, whose power can be cut before any step.
type box struct {
	steps, cutAt int // at this step the power goes
	failAt       int // this one fails
	seen, kept   map[string]*inode
	pending      []change
	db           map[[3]string][]byte // durable at every moment
	proof        []byte
}

type inode struct{ seen, kept []byte }

// change is one of names that no sync followed; "" is none.
type change struct {
	from, to string
	file     *inode
}

func newBox() *box {
	return &box{seen: map[string]*inode{}, kept: map[string]*inode{}, db: map[[3]string][]byte{}}
}

func (b *box) step() error {
	b.steps++
	switch {
	case b.cutAt > 0 && b.steps >= b.cutAt:
		return errPowerLost
	case b.steps == b.failAt:
		return syscall.EIO
	}
	return nil
}

func (b *box) read(name string) ([]byte, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	if n := b.seen[name]; n != nil {
		return bytes.Clone(n.seen), nil
	}
	return nil, fs.ErrNotExist
}

func (b *box) create(name string, data []byte) error {
	if err := b.step(); err != nil {
		return err
	}
	if b.seen[name] != nil {
		return fs.ErrExist
	}
	n := &inode{}
	b.seen[name] = n
	b.pending = append(b.pending, change{to: name, file: n})
	n.seen = bytes.Clone(data)
	if err := b.step(); err != nil { // written, and not synced
		return err
	}
	n.kept = n.seen
	return nil
}

func (b *box) link(from, to string) error {
	if err := b.step(); err != nil {
		return err
	}
	if b.seen[to] != nil {
		return fs.ErrExist
	}
	b.seen[to] = b.seen[from]
	b.pending = append(b.pending, change{to: to, file: b.seen[from]})
	return nil
}

func (b *box) rename(from, to string) error {
	if err := b.step(); err != nil {
		return err
	}
	n := b.seen[from]
	delete(b.seen, from)
	b.seen[to] = n
	b.pending = append(b.pending, change{from: from, to: to, file: n})
	return nil
}

func (b *box) remove(name string) error {
	if err := b.step(); err != nil {
		return err
	}
	if b.seen[name] == nil {
		return fs.ErrNotExist
	}
	delete(b.seen, name)
	b.pending = append(b.pending, change{from: name})
	return nil
}

func (b *box) sync() error {
	if err := b.step(); err != nil {
		return err
	}
	b.kept, b.pending = maps.Clone(b.seen), nil
	return nil
}

func (b *box) lock() (func(), error) { return func() {}, b.step() }

// The seeds that are no chance.
const (
	nothing = iota
	everything
)

// reboot returns what a power cut leaves: of changes of names any, as long as those of one
// name come in their order, and of bytes that were not synced any number.
func (b *box) reboot(seed uint64) *box {
	rng := rand.New(rand.NewPCG(seed, 1))
	survives := func() bool { return seed == everything || seed > everything && rng.IntN(2) == 0 }
	after := newBox()
	after.db, after.proof = maps.Clone(b.db), b.proof
	names, gone := maps.Clone(b.kept), map[string]bool{}
	for _, c := range b.pending {
		if !survives() || gone[c.from] || gone[c.to] {
			gone[c.from], gone[c.to] = true, true
			delete(gone, "")
			continue
		}
		delete(names, c.from)
		if c.to != "" {
			names[c.to] = c.file
		}
	}
	for name, n := range names {
		data := n.kept
		if data == nil && survives() {
			data = n.seen[:rng.IntN(len(n.seen)+1)]
		}
		after.seen[name] = &inode{data, data}
	}
	after.kept = maps.Clone(after.seen)
	return after
}

// put keeps a secret in the database.
func (b *box) put(v *Vault, table, id, field, secret string) {
	sealed, err := v.Seal(table, id, field, []byte(secret))
	if err != nil {
		panic(err)
	}
	b.db[[3]string{table, id, field}] = sealed
	if b.proof == nil {
		b.proof = v.Proof()
	}
}

// reseal is a transaction: the power may go before, and after.
func (b *box) reseal(v *Vault) Reseal {
	return func(open, seal Func) (int, error) {
		next := map[[3]string][]byte{}
		for at, sealed := range b.db {
			plain, err := open(at[0], at[1], at[2], sealed)
			if err != nil {
				return 0, err
			}
			if next[at], err = seal(at[0], at[1], at[2], plain); err != nil {
				return 0, err
			}
		}
		if err := b.step(); err != nil {
			return 0, err
		}
		b.db, b.proof = next, v.Proof()
		return len(next), b.step()
	}
}

// check wants every secret to be readable: each one is the three words of its place.
func (b *box) check(t *testing.T, what string, v *Vault) {
	t.Helper()
	for at, sealed := range b.db {
		plain, err := v.Open(at[0], at[1], at[2], sealed)
		if want := strings.Join(at[:], " "); err != nil || string(plain) != want {
			t.Errorf("%s: %q, %v; want %q", what, plain, err, want)
		}
	}
	if b.proof != nil {
		if err := v.Verify(b.proof); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
