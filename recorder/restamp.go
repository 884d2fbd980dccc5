package recorder

import (
	"context"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
)

const (
	// restampEvery is how often segments of an untrusted clock are looked for
	// once it is trusted.
	restampEvery = 3 * time.Second
	// maxStrange bounds the segments that are known to be of other boots; beyond
	// it they are looked into again.
	maxStrange = 100_000
)

// restampLoop stamps footage again that was recorded before the clock was
// trusted, as soon as it is, until ctx is done.
func (p *present) restampLoop(ctx context.Context) {
	tick := time.NewTicker(restampEvery)
	defer tick.Stop()
	strange := map[volume.Name]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !p.bay.r.o.Clock.Trusted() || !p.untrusted.Swap(false) {
			continue
		}
		if err := p.restamp(ctx, strange); err != nil {
			p.untrusted.Store(true)
			if !p.departed() {
				p.bay.r.o.Log.Error("footage not stamped again", "volume", p.bay.o.Name, "err", err)
			}
		}
	}
}

// restamp gives the segments of this boot the time they were recorded at: now
// less how long ago that was by the clock that never steps. What other boots
// left has no such clock, and keeps its name; strange remembers it.
func (p *present) restamp(ctx context.Context, strange map[volume.Name]bool) error {
	if len(strange) > maxStrange {
		clear(strange)
	}
	for ctx.Err() == nil {
		p.bay.r.holdDue() // by the old names, as long as they are these
		n, err := p.restampSome(strange)
		if n == 0 || err != nil {
			return err
		}
	}
	return nil
}

// restampSome is restamp for as many segments as are moved at once; 0 when
// there are no more.
func (p *present) restampSome(strange map[volume.Name]bool) (n int, err error) {
	clock, log := p.bay.r.o.Clock, p.bay.r.o.Log
	skip := func(r index.Row) bool { return strange[r.File()] }
	bad := func(r index.Row, err error) {
		strange[r.File()] = true
		log.Warn("segment of an untrusted clock cannot be read", "segment", r.File().Path(), "err", err)
	}
	boot := clock.BootID()
	p.naming.Lock()
	defer p.naming.Unlock()
	err = p.sweeper.Exclusive(func() error {
		stamps, err := recovery.Stamps(p.volume.FS(), p.index, recovery.MaxRestamp, skip, bad)
		if err != nil {
			return err
		}
		// The clocks are read together: what lies between is the footage's age.
		booted := clock.Now().UnixMicro() - clock.SinceBoot().Microseconds()
		var moves []index.Move
		for _, s := range stamps {
			if s.BootID != boot {
				strange[s.Row.File()] = true
				continue
			}
			moves = append(moves, index.Move{Row: s.Row, Start: (booted + s.Mono) / 1000})
		}
		done, err := recovery.Restamp(p.volume.FS(), p.index, moves)
		if done < len(moves) { // their files are gone, or their names taken: never again
			for _, m := range moves {
				strange[m.Row.File()] = true
			}
		}
		if done > 0 {
			p.bay.r.emit("footage_restamped", Info, "", map[string]any{
				"volume": p.bay.o.Name, "segments": done, "from": time.UnixMilli(moves[0].Start).UTC(),
			})
			p.bay.r.changes.notify()
		}
		n = len(stamps)
		return err
	})
	return n, err
}
