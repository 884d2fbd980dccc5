// Command start measures how long a volume with many segments takes until it
// records again: after the product was killed while recording, and after a
// clean stop; each time from a disk that nothing in memory remembers. The
// segments have their full size and real headers, but no media: their space is
// allocated and not written, so that a terabyte needs a few gigabytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	cameras, segments  int
	bytes              int64
	live, patience     time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disk and logs")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.IntVar(&o.segments, "segments", 100_000, "how many segments of a minute the volume holds")
	flag.Int64Var(&o.bytes, "bytes", 2<<20, "size of each")
	flag.DurationVar(&o.live, "live", 35*time.Second, "how long the product records before it is killed")
	flag.DurationVar(&o.patience, "patience", time.Minute, "how long to wait for it to record again")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	// Room for the free floor (5 %) and what is recorded meanwhile.
	size := int64(o.segments)*o.bytes*12/10 + 16<<30
	// Fewer inodes than by default, as for large files: else the empty inode
	// tables of a terabyte are all that mkfs writes.
	d, err := box.NewDisk(o.dir, "start", "ext4", size, "-T", "largefile")
	if err != nil {
		return err
	}
	defer d.Close()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return err
	}
	defer cams.Stop()
	setup := box.Setup{Binary: o.vedette, Data: filepath.Join(d.Dir, "data")}
	first, err := setup.Start(ctx)
	if err != nil {
		return err
	}
	defer first.Kill()
	if err := first.Record(ctx, addr, o.cameras); err != nil {
		return err
	}
	if err := box.Sleep(ctx, o.live); err != nil {
		return err
	}
	first.Kill()
	began := time.Now()
	n, err := fill(ctx, o, filepath.Join(setup.Data, "footage-volume"))
	if err != nil {
		return fmt.Errorf("fill the volume: %w", err)
	}
	fmt.Printf("%d segments of %d bytes in %d directories, %d open ones with torn tails, %d without a row; made in %.0f s\n\n",
		n.closed, o.bytes, n.dirs, n.open, n.rowless, time.Since(began).Seconds())
	fmt.Println("| start (load) | ready s | first camera records s | all record s | CPU s | read MiB | written MiB | PSS MiB | peak RSS MiB | gaps |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, name := range []string{"after a kill", "after a clean stop"} {
		if err := again(ctx, o, name, setup, d, first); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// again starts the product on the cold disk and prints how it went.
func again(ctx context.Context, o options, name string, setup box.Setup, d *box.Disk, owner *box.Vedette) error {
	if err := d.Remount(); err != nil {
		return err
	}
	before, err := d.Blocks()
	if err != nil {
		return err
	}
	began := time.Now()
	v, err := setup.Launch(ctx)
	if err != nil {
		return err
	}
	defer v.Stop()
	v.SignInLike(owner)
	ready, some, every, err := times(ctx, o, v, began)
	if err != nil {
		return err
	}
	after, err := d.Blocks()
	if err != nil {
		return err
	}
	f, err := box.Group{v.Process}.Measure()
	if err != nil {
		return err
	}
	gaps, err := v.Gaps(o.cameras, began)
	if err != nil {
		return err
	}
	b := after.Sub(before)
	fmt.Printf("| %s (%s) | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f | %d |\n", name, box.Load(),
		ready.Seconds(), some.Seconds(), every.Seconds(), f.CPU.Seconds(), mib(b.Read), mib(b.Written), mib(f.PSS), mib(f.Peak), gaps)
	return nil
}

// times polls until all cameras record. Its own steps are 20 ms.
func times(ctx context.Context, o options, v *box.Vedette, began time.Time) (ready, some, every time.Duration, err error) {
	var last error
	for time.Since(began) < o.patience {
		if err := box.Sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, 0, 0, err
		}
		if ready == 0 {
			var any struct{}
			if last = v.Get("/readyz", &any); last != nil {
				continue
			}
			ready = time.Since(began)
		}
		n, err := v.Recording()
		if last = err; err != nil {
			continue
		}
		if n > 0 && some == 0 {
			some = time.Since(began)
		}
		if n == o.cameras {
			return ready, some, time.Since(began), nil
		}
	}
	return 0, 0, 0, errors.Join(errors.New("gave up waiting for the cameras to record"), last)
}

func mib(b int64) float64 { return float64(b) / (1 << 20) }
