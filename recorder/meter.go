package recorder

import (
	"context"
	"time"
)

// meter looks at counters and states once a second until ctx is done.
func (r *Recorder) meter(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now() // rates are of the monotonic clock
		r.holdDue()
		r.expireHolds()
		for _, p := range r.bays.present() {
			p.meter(now)
		}
		for _, c := range r.all() {
			c.sample(now)
			c.update()
		}
	}
}

// sample takes a reading of the writer for the camera's rate.
func (c *camera) sample(now time.Time) {
	c.main.sample(now)
	c.mirror.sample(now)
}

// all returns the cameras in no particular order.
func (r *Recorder) all() []*camera {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*camera, 0, len(r.cameras))
	for _, c := range r.cameras {
		out = append(out, c)
	}
	return out
}
