package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"vedette/recorder/media"
	"vedette/recorder/volume"
)

// Row describes one closed segment file.
type Row struct {
	Start    int64  // UTC ms of the first video sample, floored
	Duration uint32 // ms
	Bytes    int64  // size of the file, below 2^48
	Seq      uint32 // number of the segment in its run
	Camera   string
	// Codec, Width and Height describe the video. They are zero where the row
	// was made from the name of the file alone.
	Codec         media.Codec
	Width, Height uint16
	Gap           byte // why footage is missing before this row: a segment.GapReason
	Flags         Flags

	// shift is how many ms after Start the row stands in the index, because
	// another row of the camera had that place already.
	shift uint8
}

// Flags are what else is known of a segment.
type Flags = uint8

// The flags of a row.
const (
	Trusted Flags = 1 << iota // the wall clock was trusted when the segment began
	Audio                     // the segment has an audio track

	// Three bits say why it was recorded: a segment.Why.
	whyBits       = 2
	whyMask Flags = 7 << whyBits
)

// ForWhy returns the flags of a segment that was recorded for why, which is a
// segment.Why.
func ForWhy(why byte) Flags { return why << whyBits & whyMask }

// Why returns why r was recorded: a segment.Why, 0 where that is not known.
func (r Row) Why() byte { return r.Flags & whyMask >> whyBits }

// End returns the UTC ms at which r ends.
func (r Row) End() int64 { return r.Start + int64(r.Duration) }

// overlaps reports whether r has footage in [from, to). A row of no length
// counts as its start.
func (r Row) overlaps(from, to int64) bool {
	return r.Start < to && (r.End() > from || r.Start >= from)
}

// File returns the name of the closed file that r is a row of.
func (r Row) File() volume.Name {
	return volume.Name{Camera: r.Camera, Start: r.Start, Duration: int64(r.Duration), Bytes: r.Bytes, Seq: r.Seq}
}

// SameFile reports whether r and o are rows of the same file: camera, start,
// duration, size and sequence are equal, which is all that its name holds.
func (r Row) SameFile(o Row) bool {
	return r.Camera == o.Camera && r.Start == o.Start && r.Duration == o.Duration &&
		r.Bytes == o.Bytes && r.Seq == o.Seq
}

// ErrRow is returned for a row that the index cannot hold.
var ErrRow = errors.New("not a row")

const (
	maxStart  = 253402300799999 // last ms of the year 9999; fits 48 bits
	maxBytes  = 1<<48 - 1
	maxCamera = 255
	maxShift  = 255
)

func (r Row) check() error {
	switch {
	case r.Camera == "" || len(r.Camera) > maxCamera:
		return fmt.Errorf("camera %q: %w", r.Camera, ErrRow)
	case r.Start < 0 || r.Start > maxStart:
		return fmt.Errorf("camera %s: start %d: %w", r.Camera, r.Start, ErrRow)
	case r.Bytes < 0 || r.Bytes > maxBytes:
		return fmt.Errorf("camera %s: size %d: %w", r.Camera, r.Bytes, ErrRow)
	}
	return nil
}

// The key of a row: 48 bits of start in ms, 16 bits of camera, big-endian, so
// that keys sort by time.
const (
	keySize = 8
	msShift = 16
	lastKey = 1<<64 - 1
)

func makeKey(ms int64, camera uint16) uint64 { return uint64(ms)<<msShift | uint64(camera) }
func keyMs(k uint64) int64                   { return int64(k >> msShift) }
func keyCamera(k uint64) uint16              { return uint16(k) }

func keyBytes(k uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, keySize), k) }

func (r Row) key(camera uint16) uint64 { return makeKey(r.Start+int64(r.shift), camera) }

// The value of a row; docs/format/index.md has the same byte by byte.
const (
	rowVersion = 1
	rowSize    = 27
	crcSize    = 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli) // read only
	errValue   = errors.New("damaged value")
)

// seal appends the checksum over key and value. It covers the key, so that a
// whole value under a wrong key is noticed too.
func seal(key uint64, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(key, value))
}

// unseal checks the checksum and returns the value without it.
func unseal(key uint64, value []byte) ([]byte, bool) {
	if len(value) < crcSize {
		return nil, false
	}
	body, tail := value[:len(value)-crcSize], value[len(value)-crcSize:]
	return body, checksum(key, body) == binary.BigEndian.Uint32(tail)
}

// checksum is the CRC32C of the key and then the value. A row fits the
// buffer, and so takes one pass.
func checksum(key uint64, value []byte) uint32 {
	var buf [64]byte
	binary.BigEndian.PutUint64(buf[:], key)
	n := copy(buf[keySize:], value)
	sum := crc32.Checksum(buf[:keySize+n], castagnoli)
	return crc32.Update(sum, castagnoli, value[n:])
}

func encodeRow(key uint64, r Row) []byte {
	b := make([]byte, 0, rowSize)
	b = append(b, rowVersion, r.Flags, r.Gap, byte(r.Codec), r.shift)
	b = binary.BigEndian.AppendUint32(b, r.Duration)
	b = append(b, byte(r.Bytes>>40), byte(r.Bytes>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(r.Bytes))
	b = binary.BigEndian.AppendUint32(b, r.Seq)
	b = binary.BigEndian.AppendUint16(b, r.Width)
	b = binary.BigEndian.AppendUint16(b, r.Height)
	return seal(key, b)
}

// decodeRow is the inverse of encodeRow, but for the name of the camera.
func decodeRow(key uint64, value []byte) (Row, error) {
	if _, ok := unseal(key, value); !ok {
		return Row{}, fmt.Errorf("row %016x: %w", key, errValue)
	}
	return parseRow(key, value)
}

// parseRow is decodeRow for a value whose checksum is known to be right.
func parseRow(key uint64, b []byte) (Row, error) {
	if len(b) != rowSize || b[0] != rowVersion || keyMs(key) < int64(b[4]) {
		return Row{}, fmt.Errorf("row %016x: %w", key, errValue)
	}
	return Row{
		Start: keyMs(key) - int64(b[4]), shift: b[4],
		Flags: b[1], Gap: b[2], Codec: media.Codec(b[3]),
		Duration: binary.BigEndian.Uint32(b[5:]),
		Bytes:    int64(binary.BigEndian.Uint16(b[9:]))<<32 | int64(binary.BigEndian.Uint32(b[11:])),
		Seq:      binary.BigEndian.Uint32(b[15:]),
		Width:    binary.BigEndian.Uint16(b[19:]),
		Height:   binary.BigEndian.Uint16(b[21:]),
	}, nil
}
