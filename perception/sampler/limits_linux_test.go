package sampler

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"vedette/recorder/media"
)

func TestADecoderIsRestrained(t *testing.T) {
	ffmpeg(t)
	s := New(Options{Streams: door(simulated(t)), Budget: 100})
	var mu sync.Mutex
	var pid int
	s.decode = func(ctx context.Context, p plan) (decoder, error) {
		d, err := s.startChild(ctx, p)
		if err == nil {
			mu.Lock()
			pid = d.(*child).cmd.Process.Pid
			mu.Unlock()
		}
		return d, err
	}
	s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: 5, Width: 320}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	collect(t, s, 1)
	mu.Lock()
	p := pid
	mu.Unlock()
	read := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := strings.TrimSpace(read("oom_score_adj")); got != oomScore {
		t.Errorf("oom_score_adj = %s, want %s", got, oomScore)
	}
	stat := strings.Fields(read("stat")[strings.LastIndex(read("stat"), ")"):])
	if stat[17] != "19" {
		t.Errorf("nice = %s, want 19", stat[17])
	}
	limits := read("limits")
	for _, want := range []string{"Max data size", "Max address space", "Max cpu time", "Max file size", "Max core file size"} {
		for line := range strings.Lines(limits) {
			if strings.HasPrefix(line, want) && strings.Contains(line, "unlimited") {
				t.Errorf("not limited: %s", line)
			}
		}
	}
	if os.Geteuid() == 0 && !strings.Contains(read("status"), "\nUid:\t65534\t65534") {
		t.Errorf("the decoder runs as root:\n%s", read("status"))
	}
	if g, err := syscall.Getpgid(p); err != nil || g != p {
		t.Errorf("process group = %d, %v; want its own", g, err)
	}
	cancel()
	<-done
	if err := syscall.Kill(p, 0); err != syscall.ESRCH {
		t.Errorf("after the end the decoder is still there: %v", err)
	}
	if st := s.States()[0]; st.State != Stopped {
		t.Errorf("state after the end = %+v", st)
	}
}
