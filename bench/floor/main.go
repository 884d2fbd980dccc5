// Command floor shows a disk that is always full: cameras record to a small ext4
// while another process fills space and gives it back. Free space is read ten
// times a second and drawn against the marks; the longest stay below the floor
// and gaps are printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir, plot string
	cameras                  int
	size                     int64
	window                   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for the disk and logs")
	flag.StringVar(&o.plot, "plot", "", "SVG to draw")
	flag.IntVar(&o.cameras, "cameras", 8, "cameras")
	flag.Int64Var(&o.size, "size", 2<<30, "bytes of the disk")
	flag.DurationVar(&o.window, "window", 10*time.Minute, "time that is watched")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

// sample is a reading of the disk.
type sample struct {
	at    time.Duration
	free  int64
	other int64 // what the other process has
}

// marks are the limits in force.
type marks struct{ floor, high, reserve, total int64 }

func run(ctx context.Context, o options) error {
	if why := box.Lacks("ext4"); why != "" {
		return errors.New(why)
	}
	d, err := box.NewDisk(o.dir, "disk", "ext4", o.size, "-m", "0")
	if err != nil {
		return err
	}
	defer d.Close()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return err
	}
	defer cams.Stop()
	v, err := box.Setup{
		Binary: o.vedette, Data: filepath.Join(o.dir, "data"),
		Config: fmt.Sprintf("[volume]\npath = %q\n[recording]\nsegment = \"10s\"\n", filepath.Join(d.Dir, "footage")),
	}.Start(ctx)
	if err != nil {
		return err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, o.cameras); err != nil {
		return err
	}
	began := time.Now()
	samples, err := watch(ctx, o, d.Dir)
	if err != nil {
		return err
	}
	m, err := limits(v)
	if err != nil {
		return err
	}
	gaps, err := v.Gaps(o.cameras, began)
	if err != nil {
		return err
	}
	report(o, samples, m, gaps)
	if swept, err := v.Metrics(); err == nil {
		for name, n := range swept {
			if n > 0 && strings.HasPrefix(name, "vedette_sweep") {
				fmt.Printf("%s %.0f\n", name, n)
			}
		}
	}
	if o.plot == "" {
		return nil
	}
	return os.WriteFile(o.plot, draw(samples, m, o.window), 0o644)
}

// limits asks the product for its marks.
func limits(v *box.Vedette) (m marks, err error) {
	var system struct {
		Volumes []struct {
			Total   int64 `json:"total_bytes"`
			Floor   int64 `json:"floor_bytes"`
			High    int64 `json:"high_bytes"`
			Reserve int64 `json:"reserve_bytes"`
		} `json:"volumes"`
	}
	if err := v.Get("/api/v1/system", &system); err != nil {
		return m, err
	}
	if len(system.Volumes) != 1 {
		return m, fmt.Errorf("%d volumes", len(system.Volumes))
	}
	s := system.Volumes[0]
	return marks{s.Floor, s.High, s.Reserve, s.Total}, nil
}

const step = 100 * time.Millisecond

// watch reads free space, and plays the other process: it takes up to a quarter
// of the disk, 1 to 40 MB at a time, and gives all of it back at once.
func watch(ctx context.Context, o options, dir string) (all []sample, err error) {
	rng := rand.New(rand.NewPCG(1, 2))
	other := filepath.Join(dir, "other")
	began, next, took := time.Now(), 0, int64(0)
	for i := 0; time.Since(began) < o.window; i++ {
		if err := box.Sleep(ctx, step); err != nil {
			return nil, err
		}
		if i == next {
			next = i + 1 + rng.IntN(40)
			if took, err = eat(other, took, o.size/4, int64(1+rng.IntN(40))*1_000_000); err != nil {
				return nil, err
			}
		}
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			return nil, err
		}
		all = append(all, sample{time.Since(began), int64(st.Bavail) * int64(st.Bsize), took})
	}
	return all, nil
}

// eat has the other process take n bytes more, or give all back beyond most.
func eat(path string, has, most, n int64) (int64, error) {
	if has+n > most {
		return 0, os.Remove(path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return has, err
	}
	err = unix.Fallocate(int(f.Fd()), 0, has, n)
	if errors.Is(err, unix.ENOSPC) {
		err, n = nil, 0
	}
	return has + n, errors.Join(err, f.Close())
}

func report(o options, all []sample, m marks, gaps int) {
	var below, longest time.Duration
	least := all[0].free
	for i, s := range all {
		least = min(least, s.free)
		if s.free >= m.floor || i == 0 {
			below = 0
			continue
		}
		below += s.at - all[i-1].at
		longest = max(longest, below)
	}
	const mb = 1e6
	fmt.Printf("%d cameras, %v on a disk of %.0f MB; floor %.0f, high mark %.0f, reserve %.0f MB\n", o.cameras, o.window, float64(m.total)/mb, float64(m.floor)/mb, float64(m.high)/mb, float64(m.reserve)/mb)
	fmt.Printf("least free %.0f MB, longest stay below the floor %.1f s, gaps %d\n", float64(least)/mb, longest.Seconds(), gaps)
}
