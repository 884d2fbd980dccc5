package ingest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/simcam"
)

// sender sends H.264 over a hostile camera's connection, or elsewhere.
type sender struct {
	c    *hostileConn
	seq  uint16
	ts   uint32
	put  func(seq uint16, ts uint32, marker bool, payload []byte) error // default: c.frame
	step uint32                                                         // ticks from picture to picture, default 3600
}

func (s *sender) packet(marker bool, payload []byte) error {
	put := s.put
	if put == nil {
		put = s.c.frame
	}
	s.seq++
	return put(s.seq-1, s.ts, marker, payload)
}

// picture sends an access unit, NAL units beyond 1,400 bytes in fragments.
func (s *sender) picture(nals ...[]byte) error {
	for i, nal := range nals {
		last := i == len(nals)-1
		if len(nal) <= 1400 {
			if err := s.packet(last, nal); err != nil {
				return err
			}
			continue
		}
		buf := make([]byte, 0, 1402)
		for at := 1; at < len(nal); at += 1400 {
			end := min(at+1400, len(nal))
			kind := nal[0] & 0x1f
			if at == 1 {
				kind |= 0x80
			}
			if end == len(nal) {
				kind |= 0x40
			}
			buf = append(buf[:0], nal[0]&0xe0|28, kind)
			if err := s.packet(last && end == len(nal), append(buf, nal[at:end]...)); err != nil {
				return err
			}
		}
	}
	s.ts += cmp.Or(s.step, 3600)
	return nil
}

// stream sends pictures until the connection ends, a key frame every gop (0:
// the first alone), 40 ms apart; spoil may send something else before each.
func (s *sender) stream(gop int, spoil func(i int) error) {
	for i := 0; ; i++ {
		if spoil != nil && spoil(i) != nil {
			return
		}
		nals := [][]byte{slice}
		if i == 0 || gop > 0 && i%gop == 0 {
			nals = [][]byte{sps640, pps640, idr}
		}
		if s.picture(nals...) != nil {
			return
		}
		time.Sleep(40 * time.Millisecond) // a camera's pace, in a real socket
	}
}

// nal makes a NAL unit of n bytes.
func nal(head byte, n int) []byte {
	b := bytes.Repeat([]byte{0xa5}, n)
	b[0] = head
	return b
}

// otherPPS is another one for sps640, and needs a new run.
var otherPPS = append(bytes.Clone(pps640), 0x80)

// sdpSound is sdpVideo with a G.711 track.
var sdpSound = sdpVideo + sdpAudio

const sdpAudio = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track2\r\n"

// awful is a camera and what is to become of it.
type awful struct {
	name    string
	sdp     string // default sdpVideo
	session string // what follows the session's number in Session:
	o       Options
	play    func(c *hostileConn)             // after PLAY
	serve   func(h *hostile, c *hostileConn) // instead of a handshake, sdp and play

	// It ends in this state …
	phase  Phase
	code   Code
	reason string // part of it
	conns  int32  // most connections until then
	// … or is recorded: so many pictures in at least and at most so many runs.
	pictures, runs, most int
	lossy                bool // some are known to be damaged
}

// endings are cameras that give nothing to record.
func endings() []awful {
	refuse := func(status string) func(*hostile, *hostileConn) {
		return func(_ *hostile, c *hostileConn) {
			for c.next() {
				if c.method == "OPTIONS" {
					c.answer("200 OK", "", "")
				} else {
					c.answer(status, "", "")
				}
			}
		}
	}
	return []awful{
		{name: "never answers", serve: func(_ *hostile, c *hostileConn) { c.next(); c.next() }, code: CodeUnreachable, reason: "does not answer", conns: 1},
		{name: "answers a byte a second", serve: func(_ *hostile, c *hostileConn) {
			c.next()
			for _, b := range []byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, code: CodeUnreachable, reason: "does not answer", conns: 1},
		{name: "hangs up at once", serve: func(*hostile, *hostileConn) {}, code: CodeClosed, conns: 2},
		{name: "resets every connection", serve: func(_ *hostile, c *hostileConn) { _ = c.Conn.(*net.TCPConn).SetLinger(0) }, code: CodeClosed, conns: 2},
		{name: "talks gibberish", serve: func(_ *hostile, c *hostileConn) {
			c.next()
			_, _ = c.Write(bytes.Repeat([]byte("RTFM\r\n"), 100))
			c.drain()
		}, code: CodeBadStream, conns: 2},
		{name: "sends a header without end", serve: func(_ *hostile, c *hostileConn) {
			c.next()
			_, err := c.Write([]byte("RTSP/1.0 200 OK\r\nX: "))
			for more := bytes.Repeat([]byte("y"), 1<<16); err == nil; {
				_, err = c.Write(more)
			}
		}, code: CodeBadStream, conns: 2},
		{name: "refuses every login", serve: func(_ *hostile, c *hostileConn) {
			for c.next() {
				c.answer("401 Unauthorized "+c.header.Get("Authorization"), "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", "")
			}
		}, phase: Faulty, code: CodeUnauthorized, reason: "password", conns: 1},
		{name: "has a new nonce for every login", serve: func(_ *hostile, c *hostileConn) {
			for n := 0; c.next(); n++ {
				c.answer("401 Unauthorized", fmt.Sprintf("WWW-Authenticate: Digest realm=\"r\", nonce=\"n%d\", stale=\"TRUE\"\r\n", n), "")
			}
		}, phase: Faulty, code: CodeUnauthorized, reason: "password", conns: 1},
		{name: "repeats the Basic login in its refusal", serve: func(_ *hostile, c *hostileConn) {
			for c.next() {
				c.answer("401 canary "+c.header.Get("Authorization"), "WWW-Authenticate: Basic realm=\"canary\"\r\n", "")
			}
		}, phase: Faulty, code: CodeUnauthorized, conns: 1},
		{name: "is busy", serve: refuse("503 Service Unavailable"), code: CodeRejected, reason: "busy", conns: 2},
		{name: "fails by itself", serve: refuse("500 Internal Server Error"), code: CodeRejected, reason: "error 500", conns: 2},
		{name: "has no such stream", serve: refuse("404 Not Found"), phase: Faulty, code: CodeNotFound, conns: 1},
		{name: "describes nonsense", sdp: "v=0\r\nm=canary\x00\xff\r\nnonsense", code: CodeBadStream, reason: "describes its stream", conns: 2},
		{name: "describes without end", serve: func(_ *hostile, c *hostileConn) {
			for c.next() {
				if c.method != "DESCRIBE" {
					c.answer("200 OK", "", "")
					continue
				}
				fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Type: application/sdp\r\nContent-Length: 2000000000\r\n\r\n", c.header.Get("Cseq"))
				for line := bytes.Repeat([]byte("a=x\r\n"), 1<<12); ; {
					if _, err := c.Write(line); err != nil {
						return
					}
				}
			}
		}, code: CodeBadStream, conns: 2},
		{name: "has sound alone", sdp: sdpHead + sdpAudio, code: CodeNoVideo, reason: "offers no video", conns: 2},
		{name: "redirects in a circle", serve: func(h *hostile, c *hostileConn) {
			for c.next() {
				if c.method == "DESCRIBE" {
					c.answer("302 Found", "Location: rtsp://"+h.ln.Addr().String()+"/live\r\n", "")
				} else {
					c.answer("200 OK", "", "")
				}
			}
		}, code: CodeRejected, reason: "in a circle", conns: 8},
		{name: "redirects to another host", serve: func(_ *hostile, c *hostileConn) {
			for c.next() {
				if c.method == "DESCRIBE" {
					c.answer("302 Found", "Location: rtsp://127.0.0.99:1/live\r\n", "")
				} else {
					c.answer("200 OK", "", "")
				}
			}
		}, code: CodeRejected, reason: "another host", conns: 2},
		{name: "plays nothing", play: (*hostileConn).drain, code: CodeNoVideo, reason: "sends nothing", conns: 1},
		{name: "sends garbage for RTP and hangs up", play: func(c *hostileConn) { c.garbage(3000, func([]byte) {}) }, code: CodeClosed, conns: 2},
		{name: "sends another payload type", play: func(c *hostileConn) {
			c.garbage(12000, func(junk []byte) {
				junk[1] = 17
				time.Sleep(time.Millisecond) // for longer than the patience
			})
		}, code: CodeNoVideo, reason: "sends nothing", conns: 1},
		{name: "stalls", play: func(c *hostileConn) { c.pictures(25); c.drain() }, code: CodeStalled, conns: 1},
		{name: "is half gone", play: func(c *hostileConn) { c.pictures(25); time.Sleep(20 * time.Second) }, code: CodeStalled, conns: 1},
		{name: "closes in mid-GOP", play: func(c *hostileConn) { c.pictures(25) }, code: CodeClosed, conns: 2},
		{name: "changes its format with every picture", play: func(c *hostileConn) {
			s := &sender{c: c}
			for i := range 200 {
				pps := pps640
				if i%2 == 1 {
					pps = otherPPS
				}
				if s.picture(sps640, pps, idr) != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			c.drain()
		}, code: CodeBadStream, reason: "changes its picture format", conns: 1},
		{name: "floods", play: func(c *hostileConn) {
			big := nal(0x41, 60000)
			for i := 0; c.frame(uint16(i), 7, false, big) == nil; i++ {
			}
		}, code: CodeFlood, reason: "more than 100 Mb/s", conns: 2},
		{name: "floods with tiny packets", play: func(c *hostileConn) {
			burst := bytes.Repeat([]byte{'$', 0, 0, 14, 0x80, 96, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0x41, 1}, 2000)
			for {
				if _, err := c.Write(burst); err != nil {
					return
				}
			}
		}, code: CodeFlood, conns: 2},
	}
}

func (a *awful) camera(t *testing.T) *hostile {
	serve := a.serve
	if serve == nil {
		serve = func(_ *hostile, c *hostileConn) {
			c.sdp, c.session = a.sdp, a.session
			if c.upTo("PLAY") && a.play != nil {
				a.play(c)
			}
		}
	}
	return serveHostile(t, serve)
}

// TestAwfulCamerasEndInAReason: none of them is recorded, each has a state and
// a reason that a person can use, and meanwhile a good camera loses nothing.
func TestAwfulCamerasEndInAReason(t *testing.T) {
	besideAGoodCamera(t, func(t *testing.T) {
		together(t, endings(), func(t *testing.T, tt awful) {
			h := tt.camera(t)
			var log lockedBuffer
			rec := record(t, Options{URL: h.url(), Audio: true,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			st := rec.waitState(t, 30*time.Second, func(s State) bool { return s.Code != "" })
			if want := max(tt.phase, Offline); st.Phase != want || st.Code != tt.code || !strings.Contains(st.Reason, tt.reason) {
				t.Errorf("state %s %s (%s), want %s %s (%s); log:\n%s", st.Phase, st.Code, st.Reason, want, tt.code, tt.reason, log.String())
			}
			if n := h.conns.Load(); n > tt.conns {
				t.Errorf("%d connections, want at most %d", n, tt.conns)
			}
			if said := st.Reason + log.String(); strings.Contains(said, "canary") || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte("admin:canary"))) {
				t.Errorf("the password is in %q", said)
			}
		})
	})
}

// together runs f for all cameras at once: most of it is waiting.
func together(t *testing.T, all []awful, f func(t *testing.T, a awful)) {
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() { t.Run(a.name, func(t *testing.T) { f(t, a) }) })
	}
	wg.Wait()
}

// besideAGoodCamera runs f while another camera is
// received, of which nothing may be missing.
func besideAGoodCamera(t *testing.T, f func(t *testing.T)) {
	good := record(t, Options{URL: camera(t, simcam.Options{}).URL("cam")})
	good.units(t, 10*time.Second, pictures(5))
	stop, done := make(chan struct{}), make(chan string)
	go func() {
		said, n, last := "", 0, int64(-1)
		for {
			it, err := good.r.Next(t.Context())
			if err != nil {
				said = "the good camera: " + err.Error()
			} else if u := it.Unit; it.Gap || u == nil || u.Lossy || u.Track == 0 && last >= 0 && u.DTS != last+3600 {
				said = fmt.Sprintf("the good camera lost something after %d pictures: %+v", n, it)
			} else if u.Track == 0 {
				last = u.DTS
				n++
			}
			select {
			case <-stop:
				done <- said
				return
			default:
			}
			if said != "" {
				<-stop
				done <- said
				return
			}
		}
	}()
	t.Run("beside a good camera", f)
	close(stop)
	if said := <-done; said != "" {
		t.Error(said)
	}
}
