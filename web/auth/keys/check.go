package keys

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxName    = 64 // characters
	maxCameras = 256
)

// validCamera is the form of a camera's id, as the recorder has it.
var validCamera = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$`)

// FieldError says which field will not do and why; Message is for people.
type FieldError struct{ Name, Message string }

func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field, as the API has it.
func (e *FieldError) Field() string { return e.Name }

// check returns a *FieldError for what will not do.
func (n New) check(now time.Time) error {
	if !utf8.ValidString(n.Name) || n.Name == "" || utf8.RuneCountInString(n.Name) > maxName ||
		strings.TrimSpace(n.Name) != n.Name || strings.ContainsFunc(n.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return &FieldError{"name", "The name must have 1 to 64 printable characters and no space at either end."}
	}
	switch n.Role {
	case "worker", "metrics", "relay", "integration":
	default:
		return &FieldError{"role", "The role must be worker, metrics, relay or integration."}
	}
	if len(n.Cameras) > maxCameras {
		return &FieldError{"cameras", "There must be at most 256 cameras; leave the field out for all."}
	}
	for _, id := range n.Cameras {
		if !validCamera.MatchString(id) {
			return &FieldError{"cameras", "A camera's id has 1 to 48 of a-z, 0-9 and -."}
		}
	}
	if !n.Expires.IsZero() && !n.Expires.After(now) {
		return &FieldError{"expires_at", "The expiry must lie in the future."}
	}
	return nil
}
