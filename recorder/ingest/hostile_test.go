package ingest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/textproto"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hostile is a camera made of a bare TCP listener, for what no library does.
type hostile struct {
	ln    net.Listener
	conns atomic.Int32
}

// sdpVideo describes one H.264 track with parameter sets.
var sdpVideo = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n" +
	"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=" +
	base64.StdEncoding.EncodeToString(sps640) + "," + base64.StdEncoding.EncodeToString(pps640) + "\r\na=control:track1\r\n"

// serveHostile calls session for every connection until the test ends.
func serveHostile(t *testing.T, session func(h *hostile, c *hostileConn)) *hostile {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{ln: ln}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			h.conns.Add(1)
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				session(h, &hostileConn{Conn: c, r: textproto.NewReader(bufio.NewReader(c))})
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return h
}

func (h *hostile) url() string { return "rtsp://admin:canary@" + h.ln.Addr().String() + "/live" }

type hostileConn struct {
	net.Conn
	r      *textproto.Reader
	method string
	header textproto.MIMEHeader
}

// next reads a request.
func (c *hostileConn) next() bool {
	line, err := c.r.ReadLine()
	if err != nil {
		return false
	}
	c.method, _, _ = strings.Cut(line, " ")
	c.header, err = c.r.ReadMIMEHeader()
	return err == nil
}

func (c *hostileConn) answer(status, headers, body string) {
	fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\nSession: 1\r\n%sContent-Length: %d\r\n\r\n%s", status, c.header.Get("Cseq"), headers, len(body), body)
}

// upTo answers as a camera should until after the request of that method.
func (c *hostileConn) upTo(method string) bool {
	for c.next() {
		switch c.method {
		case "DESCRIBE":
			c.answer("200 OK", "Content-Type: application/sdp\r\n", sdpVideo)
		case "SETUP":
			c.answer("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "")
		default:
			c.answer("200 OK", "", "")
		}
		if c.method == method {
			return true
		}
	}
	return false
}

// frame sends one interleaved RTP packet.
func (c *hostileConn) frame(seq uint16, ts uint32, marker bool, payload []byte) error {
	p := make([]byte, 16, 16+len(payload))
	p[0], p[1] = '$', 0
	n := 12 + len(payload)
	p[2], p[3] = byte(n>>8), byte(n)
	p[4], p[5] = 0x80, 96
	if marker {
		p[5] |= 0x80
	}
	p[6], p[7] = byte(seq>>8), byte(seq)
	p[8], p[9], p[10], p[11] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
	_, err := c.Write(append(p, payload...))
	return err
}

// pictures sends n pictures, a key frame first, at their pace.
func (c *hostileConn) pictures(n int) {
	for i := range n {
		nal := slice
		if i == 0 {
			nal = idr
		}
		if c.frame(uint16(i), uint32(i*3600), true, nal) != nil {
			return
		}
		time.Sleep(40 * time.Millisecond) // a camera's pace, in a real socket
	}
}

// garbage sends n interleaved frames of noise on all channels; spoil may
// change each.
func (c *hostileConn) garbage(n int, spoil func(junk []byte)) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		junk := make([]byte, 2+r.IntN(1500))
		for i := range junk {
			junk[i] = byte(r.Uint32())
		}
		junk[0] = junk[0]&0x3f | 0x80 // the RTP version
		if junk[1]&1 == 0 {
			junk[1] = 96
		}
		spoil(junk)
		head := []byte{'$', byte(r.IntN(4)), byte(len(junk) >> 8), byte(len(junk))}
		if _, err := c.Write(append(head, junk...)); err != nil {
			return
		}
	}
}

// drain reads until the client hangs up.
func (c *hostileConn) drain() {
	for c.next() {
		c.answer("200 OK", "", "")
	}
}

func TestAwfulCamerasEndInAReason(t *testing.T) {
	tests := []struct {
		name    string
		session func(h *hostile, c *hostileConn)
		phase   Phase
		code    Code
		conns   int32 // most connections until then
	}{
		{"never answers", func(_ *hostile, c *hostileConn) { c.next(); c.next() }, Offline, CodeUnreachable, 1},
		{"hangs up at once", func(*hostile, *hostileConn) {}, Offline, CodeClosed, 2},
		{"talks gibberish", func(_ *hostile, c *hostileConn) { c.next(); c.Write(bytes.Repeat([]byte("RTFM\r\n"), 100)); c.drain() }, Offline, CodeBadStream, 2},
		{"refuses every login", func(_ *hostile, c *hostileConn) {
			for c.next() {
				c.answer("401 Unauthorized "+c.header.Get("Authorization"), "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", "")
			}
		}, Faulty, CodeUnauthorized, 1},
		{"repeats the Basic login in its refusal", func(_ *hostile, c *hostileConn) {
			for c.next() {
				c.answer("401 canary "+c.header.Get("Authorization"), "WWW-Authenticate: Basic realm=\"canary\"\r\n", "")
			}
		}, Faulty, CodeUnauthorized, 1},
		{"describes nonsense", func(_ *hostile, c *hostileConn) {
			for c.next() {
				c.answer("200 OK", "Content-Type: application/sdp\r\n", "v=0\r\nm=canary\x00\xff\r\nnonsense")
			}
		}, Offline, CodeBadStream, 2},
		{"redirects in a circle", func(h *hostile, c *hostileConn) {
			for c.next() {
				if c.method == "DESCRIBE" {
					c.answer("302 Found", "Location: rtsp://"+h.ln.Addr().String()+"/live\r\n", "")
				} else {
					c.answer("200 OK", "", "")
				}
			}
		}, Offline, CodeRejected, 8},
		{"redirects to another host", func(_ *hostile, c *hostileConn) {
			for c.next() {
				if c.method == "DESCRIBE" {
					c.answer("302 Found", "Location: rtsp://127.0.0.99:1/live\r\n", "")
				} else {
					c.answer("200 OK", "", "")
				}
			}
		}, Offline, CodeRejected, 2},
		{"plays nothing", func(_ *hostile, c *hostileConn) { c.upTo("PLAY"); c.drain() }, Offline, CodeNoVideo, 1},
		{"sends garbage for RTP and hangs up", func(_ *hostile, c *hostileConn) {
			c.upTo("PLAY")
			c.garbage(3000, func([]byte) {})
		}, Offline, CodeClosed, 2},
		{"sends another payload type", func(_ *hostile, c *hostileConn) {
			c.upTo("PLAY")
			c.garbage(12000, func(junk []byte) {
				junk[1] = 17
				time.Sleep(time.Millisecond) // for longer than the patience
			})
		}, Offline, CodeNoVideo, 1},
		{"stalls", func(_ *hostile, c *hostileConn) { c.upTo("PLAY"); c.pictures(25); c.drain() }, Offline, CodeStalled, 1},
		{"closes in mid-GOP", func(_ *hostile, c *hostileConn) { c.upTo("PLAY"); c.pictures(25) }, Offline, CodeClosed, 2},
		{"floods", func(_ *hostile, c *hostileConn) {
			c.upTo("PLAY")
			big := append([]byte{0x41}, make([]byte, 60000)...)
			for i := 0; c.frame(uint16(i), 7, false, big) == nil; i++ {
			}
		}, Offline, CodeFlood, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := serveHostile(t, tt.session)
			var log lockedBuffer
			rec := record(t, Options{URL: h.url(), Audio: true,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			st := rec.waitState(t, 30*time.Second, func(s State) bool { return s.Code != "" })
			if st.Phase != tt.phase || st.Code != tt.code {
				t.Errorf("state %s %s (%s), want %s %s; log:\n%s", st.Phase, st.Code, st.Reason, tt.phase, tt.code, log.String())
			}
			if n := h.conns.Load(); n > tt.conns {
				t.Errorf("%d connections, want at most %d", n, tt.conns)
			}
			if said := st.Reason + log.String(); strings.Contains(said, "canary") || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte("admin:canary"))) {
				t.Errorf("the password is in %q", said)
			}
		})
	}
}

// lockedBuffer is a bytes.Buffer for concurrent writers.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestFloodCostsLittleMemory(t *testing.T) {
	h := serveHostile(t, func(_ *hostile, c *hostileConn) {
		c.upTo("PLAY")
		big := append([]byte{0x41}, make([]byte, 60000)...)
		for i := 0; c.frame(uint16(i), uint32(i), false, big) == nil; i++ { // no key frame ever
		}
	})
	rec := record(t, Options{URL: h.url()})
	var most uint64
	for rec.in.State().Phase == Connecting {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
		time.Sleep(20 * time.Millisecond)
	}
	if most > 64<<20 {
		t.Errorf("%d MiB of heap while flooded", most>>20)
	}
}
