// Command wear measures what reaches a disk for each byte that cameras send:
// the block device's own count over the bytes of the samples, journal, index
// and settings included, and flushes for each sync cycle. It does so for
// several file systems, numbers of cameras and sync cycles, each product with
// a disk of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	kinds              []string
	cameras            []int
	cycles             []time.Duration
	streams            int
	warmup, window     time.Duration
}

func main() {
	var o options
	var kinds, cameras, cycles string
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disks and logs")
	flag.StringVar(&kinds, "fs", "ext4,xfs,f2fs", "file systems")
	flag.StringVar(&cameras, "cameras", "4,16,64", "numbers of cameras")
	flag.StringVar(&cycles, "cycles", "1.5s,4s,10s", "sync cycles")
	flag.IntVar(&o.streams, "streams", 96, "how many cameras may be recorded at once by all products together")
	flag.DurationVar(&o.warmup, "warmup", 15*time.Second, "time before the window")
	flag.DurationVar(&o.window, "window", 60*time.Second, "time that is measured; whole minutes hold their share of rotations and index commits")
	flag.Parse()
	if err := o.lists(kinds, cameras, cycles); err != nil {
		log.Fatal(err)
	}
	if err := box.UntilInterrupted(func(ctx context.Context) error { return all(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

// lists parses the flags that name several values.
func (o *options) lists(kinds, cameras, cycles string) error {
	o.kinds = strings.Split(kinds, ",")
	for s := range strings.SplitSeq(cameras, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("-cameras: %q", s)
		}
		o.cameras = append(o.cameras, n)
	}
	for s := range strings.SplitSeq(cycles, ",") {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return fmt.Errorf("-cycles: %q", s)
		}
		o.cycles = append(o.cycles, d)
	}
	return nil
}

// job is one product and what it is to do.
type job struct {
	kind    string
	cameras int
	cycle   time.Duration
}

func (j job) name() string { return fmt.Sprintf("%s-%d-%d", j.kind, j.cameras, j.cycle.Milliseconds()) }

// all runs every combination, as many at once as o.streams allows.
func all(ctx context.Context, o options) error {
	var jobs []job
	for _, n := range o.cameras {
		for _, kind := range o.kinds {
			if why := box.Lacks(kind); why != "" {
				if n == o.cameras[0] {
					fmt.Printf("%s: not measured: %s\n", kind, why)
				}
				continue
			}
			for _, c := range o.cycles {
				jobs = append(jobs, job{kind, n, c})
			}
		}
	}
	fmt.Printf("warm-up %v, window %v\n\n", o.warmup, o.window)
	fmt.Println("| fs | cameras | cycle | load | media MiB | device ÷ media | container % | padding % | flushes a cycle | write IOs a cycle | gaps | lost |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for len(jobs) > 0 {
		n, streams := 0, 0
		for n < len(jobs) && jobs[n].cameras == jobs[0].cameras && (n == 0 || streams+jobs[n].cameras <= o.streams) {
			streams += jobs[n].cameras
			n++
		}
		if err := together(ctx, o, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

// together runs jobs of as many cameras each at the same time.
func together(ctx context.Context, o options, jobs []job) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, jobs[0].cameras)
	if err != nil {
		return err
	}
	defer cams.Stop()
	lines, errs := make([]string, len(jobs)), make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, j := range jobs {
		wg.Go(func() {
			if lines[i], errs[i] = one(ctx, o, j, addr); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", j.name(), errs[i])
				cancel() // the others' figures would be of another load
			}
		})
	}
	wg.Wait()
	for _, l := range lines {
		fmt.Print(l)
	}
	return errors.Join(errs...)
}

// imageBytes is how large each disk is. It is sparse.
const imageBytes = 16 << 30

// one measures one product and returns its row of the table.
func one(ctx context.Context, o options, j job, addr string) (row string, err error) {
	d, err := box.NewDisk(o.dir, j.name(), j.kind, imageBytes)
	if err != nil {
		return "", err
	}
	defer d.Close()
	v, err := box.Setup{
		Binary: o.vedette, Data: filepath.Join(d.Dir, "data"),
		Config: fmt.Sprintf("[recording]\nsync_cycle = %q\n", j.cycle),
	}.Start(ctx)
	if err != nil {
		return "", err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, j.cameras); err != nil {
		return "", err
	}
	began := time.Now()
	eye := eye{disk: d, footage: box.NewCounter(d.Dir), cycle: j.cycle}
	if err := eye.warmUp(ctx, o.warmup); err != nil {
		return "", err
	}
	before, err := eye.look(ctx)
	if err != nil {
		return "", err
	}
	if err := box.Sleep(ctx, o.window-j.cycle/2); err != nil {
		return "", err
	}
	after, err := eye.look(ctx)
	if err != nil {
		return "", err
	}
	gaps, err := v.Gaps(j.cameras, began)
	if err != nil {
		return "", err
	}
	lost, err := v.Dropped()
	if err != nil {
		return "", err
	}
	f, b := after.Footage.Sub(before.Footage), after.Blocks.Sub(before.Blocks)
	media, cycles := float64(f.Media), after.at.Sub(before.at).Seconds()/j.cycle.Seconds()
	return fmt.Sprintf("| %s | %d | %v | %s | %.1f | %.4f | %.2f | %.2f | %.2f | %.1f | %d | %.0f |\n",
		j.kind, j.cameras, j.cycle, box.Load(), media/(1<<20), float64(b.Written)/media,
		100*float64(f.Container)/media, 100*float64(f.Padding)/media,
		float64(b.Flushes)/cycles, float64(b.IOs)/cycles, gaps, lost), nil
}

// eye looks at a disk right after sync cycles.
type eye struct {
	disk    *box.Disk
	footage *box.Counter
	cycle   time.Duration
	burst   int64 // see box.Disk.Quiet
}

// figures of a disk at one moment.
type figures struct {
	box.Blocks
	box.Footage
	at time.Time
}

// warmUp waits for d and learns how much a cycle writes.
func (e *eye) warmUp(ctx context.Context, d time.Duration) error {
	before, err := e.disk.Blocks()
	if err != nil {
		return err
	}
	if err := box.Sleep(ctx, d); err != nil {
		return err
	}
	after, err := e.disk.Blocks()
	e.burst = box.Burst(after.Sub(before), d, e.cycle)
	return err
}

func (e *eye) look(ctx context.Context) (f figures, err error) {
	if err := e.disk.Quiet(ctx, e.burst, 2*e.cycle+time.Second); err != nil {
		return f, err
	}
	f.at = time.Now()
	if f.Blocks, err = e.disk.Blocks(); err != nil {
		return f, err
	}
	f.Footage, err = e.footage.Count()
	return f, err
}
