// Package testkit starts what tests need from outside the process: a camera
// that shares no code with Vedette, free ports, and waiting that ends. It is
// for tests alone.
package testkit

import (
	"bufio"
	"bytes"
	_ "embed" // the camera's script
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// python is Debian's own interpreter: another one lacks the gi module.
const python = "/usr/bin/python3"

//go:embed gstcam.py
var gstcam string

// CameraOptions shapes a GStreamer camera.
type CameraOptions struct {
	User, Password string // Digest; open if User is empty
	Port           int    // 0: a free one

	// File serves an MP4 or MOV file once per client at path "file", not
	// re-encoded. FileCodec is "h264" (default) or "h265"; FileAudio adds its
	// AAC track.
	File      string
	FileCodec string
	FileAudio bool
}

// Camera is a running RTSP server of Debian's GStreamer.
type Camera struct {
	port int

	stop func()
}

// StartCamera starts a camera on a loopback port and stops it when the test
// ends. It offers, 640×360 at 25 pictures a second with a key frame every 2 s,
// the paths h264, h264-aac, h264-latm, h264-pcmu, h264-pcma, h264-opus,
// h264-bframes, h264-interlaced, h264-slices, h265, h265-aac, mjpeg and audio.
//
// Without the Debian packages it skips the test, naming them, and fails it
// where CI=true.
func StartCamera(t testing.TB, o CameraOptions) *Camera {
	t.Helper()
	options, err := json.Marshal(map[string]any{
		"user": o.User, "password": o.Password, "port": o.Port,
		"file": o.File, "file_codec": o.FileCodec, "file_audio": o.FileAudio,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		Lacking(t, "the camera needs "+python+" with python3-gi")
	}
	cmd := exec.Command(python, "-c", gstcam)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start camera: %v", err)
	}
	exited := make(chan error, 1)
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(s)
		exited <- cmd.Wait()
	}()
	stop := sync.OnceFunc(func() {
		in.Close() // ends the script
		select {
		case <-exited:
		case <-time.After(3 * time.Second):
			_ = cmd.Process.Kill() // it may have ended just now
			<-exited
		}
	})
	t.Cleanup(stop)
	fmt.Fprintf(in, "%s\n", options)
	var first string
	select {
	case first = <-line:
	case <-time.After(20 * time.Second):
		t.Fatal("the camera did not start within 20 s")
	}
	c := &Camera{stop: stop}
	if strings.HasPrefix(first, "missing: ") {
		Lacking(t, first)
	}
	if _, err := fmt.Sscanf(first, "ready %d", &c.port); err != nil {
		stop()
		t.Fatalf("the camera said %q\n%s", first, said.String())
	}
	return c
}

// Lacking ends a test for want of something of the machine: it is skipped with the
// reason, and fails in CI.
func Lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// URL returns the address of path, without credentials.
func (c *Camera) URL(path string) string { return fmt.Sprintf("rtsp://127.0.0.1:%d/%s", c.port, path) }

// Port returns the port it listens on.
func (c *Camera) Port() int { return c.port }

// Stop ends the camera before the test does. Stopping twice is not an error.
func (c *Camera) Stop() { c.stop() }
