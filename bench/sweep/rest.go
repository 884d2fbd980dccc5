package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vedette/bench/box"
	"vedette/recorder/index"
	"vedette/recorder/sweep"
)

func allocate(f *os.File, n int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, n) }

// median returns the middle of what the rounds gave.
func median[T cmp.Ordered](all []figures, of func(figures) T) T {
	var v []T
	for _, f := range all {
		v = append(v, of(f))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// table prints medians, and ratios to the bare unlink.
func table(list []contender, got [][]figures) {
	perFile := func(f figures) float64 { return float64(f.blocks.Written) / float64(f.gone) }
	wall := func(f figures) float64 { return f.wall.Seconds() / float64(f.gone) }
	bare := got[0]
	fmt.Println("| | rows | segments | ms | range | µs a segment | ÷ bare | device bytes a segment | ÷ bare | flushes |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for i, c := range list {
		g := got[i]
		ms := func(f figures) float64 { return f.wall.Seconds() * 1000 }
		low := slices.MinFunc(g, func(a, b figures) int { return cmp.Compare(a.wall, b.wall) })
		high := slices.MaxFunc(g, func(a, b figures) int { return cmp.Compare(a.wall, b.wall) })
		fmt.Printf("| %s | %d | %d | %.0f | %.0f to %.0f | %.1f | %.2f | %.0f | %.2f | %d |\n", c.name, c.rows, g[0].gone, median(g, ms), ms(low), ms(high),
			median(g, wall)*1e6, median(g, wall)/median(bare, wall), median(g, perFile), median(g, perFile)/median(bare, perFile),
			median(g, func(f figures) int64 { return f.blocks.Flushes }))
	}
	fmt.Println()
}

// disturb adds a segment every millisecond, as many cameras would in a busy
// second; stop returns the longest that one took.
func disturb(x *index.Index) (stop func() time.Duration) {
	end, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		most := time.Duration(0)
		for i := 0; ; i++ {
			select {
			case <-end:
				longest <- most
				return
			case <-time.After(time.Millisecond):
			}
			r := row(1<<24 + i) // years later
			start := time.Now()
			if err := x.Add(r); err != nil {
				panic(err) // it is ours: there is no camera
			}
			most = max(most, time.Since(start))
		}
	}()
	return func() time.Duration { close(end); return <-longest }
}

// life measures what reaches the disk of the index for a segment over its life:
// a minute of sixteen cameras at a time is committed, and batch rows are deleted
// whenever that many are too many, by the steps of the sweeper. By default it is two
// minutes' worth, 32, that lie between floor and high mark.
func (o options) life(batch int64) error {
	d, err := box.NewDisk(o.dir, fmt.Sprint("life", batch), "ext4", 1<<30)
	if err != nil {
		return err
	}
	defer d.Close()
	x, err := index.Open(filepath.Join(d.Dir, "segments.db"), index.Options{Interval: time.Hour, Batch: cameras})
	if err != nil {
		return err
	}
	defer x.Close()
	const kept, added = 100_000, 40_000
	if err := addRows(x, kept, nil); err != nil {
		return err
	}
	before, err := d.Blocks()
	if err != nil {
		return err
	}
	counted := x.Status().Written
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- x.Run(ctx) }()
	err = live(x, kept, kept+added, batch)
	stop()
	if ended := <-ran; !errors.Is(ended, context.Canceled) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return err
	}
	after, err := d.Blocks()
	if err != nil {
		return err
	}
	fmt.Printf("index over a segment's life, %d deleted at a time: %.0f bytes of the disk (%.0f given to it), %.2f flushes\n", batch,
		float64(after.Sub(before).Written)/added, float64(x.Status().Written-counted)/added, float64(after.Sub(before).Flushes)/added)
	return nil
}

// live adds rows from up to to, a quarter of a minute's at a time. A full batch
// stands for the end of a minute: as it does, it takes along nothing but rows. A
// sweep takes them along too, and the minute begins anew; it comes up to half a
// minute early or late, so that it does not always meet the end of one.
func live(x *index.Index, from, to int, batch int64) error {
	const some = cameras / 4
	waiting, minutes, sweeps := 0, 0, 0
	for i := from; i < to; i += some {
		for c := range some {
			if err := x.Add(row(i + c)); err != nil {
				return err
			}
		}
		if waiting += some; waiting == cameras {
			for x.Status().Pending > 0 {
				time.Sleep(100 * time.Microsecond)
			}
			waiting = 0
			if minutes++; minutes == 10 { // so long does what is forgotten wait
				if err := x.Flush(); err != nil {
					return err
				}
			}
		}
		late := (sweeps%5 - 2) * some
		if x.Totals().Unlocked.Rows >= int64(from+late)+batch {
			waiting, minutes = 0, 0
			sweeps++
			if err := drop(x, int(batch)); err != nil {
				return err
			}
		}
	}
	return nil
}

func drop(x *index.Index, n int) error {
	rows, err := x.Oldest(n, func(index.Row) bool { return false })
	if err != nil {
		return err
	}
	garbage, err := x.Condemn(rows, sweep.FreeFloor)
	if err != nil {
		return err
	}
	return x.Forget(garbage, index.Audit{Time: began, Reason: sweep.FreeFloor, Count: uint32(n)})
}

// memoryOf compares the memory of a process with a large index to that of one
// with an empty one.
func (o options) memoryOf(ctx context.Context) error {
	var anon [2]int64
	for i, n := range []int{0, o.memory} {
		dir, err := os.MkdirTemp(o.dir, "memory")
		if err != nil {
			return err
		}
		me, err := os.Executable()
		if err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, me, "-only", "memory", "-dir", dir, "-memory", strconv.Itoa(n)).Output()
		if err != nil {
			return fmt.Errorf("memory of %d rows: %w", n, err)
		}
		if anon[i], err = strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64); err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	fmt.Printf("anonymous memory: %.1f MiB with an empty index, %.1f MiB more with %d rows\n", float64(anon[0])/mib, float64(anon[1]-anon[0])/mib, o.memory)
	return nil
}

// holdMemory opens an index of n rows anew, works with it and prints the
// anonymous memory of this process in bytes.
func holdMemory(dir string, n int) error {
	file := filepath.Join(dir, "segments.db")
	x, err := index.Open(file, index.Options{})
	if err != nil {
		return err
	}
	if err := errors.Join(addRows(x, n, nil), x.Close()); err != nil {
		return err
	}
	// Filling is not what is measured.
	if os.Getenv("FILLED") == "" {
		me, err := os.Executable()
		if err != nil {
			return err
		}
		return unix.Exec(me, []string{me, "-only", "memory", "-dir", dir, "-memory", "0"}, append(os.Environ(), "FILLED=1"))
	}
	if err := index.Verify(file); err != nil {
		return err
	}
	if x, err = index.Open(file, index.Options{}); err != nil {
		return err
	}
	defer x.Close()
	for range 100 {
		if _, err := x.Oldest(256, func(index.Row) bool { return false }); err != nil {
			return err
		}
		if err := x.Range("cam-03", began, began+24*60*minute, func(index.Row, bool) bool { return true }); err != nil {
			return err
		}
	}
	anon, err := box.Anonymous(os.Getpid())
	if err != nil {
		return err
	}
	_, err = fmt.Println(anon)
	return err
}

// plan measures the choice of a batch with evidence before all that may go.
func (o options) plan() error {
	dir, err := os.MkdirTemp(o.dir, "plan")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	x, err := index.Open(filepath.Join(dir, "segments.db"), index.Options{})
	if err != nil {
		return err
	}
	defer x.Close()
	const rows, heldRows = 1_000_000, 100_000
	last := row(heldRows).Start
	if err := addRows(x, rows, func(r index.Row) bool { return r.Start < last }); err != nil {
		return err
	}
	var took []time.Duration
	for range 200 {
		start := time.Now()
		oldest, err := x.Oldest(256, func(index.Row) bool { return false })
		if err != nil {
			return err
		}
		c := make([]sweep.Candidate, len(oldest))
		for i, r := range oldest {
			c[i] = sweep.Candidate{Row: r}
		}
		d := sweep.Plan(sweep.Reading{Total: 1 << 40, Free: 1 << 30, Limits: sweep.Limits{Floor: 1 << 36, High: 1 << 37}}, c, false)
		took = append(took, time.Since(start))
		if len(d.Rows) != 256 {
			return fmt.Errorf("%d rows are planned", len(d.Rows))
		}
	}
	slices.Sort(took)
	fmt.Printf("a batch of 256 at %d rows with %d held before them: %v (median), %v (99 of 100)\n", rows, x.Totals().Held.Rows, took[100], took[198])
	return nil
}
