// Package card owns the medium the board booted from, as docs/format/card.md lays it
// out: it finds it, makes vedette-data usable before anything reads it, and
// opens vedette-setup. It never writes to another disk, and of this one to nothing
// but vedette-data, vedette-spare, the partition table, and vedette-setup while a
// caller has it open.
package card

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names of the partitions.
const (
	Boot  = "vedette-boot"
	State = "vedette-state"
	SlotA = "vedette-a"
	SlotB = "vedette-b"
	Setup = "vedette-setup"
	Data  = "vedette-data"
	Spare = "vedette-spare"
)

func names() []string { return []string{Boot, State, SlotA, SlotB, Setup, Data, Spare} }

// ErrNoCard is returned where the root file system does not lie on a card of this
// layout: on a PC, over a network, in memory.
var ErrNoCard = errors.New("the root file system is not on a Vedette card")

// Places is where the kernel shows itself. An empty one stands for /sys, /dev or
// /proc.
type Places struct{ Sys, Dev, Proc string }

// Card is the medium the board booted from. Its methods must not be called
// concurrently.
type Card struct {
	Disk  string // the kernel's name: mmcblk0
	Bytes int64  // its size

	at      Places
	dir     string // in sysfs
	table   table
	machine machine
}

// Part is a partition of the card.
type Part struct {
	Name   string // in the table
	Number int    // from 1
	Node   string // /dev/mmcblk0p6; "" if the kernel does not know it
	Start  int64  // bytes from the begin of the disk
	Bytes  int64  // by the table
}

// Find returns the disk that root lies on: a path on its file system, "" for /, or
// a block device. Where that is on no disk, as with an overlay or a root that an
// initramfs made, root= of the kernel's command line counts: /dev/NAME, PARTUUID= or
// PARTLABEL=, the latter if one disk alone has it.
//
// Names are read from the table itself: the PARTNAME in the kernel's uevent is
// missing for a partition that was added since the start, and stays the old one when two
// change names. The second copy of the table does where the first is damaged.
//
// It returns ErrNoCard, with the reason, if there is no such disk or it has another
// layout; it never writes.
func Find(at Places, root string) (*Card, error) {
	at = Places{cmp.Or(at.Sys, "/sys"), cmp.Or(at.Dev, "/dev"), cmp.Or(at.Proc, "/proc")}
	dir, err := at.diskOf(cmp.Or(root, "/"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCard, err)
	}
	c, err := open(at, dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoCard, filepath.Base(dir), err)
	}
	if err := c.ours(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoCard, c.Disk, err)
	}
	return c, nil
}

// open reads the disk in a directory of sysfs.
func open(at Places, dir string) (*Card, error) {
	c := &Card{Disk: filepath.Base(dir), Bytes: number(dir, "size") * 512, at: at, dir: dir, machine: system{}}
	sector := number(dir, "queue/logical_block_size")
	if sector < 512 {
		return nil, fmt.Errorf("sectors of %d bytes", sector)
	}
	f, err := os.Open(at.node(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c.table, err = readTable(f, c.Bytes/sector, sector)
	return c, err
}

// ours says why the disk is no card of this layout.
func (c *Card) ours() error {
	for _, name := range names() {
		if n := len(c.table.named(name)); n > 1 {
			return fmt.Errorf("%d partitions are named %s", n, name)
		}
	}
	if len(c.table.named(State)) == 0 || len(c.table.named(SlotA))+len(c.table.named(SlotB)) == 0 {
		return fmt.Errorf("it has no %s and slot", State)
	}
	return nil
}

// Parts returns the partitions of the card that have a name of this layout, by
// number.
func (c *Card) Parts() []Part {
	var all []Part
	for _, e := range c.table.used() {
		if !slices.Contains(names(), e.name) {
			continue
		}
		p := Part{Name: e.name, Number: e.number, Start: e.first * c.table.sector, Bytes: (e.last - e.first + 1) * c.table.sector}
		if dir, ok := c.partition(e.number); ok {
			p.Node = c.at.node(dir)
		}
		all = append(all, p)
	}
	return all
}

// Part returns the partition of that name, and whether there is one.
func (c *Card) Part(name string) (Part, bool) {
	all := c.Parts()
	i := slices.IndexFunc(all, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return all[i], true
}

// partition returns the directory in sysfs of the partition of that number.
func (c *Card) partition(n int) (string, bool) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return "", false // the disk went
	}
	for _, e := range entries {
		if dir := filepath.Join(c.dir, e.Name()); number(dir, "partition") == int64(n) {
			return dir, true
		}
	}
	return "", false
}

// Link makes links in dir, which it makes if need be, that are named as the
// partitions and lead to their devices, and takes away those of partitions that are
// not there. Each link leads to the old or the new device at any moment.
func (c *Card) Link(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names() {
		path := filepath.Join(dir, name)
		p, ok := c.Part(name)
		if !ok || p.Node == "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			continue
		}
		temp := path + ".new"
		if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.Symlink(p.Node, temp); err != nil {
			return err
		}
		if err := os.Rename(temp, path); err != nil {
			return err
		}
	}
	return nil
}

// word returns the content of a small file of the kernel, or "".
func word(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func number(dir, name string) int64 {
	n, err := strconv.ParseInt(word(dir, name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
