package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// The profiles a task may have.
const (
	Main = "main"
	Sub  = "sub"
)

// Bounds of a task.
const (
	minFPS, maxFPS     = 0.1, 30
	minWidth, maxWidth = 160, 3840 // pixels
	maxConfig          = 4 << 10   // bytes of JSON
)

var validType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

// FieldError says which field of a task or a request is wrong, and why, for a
// person.
type FieldError struct {
	Name    string // as in the API
	Message string // one sentence
}

// Error implements error.
func (e *FieldError) Error() string { return e.Name + ": " + e.Message }

// Field returns the name of the field.
func (e *FieldError) Field() string { return e.Name }

func field(name, format string, a ...any) error {
	return &FieldError{Name: name, Message: fmt.Sprintf(format, a...)}
}

// first returns the first *FieldError in err.
func first(err error) error {
	var f *FieldError
	if errors.As(err, &f) {
		return f
	}
	return err
}

func (t *Task) checkIdentity() error {
	if t.Camera == "" {
		return field("camera_id", "is needed")
	}
	if !validType.MatchString(t.Type) {
		return field("task_type", "must be 1 to 64 letters, digits, _ . : and -, beginning with a letter or digit")
	}
	if t.Profile != Main && t.Profile != Sub {
		return field("stream_profile", "must be main or sub")
	}
	return nil
}

// apply sets what set has, and returns a *FieldError for what will not do; t
// is of no use then.
func (t *Task) apply(set Settings) error {
	if set.FPS != nil {
		t.FPS = *set.FPS
	}
	if !(t.FPS >= minFPS && t.FPS <= maxFPS) { // so that NaN is refused
		return field("fps", "must be %g to %d frames a second", minFPS, maxFPS)
	}
	if set.Width != nil {
		t.Width = *set.Width
	}
	if t.Width < minWidth || t.Width > maxWidth {
		return field("width", "must be %d to %d pixels", minWidth, maxWidth)
	}
	if set.Enabled != nil {
		t.Enabled = *set.Enabled
	}
	if set.Config == nil {
		return nil
	}
	// Bounded before it is read: to compact it is work.
	if len(set.Config) > 4*maxConfig {
		return field("config", "must have at most %d bytes", maxConfig)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, set.Config); err != nil || compact.Bytes()[0] != '{' {
		return field("config", "must be a JSON object")
	}
	if compact.Len() > maxConfig {
		return field("config", "must have at most %d bytes", maxConfig)
	}
	t.Config = compact.Bytes()
	return nil
}
