package zones

import (
	"encoding/json"
	"errors"
	"fmt"

	"vedette/perception/events"
)

// Kind says what a zone looks like.
type Kind string

// The kinds.
const (
	Polygon Kind = "polygon"
	Line    Kind = "line"
)

// Direction says which crossings of a line count. Side A is at the left hand of
// one who walks the line from its first point to its last, as it looks in the
// picture; side B at the right hand.
type Direction string

// The directions.
const (
	Any    Direction = "any"
	AToB   Direction = "ab"
	BToA   Direction = "ba"
	noSide Direction = ""
)

// Point is a place in the picture: x from the left, y from the top, each 0..1.
type Point [2]float64

// UnmarshalJSON takes exactly two numbers.
func (p *Point) UnmarshalJSON(data []byte) error {
	var xy []float64
	if err := json.Unmarshal(data, &xy); err != nil || len(xy) != 2 {
		return errors.New("a point is a list of two numbers")
	}
	*p = Point(xy)
	return nil
}

// Zone is a part of a camera's picture, or a line through it, with what is to
// be told about it.
type Zone struct {
	ID     string  `json:"id"`
	Camera string  `json:"camera_id"`
	Name   string  `json:"name"`
	Kind   Kind    `json:"kind"`
	Points []Point `json:"points"`
	// Direction is of lines; for polygons Any.
	Direction Direction `json:"direction"`
	// Labels are the ones that count; none = all.
	Labels []string `json:"labels"`
	// MinConfidence is the least that counts; a detection without a confidence
	// counts always.
	MinConfidence float64 `json:"min_confidence"`
	// ConfirmFrames is how many frames in a row must say the contrary of what is
	// believed.
	ConfirmFrames int             `json:"confirm_frames"`
	DwellSeconds  int             `json:"dwell_seconds"` // 0 = dwelling is no event
	LostSeconds   int             `json:"lost_seconds"`  // after which an unseen track has left
	Severity      events.Severity `json:"severity"`
	Enabled       bool            `json:"enabled"`
	Record        bool            `json:"record"` // its events trigger a recording
}

// Default returns a zone with everything set that need not be said.
func Default() Zone {
	return Zone{
		Kind: Polygon, Direction: Any, MinConfidence: 0.5, ConfirmFrames: 2, LostSeconds: 10,
		Severity: events.Info, Enabled: true, Record: true,
	}
}

// Bounds of a definition.
const (
	MostZones    = 64 // of a camera
	mostCorners  = 512
	mostLine     = 64 // points
	mostLabels   = 64
	mostName     = 64 // characters
	mostLabel    = 64 // bytes
	mostConfirm  = 10
	mostDwell    = 24 * 60 * 60 // s
	mostLost     = 600          // s
	leastArea    = 1e-6         // of the picture: two pixels of a large one
	leastPart    = 1e-6         // of the picture's side: what two points differ by
	mostStoredID = 128          // bytes
)

// Errors a caller may test for.
var (
	ErrNoZone  = errors.New("no such zone")
	ErrTooMany = fmt.Errorf("a camera has at most %d zones", MostZones)
)

// FieldError says which field of a zone is wrong, and why, for a person.
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
