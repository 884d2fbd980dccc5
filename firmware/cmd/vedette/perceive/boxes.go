package perceive

import (
	"time"

	"vedette/web/api"
	"vedette/web/panel"
)

// draw hands a report that came at now to whoever watches its camera.
func (p *Perception) draw(r api.Report, now time.Time) {
	if p.o.Show == nil {
		return
	}
	d := panel.Detections{Camera: r.Camera, Captured: r.Time, TaskType: r.TaskType}
	if r.Time.IsZero() {
		d.Captured = now
	}
	for _, s := range r.Detections {
		d.Boxes = append(d.Boxes, panel.Box{Label: s.Label, Confidence: s.Confidence, Box: s.Box, Track: s.Track})
	}
	p.o.Show(d)
}
