package sampler

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/recorder/hub"
	"vedette/recorder/media"
)

// fake writes a program that is no ffmpeg and returns its path.
func fake(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // nobody has to get in
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "frame.jpg"), photo(t, 64, 48), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ffmpeg")
	script = strings.ReplaceAll(script, "FRAME", filepath.Join(dir, "frame.jpg"))
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// pidOf returns the process of a child.
func pidOf(d decoder) int { return d.(*child).cmd.Process.Pid }

// The child of one camera misbehaves in every way; meanwhile the recording of the
// same stream has to get every picture in time, and the child has to go.
func TestADecoderThatMisbehavesIsKilledAndTouchesNoRecording(t *testing.T) {
	for _, c := range []struct {
		name, script, reason string
	}{
		{"exits at once", "exit 3", "it ended: exit status 3"},
		{"ends well, yet too early", "exit 0", "it ended by itself"},
		{"dies of a signal", "kill -SEGV $$", "it ended: signal: segmentation fault"},
		{"says why it ends", "echo 'Unknown decoder' >&2; exit 1", "it ended: exit status 1: Unknown decoder"},
		{"writes garbage", "exec tr '\\000' 'x' </dev/zero", errNotJPEG.Error()},
		{"writes zeros for ever", "exec cat /dev/zero", errNotJPEG.Error()},
		{"floods its messages", "exec cat /dev/zero >&2", "it floods its messages"},
		{"floods lines", "exec yes error >&2", "it floods its messages"},
		{"writes a picture without an end", `printf '\377\330\377\332\000\002'; exec cat /dev/zero`, errTooLong.Error()},
		{"writes pictures nobody asked for", `while :; do echo 77777777.000000 >&2; cat FRAME; done`, "it writes pictures that nobody asked for"},
		{"eats memory", "exec tail /dev/zero", "it ended: exit status 1"},
		{"hangs", "exec sleep 1000", "it took no data for 1s"},
		{"reads and says nothing", "exec cat >/dev/null", "no picture for 10s"},
		{"ignores being told to end", "trap '' TERM INT PIPE HUP; while :; do sleep 1; done", "it took no data for 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := hub.New(hub.Options{})
			s := New(Options{Streams: door(h), FFmpeg: fake(t, c.script), Budget: 1000})
			var mu sync.Mutex
			var children []decoder
			s.decode = func(ctx context.Context, p plan) (decoder, error) {
				if strings.HasPrefix(c.reason, "it took no data") {
					p.patience = time.Second
				}
				d, err := s.startChild(ctx, p)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					children = append(children, d)
				}
				return d, err
			}
			recording := h.Subscribe(hub.ReaderOptions{Overflow: hub.KeepOldest})
			s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: 5, Width: 640}})
			run(t, s.Run)
			time.Sleep(100 * time.Millisecond) // for the subscription

			var slowest time.Duration
			published, deadline := 0, time.Now().Add(90*time.Second)
			payload := make([]byte, 8<<10)
			payload[0] = 0x65
			first := newRun("door")
			for s.States()[0].Restarts == 0 {
				if time.Now().After(deadline) {
					t.Fatalf("it was never ended: %+v", s.States())
				}
				u := picture(first, published, published%25 == 0)
				u.Payloads = [][]byte{payload}
				u.Size = len(payload)
				began := time.Now()
				h.Publish(u)
				slowest = max(slowest, time.Since(began))
				published++
				time.Sleep(20 * time.Millisecond)
				if published%100 == 0 { // as a recording does
					items, _ := recording.Take(nil)
					if len(items) != 100 {
						t.Fatalf("the recording got %d of 100 units", len(items))
					}
				}
			}
			if got := s.States()[0]; got.State != Error || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("%s: %q, want %q", got.State, got.Reason, c.reason)
			}
			if d := recording.Dropped(); d > 0 {
				t.Errorf("the recording lost %d units", d)
			}
			if slowest > 500*time.Millisecond { // an overloaded machine; a hub that waits would take seconds
				t.Errorf("publishing took %v", slowest)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range children { // none, if it was gone before its first byte
				testkit.Until(t, 5*time.Second, "the child's end", func() bool {
					_, err := os.Stat(fmt.Sprintf("/proc/%d", pidOf(d)))
					return os.IsNotExist(err)
				})
			}
		})
	}
}

func TestTheEndDoesNotWaitForADecoderThatHangs(t *testing.T) {
	h := hub.New(hub.Options{})
	s := New(Options{Streams: door(h), FFmpeg: fake(t, "exec sleep 1000"), Budget: 1000})
	started := make(chan struct{})
	s.decode = func(ctx context.Context, p plan) (decoder, error) {
		defer close(started)
		return s.startChild(ctx, p)
	}
	s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: 5, Width: 640}})
	u := picture(newRun("door"), 0, true)
	u.Payloads = [][]byte{append([]byte{0x65}, make([]byte, 1<<20)...)} // more than a pipe holds
	u.Size = 1 << 20
	h.Publish(u)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-started
	time.Sleep(100 * time.Millisecond) // for the write to block
	cancel()
	select {
	case <-done:
	case <-time.After(hangLimit / 2):
		t.Error("the end waits for the child to take its unit")
		<-done
	}
	if st := s.States()[0]; st.State != Stopped || st.Restarts != 0 {
		t.Errorf("state = %+v", st)
	}
}

func TestAPictureAndItsTimeStayTogetherWhenSomeAreLeftOut(t *testing.T) {
	// It reads the head and then answers by its own list: a time that was fed,
	// twice, one that was not, and again two that were.
	script := `head -c 2000 >/dev/null
for pts in 0 0 5 7200 10800; do echo "[Eval @ 0x55] $pts.000000" >&2; cat FRAME; done
exec cat >/dev/null`
	h := hub.New(hub.Options{})
	s := New(Options{Streams: door(h), FFmpeg: fake(t, script), Budget: 1000})
	s.Set([]Want{{Camera: "door", Profile: media.Main, FPS: 5, Width: 640}})
	first := newRun("door")
	first.Wall = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro()
	for i := range 3 {
		u := picture(first, i, i == 0)
		if i == 1 {
			u.PTS = 10800 // shown after the third
		}
		u.Payloads = [][]byte{append([]byte{0x65}, make([]byte, 2000)...)}
		u.Size = 2005
		h.Publish(u)
	}
	var mu sync.Mutex
	var at []string
	s.decode = func(ctx context.Context, p plan) (decoder, error) {
		put := p.picture
		p.picture = func(f *Frame) {
			mu.Lock()
			at = append(at, f.Captured.Format("05.000"))
			mu.Unlock()
			put(f)
		}
		return s.startChild(ctx, p)
	}
	run(t, s.Run)
	testkit.Until(t, 10*time.Second, "three frames", func() bool { return s.States()[0].Frames >= 3 })
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(at, " "); got != "00.000 00.080 00.120" {
		t.Errorf("captured at %s, want 00.000 00.080 00.120", got)
	}
}

func TestTimesOfPicturesAreRead(t *testing.T) {
	for _, c := range []struct {
		line string
		want int64
		ok   bool
	}{
		{"0.000000", 0, true},
		{"8589934592123.000000", 8589934592123, true},
		{"[Eval @ 0x7f00] 3600.000000", 3600, true},
		{"3600", 0, false},
		{"3600.5", 0, false},
		{"3600.500000", 0, false},
		{"nan", 0, false},
		{"Error while decoding stream #0:0", 0, false},
		{"[h264 @ 0x55] error while decoding MB 1 2", 0, false},
		{"99999999999999999999.000000", 0, false},
	} {
		if got, ok := parseTime(c.line); got != c.want || ok != c.ok {
			t.Errorf("%q is %d, %v; want %d, %v", c.line, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("[Eval @ 0x1] 1.000000")
	f.Add("-5.000000")
	f.Fuzz(func(t *testing.T, line string) {
		parseTime(line)
		if s := printable(line); strings.ContainsAny(s, "\x00\n\x1b\x7f") || len(s) > 200 {
			t.Errorf("%q is shown as %q", line, s)
		}
	})
}
