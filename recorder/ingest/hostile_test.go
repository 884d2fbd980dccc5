package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
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
const sdpHead = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"

var sdpVideo = sdpHead + "m=video 0 RTP/AVP 96\r\n" +
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

	sdp     string // default sdpVideo
	session string // after the session's number
	tracks  int    // interleaved channels given away
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
	fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\nSession: 1%s\r\n%sContent-Length: %d\r\n\r\n%s",
		status, c.header.Get("Cseq"), c.session, headers, len(body), body)
}

// upTo answers as a camera should until after the request of that method.
func (c *hostileConn) upTo(method string) bool {
	for c.next() {
		switch c.method {
		case "DESCRIBE":
			c.answer("200 OK", "Content-Type: application/sdp\r\n", cmp.Or(c.sdp, sdpVideo))
		case "SETUP":
			c.answer("200 OK", fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n", c.tracks, c.tracks+1), "")
			c.tracks += 2
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
	p := rtpPacket(seq, ts, marker, payload)
	_, err := c.Write(append([]byte{'$', 0, byte(len(p) >> 8), byte(len(p))}, p...))
	return err
}

// rtpPacket is one of payload type 96.
func rtpPacket(seq uint16, ts uint32, marker bool, payload []byte) []byte {
	p := []byte{0x80, 96, byte(seq >> 8), byte(seq), byte(ts >> 24), byte(ts >> 16), byte(ts >> 8), byte(ts), 0, 0, 0, 0}
	if marker {
		p[1] |= 0x80
	}
	return append(p, payload...)
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
