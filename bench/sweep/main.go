// Command sweep measures what it costs to make room: the sweeper against a bare
// unlink of the same files, and against the way of the reference system on
// SQLite (sqlite/, a module of its own, built by bench/run.sh). Each run has a
// disk of its own, whose block layer counts what reaches it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"vedette/bench/box"
	"vedette/recorder/index"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

type options struct {
	dir, sqlite   string
	rounds, files int
	rows          []int
	memory        int              // rows
	waits         *[]time.Duration // the longest of each sweep
}

func main() {
	o := options{waits: &[]time.Duration{}}
	only := flag.String("only", "", "memory: what a subprocess measures")
	few := flag.Int("few", 100_000, "rows of the smaller index")
	many := flag.Int("many", 1_000_000, "rows of the larger index")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disks and logs")
	flag.StringVar(&o.sqlite, "sqlite", "", "the baseline's binary; empty: it is not measured")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds")
	flag.IntVar(&o.files, "files", 2000, "segments that are swept")
	flag.IntVar(&o.memory, "memory", 10_000_000, "rows of the index whose memory is measured")
	flag.Parse()
	o.rows = []int{*few, *many}
	if *only == "memory" {
		if err := holdMemory(o.dir, o.memory); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := box.UntilInterrupted(func(ctx context.Context) error { return all(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

const (
	cameras = 16
	mib     = 1 << 20
	began   = int64(1_780_000_000_000) // UTC ms
	minute  = int64(60_000)
)

// row is segment number i of a box of 16 cameras, which end one after the other.
func row(i int) index.Row {
	return index.Row{
		Camera: fmt.Sprintf("cam-%02d", i%cameras), Start: began + int64(i/cameras)*minute, Duration: uint32(minute),
		Bytes: mib, Seq: uint32(i / cameras), Flags: index.Trusted,
	}
}

// figures are what one run took.
type figures struct {
	wall   time.Duration
	blocks box.Blocks
	gone   int
}

// contender frees the first files of a disk.
type contender struct {
	name    string
	rows    int
	prepare func(d *box.Disk) error
	sweep   func(d *box.Disk) (int, time.Duration, error) // how many went, and how long that took
}

// all runs every contender in each round, and prints the tables.
func all(ctx context.Context, o options) error {
	if why := box.Lacks("ext4"); why != "" {
		return errors.New(why)
	}
	list := []contender{{name: "unlink(2) and one sync", prepare: nothing, sweep: o.unlink(unlink2)}, {name: "the same through os.Root", prepare: nothing, sweep: o.unlink(rooted)}}
	for _, n := range o.rows {
		list = append(list, contender{"vedette, floor", n, fill(n), o.floor})
	}
	if o.sqlite != "" {
		for _, n := range o.rows {
			for _, kind := range []string{"floor", "cap"} {
				list = append(list, contender{"SQLite, " + kind, n, o.fillSQLite(n), o.sweepSQLite(kind)})
			}
		}
	}
	got := make([][]figures, len(list))
	for r := range o.rounds {
		for i, c := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f, err := o.measure(c, fmt.Sprintf("%d-%d", r, i))
			if err != nil {
				return fmt.Errorf("%s, %d rows: %w", c.name, c.rows, err)
			}
			got[i] = append(got[i], f)
		}
	}
	table(list, got)
	fmt.Printf("longest that a writer of segments waited for the index during a sweep, each: %v\n", *o.waits)
	return errors.Join(o.life(256), o.life(32), o.memoryOf(ctx), o.plan())
}

// measure makes a disk with the files of the first rows and has c free them.
func (o options) measure(c contender, name string) (f figures, err error) {
	d, err := box.NewDisk(o.dir, name, "ext4", 12<<30)
	if err != nil {
		return f, err
	}
	defer d.Close()
	if err := errors.Join(volumeOn(d), o.segments(d), c.prepare(d), d.Remount()); err != nil {
		return f, err
	}
	before, err := d.Blocks()
	if err != nil {
		return f, err
	}
	if f.gone, f.wall, err = c.sweep(d); err != nil {
		return f, err
	}
	fsys, err := volume.OpenFS(d.Dir)
	if err != nil {
		return f, err
	}
	// What is left in memory belongs to the bytes, not to the time.
	err = errors.Join(fsys.SyncFS(), fsys.Close())
	after, berr := d.Blocks()
	f.blocks = after.Sub(before)
	return f, errors.Join(err, berr)
}

// volumeOn makes a volume of an empty disk.
func volumeOn(d *box.Disk) error {
	v, err := volume.Open(d.Dir, volume.Options{})
	if err != nil {
		return err
	}
	return v.Close()
}

// segments makes the segments that will be swept: preallocated, like real ones.
func (o options) segments(d *box.Disk) error {
	for i := range o.files {
		n := row(i).File()
		if err := os.MkdirAll(filepath.Join(d.Dir, n.Dir()), 0o755); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(d.Dir, n.Path()))
		if err != nil {
			return err
		}
		if err := errors.Join(allocate(f, mib), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func nothing(*box.Disk) error { return nil }

// unlink is what the file system alone takes.
func (o options) unlink(remove func(fsys volume.FS, dir, path string) error) func(*box.Disk) (int, time.Duration, error) {
	return func(d *box.Disk) (int, time.Duration, error) {
		fsys, err := volume.OpenFS(d.Dir)
		if err != nil {
			return 0, 0, err
		}
		defer fsys.Close()
		start := time.Now()
		for i := range o.files {
			if err := remove(fsys, d.Dir, row(i).File().Path()); err != nil {
				return i, 0, err
			}
		}
		err = fsys.SyncFS()
		return o.files, time.Since(start), err
	}
}

// unlink2 trusts the path; rooted opens each directory on it, so that no link leads
// out of the volume, as the sweeper does.
func unlink2(_ volume.FS, dir, path string) error        { return unix.Unlink(dir + "/" + path) }
func rooted(fsys volume.FS, _ string, path string) error { return fsys.Remove(path) }

// fill makes an index of n rows.
func fill(n int) func(*box.Disk) error {
	return func(d *box.Disk) error {
		x, err := index.Open(filepath.Join(d.Dir, "segments.db"), index.Options{})
		if err != nil {
			return err
		}
		return errors.Join(addRows(x, n, nil), x.Close())
	}
}

func addRows(x *index.Index, n int, held func(index.Row) bool) error {
	const some = 1 << 16
	rows := make([]index.Row, 0, some)
	for i := range n {
		if rows = append(rows, row(i)); len(rows) == some || i == n-1 {
			if err := x.AddAll(rows, held); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return nil
}

// floor has the sweeper keep a floor that wants exactly the files there are.
func (o options) floor(d *box.Disk) (int, time.Duration, error) {
	x, err := index.Open(filepath.Join(d.Dir, "segments.db"), index.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer x.Close()
	v, err := volume.Open(d.Dir, volume.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer v.Close()
	fsys, err := v.Second()
	if err != nil {
		return 0, 0, err
	}
	defer fsys.Close()
	space, err := fsys.Space()
	if err != nil {
		return 0, 0, err
	}
	high := space.Available + int64(o.files)*mib - mib/2
	s := sweep.New(x, fsys, fsys, sweep.Options{Limits: sweep.Limits{Floor: high - 1, High: high}})
	longest := disturb(x)
	start := time.Now()
	err = errors.Join(s.Sweep(context.Background()), x.Flush()) // what is forgotten waits for a commit
	took := time.Since(start)
	*o.waits = append(*o.waits, longest())
	return int(s.State().Deleted.Rows), took, err
}

// fillSQLite and sweepSQLite do the same with the baseline's binary.
func (o options) fillSQLite(n int) func(*box.Disk) error {
	return func(d *box.Disk) error {
		_, err := o.run("fill", d, strconv.Itoa(n))
		return err
	}
}

func (o options) sweepSQLite(kind string) func(*box.Disk) (int, time.Duration, error) {
	return func(d *box.Disk) (int, time.Duration, error) {
		files := o.files
		if kind == "cap" {
			files /= 10 // it sums up all rows for every twenty
		}
		out, err := o.run(kind, d, strconv.Itoa(files))
		if err != nil {
			return 0, 0, err
		}
		var r struct {
			Gone    int
			Seconds float64
		}
		err = json.Unmarshal(out, &r)
		return r.Gone, time.Duration(r.Seconds * float64(time.Second)), err
	}
}

func (o options) run(kind string, d *box.Disk, n string) ([]byte, error) {
	cmd := exec.Command(o.sqlite, kind, d.Dir, n)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}
