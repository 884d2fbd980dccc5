package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// TestNothingIsRecordedWhereItMustNot starts on directories that are not ours
// to write to. The panel is there and says what to do; the directory is left
// alone.
func TestNothingIsRecordedWhereItMustNot(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, b *box) // makes the volume directory
		want    string                     // in what is printed
	}{
		{"a directory with somebody's files", func(t *testing.T, b *box) {
			write(t, filepath.Join(b.data, "footage-volume", "holiday.jpg"), "x")
		}, "not a Vedette volume"},
		{"a volume of a later format", func(t *testing.T, b *box) {
			write(t, filepath.Join(b.data, "footage-volume", "volume.json"), `{"id":"00112233445566778899aabbccddeeff","format":999}`)
		}, "format"},
		{"a volume file that is garbage", func(t *testing.T, b *box) {
			write(t, filepath.Join(b.data, "footage-volume", "volume.json"), "\x00\x01")
		}, "volume.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, "")
			tt.prepare(t, b)
			before := listing(t, filepath.Join(b.data, "footage-volume"))
			b.unusable(tt.want)
			if after := listing(t, filepath.Join(b.data, "footage-volume")); after != before {
				t.Errorf("the directory was changed:\n%s\nbecame\n%s", before, after)
			}
		})
	}
	t.Run("a read-only disk", func(t *testing.T) {
		_, mount := testkit.Ext4(t, 32<<20)
		if out, err := exec.Command("mount", "-o", "remount,ro", mount).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v: %s", err, out)
		}
		b := newBox(t, fmt.Sprintf("[volume]\npath = %q\n", filepath.Join(mount, "v")))
		b.unusable("read-only")
	})
	t.Run("a full disk", func(t *testing.T) {
		_, mount := testkit.Ext4(t, 32<<20)
		fill(t, filepath.Join(mount, "filler"))
		b := newBox(t, fmt.Sprintf("[volume]\npath = %q\n", filepath.Join(mount, "v")))
		b.unusable("no space")
	})
	t.Run("an unknown configuration key", func(t *testing.T) {
		newBox(t, "[recording]\nsegmnt = \"60s\"\n").refused("vedette.toml:2: recording.segmnt: no such key")
	})
}

// unusable starts the process and expects it to serve the panel, which says
// want of its disk, and a camera to say why it is not recorded.
func (b *box) unusable(want string) {
	b.t.Helper()
	b.launch()
	b.answers("/healthz")
	b.claim()
	var info struct {
		Volumes []struct{ State, Reason string }
	}
	b.call("GET", "/api/v1/system", nil, http.StatusOK, &info)
	if v := info.Volumes; len(v) != 1 || v[0].State == "ok" || !strings.Contains(v[0].Reason, want) {
		b.t.Errorf("the disk is %+v; want it to say %q", v, want)
	}
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "cam", "main_url": startSimcam(b.t), "record": true}, http.StatusCreated, nil)
	b.waitState("cam", "error", 20*time.Second)
	b.stop(syscall.SIGTERM)
}

// refused starts the process and expects it to end by itself with exit code
// 2, saying want.
func (b *box) refused(want string) {
	b.t.Helper()
	b.launch()
	select {
	case <-b.exited:
	case <-time.After(10 * time.Second):
		b.t.Fatalf("it started; log:\n%s", b.log)
	}
	if code := b.cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(b.log.String(), want) {
		b.t.Errorf("exit code %d, want 2 and %q in:\n%s", code, want, b.log)
	}
	if strings.Contains(b.log.String(), "goroutine ") {
		b.t.Errorf("it panicked:\n%s", b.log)
	}
	b.cmd = nil
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&out, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// fill writes until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 1<<16)
	for {
		if _, err := f.Write(buf); err != nil {
			break // ENOSPC is the goal
		}
	}
	for n := 4096; n > 0; n /= 2 { // the last block too
		_, _ = f.Write(buf[:n])
	}
}

// TestCorruptFootageIsAGapAndReported damages closed files in every way that
// disks do; what is damaged is skipped and named, the rest plays.
func TestCorruptFootageIsAGapAndReported(t *testing.T) {
	t.Parallel() // it waits most of the time
	b := newBox(t, shortSegments)
	cam := startSimcam(t)
	b.start()
	b.claim()
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "cam", "main_url": cam, "record": true}, http.StatusCreated, nil)
	b.eventually(60*time.Second, "recorded", func() error {
		if closed, _ := b.files("cam"); len(closed) < 4 {
			return fmt.Errorf("%d closed files", len(closed))
		}
		return nil
	})
	closed, _ := b.files("cam")
	raw, err := os.ReadFile(closed[1])
	if err != nil {
		t.Fatal(err)
	}
	// From the middle on, beginning with the boxes of a part: the clip is made by
	// these, and reads no more of the media than it hands out.
	from := len(raw)/2 + bytes.Index(raw[len(raw)/2:], []byte("moof"))
	for i := from; i < from+4096 && i < len(raw); i++ {
		raw[i] ^= 0x5a
	}
	if err := os.WriteFile(closed[1], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(closed[2], []byte("not a film"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, _, _ := nameFacts(t, closed[0])
	start3, dur3, _ := nameFacts(t, closed[3])
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	b.download(fmt.Sprintf("/api/v1/cameras/cam/clip.mp4?from=%d&to=%d", first, start3+dur3), clip)
	if n := strings.TrimSpace(output(t, "ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", clip)); n == "" || n == "0" {
		t.Errorf("a clip across damage holds %q frames", n)
	}
	b.waitState("cam", "recording", time.Second)
	b.stop(syscall.SIGTERM)
	cmd := exec.Command(binary(t), "fsck", "--volume", filepath.Join(b.data, "footage-volume"))
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("fsck exits with %d, want 1", cmd.ProcessState.ExitCode())
	}
	for _, f := range closed[1:3] {
		if !strings.Contains(string(out), filepath.Base(f)) {
			t.Errorf("fsck does not name %s:\n%s", filepath.Base(f), out)
		}
	}
}
