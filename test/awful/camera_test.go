package awful

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// camera is a server that follows a script on every connection.
type camera struct {
	ln     net.Listener
	scheme string
	conns  atomic.Int32
	done   chan struct{} // closed when the test is over
	still  sync.RWMutex  // held while the camera must send nothing
}

// serve runs script for every connection until the test ends. certificate
// makes it an rtsps:// camera.
func serve(t *testing.T, certificate *tls.Config, script func(c *conn)) *camera {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cam := &camera{ln: ln, scheme: "rtsp", done: make(chan struct{})}
	if certificate != nil {
		cam.ln, cam.scheme = tls.NewListener(ln, certificate), "rtsps"
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := cam.ln.Accept()
			if err != nil {
				return
			}
			cam.conns.Add(1)
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				sc := &conn{Conn: c, cam: cam, r: textproto.NewReader(bufio.NewReader(c)), sdp: describe(video)}
				script(sc)
				for _, s := range sc.sockets {
					if s != nil {
						s.Close()
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		close(cam.done)
		ln.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return cam
}

const canary = "canary-hunter2"

func (cam *camera) url() string {
	return cam.scheme + "://admin:" + canary + "@" + cam.ln.Addr().String() + "/live"
}

// conn is a connection of a camera that is being scripted.
type conn struct {
	net.Conn
	cam    *camera
	r      *textproto.Reader
	sdp    string
	extra  string // headers of every answer
	method string
	header textproto.MIMEHeader

	write   sync.Mutex
	seq     [2]uint16
	sockets [2]*net.UDPConn // where a track goes by UDP
}

// next reads a request.
func (c *conn) next() bool {
	line, err := c.r.ReadLine()
	if err != nil {
		return false
	}
	c.method, _, _ = strings.Cut(line, " ")
	c.header, err = c.r.ReadMIMEHeader()
	return err == nil
}

func (c *conn) answer(status, headers, body string) {
	c.write.Lock()
	defer c.write.Unlock()
	fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n%s%sContent-Length: %d\r\n\r\n%s", status, c.header.Get("Cseq"), headers, c.extra, len(body), body)
}

// always answers every request with status.
func (c *conn) always(status, headers string) {
	for c.next() {
		c.answer(status, headers, "")
	}
}

// play answers as a camera should until PLAY.
func (c *conn) play() bool {
	track := 0
	for c.next() {
		switch c.method {
		case "DESCRIBE":
			c.answer("200 OK", "Content-Type: application/sdp\r\n", c.sdp)
		case "SETUP":
			transport := c.header.Get("Transport")
			if _, ports, found := strings.Cut(transport, "client_port="); found {
				transport += ";server_port=" + c.socket(track, ports)
			} else {
				transport = fmt.Sprintf("RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*track, 2*track+1)
			}
			track++
			c.answer("200 OK", "Session: 1;timeout=6\r\nTransport: "+transport+"\r\n", "")
		case "PLAY":
			c.answer("200 OK", "Session: 1;timeout=6\r\n", "")
			return true
		default:
			c.answer("200 OK", "Session: 1\r\n", "")
		}
	}
	return false
}

// socket opens a pair of UDP ports for a track and names it.
func (c *conn) socket(track int, client string) string {
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	var to int
	fmt.Sscanf(client, "%d", &to)
	for {
		a, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP("127.0.0.1")})
		if err != nil {
			return "0-0"
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		a.Close()
		s, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP("127.0.0.1"), Port: port}, &net.UDPAddr{IP: net.ParseIP(host), Port: to})
		if err == nil {
			c.sockets[track] = s
			return fmt.Sprintf("%d-%d", port, port+1)
		}
	}
}

// answering goes on answering requests beside the stream.
func (c *conn) answering() {
	go c.always("200 OK", "Session: 1\r\n")
}

// rtp sends a packet of a track.
func (c *conn) rtp(track int, ts uint32, marker bool, payload []byte) bool {
	p := c.packet(track, ts, marker, payload)
	return c.raw(track, p)
}

// packet makes the next packet of a track.
func (c *conn) packet(track int, ts uint32, marker bool, payload []byte) []byte {
	p := make([]byte, 12, 12+len(payload))
	p[0], p[1] = 0x80, byte(96+track)
	if marker {
		p[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p[2:], c.seq[track])
	c.seq[track]++
	binary.BigEndian.PutUint32(p[4:], ts)
	p[8] = byte(track + 1)
	return append(p, payload...)
}

// raw sends a packet as it is and reports whether the other side still listens.
func (c *conn) raw(track int, p []byte) bool {
	c.cam.still.RLock()
	defer c.cam.still.RUnlock()
	if s := c.sockets[track]; s != nil {
		_, _ = s.Write(p) // nobody listens: the other connection will tell
		return c.alive()
	}
	return c.interleaved(2*track, p)
}

// interleaved sends on a channel of the RTSP connection.
func (c *conn) interleaved(channel int, p []byte) bool {
	c.write.Lock()
	defer c.write.Unlock()
	_, err := c.Write(append([]byte{'$', byte(channel), byte(len(p) >> 8), byte(len(p))}, p...))
	return err == nil && c.alive()
}

func (c *conn) alive() bool {
	select {
	case <-c.cam.done:
		return false
	default:
		return true
	}
}

// picture sends the NAL units of one picture.
func (c *conn) picture(ts uint32, nals ...[]byte) bool {
	list := packets(1400, nals...)
	for i, p := range list {
		if !c.rtp(0, ts, i == len(list)-1, p) {
			return false
		}
	}
	return true
}

// every calls f at the pace of a real camera, until it answers false or the
// test is over. A camera that was held up catches up.
func (c *conn) every(d time.Duration, f func(i int) bool) {
	began := time.Now()
	for i := 0; f(i); i++ {
		select {
		case <-c.cam.done:
			return
		case <-time.After(time.Until(began.Add(time.Duration(i+1) * d))):
		}
	}
}

// stream sends pictures of size bytes at a rate, a key frame every gop.
func (c *conn) stream(fps, gop, size int) {
	c.every(time.Second/time.Duration(fps), func(i int) bool {
		return c.picture(uint32(i*90000/fps), plain.frame(i, gop, size)...)
	})
}

// frame is picture i of a stream without reordering.
func (c coding) frame(i, gop, size int) [][]byte {
	n := uint(i % gop)
	s := c.slice(slice{key: n == 0, order: n * 2 & 0xff, number: n & 15, size: size})
	if n == 0 {
		return [][]byte{c.sps(), pps(), s}
	}
	return [][]byte{s}
}

// pcmu sends a packet of 20 ms of sound.
func (c *conn) pcmu(ts uint32) bool { return c.rtp(1, ts, false, noise(160)) }

// The tracks a camera may describe.
var (
	video = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=" +
		base64.StdEncoding.EncodeToString(plain.sps()) + "," + base64.StdEncoding.EncodeToString(pps()) + "\r\na=control:track1\r\n"
	bareVideo = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
	sound     = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCMU/8000\r\na=control:track2\r\n"
)

func describe(media ...string) string {
	return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" + strings.Join(media, "")
}
