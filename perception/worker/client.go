package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of what the box is let send, in bytes.
const (
	maxFrame  = 32 << 20
	maxAnswer = 8 << 20
)

const (
	pollFor  = 10 * time.Second // how long the box may wait for a newer frame
	slowness = 15 * time.Second // how much longer an answer may take
)

// status is an answer that is none of the good ones.
type status struct {
	code int
	wait time.Duration // that the box asks for; 0 = does not say
}

// Error implements error.
func (s *status) Error() string {
	return fmt.Sprintf("the box answers %d %s", s.code, http.StatusText(s.code))
}

// code returns the status in err, or 0 where there was no answer.
func code(err error) int {
	var s *status
	if errors.As(err, &s) {
		return s.code
	}
	return 0
}

// client speaks the contract. It knows nothing of time but how long an answer
// may take.
type client struct {
	o    *Options
	base *url.URL
	http *http.Client
}

func newClient(o *Options) (*client, error) {
	if err := o.normalise(); err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.User != nil {
		return nil, errors.New("the URL must be like https://vedette.local") // without it: it may hold a password
	}
	c := &client{o: o, base: base, http: &http.Client{}}
	if o.HTTPClient != nil {
		*c.http = *o.HTTPClient
	}
	// The box has no reason to send a worker elsewhere, and its key must not
	// go there.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// do sends a request and returns the answer if it is a good one, or 304. The
// caller closes its body.
func (c *client) do(ctx context.Context, method, address string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 || res.StatusCode == http.StatusNotModified {
		return res, nil
	}
	// So that the connection serves again; what it says is for people.
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	res.Body.Close()
	return nil, &status{res.StatusCode, retryAfter(res.Header.Get("Retry-After"))}
}

// retryAfter reads the header: seconds, as the box says it, or a date, as a
// proxy may.
func retryAfter(text string) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(time.Duration(min(n, 1<<20))*time.Second, maxWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxWait)
	}
	return 0
}

// call sends JSON and reads the answer into out.
func (c *client) call(ctx context.Context, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, slowness)
	defer cancel()
	res, err := c.do(ctx, method, c.base.String()+path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out)
}

// lease is what the box says this worker holds.
type lease struct {
	ID       string  `json:"lease_id"`
	NextPoll float64 `json:"next_poll_secs"`
	Tasks    []Task  `json:"tasks"`
}

func (c *client) lease(ctx context.Context) (l lease, err error) {
	in := map[string]any{"worker_id": c.o.WorkerID, "ttl_secs": int(c.o.TTL / time.Second)}
	if len(c.o.TaskTypes) > 0 {
		in["task_types"] = c.o.TaskTypes
	}
	if c.o.MaxTasks > 0 {
		in["max_tasks"] = c.o.MaxTasks
	}
	body, err := json.Marshal(in)
	if err != nil {
		return l, err
	}
	err = c.call(ctx, http.MethodPost, "/api/v1/ai/leases", body, &l)
	return l, err
}

func (c *client) release(ctx context.Context, id string) error {
	var out struct{}
	return c.call(ctx, http.MethodDelete, "/api/v1/ai/leases/"+url.PathEscape(id), nil, &out)
}

// frame returns the newest frame of t, once it is newer than after; wait is
// how long the box may wait for one. It returns nil if there is none newer.
func (c *client) frame(ctx context.Context, t Task, after uint64, wait time.Duration) (*Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+slowness)
	defer cancel()
	res, err := c.do(ctx, http.MethodGet, c.frameURL(t, after, wait), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified {
		return nil, nil
	}
	f := &Frame{Task: t, ticket: res.Header.Get("X-Frame-Ticket")}
	if f.JPEG, err = io.ReadAll(io.LimitReader(res.Body, maxFrame+1)); err != nil {
		return nil, err
	}
	if len(f.JPEG) > maxFrame {
		return nil, fmt.Errorf("a frame of more than %d bytes", maxFrame)
	}
	head := func(name string) string { return res.Header.Get("X-Frame-" + name) }
	if f.Seq, err = strconv.ParseUint(head("Seq"), 10, 64); err != nil {
		return nil, fmt.Errorf("a frame without a number: %q", head("Seq"))
	}
	if f.Captured, err = time.Parse(time.RFC3339, head("Captured-At")); err != nil {
		return nil, fmt.Errorf("a frame without a time: %q", head("Captured-At"))
	}
	f.Captured = f.Captured.UTC()
	// What else there is to know helps, and is not needed.
	age, _ := strconv.ParseInt(head("Age-Ms"), 10, 64)
	f.Age = time.Duration(age) * time.Millisecond
	f.Width, _ = strconv.Atoi(head("Width"))
	f.Height, _ = strconv.Atoi(head("Height"))
	return f, nil
}

// frameURL is where the frames of t are: where the task says, if that is on
// the box.
func (c *client) frameURL(t Task, after uint64, wait time.Duration) string {
	u := *c.base
	q := url.Values{}
	ref, err := url.Parse(t.FrameURL)
	switch {
	case err == nil && t.FrameURL != "" && ref.Host == "" && strings.HasPrefix(ref.Path, "/"):
		u.Path, u.RawPath, q = u.Path+ref.Path, "", ref.Query()
	default:
		u.Path += "/api/v1/cameras/" + t.Camera + "/frame"
	}
	q.Set("profile", t.Profile)
	q.Set("task", t.ID)
	if wait > 0 {
		q.Set("wait_ms", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	if after > 0 {
		q.Set("after", strconv.FormatUint(after, 10))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// encode makes the report of what was in a frame. An error is in what was
// seen, as a confidence that is no number.
func encode(f *Frame, seen []Detection, event *Event) ([]byte, error) {
	if seen == nil {
		seen = []Detection{} // null would not say that nothing is there
	}
	in := map[string]any{"camera_id": f.Task.Camera, "task_type": f.Task.Type, "timestamp": f.Captured, "detections": seen}
	if f.ticket != "" {
		in["frame_ticket"] = f.ticket
	} else {
		in["frame_id"] = fmt.Sprintf("%s.%d.%d", f.Task.ID, f.Captured.UnixMilli(), f.Seq)
	}
	if event != nil {
		in["event"] = event
	}
	return json.Marshal(in)
}

// report tells the box. It may be told again: it knows the frame by its ticket,
// or by its name.
func (c *client) report(ctx context.Context, body []byte) error {
	var out struct{}
	return c.call(ctx, http.MethodPost, "/api/v1/ai/events", body, &out)
}
