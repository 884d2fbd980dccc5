package sampler

import (
	"context"
	"errors"
	"time"
)

// Bounds of asking a camera for pictures.
const (
	snapshotLimit = 10 * time.Second // one request
	snapshotFPS   = 5                // requests a second
)

// snapshots fetches pictures from the camera itself, at the granted rate, until
// ctx is done, or ffmpeg is there: that is looked for after each failure. why says
// why it is not.
func (w *worker) snapshots(ctx context.Context, why string) {
	period := time.Duration(float64(time.Second) / min(w.grant.FPS, snapshotFPS))
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		err := w.snapshot(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.slot.set(Error, why+", and the camera's snapshot: "+err.Error())
			sleep(ctx, w.retry())
			return
		}
		w.backoff = 0
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// snapshot fetches one picture.
func (w *worker) snapshot(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	// The camera takes the picture some time after this: its age is never said
	// to be less than it is.
	asked := time.Now()
	data, err := w.s.o.Snapshot(limited, w.grant.Camera, w.grant.Profile)
	if err != nil {
		if limited.Err() != nil {
			return errors.New("the camera does not answer")
		}
		return err
	}
	width, height, err := measure(data)
	if err != nil {
		return errors.New("what the camera answers is no JPEG")
	}
	w.picture(&Frame{Captured: asked.UTC().Truncate(time.Millisecond), Width: width, Height: height, JPEG: data})
	return nil
}
