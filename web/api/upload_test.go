package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes: their deadlines go by
// synctest's clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// slowly sends a bundle of size bytes, piece by piece with pause before each, and
// returns the answer's status and body, or what became of the connection.
func slowly(t *testing.T, b *box, length string, pieces, piece int, pause time.Duration) (int, string) {
	t.Helper()
	l := make(pipes, 1)
	srv := &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	client, server := net.Pipe()
	defer func() {
		_ = client.Close()
		close(l)
		<-served
		_ = srv.Shutdown(context.Background())
	}()
	l <- server
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		fmt.Fprintf(client, "POST /api/v1/system/update HTTP/1.1\r\nHost: box.local\r\nCookie: %s\r\nContent-Type: application/octet-stream\r\n%s\r\n\r\n", b.cookie, length)
		data := []byte(strings.Repeat("x", piece))
		for range pieces {
			time.Sleep(pause)
			if _, err := client.Write(data); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		return 0, err.Error()
	}
	body, _ := io.ReadAll(resp.Body)
	_ = client.Close()
	<-sent
	return resp.StatusCode, string(body)
}

func TestAnUploadMayTakeLongButNotStall(t *testing.T) {
	tests := []struct {
		name   string
		length string
		pieces int
		piece  int // bytes
		pause  time.Duration
		status int
		want   string // in the answer
		did    string
		most   time.Duration
	}{
		{"a slow line", "Content-Length: 26214400", 100, 256 << 10, 25 * time.Second, 202, "", "receive 26214400 of 26214400, {AllowOlder:false Restart:false By:owner}", 45 * time.Minute},
		{"a line that stalls", "Content-Length: 26214400", 2, 1000, time.Second, 400, "did not come to its end", "receive broken off", 35 * time.Second},
		{"a trickle", "Content-Length: 26214400", 1000, 1, 10 * time.Second, 400, "did not come to its end", "receive broken off", 45 * time.Second},
		{"too long", "Content-Length: 536870913", 1, 1, time.Second, 413, "too_large", "", time.Minute},
		{"of unknown length", "Transfer-Encoding: chunked", 0, 0, time.Second, 411, "length_required", "", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t)
				began := time.Now()
				status, body := slowly(t, b, tt.length, tt.pieces, tt.piece, tt.pause)
				if status != tt.status || !strings.Contains(body, tt.want) {
					t.Errorf("%d %s, want %d and %s", status, body, tt.status, tt.want)
				}
				if got := b.machine.took(); got != tt.did {
					t.Errorf("did %q, want %q", got, tt.did)
				}
				if took := time.Since(began); took > tt.most {
					t.Errorf("it took %v, want at most %v", took, tt.most)
				}
			})
		})
	}
}

// checks is an appliance that takes its time to check what it received.
type checks struct {
	*fakeAppliance
	ctx error // of the request, when it was done
}

func (c *checks) ReceiveUpdate(ctx context.Context, r io.Reader, size int64, o UpdateOptions) error {
	if err := c.fakeAppliance.ReceiveUpdate(ctx, r, size, o); err != nil {
		return err
	}
	time.Sleep(10 * time.Minute)
	c.ctx = ctx.Err()
	return nil
}

func TestCheckingABundleMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &checks{fakeAppliance: newAppliance()}
		b := newBox(t, func(o *Options) { o.Appliance = c })
		if status, body := slowly(t, b, "Content-Length: 1000", 1, 1000, 0); status != 202 || c.ctx != nil {
			t.Errorf("%d %s, the request had ended: %v", status, body, c.ctx)
		}
	})
}

func TestSigningOutBreaksAnUploadOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		time.AfterFunc(5*time.Second, func() { b.auth.Logout(strings.TrimPrefix(b.cookie, "vedette_session=")) })
		began := time.Now()
		status, body := slowly(t, b, "Content-Length: 26214400", 1, 1000, 0)
		if status != 0 || b.machine.took() != "receive broken off" || time.Since(began) > 6*time.Second {
			t.Errorf("%d %s after %v, want the connection broken off", status, body, time.Since(began))
		}
	})
}
