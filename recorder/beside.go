package recorder

import (
	"context"
	"slices"
	"time"
)

const (
	// besideLimit is how long a volume that goes waits for Options.Beside.
	besideLimit = 10 * time.Second
	// besideAgain is when one is called again that returned although the volume
	// was still there.
	besideAgain = 10 * time.Second
)

// accompany calls Options.Beside for the primary volume whenever there is one,
// until ctx is done, and waits for it.
func (r *Recorder) accompany(ctx context.Context) {
	for r.o.Beside != nil && ctx.Err() == nil {
		changed := r.bays.next()
		all := r.bays.present()
		if i := slices.IndexFunc(all, func(p *present) bool { return !p.departed() }); i >= 0 {
			r.beside(ctx, all[i])
			continue
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// beside calls Options.Beside for p until that departs.
func (r *Recorder) beside(ctx context.Context, p *present) {
	leave, claimed := p.claim()
	if !claimed {
		return
	}
	defer leave()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause := time.Duration(0); sleep(ctx, pause); pause = besideAgain {
			r.o.Beside(ctx, p.bay.o.Name, p.bay.o.Dir)
		}
	}()
	select {
	case <-p.gone:
		stop()
		<-done
	case <-done:
	}
}

// sleep waits for d, and reports false if ctx is done by then.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

// claim says that somebody works beside the volume until leave is called. It
// fails once the volume has departed.
func (p *present) claim() (leave func(), claimed bool) {
	p.besideMu.Lock()
	defer p.besideMu.Unlock()
	if p.departed() {
		return nil, false
	}
	done := make(chan struct{})
	p.besideDone = done
	return func() { close(done) }, true
}

// alone waits until nobody works beside the volume, which has departed.
func (p *present) alone() {
	p.besideMu.Lock()
	done := p.besideDone
	p.besideMu.Unlock()
	if done == nil {
		return
	}
	limit := time.NewTimer(besideLimit)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		p.bay.r.o.Log.Error("the volume is closed although its logs are still in use", "volume", p.bay.o.Name)
	}
}
