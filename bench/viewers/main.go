// Command viewers measures what WebRTC viewers of one camera cost the
// recorder: its CPU and memory with none, then with more and more of them. The
// viewers are pion clients in this process, which is not counted.
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
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	counts             []int
	rounds             int
	settle, window     time.Duration
}

func main() {
	o := options{}
	var counts string
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 of about 4 Mb/s that the camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for footage and logs")
	flag.StringVar(&counts, "counts", "0,8,32", "how many viewers, one after another")
	flag.IntVar(&o.rounds, "rounds", 3, "how often")
	flag.DurationVar(&o.settle, "settle", 3*time.Second, "time from the last viewer's first packet to the window")
	flag.DurationVar(&o.window, "window", 12*time.Second, "time that is measured")
	flag.Parse()
	for s := range strings.SplitSeq(counts, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			log.Fatalf("-counts: %v", err)
		}
		o.counts = append(o.counts, n)
	}
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, 1)
	if err != nil {
		return err
	}
	defer cams.Stop()
	v, err := box.StartVedette(ctx, o.vedette, filepath.Join(o.dir, "data"))
	if err != nil {
		return err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, 1); err != nil {
		return err
	}
	fmt.Println("round load viewers  CPU %  % a viewer  packets/s a viewer  RSS MiB  PSS MiB")
	for round := range o.rounds {
		base := 0.0
		for _, n := range o.counts {
			f, err := measure(ctx, o, v, n)
			if err != nil {
				return fmt.Errorf("%d viewers: %w", n, err)
			}
			fmt.Printf("%5d %4s %7d %6.2f", round+1, box.Load(), n, f.cpu)
			if n == 0 {
				base = f.cpu
				fmt.Printf(" %11s %19s", "-", "-")
			} else {
				fmt.Printf(" %11.3f %19.0f", (f.cpu-base)/float64(n), f.packets/float64(n))
			}
			fmt.Printf(" %8.1f %8.1f\n", f.rss, f.pss)
		}
	}
	return nil
}

// figures of one window.
type figures struct {
	cpu      float64 // % of one core
	packets  float64 // a second, all viewers
	rss, pss float64 // MiB, at its end
}

func measure(ctx context.Context, o options, v *box.Vedette, n int) (f figures, err error) {
	var all []*viewer
	defer func() {
		for _, w := range all {
			err = errors.Join(err, w.close())
		}
	}()
	for i := range n {
		w, err := join(ctx, v, "/api/v1/cameras/cam0/whep")
		if err != nil {
			return f, fmt.Errorf("viewer %d: %w", i+1, err)
		}
		all = append(all, w)
	}
	if err := box.Sleep(ctx, o.settle); err != nil {
		return f, err
	}
	total := func() (n int64) {
		for _, w := range all {
			n += w.packets.Load()
		}
		return n
	}
	g := box.Group{v.Process}
	start, packets := time.Now(), total()
	before, err := g.Measure()
	if err != nil {
		return f, err
	}
	if err := box.Sleep(ctx, o.window); err != nil {
		return f, err
	}
	after, err := g.Measure()
	if err != nil {
		return f, err
	}
	took := time.Since(start).Seconds()
	return figures{
		cpu: 100 * (after.CPU - before.CPU).Seconds() / took, packets: float64(total()-packets) / took,
		rss: float64(after.RSS) / (1 << 20), pss: float64(after.PSS) / (1 << 20),
	}, nil
}
