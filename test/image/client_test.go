package image_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"testing"
	"time"
)

const (
	user     = "owner"
	password = "correct horse battery"
)

// client is a person at the panel.
type client struct {
	t    testing.TB
	m    *machine
	http *http.Client
}

func visit(t testing.TB, m *machine) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, m: m, http: &http.Client{Jar: jar, Timeout: 3 * time.Minute, Transport: trusting()}}
}

// trusting makes connections to a box whose authority is its own, made at its
// first start: there is nothing to check it by.
func trusting() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// ask sends a request and decodes what comes into out. The error says what is
// wrong with the answer.
func (c *client) ask(method, path string, body, out any) (status int, err error) {
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case *os.File:
		r, kind = b, "application/octet-stream"
	default:
		data, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, fmt.Sprintf("https://127.0.0.1:%d%s", c.m.port, path), r)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", kind)
	if f, ok := body.(*os.File); ok {
		i, err := f.Stat()
		if err != nil {
			return 0, err
		}
		req.ContentLength = i.Size()
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, err
	}
	if res.StatusCode >= 300 {
		return res.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, data)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = data
		return res.StatusCode, nil
	}
	if out != nil {
		err = json.Unmarshal(data, out)
	}
	return res.StatusCode, err
}

// must is ask, and ends the test on any error.
func (c *client) must(method, path string, body, out any) {
	c.t.Helper()
	if _, err := c.ask(method, path, body, out); err != nil {
		c.t.Fatal(err)
	}
}

// until asks what the function asks, again and again, until it is content.
func (c *client) until(within time.Duration, what string, ok func() error) {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// answering waits for the panel.
func (c *client) answering(within time.Duration) {
	c.t.Helper()
	// A connection that is made before the machine has an address is not answered for seconds.
	quick := &client{t: c.t, m: c.m, http: &http.Client{Timeout: time.Second, Transport: trusting()}}
	c.until(within, "the panel answers", func() error { _, err := quick.ask("GET", "/healthz", nil, nil); return err })
}

func (c *client) claim(code string) {
	c.t.Helper()
	c.must("POST", "/api/v1/auth/claim", map[string]string{"code": code, "username": user, "password": password}, nil)
}

func (c *client) login() {
	c.t.Helper()
	c.must("POST", "/api/v1/auth/login", map[string]string{"username": user, "password": password}, nil)
}

type camera struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Reason      string    `json:"state_reason"`
	LastWritten time.Time `json:"last_written"`
}

// recording waits until all cameras are recorded.
func (c *client) recording(within time.Duration) {
	c.t.Helper()
	c.until(within, "the cameras are recorded", func() error {
		var all []camera
		if _, err := c.ask("GET", "/api/v1/cameras", nil, &all); err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("there is none")
		}
		for _, one := range all {
			if one.State != "recording" || one.LastWritten.IsZero() {
				return fmt.Errorf("%s is %s (%s)", one.ID, one.State, one.Reason)
			}
		}
		return nil
	})
}

type event struct {
	Seq     int64          `json:"seq"`
	Type    string         `json:"type"`
	Payload map[string]any `json:"payload"`
}

// events returns what there was, oldest first.
func (c *client) events() []event {
	c.t.Helper()
	var out struct{ Events []event }
	c.must("GET", "/api/v1/events?limit=500", nil, &out)
	return out.Events
}

// event waits for one of a type and returns it.
func (c *client) event(within time.Duration, kind string) (found event) {
	c.t.Helper()
	c.until(within, "an event "+kind, func() error {
		var out struct{ Events []event }
		if _, err := c.ask("GET", "/api/v1/events?limit=500", nil, &out); err != nil {
			return err
		}
		for _, e := range out.Events {
			if e.Type == kind {
				found = e
				return nil
			}
		}
		return fmt.Errorf("there is none")
	})
	return found
}
