package audit

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText   = 256 // bytes of one text, before what would break a line is spelled out
	maxDetail = 16  // pairs; those whose names come last are left out
)

// clean makes e fit to be kept: bounded, on one line, without secrets. Nothing
// of it is the caller's afterwards.
func clean(e Entry) Entry {
	if host, _, err := net.SplitHostPort(e.Address); err == nil {
		e.Address = host
	}
	for _, text := range []*string{&e.Actor, &e.Role, &e.Via, &e.Address, &e.Action, &e.Target, &e.Camera} {
		*text = plain(*text)
	}
	if e.Result != Denied && e.Result != Failed {
		e.Result = OK
	}
	if e.Action == "" {
		e.Action = "unnamed"
	}
	if e.Detail != nil {
		names := slices.Sorted(maps.Keys(e.Detail))
		kept := make(map[string]string, len(names))
		for _, name := range names[:min(len(names), maxDetail)] {
			value := e.Detail[name]
			if secret(name) {
				value = "masked"
			}
			kept[plain(name)] = plain(value)
		}
		e.Detail = kept
	}
	return e
}

// userinfo is what stands before the host in an address: rtsp://me:secret@host.
var userinfo = regexp.MustCompile(`://[^/?#\s]*@`)

// plain returns s as text of one line that fits, without the password of an
// address.
func plain(s string) string {
	if strings.Contains(s, "://") {
		s = userinfo.ReplaceAllLiteralString(s, "://masked@")
	}
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, breaks) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if breaks(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// breaks reports whether r could end a line, or change how others are read.
func breaks(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// secret reports whether a value of this name is nobody's business: new_password,
// apiKey, code. A codec is not, nor is a key_name.
func secret(name string) bool {
	words := wordsOf(name)
	whole := strings.Join(words, "")
	for _, part := range []string{"passw", "passphrase", "secret", "token", "credential"} {
		if strings.Contains(whole, part) {
			return true
		}
	}
	for i, w := range words {
		switch strings.TrimSuffix(w, "s") {
		case "code", "pwd", "pas", "pin":
			return true
		case "key":
			if i == len(words)-1 {
				return true
			}
		}
	}
	return false
}

// wordsOf splits a name like new_password or newPassword, in lower case.
func wordsOf(name string) []string {
	var b strings.Builder
	lower := false // the rune before
	for _, r := range name {
		if lower && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}
