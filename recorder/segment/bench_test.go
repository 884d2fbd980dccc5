package segment

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// BenchmarkSixteenCameras records 16 cameras of 4 Mb/s, 25 pictures a second
// with audio, faster than they are: one operation is a second of all of them.
// Custom metrics are CPU time of the whole process and allocations for each
// second of media, of all cameras together.
func BenchmarkSixteenCameras(b *testing.B) {
	const cameras, fps, size = 16, 25, 4_000_000 / 8 / 25
	vol, err := volume.Open(b.TempDir(), volume.Options{QueueBytes: 256 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	volCtx, stopVol := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	var vg, wg sync.WaitGroup
	vg.Go(func() { _ = vol.Run(volCtx) })
	var hubs []*hub.Hub
	var sources []*camera
	var lost sync.Map
	for i := range cameras {
		h := hub.New(hub.Options{CacheBytes: 1})
		hubs = append(hubs, h)
		run := testRun(uint64(i+1), true)
		c := newCamera(run, start)
		sources = append(sources, c)
		w := New(Options{Camera: fmt.Sprintf("cam%d", i), Hub: h, Volume: vol, Ordinal: i, QueueBytes: 64 << 20,
			Gap: func(a, z int64, why GapReason) { lost.Store(why, z-a) }, Log: slog.New(slog.DiscardHandler)})
		wg.Go(func() { _ = w.Run(ctx) })
	}
	time.Sleep(50 * time.Millisecond)
	// Packets of 1,460 bytes, shared by all: only the writer's work counts.
	payloads := packets(size)
	key := packets(size)
	key[0][1] = 0x85
	var before, after syscall.Rusage
	b.ReportAllocs()
	b.SetBytes(cameras * fps * size)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ResetTimer()
	for b.Loop() {
		for range fps {
			for i, c := range sources {
				u := c.video()
				u.Payloads = payloads
				if u.Random {
					u.Payloads = key
				}
				u.Size = media.VideoSampleSize(media.H264, u.Payloads)
				hubs[i].Publish(u)
				for _, a := range c.audio(c.run.Tracks[0].Duration(u.DTS)) {
					hubs[i].Publish(a)
				}
			}
		}
		for vol.Stats().Queued > 64<<20 {
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	wg.Wait()
	b.StopTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	stopVol()
	vg.Wait()
	if err := vol.Close(); err != nil {
		b.Fatal(err)
	}
	lost.Range(func(k, v any) bool { b.Logf("gap: %v %v ms", k, v); return true })
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/media-s")
}

// packets makes the fragments of one picture of size bytes.
func packets(size int) (list [][]byte) {
	for left := size; left > 0; left -= 1460 {
		p := make([]byte, min(left, 1460)+2)
		p[0], p[1] = 0x7c, 0x01
		list = append(list, p)
	}
	list[0][1] |= 0x80
	list[len(list)-1][1] |= 0x40
	return list
}
