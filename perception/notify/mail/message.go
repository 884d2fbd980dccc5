package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"time"

	"vedette/perception/notify/delivery"
)

const (
	mostSubject = 150 // bytes, before they are encoded
	mostValue   = 300 // bytes of one value of a payload
	mostKeys    = 40  // of a payload
)

// compose returns m as a message. Whatever stands in an event stays text: headers
// hold no control characters, and the body is encoded.
func compose(c Config, m delivery.Message, now time.Time) []byte {
	var out bytes.Buffer
	header := func(name, value string) { out.WriteString(name + ": " + value + "\r\n") }
	header("From", "<"+c.From+">")
	header("To", "<"+strings.Join(c.To, ">,\r\n <")+">")
	header("Subject", mime.QEncoding.Encode("utf-8", delivery.Cut(plain(subject(m)), mostSubject)))
	header("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	header("Message-ID", "<"+word(m.ID)+"@"+word(m.Box.ID)+".vedette.invalid>")
	header("Auto-Submitted", "auto-generated") // keeps holiday notices from answering
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	out.WriteString("\r\n")
	body := quotedprintable.NewWriter(&out)
	_, _ = body.Write([]byte(text(m))) // a buffer takes everything
	_ = body.Close()
	return out.Bytes()
}

// subject says the worst there is.
func subject(m delivery.Message) string {
	worst := m.Events[0]
	for _, e := range m.Events {
		if e.Severity.Rank() > worst.Severity.Rank() {
			worst = e
		}
	}
	out := fmt.Sprintf("[%s] %s: %s", m.Box.Name, worst.Severity, strings.ReplaceAll(worst.Type, "_", " "))
	if worst.Camera != "" {
		out += " (" + worst.Camera + ")"
	}
	if n := len(m.Events) - 1; n > 0 {
		out += fmt.Sprintf(" and %d more", n)
	}
	return out
}

func text(m delivery.Message) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s reports:\r\n", plain(m.Box.Name))
	for _, e := range m.Events {
		fmt.Fprintf(&out, "\r\n%s  %s  %s", e.Time.UTC().Format("2006-01-02 15:04:05 UTC"), e.Severity, plain(e.Type))
		if e.Camera != "" {
			out.WriteString("  camera " + plain(e.Camera))
		}
		out.WriteString("\r\n")
		for i, key := range slices.Sorted(maps.Keys(e.Payload)) {
			if i == mostKeys {
				break
			}
			out.WriteString("    " + plain(key) + ": " + value(e.Payload[key]) + "\r\n")
		}
	}
	return out.String()
}

func value(v any) string {
	s, isText := v.(string)
	if !isText {
		raw, err := json.Marshal(v)
		if err != nil {
			return "?"
		}
		s = string(raw)
	}
	return plain(delivery.Cut(s, mostValue))
}

// plain returns s on one line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// word returns of s what may stand in the id of a message.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return -1
	}, s)
	if s = strings.Trim(delivery.Cut(s, 64), "."); s == "" {
		return "box"
	}
	return s
}
