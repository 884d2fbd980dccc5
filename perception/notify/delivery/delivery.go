// Package delivery owns the words that the notifier and its ways out share: what
// is sent, and what became of it. It sends nothing itself.
package delivery

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"vedette/perception/events"
)

// Box says which recorder a message comes from.
type Box struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Message is what is sent at once.
type Message struct {
	// ID is the same at every attempt, also after a restart: receivers know by it
	// what they have already.
	ID     string
	Box    Box
	Events []events.Event // ascending, at least one
}

// Verdict says what became of an attempt.
type Verdict uint8

// The verdicts. The zero Verdict counts as Retry.
const (
	Retry   Verdict = iota // not taken; it may be later
	Sent                   // the receiver has it
	Refused                // it will never be taken
	Down                   // nobody was asked: there is no connection. No attempt
)

// Outcome is one attempt's.
type Outcome struct {
	Verdict Verdict
	Status  int           // of HTTP, or 0
	After   time.Duration // the receiver's wish: not before; 0 = none
	Err     error         // why not, without secrets; may say more of what was sent
}

// Event is an event as receivers get it.
type Event struct {
	Seq      uint64          `json:"seq"`
	Time     string          `json:"time"` // RFC 3339, UTC, ms
	Type     string          `json:"type"`
	Severity events.Severity `json:"severity"`
	Camera   string          `json:"camera,omitempty"`
	Payload  map[string]any  `json:"payload,omitempty"`
}

// EventOf returns e in that form. It shares the payload.
func EventOf(e events.Event) Event {
	return Event{e.Seq, e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), e.Type, e.Severity, e.Camera, e.Payload}
}

const mostReason = 200 // bytes

// Reason returns err for a person: one line, short, without the address that
// errors of HTTP begin with, and without the secrets.
func Reason(err error, secrets ...string) string {
	if err == nil {
		return ""
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, err.Error())
	for _, s := range secrets {
		if len(s) >= 4 { // shorter ones would only garble the text
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	return Cut(text, mostReason)
}

// Cut returns s, or as many whole characters of it as most bytes hold.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
