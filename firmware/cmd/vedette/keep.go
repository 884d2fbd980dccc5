package main

import (
	"context"
	"time"

	"vedette/firmware/housekeeping"
	"vedette/perception/events"
	"vedette/recorder/sweep"
)

// housekeeper returns what deletes the old rows of the system's database.
// Sessions are ended by their own service, to the second.
func (p *process) housekeeper() *housekeeping.Keeper {
	var brake sweep.Brake
	return housekeeping.New([]housekeeping.Rule{
		{Name: "events", Age: time.Duration(p.config.Events.Age), Least: 24 * time.Hour, Prune: p.events.PruneBefore},
		{Name: "audit", Age: time.Duration(p.config.Audit.Age), Least: 24 * time.Hour, Prune: p.audit.PruneBefore},
		{Name: "deliveries", Age: time.Duration(p.config.Events.Age), Least: 24 * time.Hour, Prune: func(ctx context.Context, before time.Time, limit int) (int, error) {
			return p.perception.PruneDeliveries(ctx, before, limit)
		}},
		{Name: "detections", Age: time.Duration(p.config.Perception.Age), Least: time.Hour, Prune: func(ctx context.Context, before time.Time, limit int) (int, error) {
			return p.perception.PruneDetections(ctx, before, limit)
		}},
		{Name: "evidence", Age: time.Duration(p.config.Events.Age), Least: 24 * time.Hour, Prune: func(ctx context.Context, before time.Time, limit int) (int, error) {
			return p.perception.PruneEvidence(ctx, before, limit)
		}},
	}, housekeeping.Options{Log: p.log, Now: func() (time.Time, bool) {
		newest, err := p.events.Latest(1, events.Filter{})
		if err != nil || len(newest) == 0 || !p.clock.Trusted() {
			return time.Time{}, false
		}
		var ms int64
		ms, brake = brake.Believe(p.clock.Now().UnixMilli(), time.Now(), newest[0].Time.UnixMilli())
		return time.UnixMilli(ms), true
	}})
}
