// Command perception measures what it costs to keep what workers report: device
// bytes and flushes for each detection, and how long a worker waits for the
// answer, at a steady rate and as fast as it goes. Beside it runs SQLite in the way of the
// reference system (sqlite/, a module of its own): a transaction for each post. Each
// run has a disk of its own, whose block layer counts what reaches it.
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
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vedette/bench/box"
	"vedette/perception/detections"
)

type options struct {
	dir, sqlite string
	rate        int // detections a second
	window      time.Duration
	commit      time.Duration
	rounds      int
}

// Every contender gets the same posts.
const (
	cameras = 8
	each    = 20 // detections of a post
	workers = 16 // that post at the same time
)

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "empty directory for disks")
	flag.StringVar(&o.sqlite, "sqlite", "", "the baseline's binary; empty: it is not measured")
	flag.IntVar(&o.rate, "rate", 2000, "detections a second")
	flag.DurationVar(&o.window, "window", 30*time.Second, "how long each contender runs")
	flag.DurationVar(&o.commit, "commit", 0, "least time between two commits of the log; 0: its default")
	flag.IntVar(&o.rounds, "rounds", 2, "rounds")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return all(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

// figures are what one run took. The names are those of the baseline's output.
type figures struct {
	Posts    int
	Seconds  float64
	P50, P99 float64 // ms from when a post was due to its answer
	Longest  float64
	blocks   box.Blocks
	files    int64 // bytes
}

// contender keeps posts for a while; rate 0 is as fast as it goes.
type contender struct {
	name string
	rate int
	run  func(ctx context.Context, dir string, rate int) (figures, error)
}

func all(ctx context.Context, o options) error {
	if why := box.Lacks("ext4"); why != "" {
		return errors.New(why)
	}
	list := []contender{{"the disk itself: a page and fdatasync for each post", 33 * each, o.bare}}
	for _, rate := range []int{o.rate, 0} {
		list = append(list, contender{"vedette, log alone", rate, o.log})
		if o.sqlite != "" {
			list = append(list, contender{"SQLite, WAL, synchronous FULL", rate, o.peer("FULL")},
				contender{"SQLite, WAL, synchronous NORMAL (answers before it is durable)", rate, o.peer("NORMAL")})
		}
	}
	fmt.Printf("posts of %d detections by %d workers for %d cameras, %v each\n\n", each, workers, cameras, o.window)
	fmt.Println("| | asked for /s | detections /s | device bytes a detection | file bytes a detection | flushes /s | write IOs /s | answer ms p50 | p99 | longest | load |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for r := range o.rounds {
		for i, c := range list {
			if err := o.measure(ctx, c, fmt.Sprintf("%d-%d", r, i)); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

// measure runs c on an empty disk and prints its row.
func (o options) measure(ctx context.Context, c contender, name string) error {
	d, err := box.NewDisk(o.dir, name, "ext4", 8<<30)
	if err != nil {
		return err
	}
	defer d.Close()
	before, err := d.Blocks()
	if err != nil {
		return err
	}
	f, err := c.run(ctx, d.Dir, c.rate)
	if err != nil {
		return err
	}
	root, err := os.Open(d.Dir)
	if err != nil {
		return err
	}
	// What is left in memory belongs to the bytes.
	if err := errors.Join(unix.Syncfs(int(root.Fd())), root.Close()); err != nil {
		return err
	}
	after, err := d.Blocks()
	if err != nil {
		return err
	}
	f.blocks = after.Sub(before)
	err = filepath.WalkDir(d.Dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		fi, err := e.Info()
		if err == nil {
			f.files += fi.Size()
		}
		return err
	})
	n := float64(f.Posts * each)
	asked := "all it can"
	if c.rate > 0 {
		asked = strconv.Itoa(c.rate)
	}
	fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f | %s |\n", c.name, asked, n/f.Seconds,
		float64(f.blocks.Written)/n, float64(f.files)/n, float64(f.blocks.Flushes)/f.Seconds, float64(f.blocks.IOs)/f.Seconds,
		f.P50, f.P99, f.Longest, box.Load())
	return err
}

// bare overwrites one page of a file for each post, and syncs it: the delay of the
// answers that is the disk's.
func (o options) bare(_ context.Context, dir string, rate int) (f figures, err error) {
	file, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return f, err
	}
	var mu sync.Mutex
	page := make([]byte, 4096)
	f, err = post(rate, o.window, func(i int) error {
		mu.Lock()
		defer mu.Unlock()
		page[0] = byte(i)
		if _, err := file.WriteAt(page, 0); err != nil {
			return err
		}
		return unix.Fdatasync(int(file.Fd()))
	})
	return f, errors.Join(err, file.Close())
}

// log posts to the log of the product.
func (o options) log(ctx context.Context, dir string, rate int) (f figures, err error) {
	ctx, cancel := context.WithCancel(ctx)
	l := detections.New(detections.Options{CommitEvery: o.commit})
	changed, end := l.Changed(), make(chan error, 1)
	go func() { end <- l.Attach(ctx, filepath.Join(dir, "perception", "detections")) }()
	select {
	case <-changed:
	case err := <-end:
		cancel()
		return f, err
	}
	f, err = post(rate, o.window, func(i int) error {
		_, _, err := l.Append(ctx, batch(i))
		return err
	})
	cancel()
	if aerr := <-end; !errors.Is(aerr, context.Canceled) {
		err = errors.Join(err, aerr)
	}
	return f, err
}

// batch is post i.
func batch(i int) detections.Batch {
	now := time.Now()
	b := detections.Batch{
		Received: now, Time: now.Add(-80 * time.Millisecond), Camera: fmt.Sprintf("camera-%02d", i%cameras),
		TaskType: "detection", TaskID: fmt.Sprintf("8d2f6e0a-%04d", i%cameras), FrameID: fmt.Sprintf("c%02d-%d", i%cameras, i), Profile: "sub",
		FrameSeq: uint64(i), Ticketed: true, Producer: detections.Producer{ID: "k-3f9a", Name: "detector"},
	}
	for n := range each {
		c := float32(i*31+n*17%100) / 1000
		b.Detections = append(b.Detections, detections.Detection{
			Label: []string{"person", "car", "dog"}[n%3], Confidence: &c,
			Box: &[4]float32{float32(n) / each, float32(i%97) / 97, 0.13, 0.27}, Track: strconv.Itoa(1000 + n),
		})
	}
	return b
}

// post calls one for the posts of a window, each when it is due, and measures
// from then.
func post(rate int, window time.Duration, one func(i int) error) (f figures, err error) {
	var next atomic.Int64
	took := make([][]time.Duration, workers)
	errs := make([]error, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1) - 1)
				due := time.Now()
				if rate > 0 {
					due = start.Add(time.Duration(i) * time.Second * each / time.Duration(rate))
					time.Sleep(time.Until(due))
				}
				if due.Sub(start) >= window {
					return
				}
				errs[w] = one(i)
				took[w] = append(took[w], time.Since(due))
			}
		})
	}
	wg.Wait()
	f.Seconds = time.Since(start).Seconds()
	all := slices.Concat(took...)
	slices.Sort(all)
	if f.Posts = len(all); f.Posts == 0 {
		return f, errors.Join(errs...)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	f.P50, f.P99, f.Longest = ms(all[len(all)/2]), ms(all[len(all)*99/100]), ms(all[len(all)-1])
	return f, errors.Join(errs...)
}

// peer runs the baseline's binary.
func (o options) peer(synchronous string) func(context.Context, string, int) (figures, error) {
	return func(ctx context.Context, dir string, rate int) (f figures, err error) {
		cmd := exec.CommandContext(ctx, o.sqlite, dir, synchronous, strconv.Itoa(rate), o.window.String())
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return f, err
		}
		return f, json.Unmarshal(out, &f)
	}
}
