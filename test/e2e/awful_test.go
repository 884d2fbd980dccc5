package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// awful is a TCP server that treats every connection as f says.
func awful(t *testing.T, f func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "rtsp://" + l.Addr().String() + "/stream"
}

// answer replies to every RTSP request with what reply makes of its method
// and sequence number, until reply returns "".
func answer(c net.Conn, reply func(method, cseq string) string) {
	r := bufio.NewReader(c)
	for {
		method, cseq := "", ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "cseq") {
				cseq = strings.TrimSpace(value)
			}
		}
		out := reply(method, cseq)
		if out == "" {
			return
		}
		if _, err := c.Write([]byte(out)); err != nil {
			return
		}
	}
}

func status(code, cseq, rest string) string {
	return fmt.Sprintf("RTSP/1.0 %s\r\nCSeq: %s\r\n%s\r\n", code, cseq, rest)
}

func described(cseq, sdp string) string {
	return status("200 OK", cseq, fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(sdp))) + sdp
}

const goodSDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"

// playing answers a whole handshake and then sends what after writes.
func playing(sdp string, after func(c net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		answer(c, func(method, cseq string) string {
			switch method {
			case "DESCRIBE":
				return described(cseq, sdp)
			case "SETUP":
				return status("200 OK", cseq, "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
			case "PLAY":
				if _, err := c.Write([]byte(status("200 OK", cseq, "Session: 1\r\n"))); err == nil {
					after(c)
				}
				return ""
			}
			return status("200 OK", cseq, "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n")
		})
	}
}

// interleaved is an RTP packet in an RTSP connection, with a sequence number.
func interleaved(seq int, payload []byte) []byte {
	p := append([]byte{0x80, 96, byte(seq >> 8), byte(seq), 0, 0, byte(seq >> 8), byte(seq), 1, 2, 3, 4}, payload...)
	return append([]byte{'$', 0, byte(len(p) >> 8), byte(len(p))}, p...)
}

// TestAwfulCamerasAreNamedAndLeaveOthersAlone adds cameras that do everything
// wrong beside a good one: each gets a state and a reason a person can use,
// the good one records without a gap, nothing panics, and no password shows
// up anywhere.
func TestAwfulCamerasAreNamedAndLeaveOthersAlone(t *testing.T) {
	t.Parallel() // it waits most of the time
	garbage := func(c net.Conn) {
		for i := range 200_000 { // until the connection is closed on us
			junk := make([]byte, 1+i*7%1200)
			for j := range junk {
				junk[j] = byte(i*31 + j*17)
			}
			if _, err := c.Write(interleaved(i, junk)); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	gst := testkit.StartCamera(t, testkit.CameraOptions{User: "u", Password: "right"})
	free := freeAddr(t)
	tests := []struct {
		name, url, state, reason string // reason: part of it
	}{
		{"absent", "rtsp://" + free + "/x", "offline", ""},
		{"wrong password", strings.Replace(gst.URL("h264"), "u:right@", "", 1), "error", "password"},
		{"no such stream", awful(t, func(c net.Conn) {
			answer(c, func(_, cseq string) string { return status("404 Not Found", cseq, "") })
		}), "error", ""},
		{"garbage for an answer", awful(t, func(c net.Conn) { _, _ = c.Write([]byte("\x00\xff\x00HTTP/9 what\r\n\r\n")) }), "offline", ""},
		{"garbage for a description", awful(t, func(c net.Conn) {
			answer(c, func(_, cseq string) string { return described(cseq, "v=9\r\n\x00\x01") })
		}), "", ""},
		{"motion JPEG", gst.URL("mjpeg"), "error", "JPEG"},
		{"garbage for pictures", awful(t, playing(goodSDP, garbage)), "", ""},
		{"never a word", awful(t, func(net.Conn) { time.Sleep(time.Minute) }), "", ""},
		{"hangs up at once", awful(t, func(net.Conn) {}), "offline", ""},
		{"silent after play", awful(t, playing(goodSDP, func(net.Conn) { time.Sleep(time.Minute) })), "", ""},
	}
	b := newBox(t, shortSegments)
	b.start()
	b.claim()
	add := func(name, url string, with map[string]any) {
		body := map[string]any{"name": name, "main_url": url, "record": true}
		for k, v := range with {
			body[k] = v
		}
		b.call("POST", "/api/v1/cameras", body, http.StatusCreated, nil)
	}
	add("good", startSimcam(t), nil)
	b.waitState("good", "recording", 20*time.Second)
	began := time.Now()
	for i, tt := range tests {
		with := map[string]any{"username": "u", "password": "canary-hunter2"}
		if tt.name == "motion JPEG" {
			with["password"] = "right"
		}
		add(fmt.Sprintf("bad %d", i), tt.url, with)
	}
	for i, tt := range tests {
		id := fmt.Sprintf("bad-%d", i)
		b.eventually(25*time.Second, tt.name+" named", func() error {
			c := b.cameraState(id)
			if c.State == "recording" || c.State == "live" || c.State == "connecting" {
				return fmt.Errorf("%s is %s (%s)", tt.name, c.State, c.StateReason)
			}
			if tt.state != "" && c.State != tt.state || !strings.Contains(c.StateReason, tt.reason) || c.StateReason == "" {
				return fmt.Errorf("%s is %s (%q), want %s (%q)", tt.name, c.State, c.StateReason, tt.state, tt.reason)
			}
			return nil
		})
		t.Logf("%s: %s: %s", tt.name, b.cameraState(id).State, b.cameraState(id).StateReason)
	}
	b.waitState("good", "recording", time.Second)
	if tl := b.timeline("good", began, time.Now()); len(tl.Ranges) != 1 || len(tl.Gaps) != 0 {
		t.Errorf("the good camera suffered: %+v", tl)
	}
	for _, path := range []string{"/api/v1/cameras", "/api/v1/events?limit=500", "/api/v1/system", "/metrics"} {
		if raw, _ := b.try("GET", path, nil); strings.Contains(string(raw), "canary") {
			t.Errorf("%s shows a password", path)
		}
	}
	b.stop(15)
	if log := b.log.String(); strings.Contains(log, "canary") || strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		t.Errorf("the log shows a password or a panic:\n%s", tail(log, 40))
	}
}

// TestAnAbsentCameraIsOneEventAndAGap pulls a camera's plug: one event when it
// goes, one when it is back, a gap with its reason between.
func TestAnAbsentCameraIsOneEventAndAGap(t *testing.T) {
	t.Parallel() // it waits most of the time
	addr := freeAddr(t)
	stop := startSimcamAt(t, addr)
	b := newBox(t, shortSegments)
	b.start()
	b.claim()
	b.call("POST", "/api/v1/cameras", map[string]any{"name": "cam", "main_url": "rtsp://" + addr + "/cam", "record": true}, http.StatusCreated, nil)
	b.waitState("cam", "recording", 20*time.Second)
	began := time.Now()
	stop()
	b.waitState("cam", "offline", 20*time.Second)
	time.Sleep(6 * time.Second) // several retries
	startSimcamAt(t, addr)
	b.waitState("cam", "recording", 40*time.Second)
	tl := b.timeline("cam", began.Add(-time.Second), time.Now())
	if len(tl.Gaps) != 1 || tl.Gaps[0].Reason != "camera" {
		t.Errorf("gaps %+v, want one for the camera", tl.Gaps)
	}
	var answer struct {
		Events []struct {
			Type string `json:"type"`
		} `json:"events"`
	}
	b.call("GET", "/api/v1/events?camera=cam&limit=500", nil, http.StatusOK, &answer)
	count := map[string]int{}
	for _, e := range answer.Events {
		count[e.Type]++
	}
	if count["camera_offline"] != 1 || count["camera_recording"] != 2 {
		t.Errorf("events %v, want one camera_offline and two camera_recording", count)
	}
}
