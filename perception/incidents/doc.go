// Package incidents owns what belongs together when something happened: its
// notes, its exports, and the holds that carry its id; and the rules by which
// events hold footage by themselves.
//
// Holds are the recorder's: here they are asked for, each once for each event,
// whatever crashes when. The package never releases one.
package incidents

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors a caller may test for.
var (
	ErrNoIncident = errors.New("no such incident")
	ErrNoRule     = errors.New("no such rule")
	ErrTooMany    = errors.New("there are as many as there can be")
)

// FieldError says which field of a request is wrong, and why, for a person.
type FieldError struct {
	Name    string // as in the API
	Message string // one sentence
}

// Error implements error.
func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field.
func (e *FieldError) Field() string { return e.Name }

func wrong(name, format string, a ...any) error {
	return &FieldError{name, fmt.Sprintf(format, a...)}
}

// text checks what a person typed: 1 to most characters, and none that control.
// Lines may be broken where lines is set.
func text(field, s string, most int, lines bool) (string, error) {
	s = strings.TrimSpace(s)
	control := strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) && (c != '\n' || !lines) })
	if n := utf8.RuneCountInString(s); n == 0 || n > most || control || !utf8.ValidString(s) {
		return "", wrong(field, "The text has 1 to %d characters, and no control characters.", most)
	}
	return s, nil
}

// random returns 16 letters and digits that nobody can guess.
func random() string { return strings.ToLower(rand.Text()[:16]) }
