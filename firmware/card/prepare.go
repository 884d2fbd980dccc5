package card

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// programTime bounds each program: a check of a large, slow card takes a minute.
const programTime = 120 * time.Second

// leastGrowth is how many bytes a partition is larger than its file system before
// that is grown: less may be what ext4 could not use.
const leastGrowth = 16 << 20

// machine is what Prepare needs of the machine; system is the real one.
type machine interface {
	// Program runs a program to its end and returns what it said and its exit code,
	// an error if it has none.
	Program(ctx context.Context, name string, arg ...string) (said string, code int, err error)
	// WriteTable makes a table durable on a disk whose partitions may be in use.
	WriteTable(node string, t table) error
	// AddPartition and ResizePartition tell the kernel, in bytes.
	AddPartition(node string, number int, start, length int64) error
	ResizePartition(node string, number int, start, length int64) error
	Mount(m mounting) error
	Unmount(dir string) error
	// Probe returns an error unless the file system at dir takes a file.
	Probe(dir string) error
	// Trim returns how many bytes of the file system at dir the disk was told are free.
	Trim(dir string) (int64, error)
	// Discard tells the disk that nothing in the device is needed.
	Discard(node string, length int64) error
}

// mounting is what is to be mounted.
type mounting struct {
	source, dir, fs, data string
	readOnly              bool
}

// errDevice is wrapped by Mount where not the file system is at fault.
var errDevice = errors.New("not the file system's fault")

// preparation is one call of Prepare.
type preparation struct {
	*Card
	m    machine
	data string // where vedette-data is mounted
	r    Report
}

// Prepare makes the card ready, and mounts vedette-data at data, which is /data:
//
//  1. the partition table is put in order; vedette-data grows to the end of the disk,
//     at the first start, and vedette-spare is made behind it;
//  2. the file system on vedette-data is checked and repaired, at most 120 s twice;
//  3. it is mounted (noatime, nodev, nosuid, noexec; read-only at an error);
//  4. if it cannot be, vedette-spare is formatted and mounted, and the two change
//     names: what was vedette-data is kept as it is. Without a spare, data is in memory;
//  5. the file system grows to its partition;
//  6. a factory reset that was asked for (RequestReset) is carried out.
//
// Each step leaves the card usable if the power is cut in it, and is done again, or
// for the rest, by the next call; a second call changes nothing. It needs root,
// e2fsck(8), resize2fs(8) and mkfs.ext4(8).
//
// What goes wrong is in the report; the error is nil as long as something is
// mounted at data, and the cause of ctx if that ended it.
func (c *Card) Prepare(ctx context.Context, data string) (Report, error) {
	p := &preparation{Card: c, m: c.machine, data: data}
	p.r = Report{Disk: c.Disk, DiskBytes: c.Bytes, Steps: []Step{}, Events: []Event{}}
	err := p.run(ctx)
	if part, ok := c.Part(Data); ok {
		p.r.DataBytes = part.Bytes
	}
	if part, ok := c.Part(Spare); ok {
		p.r.SpareBytes = part.Bytes
	}
	return p.r, err
}

func (p *preparation) run(ctx context.Context) error {
	_ = p.r.step("table", p.grow) // in the report, and no reason to stop
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := p.provide(ctx); err != nil || p.r.Volatile {
		return err
	}
	_ = p.r.step("resize", func() error { return p.resize(ctx) })
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return p.reset(ctx)
}

// grow puts the table in order, and has the kernel know what is in it.
func (p *preparation) grow() error {
	var guid [16]byte
	_, _ = rand.Read(guid[:]) // never fails
	guid[7], guid[8] = guid[7]&0x0f|0x40, guid[8]&0x3f|0x80
	t, g, why := plan(p.table, guid)
	if g != (growth{}) || !p.table.sound {
		if err := p.write(t); err != nil {
			return errors.Join(why, err)
		}
	}
	if g != (growth{}) {
		p.r.emit("card_grown", "info", map[string]any{"from_bytes": g.from, "to_bytes": g.to, "spare_bytes": g.spare})
	}
	return errors.Join(why, p.tell(Data), p.tell(Spare))
}

// write writes a table, which is the card's from then on.
func (p *preparation) write(t table) error {
	if err := p.m.WriteTable(p.at.node(p.dir), t); err != nil {
		return err
	}
	t.sound, t.lost = true, false
	p.table = t
	return nil
}

// tell makes the kernel's partition what the table says, if it is not.
func (p *preparation) tell(name string) error {
	part, ok := p.Part(name)
	if !ok {
		return nil
	}
	dir, known := p.partition(part.Number)
	switch {
	case !known:
		return p.m.AddPartition(p.at.node(p.dir), part.Number, part.Start, part.Bytes)
	case number(dir, "start")*512 != part.Start:
		return fmt.Errorf("%s begins elsewhere for the kernel: start again", name)
	case number(dir, "size")*512 != part.Bytes:
		return p.m.ResizePartition(p.at.node(p.dir), part.Number, part.Start, part.Bytes)
	}
	return nil
}

// provide has something mounted at data.
func (p *preparation) provide(ctx context.Context) error {
	part, there := p.Part(Data)
	there = there && part.Node != ""
	m, is, err := p.at.mountedAt(p.data)
	if spare, ok := p.Part(Spare); err == nil && is && ok && m.number == p.deviceNumber(spare) {
		// A replacement was ended before the names changed: it begins anew.
		is, err = false, p.m.Unmount(p.data)
	}
	switch {
	case err != nil:
		return err
	case is && m.fs == "tmpfs":
		return p.inMemory("it was before")
	case is && there && m.number == p.deviceNumber(part):
		return nil
	case is:
		return fmt.Errorf("%s: something else is mounted there: %s", p.data, m.number)
	case !there:
		return p.inMemory("the card has no " + Data)
	}
	broken := p.check(ctx, part)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	why := p.r.step("mount", func() error { return p.mount(part, broken) })
	switch {
	case why == nil && broken != nil:
		p.r.emit("data_repaired", "warning", map[string]any{"incomplete": true, "said": broken.Error()})
		return nil
	case why == nil:
		return nil
	case errors.Is(why, errDevice):
		return p.inMemory(why.Error())
	}
	why = errors.Join(broken, why)
	err = p.r.step("replace", func() error { return p.replace(ctx, why) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return p.inMemory(fmt.Sprintf("%v; %v", why, err))
	}
	return nil
}

// check has the file system checked and repaired, and returns why it is not in order
// afterwards.
func (p *preparation) check(ctx context.Context, part Part) (broken error) {
	e2fsck := func(how string) (string, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, programTime, fmt.Errorf("not done in %v", programTime))
		defer cancel()
		said, code, err := p.m.Program(ctx, "e2fsck", how, part.Node)
		switch {
		case err != nil:
			return said, err
		case code&^3 != 0: // 1 and 2 are: corrected (e2fsck(8))
			return said, fmt.Errorf("e2fsck %s: code %d: %s", how, code, gist(said))
		}
		if code == 0 {
			p.r.Check = Clean
		} else {
			p.r.Check = Tidied
		}
		return said, nil
	}
	var said string
	if err := p.r.step("check", func() (err error) { _, err = e2fsck("-p"); return err }); err == nil || ctx.Err() != nil {
		return nil
	}
	err := p.r.step("repair", func() (err error) { said, err = e2fsck("-y"); return err })
	if err != nil {
		p.r.Check = Broken
		return err
	}
	p.r.Check = Repaired
	p.r.emit("data_repaired", "warning", map[string]any{"said": gist(said)})
	return nil
}

// mount mounts vedette-data, and tries a file if the check was not content with it.
func (p *preparation) mount(part Part, broken error) error {
	if err := p.m.Mount(mounting{source: part.Node, dir: p.data, fs: "ext4", data: dataOptions}); err != nil {
		return err
	}
	if broken == nil {
		return nil
	}
	if err := p.m.Probe(p.data); err != nil {
		return errors.Join(err, p.m.Unmount(p.data))
	}
	return nil
}

// dataOptions are what ext4 is told of vedette-data. What must not be lost is synced by
// whoever writes it; for the rest, a commit every half a minute spares the card.
const dataOptions = "errors=remount-ro,commit=30"

// replace formats vedette-spare and has it take the place of vedette-data. The new file
// system is there and mounted before the names change, in one write of the table:
// until then a power cut leaves all as it was.
func (p *preparation) replace(ctx context.Context, why error) error {
	spare, ok := p.Part(Spare)
	if !ok || spare.Node == "" {
		return fmt.Errorf("the card has no %s", Spare)
	}
	switch used, err := p.at.isMounted(p.deviceNumber(spare)); {
	case err != nil:
		return err
	case used:
		return fmt.Errorf("%s is mounted", Spare)
	}
	if err := p.mkfs(ctx, spare); err != nil {
		return err
	}
	if err := p.mount(spare, why); err != nil {
		return err
	}
	before := p.table.named(Spare)[0]
	if err := p.write(p.table.swapped()); err != nil {
		return errors.Join(err, p.m.Unmount(p.data))
	}
	p.r.Fresh, p.r.Kept, p.r.Overwrote = true, Spare, before.flags&kept != 0
	p.r.emit("data_replaced", "critical", map[string]any{"kept": Spare, "overwrote": p.r.Overwrote, "reason": why.Error()})
	return nil
}

// mkfs makes the file system of a new vedette-data: nothing kept for root, and its
// tables written at once where that takes no more than seconds.
func (p *preparation) mkfs(ctx context.Context, part Part) error {
	ctx, cancel := context.WithTimeoutCause(ctx, programTime, fmt.Errorf("not done in %v", programTime))
	defer cancel()
	lazy := "lazy_itable_init=0,lazy_journal_init=0"
	if part.Bytes > 1<<30 {
		lazy = "lazy_itable_init=1,lazy_journal_init=1"
	}
	said, code, err := p.m.Program(ctx, "mkfs.ext4", "-q", "-b", "4096", "-i", "16384", "-m", "0", "-e", "remount-ro", "-E", lazy, "-L", Data, part.Node)
	if err == nil && code != 0 {
		err = fmt.Errorf("mkfs.ext4: code %d: %s", code, gist(said))
	}
	return err
}

// inMemory has data be in memory.
func (p *preparation) inMemory(why string) error {
	p.r.Volatile = true
	p.r.emit("data_volatile", "critical", map[string]any{"reason": why})
	if _, is, err := p.at.mountedAt(p.data); err != nil || is {
		return err
	}
	return p.r.step("memory", func() error {
		return p.m.Mount(mounting{source: "tmpfs", dir: p.data, fs: "tmpfs", data: "size=25%,mode=0755"})
	})
}

// resize grows the file system to its partition.
func (p *preparation) resize(ctx context.Context) error {
	part, ok := p.Part(Data)
	dir, known := p.partition(part.Number)
	if !ok || !known {
		return nil
	}
	holds, err := ext4Bytes(part.Node)
	if err != nil || number(dir, "size")*512-holds < leastGrowth {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, programTime, fmt.Errorf("not done in %v", programTime))
	defer cancel()
	said, code, err := p.m.Program(ctx, "resize2fs", part.Node)
	if err == nil && code != 0 {
		err = fmt.Errorf("resize2fs: code %d: %s", code, gist(said))
	}
	return err
}

// deviceNumber returns a partition's, as mountinfo has it: 179:6; "" if the kernel
// does not know it.
func (p *preparation) deviceNumber(part Part) string {
	dir, ok := p.partition(part.Number)
	if !ok {
		return ""
	}
	return word(dir, "dev")
}
