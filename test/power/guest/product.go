package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"vedette/test/power/plan"
)

const (
	panelAddr = "127.0.0.1:8080"
	camAddr   = "127.0.0.1:8554"
	configAt  = "/vedette.toml"
)

// product is the product under proof, seen from outside.
type product struct {
	client *http.Client
	cmd    *exec.Cmd
	ended  chan error
	code   chan string // the claim code, if it prints one
}

func newProduct() (*product, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &product{client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}, nil
}

// spawn starts a program and copies what it prints to the console, line by
// line; see is shown every line.
func spawn(ctx context.Context, see func(line string), args ...string) (*exec.Cmd, chan error, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.Env = []string{"HOME=/tmp", "TMPDIR=/tmp"}
	err = cmd.Start()
	_ = w.Close() // the child has its own
	if err != nil {
		_ = r.Close()
		return nil, nil, fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
	}
	ended := make(chan error, 1)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			fmt.Println(s.Text())
			see(s.Text())
		}
		_ = r.Close() // read to its end
		ended <- cmd.Wait()
	}()
	return cmd, ended, nil
}

// start runs the product and waits until it is ready.
func (p *product) start(ctx context.Context) error {
	code := make(chan string, 1)
	var err error
	p.cmd, p.ended, err = spawn(ctx, func(line string) {
		if _, c, ok := strings.Cut(line, "claim code: "); ok {
			select {
			case code <- strings.TrimSpace(c):
			default:
			}
		}
	}, plan.Program, "run", "--config", configAt, "--data", mount+"/vedette", "--listen", panelAddr)
	if err != nil {
		return err
	}
	p.code = code
	return p.until(ctx, "ready", func() error { return p.call(ctx, "GET", "/readyz", nil, nil) })
}

// until calls f until it returns nil.
func (p *product) until(ctx context.Context, what string, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w: %w", what, ctx.Err(), err)
		case e := <-p.ended:
			p.ended <- e
			return fmt.Errorf("wait until %s: the product ended: %v", what, e)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// claim becomes the owner of a new box.
func (p *product) claim(ctx context.Context) error {
	select {
	case code := <-p.code:
		return p.call(ctx, "POST", "/api/v1/auth/claim", map[string]any{"code": code, "username": plan.User, "password": plan.Password}, nil)
	case <-time.After(10 * time.Second):
		return fmt.Errorf("no claim code was printed")
	}
}

func (p *product) addCamera(ctx context.Context, name string) error {
	return p.call(ctx, "POST", "/api/v1/cameras", map[string]any{
		"name": name, "main_url": "rtsp://" + camAddr + "/" + name, "record": true, "audio": true,
	}, nil)
}

// recording returns the cameras that are being recorded.
func (p *product) recording(ctx context.Context) (map[string]bool, error) {
	var all []struct{ ID, State string }
	if err := p.call(ctx, "GET", "/api/v1/cameras", nil, &all); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, c := range all {
		out[c.ID] = c.State == "recording"
	}
	return out, nil
}

// closed returns the starts, in UTC ms, of the closed segments of a camera.
func (p *product) closed(ctx context.Context, camera string, from, to time.Time) ([]int64, error) {
	var answer struct {
		Segments []struct {
			Start time.Time
			Open  bool
		}
		Next *time.Time
	}
	path := fmt.Sprintf("/api/v1/cameras/%s/segments?from=%d&to=%d&limit=5000", camera, from.UnixMilli(), to.UnixMilli())
	if err := p.call(ctx, "GET", path, nil, &answer); err != nil {
		return nil, err
	}
	starts := make([]int64, 0, len(answer.Segments))
	for _, s := range answer.Segments {
		if !s.Open {
			starts = append(starts, s.Start.UnixMilli())
		}
	}
	return starts, nil
}

func (p *product) call(ctx context.Context, method, path string, body, out any) error {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+panelAddr+path, in)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to its end
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case resp.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, raw)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// stop ends the product and waits for it.
func (p *product) stop(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %v: %w", sig, err)
	}
	select {
	case err := <-p.ended:
		if sig == syscall.SIGTERM && err != nil {
			return fmt.Errorf("the product ended with %w", err)
		}
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the product did not end within 30 s of %v", sig)
	}
}
