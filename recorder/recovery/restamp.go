package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// intentName is the file that says which segments are being stamped again, as
// long as that is under way.
const (
	intentName = "restamp.json"
	intentTemp = "restamp.json.tmp"
	maxIntent  = 1 << 20 // bytes
)

// intent is the content of intentName.
type intent struct {
	Version int          `json:"version"` // 1
	Moves   []intentMove `json:"moves"`
}

// intentMove names one closed segment and where it belongs.
type intentMove struct {
	Camera   string `json:"camera"`
	Start    int64  `json:"start"` // UTC ms, as it is named
	Duration int64  `json:"duration"`
	Bytes    int64  `json:"bytes"`
	Seq      uint32 `json:"seq"`
	To       int64  `json:"to"` // UTC ms, as it is to be named
}

func (m intentMove) from() volume.Name {
	return volume.Name{Camera: m.Camera, Start: m.Start, Duration: m.Duration, Bytes: m.Bytes, Seq: m.Seq}
}

func (m intentMove) to() volume.Name {
	n := m.from()
	n.Start = m.To
	return n
}

func (m intentMove) move() index.Move {
	return index.Move{Start: m.To, Row: rowOf(m.from())}
}

// MaxRestamp is how many segments one call of Restamp takes.
const MaxRestamp = 256

// Restamp gives closed segments the start that they turned out to have, by
// rename and in the index. It returns how many have it now. A segment whose
// file is gone is passed over, and so is one whose new name is taken: nothing
// is ever replaced. Nobody may delete, hold or stamp anything meanwhile.
//
// Order on disk: what is to be done is written down and synced; the
// directories are made and synced; footage and its evidence get their new names
// beside the old, those directories are synced; the old names are removed, and
// theirs; one transaction moves the rows; the note is removed and that synced.
// A power cut at any step is finished by the next start, by the note alone, to
// the same end.
func Restamp(fsys volume.FS, x *index.Index, moves []index.Move) (done int, err error) {
	it := intent{Version: 1}
	for _, m := range moves[:min(len(moves), MaxRestamp)] {
		n := m.Row.File()
		one := intentMove{n.Camera, n.Start, n.Duration, n.Bytes, n.Seq, m.Start}
		if one.to().Check() != nil || m.Start == n.Start {
			continue
		}
		it.Moves = append(it.Moves, one)
	}
	if len(it.Moves) == 0 {
		return 0, nil
	}
	data, err := json.Marshal(it)
	if err != nil {
		return 0, fmt.Errorf("restamp: %w", err)
	}
	if err := volume.WriteFile(fsys, ".", intentTemp, intentName, data); err != nil {
		return 0, fmt.Errorf("restamp: %w", err)
	}
	if done, err = perform(fsys, x, it); err != nil {
		return done, fmt.Errorf("restamp: %w", err)
	}
	return done, nil
}

// finishRestamp completes what an interrupted Restamp wrote down. A note that
// cannot be read was not written by it, and goes to quarantine.
func (s *starter) finishRestamp(x *index.Index) error {
	fsys := s.fsys
	data, err := volume.ReadFile(fsys, intentName, maxIntent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish restamping: %w", err)
	}
	var it intent
	if err := json.Unmarshal(data, &it); err != nil || it.Version != 1 || !valid(it) {
		if _, err := quarantine(fsys, intentName, "not a list of segments to be stamped again", s.now()); err != nil {
			return err
		}
		s.report.Quarantined++
		return nil
	}
	n, err := perform(fsys, x, it)
	s.report.Restamped += n
	if err != nil {
		return fmt.Errorf("finish restamping: %w", err)
	}
	return nil
}

func valid(it intent) bool {
	return len(it.Moves) <= MaxRestamp && !slices.ContainsFunc(it.Moves, func(m intentMove) bool {
		return m.from().Check() != nil || m.to().Check() != nil || m.Duration > math.MaxUint32
	})
}

// perform does what it says, as far as it is not done yet; without an index if x
// is nil. Each segment has
// both names for a while, so that no order in which names reach the disk can
// lose one.
func perform(fsys volume.FS, x *index.Index, it intent) (done int, err error) {
	var ready []intentMove
	touched := map[string]bool{}
	for _, m := range it.Moves {
		ok, err := giveName(fsys, m, touched)
		if err != nil {
			return 0, err
		}
		if ok {
			ready = append(ready, m)
		}
	}
	if err := syncAll(fsys, touched); err != nil {
		return 0, err
	}
	clear(touched)
	moves := make([]index.Move, 0, len(ready))
	for _, m := range ready {
		from := m.from()
		for _, name := range []string{from.EvidencePath(), from.Path()} {
			err := fsys.Remove(name)
			if err == nil {
				touched[path.Dir(name)] = true
			} else if !errors.Is(err, fs.ErrNotExist) {
				return 0, err
			}
		}
		moves = append(moves, m.move())
	}
	if err := syncAll(fsys, touched); err != nil {
		return 0, err
	}
	if x != nil {
		if _, err := x.Restamp(moves); err != nil {
			return 0, err
		}
	}
	if err := fsys.Remove(intentName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return len(moves), err
	}
	return len(moves), fsys.SyncDir(".")
}

func syncAll(fsys volume.FS, dirs map[string]bool) error {
	for dir := range dirs {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// giveName gives a segment, and its evidence if it has one, the new name beside
// the old. It reports whether the segment has it, now or from before.
func giveName(fsys volume.FS, m intentMove, touched map[string]bool) (ok bool, err error) {
	from, to := m.from(), m.to()
	if err := makeDirs(fsys, to.Dir()); err != nil {
		return false, err
	}
	for _, name := range [][2]string{{from.EvidencePath(), to.EvidencePath()}, {from.Path(), to.Path()}} {
		err := fsys.Link(name[0], name[1])
		switch {
		case err == nil:
			touched[path.Dir(name[1])] = true
		case errors.Is(err, fs.ErrNotExist):
			// No evidence, or the old name is gone: then the new one tells.
		case errors.Is(err, fs.ErrExist):
			if !sameSegment(fsys, name[0], name[1]) {
				return false, nil // somebody else has the name
			}
			touched[path.Dir(name[1])] = true // of a try before, perhaps not durable
		default:
			return false, err
		}
	}
	_, err = fsys.Stat(to.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makeDirs makes the directory of a day and that of its camera.
func makeDirs(fsys volume.FS, dir string) error {
	for _, d := range []string{path.Dir(dir), dir} {
		err := fsys.Mkdir(d)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = fsys.SyncDir(path.Dir(d))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameSegment reports whether two names lead to one segment: no two have run,
// number and time since boot in common.
func sameSegment(fsys volume.FS, a, b string) bool {
	one, err := headerAt(fsys, a)
	if err != nil {
		return false
	}
	other, err := headerAt(fsys, b)
	return err == nil && one.Camera == other.Camera && one.Run == other.Run && one.Seq == other.Seq &&
		one.BootID == other.BootID && one.Mono == other.Mono && one.Start == other.Start
}

// Stamp is what the file of a segment knows of its time.
type Stamp struct {
	Row    index.Row
	BootID [16]byte
	Mono   int64 // µs since that boot at its first picture
}

// Stamps returns what the files of the rows say that were recorded before the
// clock was trusted, at most limit of them, without those that skip, if not
// nil, answers true for. A file that cannot be read is passed to bad, if that
// is not nil.
func Stamps(fsys volume.FS, x *index.Index, limit int, skip func(index.Row) bool, bad func(index.Row, error)) ([]Stamp, error) {
	var rows []index.Row
	err := x.Untrusted(func(r index.Row, _ bool) bool {
		if skip == nil || !skip(r) {
			rows = append(rows, r)
		}
		return len(rows) < limit
	})
	if err != nil {
		return nil, fmt.Errorf("list segments of an untrusted clock: %w", err)
	}
	out := make([]Stamp, 0, len(rows))
	for _, r := range rows {
		h, err := readHeader(fsys, r.File())
		if err != nil {
			if bad != nil {
				bad(r, err)
			}
			continue
		}
		out = append(out, Stamp{r, h.BootID, h.Mono})
	}
	return out, nil
}
