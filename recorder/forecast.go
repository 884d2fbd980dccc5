package recorder

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/sweep"
)

// Forecast says how far back the footage of a volume will reach once it is
// full, if cameras go on as in the last day.
type Forecast struct {
	Days    float64            // of the camera that keeps most; 0 = not known yet
	Cameras map[string]float64 // days by id, of those that recorded in the last day
}

const (
	forecastEvery  = 5 * time.Minute
	forecastWindow = 24 * time.Hour
	// forecastLeast is how much a camera must have recorded to tell its rate.
	forecastLeast = 10 * time.Minute
)

// foreseeLoop keeps the forecast of a volume up to date until ctx is done.
func (p *present) foreseeLoop(ctx context.Context) {
	tick := time.NewTicker(forecastEvery)
	defer tick.Stop()
	for {
		f := p.foresee()
		p.forecast.Store(&f)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// foresee reads a day of rows.
func (p *present) foresee() Forecast {
	swept, totals, policies := p.sweeper.State(), p.index.Totals(), p.sweeper.Policies()
	if swept.Read.IsZero() {
		return Forecast{}
	}
	footage := totals.Footage().Bytes + p.growing()
	room := swept.Free + footage - swept.Floor // what is neither floor nor somebody else's
	if policies.Cap > 0 {
		room = min(room, policies.Cap)
	}
	var shares []share
	for _, id := range p.index.Cameras() {
		rate := p.recentRate(id)
		if rate <= 0 {
			continue
		}
		shares = append(shares, share{id, rate, limitOf(policies.Cameras[id], totals.Cameras[id].Held, rate)})
	}
	return divide(float64(room-totals.Held.Bytes), shares)
}

// recentRate returns the bytes a second that a camera added in the last day, 0
// if that cannot be told.
func (p *present) recentRate(id string) float64 {
	now := p.bay.r.o.Clock.Now().UnixMilli()
	first, bytes := now, int64(0)
	err := p.index.Range(id, now-forecastWindow.Milliseconds(), now, func(r index.Row, _ bool) bool {
		first = min(first, r.Start)
		bytes += r.Bytes
		return true
	})
	span := now - max(first, now-forecastWindow.Milliseconds())
	if err != nil || span < forecastLeast.Milliseconds() {
		return 0
	}
	return float64(bytes) * 1000 / float64(span)
}

// limitOf returns how many seconds a camera's own rules keep.
func limitOf(p sweep.Policy, held index.Tally, rate float64) float64 {
	limit := math.Inf(1)
	if p.Age > 0 {
		limit = p.Age.Seconds()
	}
	if p.Quota > 0 {
		limit = min(limit, float64(max(p.Quota-held.Bytes, 0))/rate)
	}
	return limit
}

// share is a camera that shares a volume.
type share struct {
	id    string
	rate  float64 // bytes a second
	limit float64 // seconds that its own rules keep
}

// divide gives room, in bytes, to cameras. The oldest footage goes first,
// whosever it is: all keep the same time, but for those whose own rules keep
// less, which leave the rest to the others.
func divide(room float64, shares []share) Forecast {
	if len(shares) == 0 {
		return Forecast{}
	}
	slices.SortFunc(shares, func(a, b share) int {
		if a.limit < b.limit {
			return -1
		}
		return 1
	})
	rate := 0.0
	for _, s := range shares {
		rate += s.rate
	}
	f := Forecast{Cameras: map[string]float64{}}
	room = max(room, 0)
	for _, s := range shares {
		seconds := min(s.limit, room/rate)
		room, rate = room-seconds*s.rate, rate-s.rate
		f.Cameras[s.id] = seconds / (24 * 3600)
	}
	f.Days = slices.Max(slices.Collect(maps.Values(f.Cameras)))
	return f
}
