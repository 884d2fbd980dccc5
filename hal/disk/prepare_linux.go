package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// How often, and for how long, the kernel is asked whether it is so far.
const (
	settleEvery = 50 * time.Millisecond
	settleTime  = 10 * time.Second
)

// inodeBytes is how many bytes of the file system there are for a file: a minute of
// a camera that sends 70 kb/s. More files would cost room for nothing, fewer would
// end a disk of small segments with bytes to spare.
const inodeBytes = 512 << 10

// preparation is Prepare, with what tests have otherwise.
type preparation struct {
	d      *Device
	o      PrepareOptions
	least  int64                               // bytes of the disk
	reread func(*os.File, table) error         // makes the kernel read the table
	format func(context.Context, string) error // makes the file system on a node
}

// Prepare erases the whole disk and makes it one partition with one ext4 file
// system for footage, and returns that, not mounted. It takes seconds to minutes,
// by size and speed of the disk, and needs wipefs(8) and mkfs.ext4(8). The end of ctx
// ends it, with ctx's cause.
//
// It returns ErrConfirm unless o.Confirm is the disk's Phrase, ErrChanged if the
// disk is not the one any more that d was made from, ErrBusy, with the reason, if
// Busy says one (read-only is one), ErrSmall below 1 GB, or another error for
// options that cannot be: then nothing was touched. After any other error the old
// content counts as gone: the disk has no table, or one whose partition holds no
// or half a file system. Prepare may then be called again, on what List returns
// anew. One call at a time for one disk; the second gets ErrBusy or spoils nothing
// that is finished, as every step opens the disk exclusively.
func (d *Device) Prepare(ctx context.Context, o PrepareOptions) (Part, error) {
	o.UUID = strings.ToLower(cmp.Or(o.UUID, randomUUID()))
	p := preparation{d: d, o: o, least: leastDisk, reread: rereadTable}
	p.format = p.mkfs
	part, err := p.run(ctx)
	if err != nil {
		return Part{}, fmt.Errorf("prepare %s: %w", d.Info.Name, err)
	}
	return part, nil
}

func (p *preparation) run(ctx context.Context) (Part, error) {
	if err := p.allowed(); err != nil {
		return Part{}, err
	}
	old, err := partitions(p.d.dir)
	if err != nil {
		return Part{}, err
	}
	for _, dir := range append(old, p.d.dir) { // partitions first: their names go with the table
		if err := wipe(ctx, node(filepath.Base(dir))); err != nil {
			return Part{}, err
		}
	}
	if err := p.writeTable(ctx); err != nil {
		return Part{}, err
	}
	dir, err := p.appeared(ctx)
	if err != nil {
		return Part{}, err
	}
	name := filepath.Base(dir)
	// What lay there under another table would come to light again.
	if err := wipe(ctx, node(name)); err != nil {
		return Part{}, err
	}
	if err := p.format(ctx, node(name)); err != nil {
		return Part{}, err
	}
	return p.verify(dir)
}

// allowed says whether the disk may be erased.
func (p *preparation) allowed() error {
	if err := p.o.check(); err != nil {
		return err
	}
	if p.o.Confirm != p.d.Phrase() {
		return ErrConfirm
	}
	now := read(p.d.dir)
	if was := p.d.Info; now.Serial != was.Serial || now.Model != was.Model || now.Bytes != was.Bytes {
		return ErrChanged
	}
	why, err := p.d.Busy()
	switch {
	case err != nil:
		return err
	case why != "":
		return fmt.Errorf("%w: %s", ErrBusy, why)
	case now.Bytes < p.least:
		return fmt.Errorf("%w: %d bytes, not %d", ErrSmall, now.Bytes, p.least)
	}
	return nil
}

// wipe takes away what tells of file systems and tables.
func wipe(ctx context.Context, node string) error {
	_, err := run(ctx, "wipefs", "-a", "-q", node)
	return err
}

// writeTable writes the partition table, and makes the kernel read it.
func (p *preparation) writeTable(ctx context.Context) error {
	sector := cmp.Or(number(p.d.dir, "queue/logical_block_size"), 512)
	t, err := newTable(p.d.Info.Bytes, sector, alignment(p.d.Info.EraseBlock, sector), randomGUID(), randomGUID())
	if err != nil {
		return err
	}
	fd, err := unix.Open(node(p.d.Info.Name), unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%w: opened by somebody since", ErrBusy)
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: node(p.d.Info.Name), Err: err}
	}
	f := os.NewFile(uintptr(fd), node(p.d.Info.Name))
	defer f.Close()
	// The tail first: without the head it is nothing, and the head needs it.
	tail, at := t.tail()
	for _, w := range []struct {
		data []byte
		at   int64
	}{{tail, at}, {t.head(), 0}} {
		if _, err := f.WriteAt(w.data, w.at); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return settle(ctx, "the partition table to be read", func() (bool, error) {
		err := p.reread(f, t)
		return !errors.Is(err, unix.EBUSY), err
	})
}

// rereadTable makes the kernel read the table.
func rereadTable(disk *os.File, _ table) error {
	if _, err := pass(int(disk.Fd()), unix.BLKRRPART, nil); err != nil {
		return &os.PathError{Op: "read the table of", Path: disk.Name(), Err: err}
	}
	return nil
}

// appeared waits for the first partition, in sysfs and in /dev.
func (p *preparation) appeared(ctx context.Context) (string, error) {
	var dirs []string
	err := settle(ctx, "the partition to appear (does the kernel read GPT?)", func() (bool, error) {
		var err error
		if dirs, err = partitions(p.d.dir); err != nil || len(dirs) != 1 {
			return err != nil, err
		}
		st, err := os.Stat(node(filepath.Base(dirs[0])))
		return err == nil && st.Mode()&os.ModeDevice != 0, nil
	})
	if err != nil {
		return "", err
	}
	return dirs[0], nil
}

// settle asks again and again until done; its last error counts.
func settle(ctx context.Context, what string, done func() (bool, error)) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for end := time.Now().Add(settleTime); ; {
		ok, err := done()
		switch {
		case ok:
			return err
		case time.Now().After(end):
			return errors.Join(fmt.Errorf("waited %v for %s", settleTime, what), err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// mkfs makes the file system, and leaves little to mke2fs.conf(5): nothing kept
// for root, few inodes, its tables written now and not while it records, and
// nothing more written once it is found damaged.
func (p *preparation) mkfs(ctx context.Context, node string) error {
	arg := []string{"-q", "-t", "ext4", "-b", "4096", "-m", "0", "-i", strconv.Itoa(inodeBytes), "-O", "has_journal", "-e", "remount-ro",
		"-E", "lazy_itable_init=0,lazy_journal_init=0", "-U", p.o.UUID}
	if p.o.Label != "" {
		arg = append(arg, "-L", p.o.Label)
	}
	_, err := run(ctx, "mkfs.ext4", append(arg, node)...)
	return err
}

// verify flushes the partition, and looks whether the disk kept it: a false one does not.
func (p *preparation) verify(dir string) (Part, error) {
	if err := flush(node(filepath.Base(dir))); err != nil {
		return Part{}, err
	}
	found, err := part(dir, nil)
	if err != nil {
		return Part{}, err
	}
	if found.FS == "" {
		if _, err := program("blkid"); err == nil {
			return Part{}, fmt.Errorf("%s does not hold what was written", found.Name)
		}
		found.FS, found.UUID, found.Label = "ext4", p.o.UUID, p.o.Label
	}
	if found.FS != "ext4" || found.UUID != p.o.UUID || found.Label != p.o.Label {
		return Part{}, fmt.Errorf("%s does not hold what was written: %s %s %q", found.Name, found.FS, found.UUID, found.Label)
	}
	return found, nil
}

// flush writes what is not on a disk or partition yet, makes it durable, and
// forgets what is in memory of it.
func flush(node string) error {
	f, err := os.Open(node)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil { // BLKFLSBUF leaves the disk's own cache
		return err
	}
	if _, err := pass(int(f.Fd()), unix.BLKFLSBUF, nil); err != nil {
		return &os.PathError{Op: "flush", Path: node, Err: err}
	}
	return nil
}
