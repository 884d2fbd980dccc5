// Package marker is what the guest of the power-cut lab says about itself
// while it records: what time it is, and what the product has promised so
// far. A marker is written, without any flush, to raw sectors behind the file
// system of the logged disk, so that the log of the disk itself tells what had
// been promised at each of its moments. The guest writes markers, the judge on
// the host reads them; the package does no input or output.
package marker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

const (
	// Sector is the unit of the disk in bytes; a marker is padded to it.
	Sector = 512
	// Region is the size in bytes of the place behind the file system that
	// markers are written to, each over the one before.
	Region = 64 << 10
)

// ErrNotMarker is returned for bytes that are not a marker.
var ErrNotMarker = errors.New("not a marker")

// Marker is one statement of the guest. Times are UTC ms since 1970.
type Marker struct {
	Number  uint64   `json:"n"`    // ascending from 1
	Wall    int64    `json:"t"`    // when it was written
	Poll    uint64   `json:"p"`    // number of the last look at what is closed
	Cameras []Camera `json:"c"`    // empty before the first was added
	Control int      `json:"x"`    // files the control writer has "promised", without a sync
	Phase   string   `json:"what"` // what the guest does, for people
}

// Camera is what was promised for one camera.
type Camera struct {
	ID string `json:"id"`
	// Windows are the times during which the API said that it is recorded:
	// begin and end; the end of the last is 0 while it lasts.
	Windows [][2]int64 `json:"w"`
	// Closed are the starts of the closed segments that the API listed.
	Closed []int64 `json:"s"`

	seen int64 // when it was last seen to be recorded
}

// magic begins a marker; a length and a checksum follow, then JSON.
const magic = 0x766d61726b657231

const head = 16

// Append appends m, padded to whole sectors. It fails if m does not fit into
// the region.
func Append(dst []byte, m *Marker) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return dst, fmt.Errorf("marker %d: %w", m.Number, err)
	}
	size := (head + len(body) + Sector - 1) / Sector * Sector
	if size > Region {
		return dst, fmt.Errorf("marker %d: %d bytes do not fit into %d", m.Number, size, Region)
	}
	at := len(dst)
	dst = append(dst, make([]byte, size)...)
	b := dst[at:]
	binary.LittleEndian.PutUint64(b, magic)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[12:], crc32.ChecksumIEEE(body))
	copy(b[head:], body)
	return dst, nil
}

// Parse reads a marker from the beginning of b. It returns ErrNotMarker for
// anything that Append would not have written whole.
func Parse(b []byte) (*Marker, error) {
	if len(b) < head || binary.LittleEndian.Uint64(b) != magic {
		return nil, ErrNotMarker
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if uint64(n) > uint64(len(b)-head) {
		return nil, fmt.Errorf("%w: cut short", ErrNotMarker)
	}
	body := b[head : head+int(n)]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(b[12:]) {
		return nil, fmt.Errorf("%w: wrong checksum", ErrNotMarker)
	}
	m := &Marker{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotMarker, err)
	}
	return m, nil
}

// Note takes down that the camera was seen, at, to be recorded or not. A
// window ends when it was last seen to be recorded.
func (c *Camera) Note(recorded bool, at time.Time) {
	last := len(c.Windows) - 1
	lasts := last >= 0 && c.Windows[last][1] == 0
	switch {
	case recorded && !lasts:
		c.Windows = append(c.Windows, [2]int64{at.UnixMilli(), 0})
	case !recorded && lasts:
		c.Windows[last][1] = c.seen
	}
	if recorded {
		c.seen = at.UnixMilli()
	}
}

// ControlDir is where the control writer works, in the file system.
const ControlDir = "control"

// ControlName returns the name of the control writer's file i.
func ControlName(i int) string { return fmt.Sprintf("%06d", i) }

// ControlFile returns what is in it.
func ControlFile(i int) []byte { return bytes.Repeat([]byte(ControlName(i)), 200) }
