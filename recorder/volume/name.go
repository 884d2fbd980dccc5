package volume

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Directories of a volume, and the name of its identity.
const (
	FootageDir    = "footage"
	EvidenceDir   = "evidence"
	QuarantineDir = "quarantine"
	identityName  = "volume.json"
	identityTemp  = "volume.json.tmp"
)

const (
	closedSuffix = ".mp4"
	openSuffix   = ".part"

	stampLayout = "20060102T150405.000Z"
	dayLayout   = "2006-01-02"

	maxCamera = 63
	// maxStart is the last millisecond that four digits of a year can write.
	maxStart = 253402300799999
)

// ErrName is returned for a path that is not the name of a segment.
var ErrName = errors.New("not the name of a segment")

// Name is what the name of a segment file says about it. The name carries all
// that the index needs to be rebuilt without opening a file.
type Name struct {
	Camera   string // a slug: a-z, 0-9, - and _, at most 63 of them
	Start    int64  // UTC ms of the first video sample, floored
	Duration int64  // ms; of closed segments only
	Bytes    int64  // of closed segments only
	Seq      uint32 // number of the segment in its run, from 0
	Open     bool   // still being written, or left behind by a crash
}

// End returns the UTC ms at which a closed segment ends.
func (n Name) End() int64 { return n.Start + n.Duration }

// Dir returns the directory of the segment, relative to the volume. The day
// is that of the start, in UTC.
func (n Name) Dir() string {
	return FootageDir + "/" + n.Camera + "/" + time.UnixMilli(n.Start).UTC().Format(dayLayout)
}

// Path returns the path of the segment relative to the volume, with slashes:
// footage/<camera>/<day>/<start>_<duration>_<bytes>_<seq>.mp4 when closed,
// footage/<camera>/<day>/<start>_<seq>.part when open.
func (n Name) Path() string {
	b := make([]byte, 0, 96)
	b = append(b, n.Dir()...)
	b = append(b, '/')
	b = time.UnixMilli(n.Start).UTC().AppendFormat(b, stampLayout)
	if !n.Open {
		b = append(b, '_')
		b = strconv.AppendInt(b, n.Duration, 10)
		b = append(b, '_')
		b = strconv.AppendInt(b, n.Bytes, 10)
	}
	b = append(b, '_')
	b = strconv.AppendUint(b, uint64(n.Seq), 10)
	if n.Open {
		return string(append(b, openSuffix...))
	}
	return string(append(b, closedSuffix...))
}

// EvidencePath returns where the second name of the segment lies while it is
// held as evidence: evidence/<camera>/<file name>.
func (n Name) EvidencePath() string {
	p := n.Path()
	return EvidenceDir + "/" + n.Camera + p[strings.LastIndexByte(p, '/'):]
}

// ParseEvidence is the inverse of EvidencePath, for the file base of camera.
func ParseEvidence(camera, base string) (Name, error) {
	if len(base) < len("20060102") {
		return Name{}, fmt.Errorf("%q: %w", base, ErrName)
	}
	n, err := ParseName(FootageDir + "/" + camera + "/" + base[:4] + "-" + base[4:6] + "-" + base[6:8] + "/" + base)
	if err == nil && n.Open {
		err = fmt.Errorf("%q: %w", base, ErrName)
	}
	return n, err
}

// Check returns ErrName if n cannot be written as a path and read back.
func (n Name) Check() error {
	switch {
	case !ValidCamera(n.Camera):
		return fmt.Errorf("camera %q: %w", n.Camera, ErrName)
	case n.Start < 0 || n.Start > maxStart:
		return fmt.Errorf("start %d: %w", n.Start, ErrName)
	case n.Duration < 0 || n.Duration > math.MaxUint32:
		return fmt.Errorf("duration %d: %w", n.Duration, ErrName)
	case n.Bytes < 0:
		return fmt.Errorf("size %d: %w", n.Bytes, ErrName)
	}
	return nil
}

// ValidCamera reports whether s may stand for a camera in a path.
func ValidCamera(s string) bool {
	if s == "" || len(s) > maxCamera || s[0] == '-' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// ParseName is the inverse of Path. Anything that Path would not write, to
// the letter, is refused with ErrName: other spellings, another day's
// directory, leading zeros, a path that leaves the volume.
func ParseName(path string) (Name, error) {
	n, ok := parseName(path)
	if !ok || n.Check() != nil || n.Path() != path {
		return Name{}, fmt.Errorf("%q: %w", path, ErrName)
	}
	return n, nil
}

func parseName(path string) (n Name, ok bool) {
	rest, ok := strings.CutPrefix(path, FootageDir+"/")
	if !ok {
		return n, false
	}
	n.Camera, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return n, false
	}
	_, base, ok := strings.Cut(rest, "/")
	if !ok {
		return n, false
	}
	if base, ok = strings.CutSuffix(base, closedSuffix); !ok {
		if base, n.Open = strings.CutSuffix(base, openSuffix); !n.Open {
			return n, false
		}
	}
	stamp, rest, _ := strings.Cut(base, "_")
	start, err := time.Parse(stampLayout, stamp)
	if err != nil {
		return n, false
	}
	n.Start = start.UnixMilli()
	if !n.Open {
		var duration, bytes string
		duration, rest, _ = strings.Cut(rest, "_")
		bytes, rest, _ = strings.Cut(rest, "_")
		if n.Duration, err = strconv.ParseInt(duration, 10, 64); err != nil {
			return n, false
		}
		if n.Bytes, err = strconv.ParseInt(bytes, 10, 64); err != nil {
			return n, false
		}
	}
	seq, err := strconv.ParseUint(rest, 10, 32)
	n.Seq = uint32(seq)
	return n, err == nil
}
