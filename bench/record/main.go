// Command record measures what recording costs beside what others need for the
// same cameras, at the same time on the same machine: CPU and memory of each
// contender over one window, and what reaches its disk. The peers are as many
// ffmpeg stream copies and, if a binary of it is named, MediaMTX. A simulated
// camera server, a process of its own that is not counted, feeds all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	mediamtx           string
	alone              bool
	cameras, rounds    int
	warmup, window     time.Duration
	cycle              time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.mediamtx, "mediamtx", os.Getenv("MEDIAMTX"), "a binary of MediaMTX; empty: it is not measured")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disks and logs")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.BoolVar(&o.alone, "alone", false, "without peers")
	flag.IntVar(&o.rounds, "rounds", 3, "how many rounds, each from empty disks")
	flag.DurationVar(&o.warmup, "warmup", 15*time.Second, "time before the window")
	flag.DurationVar(&o.window, "window", 60*time.Second, "time that is measured; whole minutes hold their share of rotations and index commits")
	flag.DurationVar(&o.cycle, "cycle", 1500*time.Millisecond, "the product's sync cycle, to count flushes by")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return rounds(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

func rounds(ctx context.Context, o options) error {
	fmt.Printf("%d cameras, warm-up %v, window %v\n", o.cameras, o.warmup, o.window)
	if !o.alone && o.mediamtx == "" {
		fmt.Println("MediaMTX: not measured (MEDIAMTX names no binary)")
	} else if !o.alone {
		version, err := box.MediaMTXVersion(o.mediamtx)
		if err != nil {
			return err
		}
		fmt.Println("MediaMTX", version)
	}
	fmt.Println("\n| round (load) | | CPU s | CPU % | PSS MiB | RSS MiB | media MiB | container % | padding % | device ÷ media | flushes a cycle | write IOs | gaps | lost |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	var ratios []ratio
	for i := range o.rounds {
		r, err := round(ctx, o, i+1)
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		ratios = append(ratios, r...)
	}
	fmt.Println()
	summary(ratios)
	return nil
}

// contender is a recorder with the disk it writes to.
type contender struct {
	name string
	box.Group
	*box.Disk
	footage *box.Counter
}

// sample is a contender's figures at one moment.
type sample struct {
	box.Figures
	box.Blocks
	box.Footage
}

func (c contender) sample() (s sample, err error) {
	var errs [3]error
	s.Blocks, errs[0] = c.Disk.Blocks()
	s.Footage, errs[1] = c.footage.Count()
	s.Figures, errs[2] = c.Measure()
	if err := errors.Join(errs[:]...); err != nil {
		return s, fmt.Errorf("measure %s: %w", c.name, err)
	}
	return s, nil
}

// imageBytes is how large each disk is. It is sparse.
const imageBytes = 16 << 30

func round(ctx context.Context, o options, n int) (r []ratio, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return r, err
	}
	defer cams.Stop()
	var all []contender
	enter := func(name string, start func(d *box.Disk) (box.Group, error)) error {
		d, err := box.NewDisk(o.dir, name, "ext4", imageBytes)
		if err != nil {
			return err
		}
		g, err := start(d)
		if err != nil {
			d.Close()
			return err
		}
		all = append(all, contender{name, g, d, box.NewCounter(d.Dir)})
		return nil
	}
	defer func() {
		for _, c := range all {
			c.Stop()
			c.Disk.Close()
		}
	}()
	var v *box.Vedette
	err = enter("vedette", func(d *box.Disk) (g box.Group, err error) {
		if v, err = box.StartVedette(ctx, o.vedette, filepath.Join(d.Dir, "data")); err != nil {
			return nil, err
		}
		if err := v.Record(ctx, addr, o.cameras); err != nil {
			v.Stop()
			return nil, err
		}
		return box.Group{v.Process}, nil
	})
	if err == nil && !o.alone {
		err = enter("ffmpeg", func(d *box.Disk) (box.Group, error) { return box.FFmpeg(ctx, addr, d.Dir, o.cameras) })
	}
	if err == nil && !o.alone && o.mediamtx != "" {
		err = enter("MediaMTX", func(d *box.Disk) (box.Group, error) {
			return box.MediaMTX(ctx, o.mediamtx, addr, d.Dir, o.cameras)
		})
	}
	if err != nil {
		return r, err
	}
	began := time.Now()
	before, after, took, err := window(ctx, o, all)
	if err != nil {
		return r, err
	}
	gaps, err := v.Gaps(o.cameras, began)
	if err != nil {
		return r, err
	}
	lost, err := v.Dropped()
	if err != nil {
		return r, err
	}
	for i, c := range all {
		row(o, n, c.name, before[i], after[i], took)
		if i == 0 {
			fmt.Printf(" %d | %.0f |\n", gaps, lost)
			continue
		}
		fmt.Println(" | |")
		r = append(r, ratio{
			peer: c.name,
			cpu:  (after[0].CPU - before[0].CPU).Seconds() / (after[i].CPU - before[i].CPU).Seconds(),
			pss:  float64(after[0].PSS) / float64(after[i].PSS),
		})
	}
	return r, nil
}

// window warms up, samples every contender, waits, and samples them again,
// both times when the product has just ended a sync cycle.
func window(ctx context.Context, o options, cs []contender) (before, after []sample, took time.Duration, err error) {
	cold, err := cs[0].Blocks()
	if err != nil {
		return nil, nil, 0, err
	}
	if err := box.Sleep(ctx, o.warmup); err != nil {
		return nil, nil, 0, err
	}
	warm, err := cs[0].Blocks()
	if err != nil {
		return nil, nil, 0, err
	}
	burst := box.Burst(warm.Sub(cold), o.warmup, o.cycle)
	var start time.Time
	for _, into := range []*[]sample{&before, &after} {
		if err := cs[0].Quiet(ctx, burst, 2*o.cycle+time.Second); err != nil {
			return nil, nil, 0, err
		}
		at := time.Now()
		for _, c := range cs {
			s, err := c.sample()
			if err != nil {
				return nil, nil, 0, err
			}
			*into = append(*into, s)
		}
		if into == &before {
			start = at
			if err := box.Sleep(ctx, o.window-o.cycle/2); err != nil {
				return nil, nil, 0, err
			}
		} else {
			took = at.Sub(start)
		}
	}
	return before, after, took, nil
}

// row prints a contender's figures, all but the last two columns.
func row(o options, n int, name string, b, a sample, took time.Duration) {
	cpu, f, d := (a.CPU - b.CPU).Seconds(), a.Footage.Sub(b.Footage), a.Blocks.Sub(b.Blocks)
	media := float64(f.Media)
	fmt.Printf("| %d (%s) | %s | %.2f | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f |",
		n, box.Load(), name, cpu, 100*cpu/took.Seconds(), mib(a.PSS), mib(a.RSS), mib(f.Media), 100*float64(f.Container)/media, 100*float64(f.Padding)/media)
	if !a.Known {
		fmt.Print(" | | |")
		return
	}
	fmt.Printf(" %.4f |", float64(d.Written)/media)
	if name == "vedette" {
		fmt.Printf(" %.2f |", float64(d.Flushes)/(float64(took)/float64(o.cycle)))
	} else {
		fmt.Print(" |")
	}
	fmt.Printf(" %d |", d.IOs)
}

func mib(b int64) float64 { return float64(b) / (1 << 20) }
