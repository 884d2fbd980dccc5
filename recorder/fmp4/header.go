package fmp4

import (
	"errors"
	"fmt"
	"hash/crc32"

	"vedette/recorder/media"
)

// Version is the format version this package writes, and the newest it reads.
const Version = 1

// The private boxes are uuid boxes (ISO 14496-12, 11.1) of these types.
var (
	headerID = [16]byte{0x8f, 0x1d, 0x6c, 0x2e, 0x5b, 0x0a, 0x4f, 0x37, 0x9c, 0x41, 0x7a, 0x5e, 0x02, 0xd3, 0xb6, 0xf8}
	partID   = [16]byte{0x3c, 0x9a, 0x7e, 0x14, 0xd2, 0xf6, 0x4b, 0x85, 0xa0, 0xc3, 0x61, 0xe8, 0x7b, 0x94, 0xfd, 0x20}
)

// castagnoli is the table of CRC32C, for which processors have an
// instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Errors a caller may test for.
var (
	// ErrUnsupported says that a track cannot be stored in a file.
	ErrUnsupported = errors.New("track cannot be stored")
	// ErrNotSegment says that a file is none of ours.
	ErrNotSegment = errors.New("not a segment file")
	// ErrTorn says that the beginning of a file was not written to its end:
	// there is no footage in it.
	ErrTorn = errors.New("beginning of segment is torn")
	// ErrVersion says that a newer Vedette wrote the file.
	ErrVersion = errors.New("segment format is newer than this program")
	// ErrDamaged says that a part is not what a writer wrote.
	ErrDamaged = errors.New("part is damaged")
)

// Header is the private box of a segment file plus its tracks.
type Header struct {
	Version uint16
	Camera  string
	Stream  media.StreamName
	Run     uint64
	Seq     uint32 // number of this segment in its run, from 0
	Start   int64  // UTC µs of FirstDTS
	Trusted bool   // the wall clock was trusted when the run began
	BootID  [16]byte
	Mono    int64 // µs since boot at Start
	// FirstDTS is the DTS of the first video sample on the run's time line,
	// in ticks of the video track. Times in the file count from it.
	FirstDTS int64
	Gap      byte // segment.GapReason: why footage is missing before this segment (0 = none or not known)
	Tracks   []media.Track
}

// Lead returns the index of the track that times parts: the first video
// track, or 0 if there is none.
func Lead(tracks []media.Track) int {
	for i := range tracks {
		if tracks[i].Codec.IsVideo() {
			return i
		}
	}
	return 0
}

// Bounds of a header, which its reader relies on.
const (
	maxTracks = 8
	maxName   = 255     // bytes of a camera's id or a stream's name
	maxInit   = 1 << 20 // bytes of ftyp and moov
	maxSet    = 1 << 16 // bytes of one parameter set or audio configuration
)

// headerFixed is the size of the header box's payload without the names and
// the CRC.
const headerFixed = 16 + 2 + 1 + 1 + 4 + 8 + 8 + 8 + 8 + 16 + 4 + 1 + 1

const headerTrusted = 1 // flag in the header box

// AppendInit appends ftyp and moov, with the private header box at its end.
// h.Version is not read: the version of this package is written. It returns
// ErrUnsupported, and dst, for tracks without the parameters that players
// need.
func AppendInit(dst []byte, h *Header) ([]byte, error) {
	if len(h.Tracks) == 0 || len(h.Tracks) > maxTracks || len(h.Camera) > maxName || len(h.Stream) > maxName {
		return dst, fmt.Errorf("%w: %d tracks, camera %.32q", ErrUnsupported, len(h.Tracks), h.Camera)
	}
	for i := range h.Tracks {
		if err := check(&h.Tracks[i]); err != nil {
			return dst, err
		}
	}
	begin := len(dst)
	w := &boxes{dst}
	w.ftyp("iso6", "iso6mp41cmfc")
	moov := w.open("moov")
	w.mvhd(1000, 0, uint32(len(h.Tracks)+1))
	for i := range h.Tracks {
		w.emptyTrack(uint32(i+1), &h.Tracks[i])
	}
	w.mvex(len(h.Tracks))
	uuid := w.open("uuid")
	w.header(h)
	w.u32(0) // the CRC, below
	w.close(uuid)
	w.close(moov)
	end := len(w.b) - 4
	sum := crc32.Checksum(w.b[begin:end], castagnoli)
	w.b = w.b[:end]
	w.u32(sum)
	return w.b, nil
}

// header appends the payload of the header box, without the CRC.
func (w *boxes) header(h *Header) {
	w.bytes(headerID[:])
	w.u16(Version)
	var flags uint8
	if h.Trusted {
		flags |= headerTrusted
	}
	w.u8(flags)
	w.u8(h.Gap)
	w.u32(h.Seq)
	w.u64(h.Run)
	w.u64(uint64(h.Start))
	w.u64(uint64(h.FirstDTS))
	w.u64(uint64(h.Mono))
	w.bytes(h.BootID[:])
	w.u32(uint32(h.Tracks[Lead(h.Tracks)].FrameRate*1000 + 0.5))
	w.u8(uint8(len(h.Stream)))
	w.str(string(h.Stream))
	w.u8(uint8(len(h.Camera)))
	w.str(h.Camera)
}

// check reports what keeps t from being stored.
func check(t *media.Track) error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s %s", ErrUnsupported, t.Codec, what) }
	if t.ClockRate == 0 {
		return wrong("without a clock rate")
	}
	switch t.Codec {
	case media.H264:
		if len(t.SPS) < 4 || len(t.PPS) == 0 || len(t.SPS) >= maxSet || len(t.PPS) >= maxSet {
			return wrong("without usable parameter sets")
		}
	case media.H265:
		if len(t.SPS) < 15 || len(t.PPS) == 0 || len(t.VPS) == 0 ||
			len(t.SPS) >= maxSet || len(t.PPS) >= maxSet || len(t.VPS) >= maxSet {
			return wrong("without usable parameter sets")
		}
	case media.AAC:
		if len(t.Config) < 2 || len(t.Config) > 100 {
			return wrong("without a usable configuration")
		}
	case media.PCMU, media.PCMA, media.Opus:
	default:
		return wrong("is not known here")
	}
	if t.Codec.IsVideo() && (t.Width <= 0 || t.Height <= 0 || t.Width > 1<<15 || t.Height > 1<<15) {
		return wrong("without a picture size")
	}
	return nil
}
