// Command slow records to a disk whose every sync takes long, and counts
// whether a picture is missing. The product runs under strace, which holds each
// syncfs, fsync and fdatasync back before the kernel sees it; nothing in the
// product knows of it. It fails if a picture is missing.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vedette/bench/box"
)

type options struct {
	vedette, clip, dir string
	cameras            int
	delay, length      time.Duration
	calls              string
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "MP4 of 25 pictures a second that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "empty directory for disk and logs")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.DurationVar(&o.delay, "delay", 500*time.Millisecond, "what each sync takes longer")
	flag.StringVar(&o.calls, "calls", "syncfs,fsync,fdatasync", "which system calls are held back")
	flag.DurationVar(&o.length, "length", 75*time.Second, "how long to record")
	flag.Parse()
	if err := box.UntilInterrupted(func(ctx context.Context) error { return run(ctx, o) }); err != nil {
		log.Fatal(err)
	}
}

// Short segments: each rotation is more syncs.
const (
	config    = "[recording]\nsegment = \"10s\"\n"
	diskBytes = 16 << 30
)

func run(ctx context.Context, o options) error {
	d, err := box.NewDisk(o.dir, "slow", "ext4", diskBytes)
	if err != nil {
		return err
	}
	defer d.Close()
	trace := filepath.Join(o.dir, "syncs.log")
	r, err := record(ctx, o, d, trace)
	if err != nil {
		return err
	}
	volume := filepath.Join(d.Dir, "data", "footage-volume")
	var all tally
	for i := range o.cameras {
		t, err := count(filepath.Join(volume, "footage", fmt.Sprintf("cam%d", i)))
		if err != nil {
			return fmt.Errorf("camera %d: %w", i, err)
		}
		all.add(t)
	}
	delayed, err := os.ReadFile(trace)
	if err != nil {
		return err
	}
	fmt.Printf("%d cameras, %v, every sync %v longer; load %s\n\n", o.cameras, o.length, o.delay, box.Load())
	fmt.Println("| syncs held back | last cycle's sync, s | segments | runs | pictures due | pictures there | lost | gaps | dropped | fsck |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	fmt.Printf("| %d | %.2f | %d | %d | %d | %d | %d | %d | %.0f | %s |\n", bytes.Count(delayed, []byte("(DELAYED)")), r.sync,
		all.segments, all.runs, all.due, all.there, all.due-all.there, r.gaps, r.dropped, fsck(ctx, o, volume))
	if all.due != all.there || r.gaps > 0 || r.dropped > 0 || all.runs != o.cameras {
		return errors.New("footage is missing")
	}
	return nil
}

// result is what the product itself said before it ended.
type result struct {
	sync    float64 // seconds that the last cycle took
	gaps    int
	dropped float64
}

func record(ctx context.Context, o options, d *box.Disk, trace string) (r result, err error) {
	cams, addr, err := box.Cameras(ctx, o.vedette, o.dir, o.clip, o.cameras)
	if err != nil {
		return r, err
	}
	defer cams.Stop()
	// Only the calls that are held back stop for strace; setpriv, because
	// otherwise the product would outlive a strace that is killed.
	v, err := box.Setup{
		Binary: o.vedette, Data: filepath.Join(d.Dir, "data"), Config: config,
		Under: []string{
			"strace", "-f", "--seccomp-bpf", "-o", trace, "-e", "trace=" + o.calls,
			"-e", fmt.Sprintf("inject=%s:delay_enter=%d", o.calls, o.delay.Microseconds()),
			"setpriv", "--pdeathsig", "KILL",
		},
	}.Start(ctx)
	if err != nil {
		return r, err
	}
	defer v.Stop()
	if err := v.Record(ctx, addr, o.cameras); err != nil {
		return r, err
	}
	began := time.Now()
	if err := box.Sleep(ctx, o.length); err != nil {
		return r, err
	}
	m, err := v.Metrics()
	if err != nil {
		return r, err
	}
	for name, x := range m {
		if strings.HasPrefix(name, "vedette_volume_sync_seconds") {
			r.sync = x
		}
	}
	if r.dropped, err = v.Dropped(); err != nil {
		return r, err
	}
	r.gaps, err = v.Gaps(o.cameras, began)
	return r, err
}

// fsck has the product read every byte of the volume.
func fsck(ctx context.Context, o options, volume string) string {
	if err := exec.CommandContext(ctx, o.vedette, "fsck", "--volume", volume).Run(); err != nil {
		return err.Error()
	}
	return "clean"
}
