package perceive

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"vedette/perception/events"
	"vedette/perception/sampler"
)

// samplerEvery is how often the sampler's states are looked at, and samplerFor how
// long one has to last before it is told: a decoder that is begun anew is nobody's
// business.
const (
	samplerEvery = 5 * time.Second
	samplerFor   = 30 * time.Second
)

// trouble is a state of a stream's sampler that somebody may want to know.
type trouble struct {
	state string
	since time.Time
	told  bool
}

// watchSampler tells of streams that no pictures can be made of, once each, until
// ctx is done. That a camera is offline the recorder tells.
func (p *Perception) watchSampler(ctx context.Context) error {
	tick := time.NewTicker(samplerEvery)
	defer tick.Stop()
	known := map[string]*trouble{}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case now := <-tick.C:
			p.lookAtSampler(known, p.sampler.States(), now)
		}
	}
}

func (p *Perception) lookAtSampler(known map[string]*trouble, states []sampler.State, now time.Time) {
	there := map[string]bool{}
	for _, s := range states {
		if s.State != sampler.Error && s.State != sampler.BudgetExhausted {
			continue
		}
		key := s.Camera + "/" + string(s.Profile)
		there[key] = true
		t := known[key]
		if t == nil || t.state != s.State {
			t = &trouble{state: s.State, since: now}
			known[key] = t
		}
		if t.told || now.Sub(t.since) < samplerFor {
			continue
		}
		t.told = true
		p.o.Events.Emit(events.Event{Type: "sampler_" + s.State, Severity: events.Warning, Camera: s.Camera, Payload: map[string]any{"stream_profile": s.Profile, "reason": s.Reason}})
	}
	for key := range known {
		if !there[key] {
			delete(known, key)
		}
	}
}

// WritePrometheus writes the figures of perception as Prometheus text.
func (p *Perception) WritePrometheus(w io.Writer) {
	enabled := 0
	for _, t := range p.tasks.List() {
		if t.Enabled {
			enabled++
		}
	}
	metrics.WriteGaugeUint64(w, "vedette_ai_tasks", uint64(enabled))
	c := p.log.Counts()
	metrics.WriteCounterUint64(w, "vedette_detections_total", c.Detections)
	metrics.WriteCounterUint64(w, "vedette_reports_total", c.Batches)
	metrics.WriteCounterUint64(w, "vedette_reports_duplicate_total", c.Duplicates)
	metrics.WriteCounterUint64(w, "vedette_reports_refused_total", c.Refused)
	metrics.WriteCounterUint64(w, "vedette_reports_failed_total", c.Failed)
	metrics.WriteCounterUint64(w, "vedette_reports_commits_total", c.Commits)
	metrics.WriteGaugeUint64(w, "vedette_detections_bytes", uint64(max(0, p.log.Bounds().Bytes)))
	for _, s := range p.sampler.States() {
		label := fmt.Sprintf(`{camera=%q,profile=%q}`, s.Camera, s.Profile)
		metrics.WriteCounterUint64(w, "vedette_sampler_frames_total"+label, s.Frames)
		metrics.WriteCounterUint64(w, "vedette_sampler_restarts_total"+label, s.Restarts)
		metrics.WriteGaugeFloat64(w, "vedette_sampler_fps"+label, s.Rate)
	}
}
