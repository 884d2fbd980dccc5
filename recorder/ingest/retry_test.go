package ingest

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"vedette/recorder/media"
)

func TestWaitBacksOffFromOneSecondToAMinute(t *testing.T) {
	tests := []struct {
		name     string
		code     Code
		streamed time.Duration
		delay    time.Duration
		from, to time.Duration // of the pause
		next     time.Duration
	}{
		{"the first retry comes after a second", CodeClosed, 0, time.Second, time.Second, 1500 * time.Millisecond, 2 * time.Second},
		{"later ones take longer", CodeUnreachable, 0, 16 * time.Second, 16 * time.Second, 24 * time.Second, 32 * time.Second},
		{"the longest is 40 s and its jitter", CodeUnreachable, 0, 40 * time.Second, 40 * time.Second, time.Minute, 40 * time.Second},
		{"29 s of footage do not reset it", CodeClosed, 29 * time.Second, 32 * time.Second, 32 * time.Second, 48 * time.Second, 40 * time.Second},
		{"30 s of footage do", CodeClosed, 30 * time.Second, 32 * time.Second, time.Second, 1500 * time.Millisecond, 2 * time.Second},
		{"a refused password waits five minutes", CodeUnauthorized, 0, time.Second, 5 * time.Minute, 5 * time.Minute, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					begin := time.Now()
					next := New(Options{}).wait(t.Context(), &Failure{Code: tt.code}, tt.streamed, tt.delay)
					if d := time.Since(begin); d < tt.from || d > tt.to {
						t.Errorf("paused %v, want %v to %v", d, tt.from, tt.to)
					}
					if next != tt.next {
						t.Errorf("next delay %v, want %v", next, tt.next)
					}
				})
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		New(Options{}).wait(ctx, &Failure{Code: CodeUnauthorized}, 0, time.Second)
		if d := time.Since(begin); d != time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestStateIsToldOnChangeOnly(t *testing.T) {
	var told []State
	in := New(Options{OnState: func(s State) { told = append(told, s) }})
	gone := State{Phase: Offline, Reason: "gone", Code: CodeClosed}
	run := &media.Run{}
	for _, s := range []State{gone, gone, {Phase: Streaming, Run: run}, {Phase: Streaming, Run: run}, {Phase: Streaming, Run: &media.Run{}}, gone} {
		in.set(s)
	}
	var phases []string
	for _, s := range told {
		phases = append(phases, s.Phase.String())
	}
	if got, want := strings.Join(phases, " "), "offline streaming streaming offline"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestRunIDsAreUniqueAndGrow(t *testing.T) {
	var ids RunIDs
	for _, tt := range []struct {
		micros int64
		want   uint64
	}{{100, 100}, {100, 101}, {99, 102}, {-5, 103}, {500, 500}} {
		if got := ids.Next(tt.micros); got != tt.want {
			t.Errorf("at %d: %d, want %d", tt.micros, got, tt.want)
		}
	}
}

func TestWatchJudgesBySilence(t *testing.T) {
	tests := []struct {
		name    string
		video   func(sec int) int // packets up to that second
		all     func(sec int) int
		running bool
		after   int // seconds; 0: never within two minutes
		code    Code
	}{
		{"a steady camera is left alone", func(s int) int { return s * 100 }, func(s int) int { return s * 150 }, true, 0, ""},
		{"one that sends nothing fails after 10 s", func(int) int { return 0 }, func(int) int { return 0 }, false, 10, CodeNoVideo},
		{"one that sends sound alone too", func(int) int { return 0 }, func(s int) int { return s * 50 }, false, 10, CodeNoVideo},
		{"silence of 10 s is a stall", func(s int) int { return min(s, 5) * 100 }, func(s int) int { return s * 150 }, true, 15, CodeStalled},
		{"a packet each 9 s is not", func(s int) int { return 1 + s/9 }, func(s int) int { return s }, true, 0, ""},
		{"a minute without key frame is enough", func(s int) int { return s * 100 }, func(s int) int { return s * 100 }, false, 60, CodeNoVideo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w watch
			for sec := 1; sec <= 120; sec++ {
				if f := w.look(tt.video(sec), tt.all(sec), tt.running, false); f != nil {
					if sec != tt.after || f.Code != tt.code {
						t.Errorf("%s after %d s, want %s after %d s", f.Code, sec, tt.code, tt.after)
					}
					return
				}
			}
			if tt.after != 0 {
				t.Errorf("nothing within two minutes, want %s", tt.code)
			}
		})
	}
}

func TestARestlessCameraIsEndedAndASlowChangerIsNot(t *testing.T) {
	tests := []struct {
		name  string
		runs  func(sec int) int // begun up to that second
		after int               // seconds; 0: never within ten minutes
	}{
		{"one run for ever", func(int) int { return 1 }, 0},
		{"new parameters every second", func(s int) int { return s }, 0},
		{"a burst at the start", func(s int) int { return 20 + s }, 0},
		{"new parameters with every picture", func(s int) int { return 25 * s }, 1},
		{"three times a second", func(s int) int { return 3 * s }, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w watch
			for sec := 1; sec <= 600; sec++ {
				if f := w.restless(uint64(tt.runs(sec))); f != nil {
					if sec != tt.after || f.Code != CodeBadStream {
						t.Errorf("%s after %d s, want %s after %d s", f.Code, sec, CodeBadStream, tt.after)
					}
					return
				}
			}
			if tt.after != 0 {
				t.Error("never ended")
			}
		})
	}
}

func TestExplainFindsPlainWordsAndHidesCredentials(t *testing.T) {
	const canary = "s3cret/?% canary"
	o := Options{URL: "rtsp://other:inurl-canary@cam.example/x", Username: "admin", Password: canary}
	r := newRedactor(&o)
	tests := []struct {
		name string
		err  error
		code Code
	}{
		{"unauthorized", liberrors.ErrClientBadStatusCode{Code: 401, Message: "no " + canary}, CodeUnauthorized},
		{"not found", liberrors.ErrClientBadStatusCode{Code: 404, Message: "x"}, CodeNotFound},
		{"unsupported transport", liberrors.ErrClientBadStatusCode{Code: 461}, CodeTransport},
		{"busy", liberrors.ErrClientBadStatusCode{Code: 453}, CodeRejected},
		{"odd status", liberrors.ErrClientBadStatusCode{Code: 551, Message: "rtsp://admin:other-canary@cam/"}, CodeRejected},
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, CodeRefused},
		{"no route", &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, CodeUnreachable},
		{"unknown name", &net.DNSError{Err: "no such host", Name: "cam"}, CodeUnreachable},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, CodeClosed},
		{"bad description", liberrors.ErrClientSDPInvalid{Err: errors.New("YWRtaW46czNjcmV0Lz8lIGNhbmFyeQ==")}, CodeBadStream},
		{"anything else", errors.New("invalid url 'rtsp://admin:s3cret%2F%3F%25%20canary@h/' inurl-canary\nsecond line"), CodeBadStream},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := explain(tt.err, "describe", r)
			if f.Code != tt.code || f.Reason == "" {
				t.Errorf("%s (%s), want %s", f.Code, f.Reason, tt.code)
			}
			all := f.Reason + f.Detail
			for _, secret := range []string{canary, "canary", "YWRtaW46", "\n"} {
				if strings.Contains(all, secret) {
					t.Errorf("%q is in %q", secret, all)
				}
			}
		})
	}
}

func TestAddressErrorsDoNotRepeatTheURL(t *testing.T) {
	for _, u := range []string{"http://a:canary@h/x", "rtsp://a:canary@h:port/", "%%canary", "", "rtsp://", "rtsp:canary"} {
		s := newSession(&Options{URL: u}, redactor{}, TCP)
		_, err := s.address()
		var f *Failure
		if !errors.As(err, &f) || f.Code != CodeAddress || strings.Contains(f.Reason+f.Detail, "canary") {
			t.Errorf("%q: %#v", u, err)
		}
	}
}
