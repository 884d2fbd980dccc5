package sampler

import (
	"context"
	"errors"
	"time"

	"vedette/recorder/media"
)

// ErrNoFrame is returned while there is no picture of a camera and profile.
var ErrNoFrame = errors.New("no frame yet")

// ErrNotNewer is returned when no other picture than the caller's came.
var ErrNotNewer = errors.New("no newer frame")

// Frame is one picture. It is immutable, its bytes too.
type Frame struct {
	Camera        string
	Profile       media.StreamName
	Seq           uint64    // ascends by camera and profile, over restarts of the process too where the clock is right
	Captured      time.Time // UTC, whole ms: when the camera's picture was taken, as far as the recorder knows
	Width, Height int       // of the JPEG, pixels
	JPEG          []byte
}

// Frame returns the newest picture of camera and profile. after is the number of
// the one the caller has, or 0: the same picture is not given again. It waits for
// up to wait for one to come and returns ErrNoFrame if there is none, ErrNotNewer
// if it is the caller's own, or ctx's error.
func (s *Sampler) Frame(ctx context.Context, camera string, profile media.StreamName, after uint64, wait time.Duration) (*Frame, error) {
	sl := (*s.slots.Load())[id{camera, profile}]
	if sl == nil {
		return nil, ErrNoFrame
	}
	var limit <-chan time.Time
	for {
		wake := *sl.wake.Load() // before the frame: one that comes in between is not missed
		f := sl.latest.Load()
		// A number above ours is from before a restart whose clock was behind.
		if f != nil && f.Seq != after {
			return f, nil
		}
		err := ErrNotNewer
		if f == nil {
			err = ErrNoFrame
		}
		if wait <= 0 || f == nil && sl.gone() {
			return nil, err
		}
		if limit == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			limit = timer.C
		}
		select {
		case <-wake:
		case <-limit:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Find returns a recent picture by its number: the newest, or one that is still
// kept for evidence.
func (s *Sampler) Find(camera string, profile media.StreamName, seq uint64) (*Frame, bool) {
	if f := s.newest(camera, profile, seq); f != nil {
		return f, true
	}
	f := s.shelf.find(frameID{id{camera, profile}, seq})
	return f, f != nil
}

// Pin has a picture kept for evidence in preference to those nobody looked at. It
// returns false if the picture is not there any more.
func (s *Sampler) Pin(camera string, profile media.StreamName, seq uint64) bool {
	return s.shelf.pin(frameID{id{camera, profile}, seq}, s.newest(camera, profile, seq))
}

func (s *Sampler) newest(camera string, profile media.StreamName, seq uint64) *Frame {
	sl := (*s.slots.Load())[id{camera, profile}]
	if sl == nil {
		return nil
	}
	if f := sl.latest.Load(); f != nil && f.Seq == seq {
		return f
	}
	return nil
}
