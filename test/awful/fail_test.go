package awful

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/recorder/ingest"
)

// refusal is a camera that cannot be recorded, and what must be said of it.
type refusal struct {
	name   string
	script func(c *conn)
	phase  ingest.Phase
	code   ingest.Code
	reason string // part of it
	conns  int32  // most connections until it is said, and a second longer
	with   func(o *ingest.Options)
	tls    *tls.Config
}

// hangs reads nothing and says nothing.
func hangs(c *conn) { <-c.cam.done }

// afterPlay is a script that behaves until PLAY.
func afterPlay(f func(c *conn)) func(c *conn) {
	return func(c *conn) {
		if c.play() {
			f(c)
		}
	}
}

// describing is a camera with another description.
func describing(sdp string) func(c *conn) {
	return func(c *conn) {
		c.sdp = sdp
		if c.play() {
			c.answering()
			c.stream(25, 25, 1000)
		}
	}
}

const (
	offline = ingest.Offline
	faulty  = ingest.Faulty
)

func refusals(t *testing.T) []refusal {
	expired := expiredCertificate(t)
	return []refusal{
		// The connection.
		{name: "nobody there", script: nil, phase: offline, code: ingest.CodeRefused, reason: "nothing listens", conns: 0},
		{name: "half-open from the start", script: hangs, phase: offline, code: ingest.CodeUnreachable, reason: "does not answer", conns: 1},
		{name: "hangs up at once", script: func(*conn) {}, phase: offline, code: ingest.CodeClosed, reason: "closed the connection", conns: 2},
		{name: "resets the connection in mid-stream", script: afterPlay(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool { return i < 20 && c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...) })
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
		}), phase: offline, code: ingest.CodeClosed, reason: "closed the connection", conns: 2},
		{name: "half-open in mid-stream", script: afterPlay(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool { return i < 20 && c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...) })
			hangs(c)
		}), phase: offline, code: ingest.CodeStalled, reason: "stopped sending video", conns: 1},
		{name: "answers a byte a second", script: func(c *conn) {
			c.next()
			c.every(time.Second, func(i int) bool { _, err := c.Write([]byte("RTSP/1.0 200 OK\r\n")[i%10 : i%10+1]); return err == nil })
		}, phase: offline, code: ingest.CodeUnreachable, reason: "does not answer", conns: 1},
		{name: "stops in the middle of an answer", script: func(c *conn) { c.next(); c.Write([]byte("RTSP/1.0 200 OK\r\nCSe")); hangs(c) },
			phase: offline, code: ingest.CodeUnreachable, reason: "does not answer", conns: 1},

		// TLS.
		{name: "an expired certificate, and the policy is to verify", script: describing(describe(video)), tls: expired,
			with:  func(o *ingest.Options) { o.TLS.Verify = true },
			phase: faulty, code: ingest.CodeTLS, reason: "certificate cannot be verified", conns: 2},
		{name: "another certificate than agreed", script: describing(describe(video)), tls: expired,
			with:  func(o *ingest.Options) { o.TLS.SHA256 = strings.Repeat("ab", 32) },
			phase: faulty, code: ingest.CodeTLS, reason: "not the one that was agreed", conns: 2},
		{name: "no TLS at a secure address", script: describing(describe(video)), with: secure,
			phase: faulty, code: ingest.CodeTLS, reason: "no secure connection", conns: 2},
		{name: "a TLS handshake that hangs", script: hangs, with: secure,
			phase: faulty, code: ingest.CodeTLS, reason: "does not answer the handshake", conns: 1},

		// The login.
		{name: "replays the same digest challenge for ever", script: func(c *conn) {
			c.always("401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", nonce=\"0\"\r\n")
		}, phase: faulty, code: ingest.CodeUnauthorized, reason: "user name or password", conns: 1},
		{name: "calls every digest stale", script: func(c *conn) {
			for n := 0; c.next(); n++ {
				c.answer("401 Unauthorized", fmt.Sprintf("WWW-Authenticate: Digest realm=\"r\", nonce=\"%d\", stale=\"true\"\r\n", n), "")
			}
		}, phase: faulty, code: ingest.CodeUnauthorized, reason: "user name or password", conns: 1},
		{name: "asks for a login nobody knows", script: func(c *conn) { c.always("401 Unauthorized", "WWW-Authenticate: Riddle\r\n") },
			phase: faulty, code: ingest.CodeUnauthorized, reason: "login", conns: 1},
		{name: "forbids it", script: func(c *conn) { c.always("403 Forbidden", "") },
			phase: faulty, code: ingest.CodeUnauthorized, reason: "user name or password", conns: 1},

		// Answers.
		{name: "talks gibberish", script: func(c *conn) { c.next(); c.Write(bytes.Repeat([]byte("RTFM\r\n"), 100)); hangs(c) },
			phase: offline, code: ingest.CodeBadStream, reason: "cannot be understood", conns: 2},
		{name: "a line without end", script: func(c *conn) {
			for line := bytes.Repeat([]byte("x"), 1<<16); c.alive(); {
				if _, err := c.Write(line); err != nil {
					return
				}
			}
		}, phase: offline, code: ingest.CodeUnreachable, reason: "does not answer", conns: 1},
		{name: "headers without end", script: func(c *conn) {
			c.next()
			c.Write([]byte("RTSP/1.0 200 OK\r\n"))
			for c.alive() {
				if _, err := c.Write(bytes.Repeat([]byte("X-Y: z\r\n"), 1000)); err != nil {
					return
				}
			}
		}, phase: offline, code: ingest.CodeBadStream, reason: "cannot be understood", conns: 2},
		{name: "a description of 4 GB", script: func(c *conn) {
			c.next()
			c.Write([]byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4294967295\r\n\r\n"))
			hangs(c)
		}, phase: offline, code: ingest.CodeBadStream, reason: "cannot be understood", conns: 2},
		{name: "no such path", script: func(c *conn) { c.always("404 Not Found", "") },
			phase: faulty, code: ingest.CodeNotFound, reason: "no stream at this path", conns: 2},
		{name: "too many guests", script: func(c *conn) { c.always("453 Not Enough Bandwidth", "") },
			phase: offline, code: ingest.CodeRejected, reason: "busy", conns: 2},
		{name: "an error that nobody defined", script: func(c *conn) { c.always("599 Tea", "") },
			phase: offline, code: ingest.CodeRejected, reason: "599", conns: 2},
		{name: "no transport suits", script: func(c *conn) {
			for c.next() {
				if c.method == "SETUP" {
					c.answer("461 Unsupported Transport", "", "")
				} else {
					c.answer("200 OK", "Content-Type: application/sdp\r\n", c.sdp)
				}
			}
		}, phase: faulty, code: ingest.CodeTransport, reason: "transport", conns: 3},
		{name: "redirects in a circle", script: func(c *conn) {
			for c.next() {
				if c.method == "DESCRIBE" {
					c.answer("302 Found", "Location: "+strings.Replace(c.cam.url(), "admin:"+canary+"@", "", 1)+"\r\n", "")
				} else {
					c.answer("200 OK", "", "")
				}
			}
		}, phase: offline, code: ingest.CodeRejected, reason: "in a circle", conns: 8},
		{name: "redirects to another host", script: func(c *conn) { c.always("302 Found", "Location: rtsp://127.0.0.99:1/live\r\n") },
			phase: offline, code: ingest.CodeRejected, reason: "", conns: 2},

		// Descriptions.
		{name: "garbage for a description", script: describing("v=0\r\nm=canary\x00\xff\r\nnonsense"),
			phase: offline, code: ingest.CodeBadStream, reason: "describes its stream in a way that cannot be read", conns: 2},
		{name: "an empty description", script: describing(""),
			phase: offline, code: ingest.CodeBadStream, reason: "describes its stream", conns: 2},
		{name: "sound alone", script: describing(describe(sound)),
			phase: offline, code: ingest.CodeNoVideo, reason: "offers no video", conns: 2},
		{name: "motion JPEG", script: describing(describe("m=video 0 RTP/AVP 26\r\na=control:track1\r\n")),
			phase: faulty, code: ingest.CodeUnsupported, reason: "MJPEG", conns: 2},
		{name: "interleaved NAL units", script: describing(describe(strings.Replace(video, "mode=1", "mode=2", 1))),
			phase: faulty, code: ingest.CodeUnsupported, reason: "interleaved", conns: 2},

		// What comes.
		{name: "plays nothing", script: afterPlay(func(c *conn) { c.always("200 OK", "") }),
			phase: offline, code: ingest.CodeNoVideo, reason: "sends nothing", conns: 1},
		{name: "announces video and sends sound alone", script: func(c *conn) {
			c.sdp = describe(video, sound)
			if c.play() {
				c.answering()
				c.every(20*time.Millisecond, func(i int) bool { return c.pcmu(uint32(i * 160)) })
			}
		}, with: withSound, phase: offline, code: ingest.CodeNoVideo, reason: "sends no video, though it answers", conns: 1},
		{name: "garbage for packets", script: afterPlay(func(c *conn) {
			c.every(time.Millisecond, func(i int) bool { p := noise(1 + i*7%1400); p[0] |= 0x80; return c.interleaved(i%4, p) })
		}), phase: offline, code: ingest.CodeNoVideo, reason: "", conns: 1},
		{name: "timestamps that stand still after a second", script: afterPlay(func(c *conn) {
			c.answering()
			c.every(40*time.Millisecond, func(i int) bool { return c.picture(uint32(min(i, 25)*3600), plain.frame(i, 25, 1000)...) })
		}), phase: offline, code: ingest.CodeBadStream, reason: "no picture can be made", conns: 1},
		{name: "another size with every picture", script: afterPlay(func(c *conn) {
			c.answering()
			c.every(20*time.Millisecond, func(i int) bool {
				size := coding{width: 20 + uint(i%2), height: 20}
				return c.picture(uint32(i*1800), size.frame(0, 1, 1000)...)
			})
		}), phase: offline, code: ingest.CodeBadStream, reason: "picture format", conns: 1},
		{name: "floods with 200 Mb/s and more", script: afterPlay(func(c *conn) {
			for big, i := noise(60_000), 0; c.rtp(0, uint32(i*90), true, big); i++ {
			}
		}), phase: offline, code: ingest.CodeFlood, reason: "more than 100 Mb/s", conns: 2},
		{name: "floods beside its stream", script: afterPlay(func(c *conn) {
			for junk, i := noise(60_000), 0; c.interleaved(9, junk); i++ {
				if i%100 == 0 && !c.picture(uint32(i*36), plain.frame(i/100, 25, 1000)...) {
					return
				}
			}
		}), phase: offline, code: ingest.CodeFlood, reason: "more than 100 Mb/s", conns: 2},
		{name: "floods with reports", script: afterPlay(func(c *conn) {
			report := make([]byte, 1400)
			report[0], report[1], report[2], report[3] = 0x80, 204, 1, 93 // 350 words
			for c.interleaved(1, report) {
			}
		}), phase: offline, code: ingest.CodeFlood, reason: "more than 100 Mb/s", conns: 2},
		{name: "says goodbye in mid-stream and goes on", script: afterPlay(func(c *conn) {
			c.every(40*time.Millisecond, func(i int) bool {
				if i == 20 {
					c.write.Lock()
					c.Write([]byte("TEARDOWN rtsp://127.0.0.1/live RTSP/1.0\r\nCSeq: 9\r\nSession: 1\r\n\r\n"))
					c.write.Unlock()
				}
				return c.picture(uint32(i*3600), plain.frame(i, 25, 1000)...)
			})
		}), phase: offline, code: ingest.CodeBadStream, reason: "cannot be understood", conns: 2},
	}
}

func withSound(o *ingest.Options) { o.Audio = true }

func secure(o *ingest.Options) { o.URL = strings.Replace(o.URL, "rtsp:", "rtsps:", 1) }

// refuse expects that r ends as it says, and no sooner again than it may.
func (r *refusal) refuse(t *testing.T) {
	o := ingest.Options{}
	var cam *camera
	if r.script == nil {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		o.URL = "rtsp://" + ln.Addr().String() + "/live"
	} else {
		cam = serve(t, r.tls, r.script)
		o.URL = cam.url()
	}
	if r.with != nil {
		r.with(&o)
	}
	w := receive(t, o, keeps)
	began := time.Now()
	st := w.failure(t, 30*time.Second)
	if st.Phase != r.phase || st.Code != r.code || !strings.Contains(st.Reason, r.reason) || st.Reason == "" {
		t.Errorf("%s, %s (%s); want %s, %s (…%s…); log:\n%s", st.Phase, st.Code, st.Reason, r.phase, r.code, r.reason, w.log.String())
	}
	time.Sleep(900 * time.Millisecond) // less than the shortest pause
	if cam != nil {
		if n := cam.conns.Load(); n > r.conns {
			t.Errorf("%d connections, want at most %d", n, r.conns)
		}
	}
	t.Logf("%s, %s after %.1f s: %s", st.Phase, st.Code, time.Since(began).Seconds()-.9, st.Reason)
}
