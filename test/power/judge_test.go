package power

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
	"vedette/test/power/marker"
)

// maxLoss is the promise: what a power cut may cost a camera.
const maxLoss = 2 * time.Second

// verdict is what was found on one disk.
type verdict struct {
	findings    []finding     // everything that breaks a promise
	loss        time.Duration // the most that a camera lost of one window
	lossOf      string
	salvaged    int
	tails       int
	empty       int
	quarantined int
	control     int // files of the control writer that are gone
	rows        int
	decoded     int // files that a decoder read to their end
}

// finding is one broken promise.
type finding struct{ kind, text string }

// Kinds of findings, in the order of the report.
const (
	badMount    = "not mountable"
	badExt4     = "e2fsck finds something"
	badIndex    = "indexed but missing"
	badRebuild  = "index lost"
	badRecovery = "recovery fails or is not final"
	badFsck     = "vedette fsck: damaged or unexplained"
	badRestart  = "the product does not start well"
	badDecode   = "ffmpeg does not decode"
	badClosed   = "closed segment gone"
	badLoss     = "loss above the promise"
)

func kindsOfFindings() []string {
	return []string{badMount, badExt4, badIndex, badRebuild, badRecovery, badFsck, badRestart, badDecode, badClosed, badLoss}
}

func (v *verdict) add(kind, format string, args ...any) {
	v.findings = append(v.findings, finding{kind, fmt.Sprintf(format, args...)})
}

// judge knows what the guest promised during its life.
type judge struct {
	markers []placed
	// lastPoll is the last look that listed a closed segment; until then it
	// must be there, afterwards the sweeper may have taken it.
	lastPoll map[segment]uint64
	// swept is the first look at which a camera's first segment was gone.
	swept map[string]uint64
	host  string // the product for this machine
}

// placed is a marker and the place in the log of the write that carried it.
type placed struct {
	at int
	*marker.Marker
}

// underWay is how many looks can have begun before something changed, and be
// told of after it: the guest asks for one camera after the other, and then
// tells of all.
const underWay = 1

type segment struct {
	camera string
	start  int64
}

func newJudge(markers []placed, host string) *judge {
	j := &judge{markers: markers, lastPoll: map[segment]uint64{}, swept: map[string]uint64{}, host: host}
	first := map[string]int64{}
	for _, m := range markers {
		for _, c := range m.Cameras {
			for _, s := range c.Closed {
				j.lastPoll[segment{c.ID, s}] = m.Poll
			}
			was, known := first[c.ID]
			switch gone := len(c.Closed) == 0 || c.Closed[0] > was; {
			case !known && len(c.Closed) > 0:
				first[c.ID] = c.Closed[0]
			case known && gone && j.swept[c.ID] == 0:
				j.swept[c.ID] = m.Poll
			}
		}
	}
	return j
}

// promised returns the last marker that the disk had before entry end, or nil.
func (j *judge) promised(end int) *marker.Marker {
	var last *marker.Marker
	for _, m := range j.markers {
		if m.at >= end {
			break
		}
		last = m.Marker
	}
	return last
}

// mounted judges the file system below dir, for which m was promised.
func (j *judge) mounted(dir string, m *marker.Marker, v *verdict) {
	if m == nil {
		return
	}
	for i := range m.Control {
		got, err := os.ReadFile(filepath.Join(dir, marker.ControlDir, marker.ControlName(i)))
		if err != nil || !bytes.Equal(got, marker.ControlFile(i)) {
			v.control++
		}
	}
	path := filepath.Join(dir, "vedette", "footage-volume")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		for _, c := range m.Cameras {
			j.camera(c, m, nil, v)
		}
		return
	}
	rows, err := recoverVolume(path, v)
	if err != nil {
		v.add(badRecovery, "%v", err)
		return
	}
	v.rows = len(rows)
	for _, c := range m.Cameras {
		j.camera(c, m, rows, v)
	}
}

// recoverVolume does what the product does at start, twice, and then has
// every byte checked. It returns what is in the index.
func recoverVolume(path string, v *verdict) (rows []index.Row, err error) {
	quiet := slog.New(slog.DiscardHandler)
	vol, err := volume.Open(path, volume.Options{Log: quiet})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, vol.Close()) }()
	db := filepath.Join(path, recovery.IndexName)
	for again := range 2 {
		x, report, err := recovery.Recover(vol.FS(), db, index.Options{Log: quiet}, quiet)
		if err != nil {
			return nil, err
		}
		if again == 0 {
			v.report(report)
			err = x.Range("", 0, math.MaxInt64, func(r index.Row, _ bool) bool { rows = append(rows, r); return true })
		} else if report.Changed() {
			v.add(badRecovery, "a second recovery changed something: %v", report.String())
		}
		if err := errors.Join(err, x.Close()); err != nil {
			return nil, err
		}
	}
	return rows, recovery.Check(vol.FS(), db, func(f recovery.Finding) { v.add(badFsck, "%v", f) })
}

// report takes over what the first recovery did. Salvage is its work; that a
// row has no file, or that the index has to be built anew, must not happen.
func (v *verdict) report(r recovery.Report) {
	v.salvaged, v.tails, v.empty, v.quarantined = r.Salvaged, r.Tails, r.Empty, r.Quarantined
	if r.Dropped > 0 {
		v.add(badIndex, "%d segments are in the index and not on the disk", r.Dropped)
	}
	if r.Rebuilt != "" && r.Files > 0 {
		v.add(badRebuild, "the index had to be built anew: %s", r.Rebuilt)
	}
	for _, p := range r.Problems {
		v.add(badRecovery, "%s", p)
	}
}

// camera compares what is there of a camera with what was promised.
func (j *judge) camera(c marker.Camera, m *marker.Marker, rows []index.Row, v *verdict) {
	there := map[int64]bool{}
	oldest := int64(math.MaxInt64)
	for _, r := range rows {
		if r.Camera == c.ID {
			there[r.Start] = true
			oldest = min(oldest, r.Start)
		}
	}
	for _, s := range c.Closed {
		if !there[s] && j.lastPoll[segment{c.ID, s}] > m.Poll+underWay {
			v.add(badClosed, "camera %s: the closed segment of %s is gone", c.ID, clock(s))
		}
	}
	swept := j.swept[c.ID] != 0 && m.Poll+1+underWay >= j.swept[c.ID]
	for _, w := range c.Windows {
		from, to := w[0], w[1]
		if to == 0 {
			to = m.Wall
		}
		if swept && len(there) > 0 {
			from = max(from, oldest)
		}
		if loss := missing(c.ID, rows, from, to); loss > v.loss {
			v.loss, v.lossOf = loss, c.ID
			if loss > maxLoss {
				v.add(badLoss, "camera %s: %v are missing between %s and %s", c.ID, loss, clock(from), clock(to))
			}
		}
	}
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("15:04:05.000") }

// missing returns how much of [from, to), in ms, no row of the camera covers.
// Rows come by start.
func missing(camera string, rows []index.Row, from, to int64) time.Duration {
	var lost int64
	for _, r := range rows {
		if r.Camera != camera || r.End() <= from {
			continue
		}
		if from >= to {
			break
		}
		lost += max(0, min(r.Start, to)-from)
		from = max(from, r.End())
	}
	lost += max(0, to-from)
	return time.Duration(lost) * time.Millisecond
}
