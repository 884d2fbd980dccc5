package recorder

import (
	"context"
	"errors"
	"fmt"
)

// ErrResting is why a bay is empty whose volume somebody took out of use.
var ErrResting = errors.New("it was taken out of use, and may be unplugged")

// RestVolume takes the volume of that name out of use, and returns when its last
// file is whole, everything is on disk and nothing of it is open: then it may be
// unmounted. Its cameras go to another volume at once, if there is one. It rests
// until WakeVolume. With no volume there it rests all the same. Errors:
// ErrNoVolume; those of ctx, after which it may still be on its way.
func (r *Recorder) RestVolume(ctx context.Context, name string) error {
	b := r.bays.bay(name)
	if b == nil {
		return fmt.Errorf("%q: %w", name, ErrNoVolume)
	}
	b.mu.Lock()
	b.resting = true
	p := b.in
	b.mu.Unlock()
	if p == nil {
		b.tell(ErrResting)
		return nil
	}
	p.depart() // nothing new goes there
	r.bays.notify()
	err := r.until(ctx, func() bool { return !r.writesTo(p) })
	b.halt() // also where somebody lost patience: what has departed is of no use
	if err != nil {
		return err
	}
	return r.until(ctx, b.empty)
}

// halt ends the work of the volume that is there.
func (b *bay) halt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		b.stop()
	}
}

// empty reports whether nothing of a volume is open.
func (b *bay) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.in == nil && !b.closing
}

// WakeVolume has the volume of that name used again, if there is one. Errors:
// ErrNoVolume.
func (r *Recorder) WakeVolume(name string) error {
	b := r.bays.bay(name)
	if b == nil {
		return fmt.Errorf("%q: %w", name, ErrNoVolume)
	}
	b.mu.Lock()
	b.resting = false
	b.mu.Unlock()
	select {
	case b.look <- struct{}{}:
	default:
	}
	return nil
}

// until returns once is answers true, which may change whenever the bays do.
func (r *Recorder) until(ctx context.Context, is func() bool) error {
	for {
		changed := r.bays.next()
		if is() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// writesTo reports whether a camera is recorded to p.
func (r *Recorder) writesTo(p *present) bool {
	for _, c := range r.all() {
		for _, k := range []*copies{c.main, c.mirror} {
			if k.place() == p {
				return true
			}
		}
	}
	return false
}
