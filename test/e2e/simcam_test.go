package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

var rtspURL = regexp.MustCompile(`rtsp://\S+`)

// startSimcam starts the product's own simulated camera, for tests that are
// not about what a foreign one sends, and returns its address.
func startSimcam(t *testing.T, args ...string) string {
	t.Helper()
	url, _ := simulate(t, "127.0.0.1:0", args...)
	return url
}

// startSimcamAt starts it on a fixed address; stop pulls its plug.
func startSimcamAt(t *testing.T, addr string) (stop func()) {
	t.Helper()
	_, stop = simulate(t, addr)
	return stop
}

func simulate(t *testing.T, addr string, args ...string) (url string, stop func()) {
	t.Helper()
	log := &logBuffer{}
	cmd := exec.Command(binary(t), append([]string{"simcam", "--listen", addr}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	for range 100 {
		if u := rtspURL.FindString(log.String()); u != "" {
			return u, stop
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the simulated camera does not say its address:\n%s", log)
	return "", stop
}

// heavyClip makes a clip of about 8 Mb/s.
func heavyClip(t *testing.T) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "heavy.mp4")
	output(t, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25,noise=alls=20:allf=t", "-t", "6",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "50", "-sc_threshold", "0",
		"-b:v", "8M", "-maxrate", "8M", "-bufsize", "8M", clip)
	return clip
}
