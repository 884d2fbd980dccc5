// Package webhook sends events to a web server: one POST each, signed, so that the
// receiver knows who sent it and when.
//
// It must never send unsigned, follow a redirect, or read more of an answer than
// it needs. docs/NOTIFICATIONS.md is for those who write receivers.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"vedette/perception/notify/delivery"
)

const (
	timeout    = 10 * time.Second // of a whole attempt
	mostAnswer = 4 << 10          // bytes of an answer that are read
	mostAfter  = time.Hour        // that a receiver may put off the next attempt
)

// Config says where to, and how it is signed.
type Config struct {
	URL    string
	Secret string
}

// Sender sends. All methods may be called concurrently.
type Sender struct {
	c       Config
	client  http.Client
	timeout time.Duration
}

// New returns a Sender that connects as client does, but follows no redirects. It
// returns an error if there is no secret: nothing is sent unsigned.
func New(c Config, client *http.Client) (*Sender, error) {
	if c.Secret == "" {
		return nil, errors.New("webhook: there is no secret to sign with")
	}
	s := &Sender{c: c, client: *client, timeout: timeout}
	s.client.Jar = nil
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s, nil
}

// body is what is posted.
type body struct {
	Event    delivery.Event `json:"event"`
	Box      delivery.Box   `json:"box"`
	Delivery string         `json:"delivery"`
}

// Sign returns the signature of a body that was sent at timestamp: the time is
// part of it, so that a message somebody kept is known to be old.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Send posts the first event of m.
func (s *Sender) Send(ctx context.Context, m delivery.Message) delivery.Outcome {
	data, err := json.Marshal(body{delivery.EventOf(m.Events[0]), m.Box, m.ID})
	if err != nil {
		return delivery.Outcome{Verdict: delivery.Refused, Err: fmt.Errorf("encode event %d: %w", m.Events[0].Seq, err)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errors.New("no answer in time"))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.c.URL, bytes.NewReader(data))
	if err != nil {
		return delivery.Outcome{Verdict: delivery.Refused, Err: errors.New("the address cannot be read")}
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Vedette")
	h.Set("X-Vedette-Event", m.Events[0].Type)
	h.Set("X-Vedette-Delivery", m.ID)
	h.Set("X-Vedette-Timestamp", at)
	h.Set("X-Vedette-Signature", Sign(s.c.Secret, at, data))
	resp, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return delivery.Outcome{Verdict: delivery.Retry, Err: errors.New(delivery.Reason(err, s.c.Secret))}
	}
	defer resp.Body.Close()
	out := judge(resp)
	if out.Verdict == delivery.Sent {
		// Read for the connection's sake only: it can be used again if this was
		// all. What it says does not matter, nor whether it comes to its end.
		_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer)
	}
	return out
}

// judge says what an answer means.
func judge(resp *http.Response) delivery.Outcome {
	out := delivery.Outcome{Status: resp.StatusCode}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		out.Verdict = delivery.Sent
		return out
	case code >= 300 && code < 400:
		out.Err = errors.New("the server redirects to another address, which is not followed")
		return out
	case code == http.StatusTooManyRequests || code >= 500:
		out.After = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	default:
		out.Verdict = delivery.Refused
	}
	out.Err = fmt.Errorf("the server answers %d", resp.StatusCode)
	return out
}

// retryAfter reads the header of that name: seconds, or a date. It returns 0 for
// one that says nothing, and mostAfter at most.
func retryAfter(text string, now time.Time) time.Duration {
	if text == "" {
		return 0
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, mostAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), mostAfter)
}
