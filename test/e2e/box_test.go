package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// box is one running vedette process.
type box struct {
	t      *testing.T
	data   string // data directory
	config string
	addr   string
	client *http.Client
	cmd    *exec.Cmd
	exited chan error
	log    *logBuffer
}

// logBuffer collects what the process prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// binary returns the built program, failing where it is missing.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/vedette")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run `make build` first", err)
	}
	return path
}

// newBox prepares a box with the configuration text given; start runs it.
func newBox(t *testing.T, config string) *box {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, data: t.TempDir(), log: &logBuffer{}, client: &http.Client{Jar: jar, Timeout: 60 * time.Second}}
	b.config = filepath.Join(t.TempDir(), "vedette.toml")
	if err := os.WriteFile(b.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.addr = freeAddr(t)
	t.Cleanup(func() { b.stop(syscall.SIGKILL) })
	return b
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the process and waits until everything is in order.
func (b *box) start() {
	b.t.Helper()
	b.launch()
	b.answers("/readyz")
}

// answers waits until path is served.
func (b *box) answers(path string) {
	b.t.Helper()
	b.eventually(15*time.Second, "ready", func() error {
		resp, err := b.client.Get("http://" + b.addr + path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, resp.Status)
		}
		return nil
	})
}

func (b *box) launch() {
	b.t.Helper()
	b.cmd = exec.Command(binary(b.t), "run", "--config", b.config, "--data", b.data, "--listen", b.addr)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	cmd, exited := b.cmd, make(chan error, 1)
	b.exited = exited
	go func() { exited <- cmd.Wait() }()
}

// stop ends the process with sig and returns its exit code; -1 for a signal
// death or when it was not running.
func (b *box) stop(sig syscall.Signal) int {
	if b.cmd == nil {
		return -1
	}
	_ = b.cmd.Process.Signal(sig) // it may have ended by itself
	select {
	case <-b.exited:
	case <-time.After(20 * time.Second):
		_ = b.cmd.Process.Kill()
		<-b.exited
		b.t.Errorf("did not end within 20 s of %v; log:\n%s", sig, b.log)
	}
	code := b.cmd.ProcessState.ExitCode()
	b.cmd = nil
	return code
}

// eventually calls f until it returns nil, and fails the test if it does not
// within limit.
func (b *box) eventually(limit time.Duration, what string, f func() error) {
	b.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("not %s within %v: %v\nlog:\n%s", what, limit, err, tail(b.log.String(), 60))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func tail(s string, lines int) string {
	all := strings.Split(s, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

var claimCode = regexp.MustCompile(`claim code:?\s+([A-Z0-9-]{8,})`)

// code returns the claim code that the process printed.
func (b *box) code() (code string) {
	b.t.Helper()
	b.eventually(10*time.Second, "printing a claim code", func() error {
		m := claimCode.FindStringSubmatch(b.log.String())
		if m == nil {
			return fmt.Errorf("no claim code printed")
		}
		code = m[1]
		return nil
	})
	return code
}

// claim creates the first admin.
func (b *box) claim() {
	b.t.Helper()
	b.call("POST", "/api/v1/auth/claim", map[string]any{"code": b.code(), "username": "owner", "password": "correct horse battery"}, http.StatusOK, nil)
}

// call does one API request, checks its status and decodes the answer into
// out if it is not nil.
func (b *box) call(method, path string, body any, want int, out any) {
	b.t.Helper()
	raw, resp := b.try(method, path, body)
	if resp.StatusCode != want {
		b.t.Fatalf("%s %s: %s, want %d: %s\nlog:\n%s", method, path, resp.Status, want, raw, tail(b.log.String(), 40))
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

func (b *box) try(method, path string, body any) ([]byte, *http.Response) {
	b.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 60*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+b.addr+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v\nlog:\n%s", method, path, err, tail(b.log.String(), 40))
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return raw, resp
}

// camera is what the API says of one.
type camera struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	State       string `json:"state"`
	StateReason string `json:"state_reason"`
	MainURL     string `json:"main_url"`
	HasPassword bool   `json:"has_password"`
}

type span struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

type timeline struct {
	Ranges []span `json:"ranges"`
	Gaps   []span `json:"gaps"`
}

func (b *box) cameraState(id string) camera {
	b.t.Helper()
	var all []camera
	b.call("GET", "/api/v1/cameras", nil, http.StatusOK, &all)
	for _, c := range all {
		if c.ID == id {
			return c
		}
	}
	b.t.Fatalf("camera %s is not listed", id)
	return camera{}
}

func (b *box) waitState(id, state string, limit time.Duration) camera {
	b.t.Helper()
	var c camera
	b.eventually(limit, id+" "+state, func() error {
		if c = b.cameraState(id); c.State != state {
			return fmt.Errorf("%s is %s (%s)", id, c.State, c.StateReason)
		}
		return nil
	})
	return c
}

func (b *box) timeline(id string, from, to time.Time) timeline {
	b.t.Helper()
	var tl timeline
	b.call("GET", fmt.Sprintf("/api/v1/cameras/%s/timeline?from=%d&to=%d", id, from.UnixMilli(), to.UnixMilli()), nil, http.StatusOK, &tl)
	return tl
}

// files returns the closed and the open segment files of a camera, sorted by
// name and so by time.
func (b *box) files(id string) (closed, open []string) {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.data, "footage-volume", "footage", id, "*", "*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		if strings.HasSuffix(f, ".part") {
			open = append(open, f)
		} else {
			closed = append(closed, f)
		}
	}
	return closed, open
}

// cookies returns the Cookie header of the session, for programs beside us.
func (b *box) cookies() string {
	req, _ := http.NewRequest("GET", "http://"+b.addr+"/", nil)
	var out []string
	for _, c := range b.client.Jar.Cookies(req.URL) {
		out = append(out, c.Name+"="+c.Value)
	}
	return strings.Join(out, "; ")
}

// output runs a program and returns its standard output; anything on
// standard error, or a failure, fails the test.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(stderr.String(), 20))
	}
	return string(out)
}
