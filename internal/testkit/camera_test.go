package testkit

import (
	"net"
	"strings"
	"testing"
	"time"
)

// describe asks c for path and returns the answer.
func describe(t *testing.T, c *Camera, path string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(strings.TrimSuffix(c.URL(""), "/"), "rtsp://"), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("DESCRIBE " + c.URL(path) + " RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(answer.String(), "\r\n\r\n") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		answer.Write(buf[:n])
	}
	return answer.String()
}

func TestCameraAnswersAndStops(t *testing.T) {
	c := StartCamera(t, CameraOptions{})
	if got := describe(t, c, "h264"); !strings.HasPrefix(got, "RTSP/1.0 200") {
		t.Errorf("DESCRIBE answers %q", got)
	}
	c.Stop()
	if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(strings.TrimSuffix(c.URL(""), "/"), "rtsp://"), time.Second); err == nil {
		conn.Close()
		t.Error("it still listens after Stop")
	}
}

func TestCameraAsksForDigest(t *testing.T) {
	c := StartCamera(t, CameraOptions{User: "u", Password: "p"})
	got := describe(t, c, "h264")
	if !strings.HasPrefix(got, "RTSP/1.0 401") || !strings.Contains(got, "Digest ") || strings.Contains(got, "Basic ") {
		t.Errorf("DESCRIBE answers %q", got)
	}
}
