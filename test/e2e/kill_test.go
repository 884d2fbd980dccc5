package e2e

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// setting is a number from the environment, or def.
func setting(t *testing.T, name string, def int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number from 1 on", name, text)
	}
	return n
}

// TestKillNine kills the process at random moments while it records: KILLS
// times, 50 unless it says otherwise, with KILL_CAMERAS cameras, 3 or as many.
// Each time all of them record again within 5 s, at most 3 s of footage are lost
// (2 s that the promise allows, and what passed until the kernel was told to
// kill), and in the end no file is unreadable, none is left over, and the
// process has no more descriptors than at first.
func TestKillNine(t *testing.T) {
	t.Parallel() // it waits most of the time
	kills, cameras := setting(t, "KILLS", 50), setting(t, "KILL_CAMERAS", 3)
	b := newBox(t, shortSegments)
	b.start()
	b.claim()
	ids := b.addCameras(cameras)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	began := time.Now()
	time.Sleep(2 * time.Second)
	firstFDs := b.descriptors()
	var killed []time.Time
	worstRestart, mostFDs := time.Duration(0), 0
	for i := range kills {
		time.Sleep(time.Duration(500+rng.IntN(3000)) * time.Millisecond)
		mostFDs = max(mostFDs, b.descriptors())
		b.stop(syscall.SIGKILL)
		killed = append(killed, time.Now())
		b.start()
		for _, id := range ids {
			b.waitState(id, "recording", 15*time.Second)
		}
		took := time.Since(killed[i])
		worstRestart = max(worstRestart, took)
		if took > 5*time.Second {
			t.Errorf("kill %d: recording again after %v, want at most 5 s", i, took)
		}
	}
	time.Sleep(2 * time.Second)
	worst := b.worstLoss(ids, began, killed)
	t.Logf("%d kills, %d cameras: worst loss %v, slowest return to recording %v, descriptors %d at first, %d at most",
		kills, cameras, worst, worstRestart, firstFDs, mostFDs)
	if mostFDs > firstFDs+4*cameras+16 { // sockets and files that come and go
		t.Errorf("%d descriptors at most, %d at first", mostFDs, firstFDs)
	}
	b.stop(syscall.SIGTERM)
	for _, id := range ids {
		closed, open := b.files(id)
		if len(open) != 0 || len(closed) < kills/2 {
			t.Errorf("%s: %d closed and %d open files after a clean stop", id, len(closed), len(open))
		}
		for _, f := range closed[max(0, len(closed)-100):] {
			output(t, "ffmpeg", "-v", "warning", "-xerror", "-i", f, "-f", "null", "-")
		}
	}
	b.tidy()
}

// addCameras adds one camera of GStreamer's and simulated ones, and waits
// until all record.
func (b *box) addCameras(n int) (ids []string) {
	b.t.Helper()
	for i := range n {
		url := ""
		if i == 0 {
			url = testkit.StartCamera(b.t, testkit.CameraOptions{}).URL("h264-aac")
		} else {
			url = startSimcam(b.t)
		}
		id := fmt.Sprintf("cam-%d", i)
		ids = append(ids, id)
		b.call("POST", "/api/v1/cameras", map[string]any{"id": id, "name": id, "main_url": url, "record": true, "audio": true}, http.StatusCreated, nil)
	}
	for _, id := range ids {
		b.waitState(id, "recording", 20*time.Second)
	}
	return ids
}

// worstLoss complains about footage that is missing before a kill, and returns
// the most that is.
func (b *box) worstLoss(ids []string, began time.Time, killed []time.Time) (worst time.Duration) {
	b.t.Helper()
	for _, id := range ids {
		tl := b.timeline(id, began, time.Now())
		for i, at := range killed {
			loss := lossAt(tl, at)
			worst = max(worst, loss)
			if loss > 3*time.Second {
				b.t.Errorf("kill %d: %v of %s before it are lost, want at most 3 s", i, loss, id)
			}
		}
	}
	return worst
}

// descriptors returns how many files the process has open.
func (b *box) descriptors() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid))
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

// tidy complains about what a volume should not have after a clean stop.
func (b *box) tidy() {
	b.t.Helper()
	volume := filepath.Join(b.data, "footage-volume")
	err := filepath.WalkDir(b.data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".tmp") || strings.HasSuffix(path, ".part") || strings.Contains(path, "/quarantine/")) {
			b.t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
	if out := output(b.t, binary(b.t), "fsck", "--volume", volume); !strings.Contains(out, "clean") {
		b.t.Errorf("fsck says %s", out)
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
	_, mount := testkit.Ext4(t, 96<<20)
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
