package api

import (
	"context"
	"time"
)

// Zones is what the API needs of zones. Methods that name a zone return ErrNotFound
// if there is none; values that will not do are errors with a method Field() string.
type Zones interface {
	Zones(ctx context.Context, camera string) ([]Zone, error)
	Zone(ctx context.Context, id string) (Zone, error)
	// AddZone gives what is nil in in its default.
	AddZone(ctx context.Context, camera string, in ZoneInput) (Zone, error)
	// ChangeZone changes what is not nil in in.
	ChangeZone(ctx context.Context, id string, in ZoneInput) (Zone, error)
	RemoveZone(ctx context.Context, id string) error
	// Occupancy says who is in the zones of a camera.
	Occupancy(ctx context.Context, camera string) ([]ZoneOccupancy, error)
}

// Zone is a part of a picture that is watched.
type Zone struct {
	ID            string   `json:"id"`
	Camera        string   `json:"camera_id"`
	Name          string   `json:"name"`
	Kind          string   `json:"kind"` // polygon line
	Points        Points   `json:"points"`
	Direction     string   `json:"direction"` // any ab ba
	Labels        []string `json:"labels"`    // empty = all
	MinConfidence float64  `json:"min_confidence"`
	ConfirmFrames int      `json:"confirm_frames"`
	DwellSeconds  int      `json:"dwell_seconds"` // 0 = off
	LostSeconds   int      `json:"lost_seconds"`
	Severity      string   `json:"severity"`
	Enabled       bool     `json:"enabled"`
	Record        bool     `json:"record"` // its events trigger event recording
}

// ZoneInput is the body of POST and PATCH. Nil means: not said.
type ZoneInput struct {
	Name          *string   `json:"name"`
	Kind          *string   `json:"kind"` // POST alone
	Points        *Points   `json:"points"`
	Direction     *string   `json:"direction"`
	Labels        *[]string `json:"labels"`
	MinConfidence *float64  `json:"min_confidence"`
	ConfirmFrames *int      `json:"confirm_frames"`
	DwellSeconds  *int      `json:"dwell_seconds"`
	LostSeconds   *int      `json:"lost_seconds"`
	Severity      *string   `json:"severity"`
	Enabled       *bool     `json:"enabled"`
	Record        *bool     `json:"record"`
}

// ZoneOccupancy is what is in one zone.
type ZoneOccupancy struct {
	Zone   string         `json:"zone_id"`
	Name   string         `json:"name"`
	Total  int            `json:"total"`
	Labels map[string]int `json:"labels"`
	Tracks []ZoneTrack    `json:"tracks"`
}

// ZoneTrack is one thing in a zone.
type ZoneTrack struct {
	Track string    `json:"track_id"`
	Label string    `json:"label"`
	Since Timestamp `json:"since"`
}

// Evidence is what the API needs of the pictures of events.
type Evidence interface {
	// Evidence returns a JPEG. ErrNotFound if there is none of the name, or if it is
	// not of that camera: whoever sees one camera must not see another by its name.
	Evidence(ctx context.Context, camera, name string) ([]byte, error)
}

// Triggers is what the API needs of event recording; a Recorder may have it.
type Triggers interface {
	// Trigger has a camera recorded until the time it returns, or longer. ErrNotFound
	// if there is no such camera.
	Trigger(ctx context.Context, camera string, t Trigger) (until time.Time, err error)
}

// Trigger is why a camera is to be recorded, and how long; 0 is its post-roll.
type Trigger struct {
	For        time.Duration
	Reason, By string
}
