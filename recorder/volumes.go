package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/playback"
	"vedette/recorder/recovery"
	"vedette/recorder/sweep"
	"vedette/recorder/volume"
)

// VolumeStatus is the state of the footage volume.
type VolumeStatus struct {
	ID, Path, Medium                  string
	Total, Free, Floor, High, Reserve int64 // bytes
	Footage, Held                     int64 // bytes; footage with the segments that still grow
	State                             string
	Reason                            string
	BytesPerSecond                    int64
	Cycle                             time.Duration
	LastCycle                         time.Time // the writer was alive then
	SyncTime                          time.Duration
}

// States of a volume.
const (
	VolumeOK       = "ok"
	VolumeFull     = "full"     // below the reserve: recording rests
	VolumePressure = "pressure" // below the floor, and sweeping does not help
	VolumeFailed   = "failed"
)

func (r *Recorder) openVolume() error {
	if err := os.Mkdir(r.o.VolumeDir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make volume directory: %w; is the disk mounted?", err)
	}
	v, err := volume.Open(r.o.VolumeDir, volume.Options{
		Cycle: r.o.Cycle, Medium: r.o.Medium, QueueBytes: r.o.QueueBytes, Log: r.o.Log, Now: r.o.Clock.Now,
		OnFull: func() { r.sweeper.Kick() },
	})
	if err != nil {
		return err
	}
	r.volume = v
	return nil
}

// indexFile is the storm index of a volume.
const indexFile = "segments.db"

func (r *Recorder) openIndex() error {
	path := filepath.Join(r.o.VolumeDir, indexFile)
	o := index.Options{Now: r.o.Clock.Now, Log: r.o.Log}
	x, report, err := recovery.Recover(r.volume.FS(), path, o, r.o.Log)
	if err != nil {
		return fmt.Errorf("recover volume %s: %w", r.o.VolumeDir, err)
	}
	r.index, r.report = x, report
	return nil
}

// VolumeStatus returns the present state of the footage volume.
func (r *Recorder) VolumeStatus() (VolumeStatus, error) {
	space, err := r.volume.Space()
	if err != nil {
		return VolumeStatus{}, fmt.Errorf("read free space: %w", err)
	}
	swept, stats, totals := r.sweeper.State(), r.volume.Stats(), r.index.Totals()
	s := VolumeStatus{
		ID: r.volume.ID(), Path: r.o.VolumeDir, Medium: r.volume.Medium(),
		Total: space.Total, Free: space.Free, Floor: swept.Floor, High: swept.High, Reserve: swept.Reserve,
		Footage: totals.Footage().Bytes + r.growing(), Held: totals.Held.Bytes, State: VolumeOK,
		BytesPerSecond: r.rate.perSecond(), Cycle: r.volume.Cycle(), LastCycle: stats.LastCycle, SyncTime: stats.SyncTime,
	}
	switch {
	case stats.Err != nil:
		s.State, s.Reason = VolumeFailed, stats.Err.Error()
	case stats.Full || !swept.MayRecord:
		s.State, s.Reason = VolumeFull, "recording rests until there is room"
	case helpless(swept.Conditions):
		s.State, s.Reason = VolumePressure, "free space cannot be kept above the floor: "+strings.Join(swept.Conditions, ", ")
	}
	return s, nil
}

// IndexStatus returns when rows were last committed and what went wrong.
func (r *Recorder) IndexStatus() index.Status { return r.index.Status() }

// growing returns the bytes of the segments that have no row yet.
func (r *Recorder) growing() (bytes int64) {
	for _, c := range r.all() {
		for _, row := range (librarySource{r}).open(c.config().ID) {
			bytes += row.Bytes
		}
	}
	return bytes
}

// helpless reports whether something stands against keeping the floor; that
// footage is being deleted for it does not.
func helpless(conditions []string) bool {
	return slices.ContainsFunc(conditions, func(c string) bool { return c != sweep.FreeFloor })
}

// ErrNoFootage is returned where there is nothing in the range asked for.
var ErrNoFootage = playback.ErrNoFootage

func (r *Recorder) newSweeper() *sweep.Sweeper {
	return sweep.New(r.index, r.volume.FS(), r.volume, sweep.Options{
		Limits: sweep.Limits{Floor: r.o.Floor}, Medium: r.volume.Medium(), EraseBlock: r.volume.Geometry().EraseBlock,
		Interval: r.o.SweepEvery,
		Written:  func() int64 { return r.volume.Stats().Written },
		Leased:   func(row index.Row) bool { return r.leases.held(segmentKey{row.Camera, row.Start}) },
		Emit: func(e sweep.Event) {
			r.emit(e.Type, Severity(e.Severity), "", e.Payload)
			r.changes.notify()
		},
		Now: r.o.Clock.Now, Log: r.o.Log,
	})
}

// VolumeID returns the identity of the footage volume.
func (r *Recorder) VolumeID() string { return r.volume.ID() }
