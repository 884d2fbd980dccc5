// Command soak records for long and watches what grows: the heap, the memory of
// the process, goroutines and open files, each minute, and their slope over the
// time after a warm-up. The disk is small, so that the sweeper works too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"slices"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	cameras            int
	minutes, warmup    int
	each               time.Duration
	disk               int64
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disk and logs")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.IntVar(&o.minutes, "minutes", 60, "how long to watch after the warm-up")
	flag.IntVar(&o.warmup, "warmup", 5, "minutes before that")
	flag.DurationVar(&o.each, "each", 5*time.Second, "time between two looks")
	flag.Int64Var(&o.disk, "disk", 6<<30, "bytes of the disk; 16 cameras of 4 Mb/s fill 480 MB a minute")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	d, err := box.NewDisk(o.dir, "soak", "ext4", o.disk)
	if err != nil {
		return err
	}
	defer d.Close()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return err
	}
	defer cams.Stop()
	v, err := box.StartVedette(ctx, o.vedette, filepath.Join(d.Dir, "data"))
	if err != nil {
		return err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, o.cameras); err != nil {
		return err
	}
	fmt.Printf("%d cameras, disk of %.0f MiB, %d minutes after %d to warm up; figures are the median of each minute; heap goal: at which the collector runs next\n\n",
		o.cameras, mib(float64(o.disk)), o.minutes, o.warmup)
	fmt.Println("| minute (load) | heap goal MiB | heap MiB | PSS MiB | PSS max MiB | goroutines | fds | CPU % | free MiB | gaps | lost |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	began := time.Now()
	var series []minute
	for i := range o.warmup + o.minutes {
		m, err := watch(ctx, o, v, began.Add(time.Duration(i+1)*time.Minute))
		if err != nil {
			return err
		}
		gaps, err := v.Gaps(o.cameras, began)
		if err != nil {
			return err
		}
		fmt.Printf("| %d (%s) | %.2f | %.1f | %.1f | %.1f | %.0f | %.0f | %.1f | %.0f | %d | %.0f |\n",
			i-o.warmup+1, box.Load(), mib(m[goal]), mib(m[heap]), mib(m[pss]), mib(m[pssMax]), m[goroutines], m[fds], m[cpu], mib(m[free]), gaps, m[lost])
		if i >= o.warmup {
			series = append(series, m)
		}
	}
	fmt.Println()
	for _, f := range []struct {
		name string
		of   field
		unit float64
	}{{"heap goal", goal, 1 << 20}, {"PSS", pss, 1 << 20}, {"goroutines", goroutines, 1}, {"open files", fds, 1}} {
		slope, noise := trend(series, f.of)
		fmt.Printf("%s: %+.3f an hour (standard error %.3f)%s\n", f.name, slope/f.unit, noise/f.unit, map[bool]string{true: ", MiB"}[f.unit > 1])
	}
	return nil
}

// The fields of a minute; bytes unless they count.
type field int

const (
	goal field = iota
	heap
	pss
	pssMax
	goroutines
	fds
	cpu // % of one core
	free
	lost
	fields
)

type minute [fields]float64

// watch looks until the minute ends and returns its medians.
func watch(ctx context.Context, o options, v *box.Vedette, end time.Time) (m minute, err error) {
	var looks [fields][]float64
	g := box.Group{v.Process}
	first, err := g.Measure()
	if err != nil {
		return m, err
	}
	began, last := time.Now(), first
	for time.Until(end) > 0 {
		if err := box.Sleep(ctx, min(o.each, time.Until(end))); err != nil {
			return m, err
		}
		x, figures, err := look(v, g)
		if err != nil {
			return m, err
		}
		last = figures
		for i := range x {
			looks[i] = append(looks[i], x[i])
		}
	}
	if len(looks[goal]) == 0 {
		return m, errors.New("too slow to look even once in a minute")
	}
	for i := range m {
		slices.Sort(looks[i])
		m[i] = looks[i][len(looks[i])/2]
	}
	m[pssMax] = looks[pss][len(looks[pss])-1]
	m[cpu] = 100 * (last.CPU - first.CPU).Seconds() / time.Since(began).Seconds()
	return m, nil
}

func look(v *box.Vedette, g box.Group) (x minute, f box.Figures, err error) {
	if f, err = g.Measure(); err != nil {
		return x, f, err
	}
	m, err := v.Metrics()
	if err != nil {
		return x, f, err
	}
	x[pss], x[fds] = float64(f.PSS), float64(f.Files)
	x[heap], x[goroutines] = m["go_memstats_heap_alloc_bytes"], m["go_goroutines"]
	// The heap at which the collector runs next follows what it left the last
	// time, by a fixed factor: unlike the heap it does not depend on the moment.
	x[goal] = m["go_memstats_next_gc_bytes"]
	for name, value := range m {
		switch {
		case match(name, "vedette_volume_free_bytes"):
			x[free] = value
		case match(name, "vedette_camera_dropped_units_total"):
			x[lost] += value
		}
	}
	return x, f, nil
}
