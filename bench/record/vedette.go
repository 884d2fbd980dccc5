package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

const panelAddr = "127.0.0.1:18080"

var claimCode = regexp.MustCompile(`claim code:?\s+([A-Z0-9-]{8,})`)

// startVedette starts the product, claims it, adds the cameras and waits
// until all of them record.
func startVedette(ctx context.Context, o options) (*process, error) {
	dir := filepath.Join(o.dir, "vedette")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	logFile := filepath.Join(o.dir, "vedette.log")
	p, err := start(ctx, logFile, o.vedette, "run", "--data", dir, "--listen", panelAddr)
	if err != nil {
		return nil, err
	}
	if err := setUp(ctx, o, logFile); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func setUp(ctx context.Context, o options, logFile string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	code, err := poll(ctx, func() (string, bool) {
		raw, _ := os.ReadFile(logFile)
		m := claimCode.FindSubmatch(raw)
		if m == nil {
			return "", false
		}
		return string(m[1]), true
	})
	if err != nil {
		return fmt.Errorf("claim code: %w", err)
	}
	if err := post(client, "/api/v1/auth/claim", map[string]any{"code": code, "username": "bench", "password": "correct horse battery"}); err != nil {
		return err
	}
	for i := range o.cameras {
		if err := post(client, "/api/v1/cameras", map[string]any{"name": fmt.Sprintf("cam %d", i), "main_url": fmt.Sprintf("rtsp://%s/cam%d", cameraAddr, i), "record": true, "audio": true}); err != nil {
			return err
		}
	}
	_, err = poll(ctx, func() (string, bool) {
		resp, err := client.Get("http://" + panelAddr + "/api/v1/system")
		if err != nil {
			return "", false
		}
		defer resp.Body.Close()
		var s struct{ Cameras struct{ Recording int } }
		return "", json.NewDecoder(resp.Body).Decode(&s) == nil && s.Cameras.Recording == o.cameras
	})
	if err != nil {
		return fmt.Errorf("cameras recording: %w", err)
	}
	return nil
}

func post(client *http.Client, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := client.Post("http://"+panelAddr+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("POST %s: %s", path, resp.Status)
	}
	return nil
}

// poll calls f until it says yes, for half a minute at most.
func poll(ctx context.Context, f func() (string, bool)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if s, ok := f(); ok {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
