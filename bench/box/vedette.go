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
	"slices"
	"strconv"
	"strings"
	"time"
)

var claimCode = regexp.MustCompile(`claim code:?\s+([A-Z0-9-]{8,})`)

// Vedette is the running product, claimed and signed in to.
type Vedette struct {
	*Process
	client *http.Client
	addr   string
}

// Setup is how the product is run.
type Setup struct {
	Binary string
	Data   string   // data directory; the log lies beside it
	Config string   // text of the configuration file; may be empty
	Under  []string // a program that runs the binary, with its arguments
}

// Launch starts the product and does not wait for anything.
func (s Setup) Launch(ctx context.Context) (*Vedette, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Data, 0o755); err != nil {
		return nil, err
	}
	if s.Config != "" {
		if err := os.WriteFile(filepath.Join(s.Data, "vedette.toml"), []byte(s.Config), 0o600); err != nil {
			return nil, err
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	argv := append(slices.Clone(s.Under), s.Binary, "run", "--data", s.Data, "--listen", addr)
	p, err := Start(ctx, s.log(), argv[0], argv[1:]...)
	if err != nil {
		return nil, err
	}
	p.wrapped = len(s.Under) > 0
	return &Vedette{Process: p, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}, addr: addr}, nil
}

func (s Setup) log() string { return filepath.Clean(s.Data) + ".log" }

// Start starts the product on an empty data directory and claims it.
func (s Setup) Start(ctx context.Context) (*Vedette, error) {
	v, err := s.Launch(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.claim(ctx, s.log()); err != nil {
		v.Stop()
		return nil, err
	}
	return v, nil
}

// StartVedette starts the binary, as it is by default, on an empty data
// directory and claims it. Its log lies beside data.
func StartVedette(ctx context.Context, binary, data string) (*Vedette, error) {
	return Setup{Binary: binary, Data: data}.Start(ctx)
}

// SignInLike uses the session of an earlier life of the same box.
func (v *Vedette) SignInLike(earlier *Vedette) { v.client.Jar = earlier.client.Jar }

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
		recording, err := v.Recording()
		return err == nil && recording == n
	})
	if err != nil {
		return fmt.Errorf("wait for %d cameras to record: %w", n, err)
	}
	return nil
}

// Recording returns how many cameras record.
func (v *Vedette) Recording() (int, error) {
	var s struct{ Cameras struct{ Recording int } }
	err := v.Get("/api/v1/system", &s)
	return s.Cameras.Recording, err
}

// Metrics returns what /metrics says, by the whole name of a sample.
func (v *Vedette) Metrics() (map[string]float64, error) {
	raw, _, err := v.Send("GET", "/metrics", "", nil)
	if err != nil {
		return nil, err
	}
	m := map[string]float64{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			if x, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
				m[line[:i]] = x
			}
		}
	}
	return m, nil
}

// Dropped adds up the access units that did not get into the recording.
func (v *Vedette) Dropped() (n float64, err error) {
	m, err := v.Metrics()
	for name, x := range m {
		if strings.HasPrefix(name, "vedette_camera_dropped_units_total") {
			n += x
		}
	}
	return n, err
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

// URL returns where the product is served.
func (v *Vedette) URL() string { return "http://" + v.addr }

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
