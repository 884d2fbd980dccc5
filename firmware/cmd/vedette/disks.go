package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"vedette/hal/disk"
	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
)

const (
	diskEvery = 10 * time.Minute
	// diskLeast is from how many bytes of media on the ratio to what the disk was
	// sent says something.
	diskLeast = 64 << 20
)

// diskWatch watches the disks below the footage volumes: how they are, what they are
// sent, how long they will last.
type diskWatch struct {
	volumes func() []recorder.VolumeStatus
	emit    func(events.Event)

	mu    sync.Mutex
	known map[string]diskState // by volume
}

// diskState is what is known of the disk below a volume.
type diskState struct {
	id      string // of the volume
	health  disk.Health
	life    disk.Life
	lasts   bool // life is known
	written int64
	amplify float64 // bytes sent to the disk for each of media; 0 = not known

	since         time.Time // when the counters below were read
	device, media int64
}

// run looks every ten minutes until ctx is done.
func (d *diskWatch) run(ctx context.Context) error {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		for _, v := range d.volumes() {
			d.look(v, time.Now())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// look asks the disk below v.
func (d *diskWatch) look(v recorder.VolumeStatus, now time.Time) {
	if v.ID == "" || v.Total == 0 {
		return // not here
	}
	d.mu.Lock()
	before := d.known[v.Name]
	d.mu.Unlock()
	if before.id != v.ID {
		before = diskState{id: v.ID}
	}
	next := before
	device, err := disk.Of(v.Path)
	if err != nil {
		next.health = disk.Health{Status: disk.StatusUnknown, Reason: err.Error()}
	} else {
		next.health = device.Health()
		next.count(device, v, now)
	}
	d.mu.Lock()
	d.known[v.Name] = next
	d.mu.Unlock()
	d.tell(v.Name, before.health, next.health)
}

// count compares what the disk was sent with what was recorded.
func (s *diskState) count(device *disk.Device, v recorder.VolumeStatus, now time.Time) {
	written, ok := device.Written()
	if !ok {
		return
	}
	if s.since.IsZero() || written < s.device || v.MediaWritten < s.media {
		s.since, s.device, s.media = now, written, v.MediaWritten
		return
	}
	passed, sent, media := now.Sub(s.since).Seconds(), float64(written-s.device), float64(v.MediaWritten-s.media)
	if passed <= 0 {
		return
	}
	s.written = written
	s.life, s.lasts = disk.LifeLeft(device.Info, s.health, sent/passed)
	if media >= diskLeast {
		s.amplify = sent / media
	}
}

// tell emits an event when a disk became worse, or well.
func (d *diskWatch) tell(volume string, before, after disk.Health) {
	if before.Status == after.Status {
		return
	}
	severity := events.Info
	switch after.Status {
	case disk.Failing:
		severity = events.Critical
	case disk.Worn:
		severity = events.Warning
	default:
		if before.Status != disk.Failing && before.Status != disk.Worn {
			return
		}
	}
	payload := map[string]any{"volume": volume, "status": string(after.Status)}
	if after.Reason != "" {
		payload["reason"] = after.Reason
	}
	d.emit(events.Event{Type: "disk_health", Severity: severity, Payload: payload})
}

// state returns what is known of the disk below a volume.
func (d *diskWatch) state(volume string) (diskState, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.known[volume]
	return s, ok
}

// wear returns what the panel shows of the disk below a volume, nil before the
// first look.
func (d *diskWatch) wear(volume string) *api.WearInfo {
	s, ok := d.state(volume)
	if !ok {
		return nil
	}
	w := &api.WearInfo{
		Status: string(s.health.Status), Reason: s.health.Reason, UsedPercent: s.health.UsedPercent, Temperature: s.health.Temperature,
		Amplification: s.amplify,
	}
	if s.lasts {
		w.YearsLeft, w.Estimated = &s.life.Years, s.life.Estimated
	}
	return w
}

// metrics writes the same as text.
func (d *diskWatch) metrics(w io.Writer, volume, label string) {
	s, ok := d.state(volume)
	if !ok {
		return
	}
	metrics.WriteCounterUint64(w, "vedette_disk_written_bytes_total"+label, uint64(max(0, s.written)))
	if s.amplify > 0 {
		metrics.WriteGaugeFloat64(w, "vedette_disk_write_amplification"+label, s.amplify)
	}
	if s.health.UsedPercent != nil {
		metrics.WriteGaugeUint64(w, "vedette_disk_used_percent"+label, uint64(*s.health.UsedPercent))
	}
	if s.lasts {
		metrics.WriteGaugeFloat64(w, "vedette_disk_years_left"+label, s.life.Years)
	}
}

// trim tells the disk of a volume what is free: see recorder.Options.
func trim(path string, start, length, least int64) (int64, error) {
	dir, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	n, err := disk.Trim(dir, uint64(start), uint64(length), uint64(least))
	return int64(n), err
}
