package box

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

var claimCode = regexp.MustCompile(`claim code:?\s+([A-Z0-9-]{8,})`)

// Vedette is the running product, claimed and signed in to.
type Vedette struct {
	*Process
	client *http.Client
	addr   string
}

// StartVedette starts the binary on an empty data directory and claims it.
// Its log lies beside data.
func StartVedette(ctx context.Context, binary, data string) (*Vedette, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	logFile := filepath.Clean(data) + ".log"
	p, err := Start(ctx, logFile, binary, "run", "--data", data, "--listen", addr)
	if err != nil {
		return nil, err
	}
	v := &Vedette{Process: p, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}, addr: addr}
	if err := v.claim(ctx, logFile); err != nil {
		p.Stop()
		return nil, err
	}
	return v, nil
}

func (v *Vedette) claim(ctx context.Context, logFile string) error {
	var code string
	err := Poll(ctx, func() bool {
		raw, _ := os.ReadFile(logFile) // tried again
		m := claimCode.FindSubmatch(raw)
		if m != nil {
			code = string(m[1])
		}
		return m != nil
	})
	if err != nil {
		return fmt.Errorf("wait for the claim code: %w", err)
	}
	return v.Post("/api/v1/auth/claim", map[string]any{"code": code, "username": "bench", "password": "correct horse battery"})
}

// Record adds n cameras of the server at addr and waits until all record.
func (v *Vedette) Record(ctx context.Context, addr string, n int) error {
	for i := range n {
		err := v.Post("/api/v1/cameras", map[string]any{
			"name": fmt.Sprintf("cam%d", i), "main_url": fmt.Sprintf("rtsp://%s/cam%d", addr, i), "record": true, "audio": true,
		})
		if err != nil {
			return err
		}
	}
	err := Poll(ctx, func() bool {
		var s struct{ Cameras struct{ Recording int } }
		return v.Get("/api/v1/system", &s) == nil && s.Cameras.Recording == n
	})
	if err != nil {
		return fmt.Errorf("wait for %d cameras to record: %w", n, err)
	}
	return nil
}

// Gaps counts the gaps of n cameras since from.
func (v *Vedette) Gaps(n int, from time.Time) (count int, err error) {
	for i := range n {
		var g struct{ Gaps []json.RawMessage }
		path := fmt.Sprintf("/api/v1/cameras/cam%d/gaps?from=%d&to=%d", i, from.UnixMilli(), time.Now().UnixMilli())
		if err := v.Get(path, &g); err != nil {
			return count, err
		}
		count += len(g.Gaps)
	}
	return count, nil
}

// Get asks for JSON.
func (v *Vedette) Get(path string, into any) error {
	resp, err := v.client.Get("http://" + v.addr + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Post sends JSON.
func (v *Vedette) Post(path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, _, err = v.Send("POST", path, "application/json", raw)
	return err
}

// Send makes any request and returns the answer and its Location.
func (v *Vedette) Send(method, path, contentType string, body []byte) (answer []byte, location string, err error) {
	req, err := http.NewRequest(method, "http://"+v.addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, resp.Header.Get("Location"), err
}

// Poll calls f until it says yes, for half a minute at most.
func Poll(ctx context.Context, f func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !f() {
		if err := Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Sleep waits for d or until ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.Join(errors.New("gave up waiting"), context.Cause(ctx))
	case <-time.After(d):
		return nil
	}
}
