package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// kills is how often the process is killed.
const kills = 50

// TestKillNineFiftyTimes kills the process at random moments while it
// records. Each time it records again within 5 s, at most 3 s of footage are
// lost, and in the end no file is unreadable.
func TestKillNineFiftyTimes(t *testing.T) {
	t.Parallel() // it waits most of the time
	cam := testkit.StartCamera(t, testkit.CameraOptions{})
	b := newBox(t, shortSegments)
	b.start()
	b.claim()
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "cam", "main_url": cam.URL("h264-aac"), "record": true, "audio": true}, http.StatusCreated, nil)
	b.waitState("cam", "recording", 20*time.Second)

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	began := time.Now()
	var killed []time.Time
	worstRestart := time.Duration(0)
	for i := range kills {
		time.Sleep(time.Duration(500+rng.IntN(3000)) * time.Millisecond)
		b.stop(syscall.SIGKILL)
		killed = append(killed, time.Now())
		b.start()
		b.waitState("cam", "recording", 15*time.Second)
		took := time.Since(killed[i])
		worstRestart = max(worstRestart, took)
		if took > 5*time.Second {
			t.Errorf("kill %d: recording again after %v, want at most 5 s", i, took)
		}
	}
	time.Sleep(2 * time.Second)
	tl := b.timeline("cam", began, time.Now())
	worst := time.Duration(0)
	for i, at := range killed {
		loss := lossAt(tl, at)
		worst = max(worst, loss)
		if loss > 3*time.Second {
			t.Errorf("kill %d: %v of footage before it are lost, want at most 3 s", i, loss)
		}
	}
	t.Logf("worst loss %v, slowest return to recording %v", worst, worstRestart)
	b.stop(syscall.SIGTERM)
	closed, open := b.files("cam")
	if len(open) != 0 || len(closed) < kills/2 {
		t.Errorf("%d closed and %d open files after a clean stop", len(closed), len(open))
	}
	for _, f := range closed {
		output(t, "ffmpeg", "-v", "warning", "-xerror", "-i", f, "-f", "null", "-")
	}
	if q, err := os.ReadDir(filepath.Join(b.data, "footage-volume", "quarantine")); err == nil && len(q) > 0 {
		t.Errorf("%d files were quarantined: %v", len(q), q)
	}
	if out := output(t, binary(t), "fsck", "--volume", filepath.Join(b.data, "footage-volume")); !strings.Contains(out, "clean") {
		t.Errorf("fsck says %s", out)
	}
}

// lossAt returns how much before the kill at the footage ends; footage that
// covers the moment means no loss.
func lossAt(tl timeline, at time.Time) time.Duration {
	last := time.Duration(1 << 62)
	for _, r := range tl.Ranges {
		if !r.Start.After(at) {
			last = max(0, at.Sub(r.End))
		}
	}
	return last
}

// TestAFullDiskIsSwept records on an ext4 of 96 MiB
// until the floor is crossed many times over.
func TestAFullDiskIsSwept(t *testing.T) {
	t.Parallel() // it waits most of the time
	mount := mountExt4(t, 96<<20)
	cam := startSimcam(t, "--clip", heavyClip(t))
	b := newBox(t, fmt.Sprintf("%s[volume]\npath = %q\n[sweep]\nfloor_bytes = %d\n", shortSegments, filepath.Join(mount, "v"), 40<<20))
	b.start()
	b.claim()
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "cam", "main_url": cam, "record": true}, http.StatusCreated, nil)
	b.waitState("cam", "recording", 20*time.Second)
	began := time.Now()
	least := int64(1 << 62)
	for time.Since(began) < 90*time.Second {
		var st syscall.Statfs_t
		if err := syscall.Statfs(mount, &st); err != nil {
			t.Fatal(err)
		}
		least = min(least, int64(st.Bavail)*int64(st.Bsize))
		time.Sleep(200 * time.Millisecond)
	}
	b.waitState("cam", "recording", time.Second)
	var events []struct {
		Type    string         `json:"type"`
		Payload map[string]any `json:"payload"`
	}
	b.eventually(10*time.Second, "telling of the sweep", func() error {
		var answer struct {
			Events []struct {
				Type    string         `json:"type"`
				Payload map[string]any `json:"payload"`
			} `json:"events"`
		}
		b.call("GET", "/api/v1/events?limit=500", nil, http.StatusOK, &answer)
		events = answer.Events
		for _, e := range events {
			if e.Type == "disk_pressure" && e.Payload["reason"] == "free_floor" {
				return nil
			}
		}
		return fmt.Errorf("no disk_pressure event among %d", len(events))
	})
	tl := b.timeline("cam", began, time.Now())
	if len(tl.Ranges) == 0 || tl.Ranges[0].Start.Before(began.Add(5*time.Second)) {
		t.Errorf("nothing old was deleted: %+v", tl)
	}
	if len(tl.Gaps) > 1 { // what was swept is no gap; nothing since may be missing
		t.Errorf("gaps while sweeping: %+v", tl.Gaps)
	}
	t.Logf("least free space %d MiB at a floor of 40 MiB", least>>20)
	if least < 24<<20 {
		t.Errorf("free space fell to %d MiB, far below the floor of 40", least>>20)
	}
	b.stop(syscall.SIGTERM)
}
