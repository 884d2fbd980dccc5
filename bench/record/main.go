// Command record measures what recording costs beside as many ffmpeg stream
// copies of the same cameras, at the same time on the same machine: CPU and
// memory of each contender over one window, and what reaches its disk. A
// simulated camera server, a process of its own that is not counted, feeds
// both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	cameras, rounds    int
	warmup, window     time.Duration
	cycle              time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 of about 4 Mb/s that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disks and logs")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.IntVar(&o.rounds, "rounds", 3, "how many rounds, each from empty disks")
	flag.DurationVar(&o.warmup, "warmup", 15*time.Second, "time before the window")
	flag.DurationVar(&o.window, "window", 66*time.Second, "time that is measured")
	flag.DurationVar(&o.cycle, "cycle", 1500*time.Millisecond, "the product's sync cycle, to count flushes by")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := rounds(ctx, o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func rounds(ctx context.Context, o options) error {
	fmt.Printf("%d cameras, warm-up %v, window %v\n", o.cameras, o.warmup, o.window)
	fmt.Println("round load contender  CPU s  CPU %  PSS MiB  RSS MiB  media MiB  device/media  flushes/cycle  write IOs  gaps")
	var all []ratio
	for i := range o.rounds {
		r, err := round(ctx, o, i+1)
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		all = append(all, r)
	}
	for i, r := range all {
		fmt.Printf("round %d: CPU ratio %.3f, PSS ratio %.3f\n", i+1, r.cpu, r.pss)
	}
	return nil
}

// ratio is the product's figure divided by its peers'.
type ratio struct{ cpu, pss float64 }

// contender is a recorder with the disk it writes to.
type contender struct {
	name string
	box.Group
	*disk
}

// sample is a contender's figures at one moment.
type sample struct {
	box.Figures
	blocks
	media int64 // bytes
}

func (c contender) sample() (s sample, err error) {
	var errs [3]error
	s.Figures, errs[0] = c.Measure()
	s.blocks, errs[1] = c.blocks()
	s.media, errs[2] = c.media()
	if err := errors.Join(errs[:]...); err != nil {
		return s, fmt.Errorf("measure %s: %w", c.name, err)
	}
	return s, nil
}

func round(ctx context.Context, o options, n int) (r ratio, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return r, err
	}
	defer cams.Stop()
	ours, err := newDisk(o.dir, "vedette")
	if err != nil {
		return r, err
	}
	defer ours.close()
	theirs, err := newDisk(o.dir, "ffmpeg")
	if err != nil {
		return r, err
	}
	defer theirs.close()

	v, err := box.StartVedette(ctx, o.vedette, filepath.Join(ours.dir, "data"))
	if err != nil {
		return r, err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, o.cameras); err != nil {
		return r, err
	}
	peers, err := startPeers(ctx, addr, theirs.dir, o.cameras)
	if err != nil {
		return r, err
	}
	defer peers.Stop()
	began := time.Now()
	if err := box.Sleep(ctx, o.warmup); err != nil {
		return r, err
	}
	before, after, took, err := window(ctx, o.window, []contender{{"vedette", box.Group{v.Process}, ours}, {"ffmpeg", peers, theirs}})
	if err != nil {
		return r, err
	}
	gaps, err := v.Gaps(o.cameras, began)
	if err != nil {
		return r, err
	}
	report(o, n, before, after, took, gaps)
	return ratio{
		cpu: float64(after[0].CPU-before[0].CPU) / float64(after[1].CPU-before[1].CPU),
		pss: float64(after[0].PSS) / float64(after[1].PSS),
	}, nil
}

// window samples every contender, waits, and samples them again.
func window(ctx context.Context, d time.Duration, cs []contender) (before, after []sample, took time.Duration, err error) {
	var start time.Time
	for _, into := range []*[]sample{&before, &after} {
		for _, c := range cs {
			s, err := c.sample()
			if err != nil {
				return nil, nil, 0, err
			}
			*into = append(*into, s)
		}
		if into == &before {
			start = time.Now()
			if err := box.Sleep(ctx, d); err != nil {
				return nil, nil, 0, err
			}
			took = time.Since(start)
		}
	}
	return before, after, took, nil
}

func report(o options, n int, before, after []sample, took time.Duration, gaps int) {
	for i, name := range []string{"vedette", "ffmpeg"} {
		a, b := after[i], before[i]
		cpu, media := (a.CPU - b.CPU).Seconds(), a.media-b.media
		fmt.Printf("%5d %4s %-9s %6.2f %6.1f %8.1f %8.1f %10.1f", n, box.Load(), name, cpu, 100*cpu/took.Seconds(), mib(a.PSS), mib(a.RSS), mib(media))
		if a.known {
			fmt.Printf(" %13.3f", float64(a.written-b.written)/float64(media))
		} else {
			fmt.Printf(" %13s", "-")
		}
		if i > 0 {
			fmt.Printf(" %14s %10d %5s\n", "-", a.ios-b.ios, "-")
			continue
		}
		fmt.Printf(" %14.2f %10d %5d\n", float64(a.flushes-b.flushes)/(float64(took)/float64(o.cycle)), a.ios-b.ios, gaps)
	}
}

func mib(b int64) float64 { return float64(b) / (1 << 20) }

// startPeers starts the peers: stream copies into fragmented segments, as
// recorders built around ffmpeg run it.
func startPeers(ctx context.Context, addr, dir string, cameras int) (g box.Group, err error) {
	for i := range cameras {
		own := filepath.Join(dir, fmt.Sprintf("cam%d", i))
		if err := os.MkdirAll(own, 0o755); err != nil {
			return nil, err
		}
		p, err := box.Start(ctx, filepath.Join(own, "log"), "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp",
			"-i", fmt.Sprintf("rtsp://%s/cam%d", addr, i), "-map", "0", "-c", "copy",
			"-f", "segment", "-segment_time", "60", "-reset_timestamps", "1", "-segment_format", "mp4",
			"-segment_format_options", "movflags=+frag_keyframe+empty_moov+default_base_moof", filepath.Join(own, "%05d.mp4"))
		if err != nil {
			g.Stop()
			return nil, err
		}
		g = append(g, p)
	}
	return g, nil
}
