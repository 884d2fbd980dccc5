// Command record measures what recording costs beside 16 ffmpeg stream
// copies of the same cameras, in the same run on the same machine: CPU and
// memory of each contender over one window, while a simulated camera server
// (a process of its own, not counted) feeds both.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

type options struct {
	vedette, clip, dir string
	cameras            int
	warmup, window     time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.vedette, "vedette", "bin/vedette", "the binary")
	flag.StringVar(&o.clip, "clip", "", "H.264+AAC MP4 of about 4 Mb/s that every camera loops")
	flag.StringVar(&o.dir, "dir", "", "directory that both record below")
	flag.IntVar(&o.cameras, "cameras", 16, "how many cameras")
	flag.DurationVar(&o.warmup, "warmup", 10*time.Second, "time before the window")
	flag.DurationVar(&o.window, "window", 60*time.Second, "time that is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

const cameraAddr = "127.0.0.1:18554"

func run(ctx context.Context, o options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := []string{"simcam", "--listen", cameraAddr, "--clip", o.clip}
	for i := range o.cameras {
		args = append(args, "--path", fmt.Sprintf("cam%d", i))
	}
	cams, err := start(ctx, filepath.Join(o.dir, "simcam.log"), o.vedette, args...)
	if err != nil {
		return err
	}
	defer cams.stop()
	time.Sleep(time.Second)

	ours, err := startVedette(ctx, o)
	if err != nil {
		return err
	}
	defer ours.stop()
	var peers group
	defer peers.stop()
	for i := range o.cameras {
		p, err := startFFmpeg(ctx, o, i)
		if err != nil {
			return err
		}
		peers = append(peers, p)
	}
	fmt.Printf("%d cameras, warm-up %v, window %v\n", o.cameras, o.warmup, o.window)
	time.Sleep(o.warmup)
	contenders := []struct {
		name string
		of   group
		dir  string
	}{{"vedette", group{ours}, filepath.Join(o.dir, "vedette")}, {"ffmpeg", peers, filepath.Join(o.dir, "ffmpeg")}}
	var before, after [2]figures
	for i, c := range contenders {
		if before[i], err = measure(c.of, c.dir); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	time.Sleep(o.window)
	for i, c := range contenders {
		if after[i], err = measure(c.of, c.dir); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	fmt.Println("contender   CPU s   CPU %   PSS MiB   RSS MiB   MiB written")
	for i, c := range contenders {
		a, b := after[i], before[i]
		cpu := a.cpu - b.cpu
		fmt.Printf("%-9s %7.2f %7.1f %9.1f %9.1f %10.1f\n", c.name, cpu.Seconds(), 100*cpu.Seconds()/o.window.Seconds(),
			mib(a.pss), mib(a.rss), mib(a.written-b.written))
	}
	fmt.Printf("ratio: CPU %.2f, PSS %.2f\n", (after[0].cpu-before[0].cpu).Seconds()/(after[1].cpu-before[1].cpu).Seconds(),
		float64(after[0].pss)/float64(after[1].pss))
	return nil
}

func mib(b int64) float64 { return float64(b) / (1 << 20) }

// startFFmpeg starts the peer: a stream copy into fragmented segments, as
// recorders built around ffmpeg run it.
func startFFmpeg(ctx context.Context, o options, i int) (*process, error) {
	dir := filepath.Join(o.dir, "ffmpeg", fmt.Sprintf("cam%d", i))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return start(ctx, filepath.Join(dir, "log"), "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp",
		"-i", fmt.Sprintf("rtsp://%s/cam%d", cameraAddr, i), "-map", "0", "-c", "copy",
		"-f", "segment", "-segment_time", "60", "-reset_timestamps", "1", "-segment_format", "mp4",
		"-segment_format_options", "movflags=+frag_keyframe+empty_moov+default_base_moof", filepath.Join(dir, "%05d.mp4"))
}

// process is one child with its log.
type process struct {
	cmd *exec.Cmd
	log *os.File
}

func start(ctx context.Context, logFile, name string, args ...string) (*process, error) {
	f, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return &process{cmd: cmd, log: f}, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	_ = p.cmd.Wait()
	_ = p.log.Close()
}

type group []*process

func (g group) stop() {
	for _, p := range g {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range g {
		p.stop()
	}
}
