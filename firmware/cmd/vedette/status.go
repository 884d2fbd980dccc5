package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"vedette/firmware/health"
	"vedette/firmware/support"
	"vedette/hal/button"
	"vedette/hal/led"
	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
)

// showHealth puts the state on the lights. For a moment after a hold they
// acknowledge it instead.
func (p *process) showHealth(r health.Report) {
	writing, rests := false, false
	for _, v := range p.recorder.Volumes() {
		writing = writing || v.BytesPerSecond > 0
		rests = rests || v.State == recorder.VolumeResting
	}
	lights := health.LightsFor(r.State, writing)
	if rests { // which of several disks it is, the panel says
		lights.Disk = led.Pulse
	}
	if time.Since(p.started) < time.Duration(p.acknowledge.Load()) {
		lights.Status = led.Fast
	}
	p.board.show(lights)
}

// acknowledgeFor is how long the lights show that a hold was done.
const acknowledgeFor = 3 * time.Second

// holdMinutes is how much of the past a short press locks.
const holdMinutes = 5

// gesture does what a button asks for. Nothing here deletes anything.
func (p *process) gesture(e button.Event) {
	payload := map[string]any{"button": e.Button, "gesture": e.Gesture.String()}
	severity := events.Info
	switch e.Gesture {
	case button.Press:
		now := p.clock.Now()
		// What is recorded by events has only its pre-roll of the past, and is
		// recorded from here on.
		if _, err := p.recorder.TriggerAll(recorder.TriggerOptions{Why: "manual", Reason: "button"}); err != nil {
			p.log.Warn("the button triggers no recording", "err", err)
		}
		held, err := p.recorder.Hold(now.Add(-holdMinutes*time.Minute), now)
		payload["action"], payload["segments"] = "evidence_hold", held
		if err != nil {
			payload["error"], severity = err.Error(), events.Critical
			break
		}
		p.acknowledge.Store(int64(time.Since(p.started) + acknowledgeFor))
	case button.Hold:
		payload["action"] = "stop"
	case button.Long:
		if p.appliance.wiped(p.longs.second(time.Now(), e.Held)) {
			payload["action"], severity = "factory_reset", events.Critical
			break
		}
		p.acknowledge.Store(int64(time.Since(p.started) + resetWithin))
		p.auth.OpenSetup()
		payload["action"] = "setup_opened"
	case button.Broken:
		payload["action"], severity = "none", events.Warning
	}
	p.events.Emit(events.Event{Type: "button", Severity: severity, Payload: payload})
	if e.Gesture == button.Hold {
		p.end("poweroff")
	}
}

// supportLines is how many lines of our own log a report for support has.
const supportLines = 500

// writeSupport implements api.SupportWriter.
func (p *process) writeSupport(w io.Writer) error {
	r := support.Report{
		Head: []string{
			"vedette " + version + " on " + p.board.board.ID,
			"up since " + p.started.UTC().Format(time.RFC3339),
			"clock set by " + p.clock.trust(),
		},
		Proc: os.DirFS(proc), Kernel: support.KernelLog, Log: p.journal.Lines(supportLines, slog.LevelDebug),
	}
	_, err := r.WriteTo(w)
	return err
}

// systemState shows the box to the API and the panel.
type systemState struct{ p *process }

// System implements api.System.
func (s systemState) System(context.Context) (api.SystemInfo, error) {
	p := s.p
	info := api.SystemInfo{
		Version: version, Board: p.board.board.ID, Uptime: int64(time.Since(p.started).Seconds()),
		Clock: api.ClockInfo{Trusted: p.clock.Trusted(), Source: p.clock.trust()},
	}
	for _, c := range p.recorder.Cameras() {
		info.Cameras.Total++
		if c.State == recorder.StateRecording {
			info.Cameras.Recording++
		}
	}
	for _, v := range p.recorder.Volumes() {
		if v.Cycle > 0 {
			info.PromiseS = max(info.PromiseS, (v.Cycle + 500*time.Millisecond).Seconds()) // the cycle and one sync
		}
		info.Volumes = append(info.Volumes, api.VolumeInfo{
			Name: v.Name, ID: v.ID, Path: v.Path, Medium: v.Medium, TotalBytes: v.Total, FreeBytes: v.Free, FloorBytes: v.Floor,
			HighBytes: v.High, ReserveBytes: v.Reserve, FootageBytes: v.Footage, HeldBytes: v.Held, State: v.State,
			Reason: v.Reason, Other: v.Other, WriteRate: v.BytesPerSecond, DaysLeft: v.Forecast.Days, CameraDays: v.Forecast.Cameras,
			Wear: s.p.disks.wear(v.Name),
		})
	}
	return info, nil
}

// Ready implements api.System: the names of what is not in order.
func (s systemState) Ready() []string {
	var out []string
	for _, c := range s.p.monitor.Last().Checks {
		if c.State == health.Fault {
			out = append(out, c.Name)
		}
	}
	return out
}

// Snapshot implements panel.Value.
func (s systemState) Snapshot() any {
	info, _ := s.System(context.Background()) // never fails
	return info
}

// Changes implements panel.Value: the panel looks once a second.
func (s systemState) Changes() <-chan struct{} { return nil }

// boardState shows the board to the panel.
type boardState struct{ p *process }

// Snapshot implements panel.Value.
func (b boardState) Snapshot() any { return b.p.board.view(b.p.monitor.Last()) }

// Changes implements panel.Value: the panel looks once a second.
func (b boardState) Changes() <-chan struct{} { return nil }

// promText writes the process's figures as Prometheus text.
type promText struct{ p *process }

// WritePrometheus implements api.MetricsWriter.
func (m promText) WritePrometheus(w io.Writer) {
	p := m.p
	p.front.WritePrometheus(w)
	metrics.WriteGaugeUint64(w, "vedette_uptime_seconds", uint64(time.Since(p.started).Seconds()))
	for _, v := range p.recorder.Volumes() {
		label := fmt.Sprintf(`{volume=%q,id=%q}`, v.Name, v.ID)
		up := uint64(0)
		if v.State == recorder.VolumeOK || v.State == recorder.VolumePressure {
			up = 1
		}
		metrics.WriteGaugeUint64(w, "vedette_volume_up"+label, up)
		for name, value := range map[string]int64{
			"total": v.Total, "free": v.Free, "floor": v.Floor, "high": v.High, "footage": v.Footage, "held": v.Held,
		} {
			metrics.WriteGaugeUint64(w, "vedette_volume_"+name+"_bytes"+label, uint64(max(0, value)))
		}
		metrics.WriteGaugeFloat64(w, "vedette_volume_sync_seconds"+label, v.SyncTime.Seconds())
		for _, rule := range recorder.Rules() {
			label := fmt.Sprintf(`{volume=%q,id=%q,rule=%q}`, v.Name, v.ID, rule)
			metrics.WriteCounterUint64(w, "vedette_sweep_segments_total"+label, uint64(v.Deleted[rule].Rows))
			metrics.WriteCounterUint64(w, "vedette_sweep_bytes_total"+label, uint64(v.Deleted[rule].Bytes))
		}
		metrics.WriteCounterUint64(w, "vedette_volume_media_written_bytes_total"+label, uint64(max(0, v.MediaWritten)))
		metrics.WriteCounterUint64(w, "vedette_volume_index_written_bytes_total"+label, uint64(max(0, v.Index.Written)))
		p.disks.metrics(w, v.Name, label)
		if v.Forecast.Days > 0 {
			metrics.WriteGaugeFloat64(w, "vedette_volume_footage_days"+label, v.Forecast.Days)
		}
	}
	for _, c := range p.recorder.Cameras() {
		label := fmt.Sprintf(`{camera=%q}`, c.ID)
		up := uint64(0)
		if c.State == recorder.StateRecording || c.State == recorder.StateLive {
			up = 1
		}
		metrics.WriteGaugeUint64(w, "vedette_camera_up"+label, up)
		metrics.WriteCounterUint64(w, "vedette_camera_segments_total"+label, uint64(c.Segments))
		metrics.WriteCounterUint64(w, "vedette_camera_dropped_units_total"+label, c.Drops)
		metrics.WriteGaugeUint64(w, "vedette_camera_bits_per_second"+label, uint64(max(0, c.BitsPerSecond)))
		if !c.LastWritten.IsZero() {
			metrics.WriteGaugeFloat64(w, "vedette_camera_last_written_age_seconds"+label, time.Since(c.LastWritten).Seconds())
		}
	}
	for _, z := range p.board.temperatures() {
		metrics.WriteGaugeFloat64(w, fmt.Sprintf(`vedette_temperature_celsius{zone=%q}`, z.Name), z.Temp)
	}
	for rule, s := range p.keeper.State() {
		metrics.WriteCounterUint64(w, fmt.Sprintf(`vedette_housekeeping_removed_total{rule=%q}`, rule), s.Removed)
	}
	p.perception.WritePrometheus(w)
	s := p.live.Stats()
	metrics.WriteGaugeUint64(w, "vedette_live_viewers", uint64(s.Viewers))
	metrics.WriteCounterUint64(w, "vedette_live_packets_total", s.Packets)
	metrics.WriteCounterUint64(w, "vedette_live_dropped_units_total", s.Dropped)
	metrics.WriteProcessMetrics(w)
}
