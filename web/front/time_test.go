package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// endsAfter returns how long it takes until the server closes c; whatever it
// says meanwhile is dropped.
func endsAfter(c net.Conn) time.Duration {
	begun := time.Now()
	io.Copy(io.Discard, c)
	return time.Since(begun)
}

func TestHowLongAClientMayTake(t *testing.T) {
	config := certificate(t)
	tests := []struct {
		name   string
		secure bool
		say    func(net.Conn)
		want   time.Duration
	}{
		{"for its first byte", true, func(net.Conn) {}, firstByteTime},
		{"for a handshake that does not go on", true, func(c net.Conn) { c.Write([]byte{0x16, 3, 1}) }, headerTime},
		{"for a header, without TLS", false, func(c net.Conn) { io.WriteString(c, "GET / HTTP/1.1\r\n") }, headerTime},
		{"for the header of a request that is to be sent on", true, func(c net.Conn) { io.WriteString(c, "GET / HTTP/1.1\r\n") }, headerTime},
		{"for a body that nobody reads and that does not come", false, func(c net.Conn) {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 9\r\n\r\n")
		}, bodyTime},
		{"until the next request", false, func(c net.Conn) { io.WriteString(c, get) }, idleTime},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				o := Options{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
				if tt.secure {
					o.TLS = config
				}
				stop := run(t, newFront(o, ln, nil))
				defer stop()
				c := ln.connect("10.0.0.1")
				tt.say(c)
				if took := endsAfter(c); took < tt.want || took > tt.want+time.Second {
					t.Errorf("it had %v, want %v", took, tt.want)
				}
			})
		})
	}
}

func TestAByteNowAndThenBuysNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		defer run(t, newFront(Options{Handler: hello}, ln, nil))()
		c := ln.connect("10.0.0.1")
		begun := time.Now()
		io.WriteString(c, "GET / HTTP/1.1\r\nX: ")
		for err := error(nil); err == nil; time.Sleep(time.Second) {
			_, err = io.WriteString(c, "x")
		}
		if took := time.Since(begun); took > headerTime+2*time.Second {
			t.Errorf("held for %v, want %v", took, headerTime)
		}
	})
}

func TestALongAnswerOutlivesTheDeadlineOfItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		defer run(t, newFront(Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
			time.Sleep(10 * bodyTime)
			if err := r.Context().Err(); err != nil {
				t.Errorf("the request was broken off: %v", err)
			}
		})}, ln, nil))()
		c := ln.connect("10.0.0.1")
		if res, _ := say(t, c, "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 4\r\n\r\nbody"); res.StatusCode != 200 {
			t.Errorf("%s, want 200", res.Status)
		}
		c.Close()
	})
}

func TestBodiesThatDoNotComeKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		defer run(t, newFront(Options{MaxConns: 4, Handler: hello}, ln, nil))()
		for range 4 {
			c := ln.connect("10.0.0.1")
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 9\r\n\r\n")
			go io.Copy(io.Discard, c)
		}
		synctest.Wait()
		time.Sleep(patience)
		c := ln.connect("10.0.0.2")
		if res, body := say(t, c, get); body != "hello" {
			t.Errorf("%s %q, want hello", res.Status, body)
		}
		c.Close()
	})
}

func TestAcceptGoesOnWithoutDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		ln := newPipes()
		f := newFront(Options{Handler: hello, Log: textLog(&log)}, ln, nil)
		defer run(t, f)()
		none := &net.OpError{Op: "accept", Err: syscall.EMFILE}
		silent := ln.connect("10.0.0.1")
		synctest.Wait()
		begun := time.Now()
		ln.errs <- none
		if !ended(t, silent) || time.Since(begun) > minBackoff {
			t.Error("nobody gave way at once")
		}
		for range 11 {
			ln.errs <- none
		}
		answered := func() {
			t.Helper()
			c := ln.connect("10.0.0.2") // as soon as it accepts again
			if _, body := say(t, c, get); body != "hello" {
				t.Errorf("%q, want hello", body)
			}
			c.Close()
		}
		answered()
		// 5 ms, doubled up to 1 s: 5+10+…+640 = 1275 ms, and 4 s.
		if took, want := time.Since(begun), 5275*time.Millisecond; took != want {
			t.Errorf("12 failures took %v, want %v", took, want)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors in the log, want 1:\n%s", n, log.String())
		}
		begun = time.Now()
		ln.errs <- errors.New("something else")
		answered()
		if took := time.Since(begun); took != minBackoff {
			t.Errorf("after it went well, a failure took %v, want %v", took, minBackoff)
		}
		if f.gate.failures != 13 {
			t.Errorf("%d failures counted, want 13", f.gate.failures)
		}
	})
}

func TestRequestsHaveAWhileToEnd(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration
		whole bool
	}{
		{"one that ends in time is answered", stopTime - time.Millisecond, true},
		{"one that does not is broken off", stopTime + time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newPipes()
				f := newFront(Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(tt.takes)
					io.WriteString(w, "whole")
				})}, ln, nil)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- f.Run(ctx) }()
				c := ln.connect("10.0.0.1")
				io.WriteString(c, get)
				synctest.Wait()
				begun := time.Now()
				cancel()
				all, _ := io.ReadAll(c)
				if whole := strings.HasSuffix(string(all), "whole"); whole != tt.whole {
					t.Errorf("answered %q, want whole = %v", all, tt.whole)
				}
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Run = %v, want context.Canceled", err)
				}
				if took := time.Since(begun); took > stopTime+time.Second {
					t.Errorf("stopping took %v", took)
				}
				time.Sleep(time.Minute) // its handler returns
			})
		})
	}
}

func TestASlowHandshakeHoldsNobodyUp(t *testing.T) {
	config := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		defer run(t, newFront(Options{TLS: config, Handler: hello}, ln, nil))()
		slow := []net.Conn{ln.connect("10.0.0.1"), ln.connect("10.0.0.1")}
		slow[1].Write([]byte{0x16})
		begun := time.Now()
		c := tls.Client(ln.connect("10.0.0.2"), anyServer())
		if _, body := say(t, c, get); body != "hello" {
			t.Errorf("%q, want hello", body)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		go io.Copy(io.Discard, c)
		c.Close()
		for _, s := range slow {
			s.Close()
		}
	})
}
