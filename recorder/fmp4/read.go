package fmp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"vedette/recorder/media"
)

// eachBox calls yield for the boxes that body consists of; it answers false
// if they do not fill it exactly, or as soon as yield does.
func eachBox(body []byte, yield func(typ string, body []byte) bool) bool {
	for len(body) > 0 {
		if len(body) < 8 {
			return false
		}
		n := binary.BigEndian.Uint32(body)
		if n < 8 || int64(n) > int64(len(body)) || !yield(string(body[4:8]), body[8:n]) {
			return false
		}
		body = body[n:]
	}
	return true
}

// find returns the body of the first box at path below body, or nil.
func find(body []byte, path ...string) []byte {
	for _, want := range path {
		var found []byte
		eachBox(body, func(typ string, b []byte) bool {
			if typ == want {
				found = b
			}
			return found == nil
		})
		if body = found; body == nil {
			return nil
		}
	}
	return body
}

// readAt fills p from off. Anything but success is an error, io.EOF too.
func readAt(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// readInit returns ftyp and moov of a file of size bytes.
func readInit(r io.ReaderAt, size int64) ([]byte, error) {
	end := int64(0)
	for _, want := range [...]string{"ftyp", "moov"} {
		var head [8]byte
		if end+8 > size {
			return nil, ErrTorn
		}
		if err := readAt(r, head[:], end); err != nil {
			return nil, fmt.Errorf("read header: %w", err)
		}
		if head == [8]byte{} { // allocated by the file system, never written
			return nil, ErrTorn
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		if string(head[4:]) != want || n < 8 || end+n > maxInit {
			return nil, ErrNotSegment
		}
		end += n
	}
	if end > size {
		return nil, ErrTorn
	}
	raw := make([]byte, end)
	if err := readAt(r, raw, 0); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	return raw, nil
}

// ReadHeader reads the beginning of a segment file of size bytes. The first
// part begins at initSize. It returns ErrNotSegment, ErrTorn, ErrVersion, or
// what r said.
func ReadHeader(r io.ReaderAt, size int64) (h *Header, initSize int64, err error) {
	raw, err := readInit(r, size)
	if err != nil {
		return nil, 0, err
	}
	moov := raw[binary.BigEndian.Uint32(raw):][8:]
	private := privateBox(moov)
	if private == nil {
		return nil, 0, ErrNotSegment
	}
	end := len(raw) - 4
	if crc32.Checksum(raw[:end], castagnoli) != binary.BigEndian.Uint32(raw[end:]) {
		return nil, 0, ErrTorn
	}
	h = &Header{}
	rate, err := h.parse(private)
	if err != nil {
		return nil, 0, err
	}
	if !h.parseTracks(moov) {
		return nil, 0, fmt.Errorf("%w: tracks cannot be read", ErrNotSegment)
	}
	if lead := &h.Tracks[Lead(h.Tracks)]; lead.Codec.IsVideo() {
		lead.FrameRate = float64(rate) / 1000
	}
	return h, int64(len(raw)), nil
}

// privateBox returns the payload of the header box, which is the last of
// moov, or nil.
func privateBox(moov []byte) (private []byte) {
	whole := eachBox(moov, func(typ string, body []byte) bool {
		private = nil
		if typ == "uuid" && len(body) >= headerFixed+4 && [16]byte(body) == headerID {
			private = body
		}
		return true
	})
	if !whole {
		return nil
	}
	return private
}

// parse reads the payload p of the header box, which has at least its fixed
// size, and returns the frame rate in thousandths.
func (h *Header) parse(p []byte) (rate uint32, err error) {
	p = p[16 : len(p)-4]
	h.Version = binary.BigEndian.Uint16(p)
	if h.Version > Version {
		return 0, fmt.Errorf("%w: version %d", ErrVersion, h.Version)
	}
	h.Trusted, h.Gap = p[2]&headerTrusted != 0, p[3]
	h.Seq = binary.BigEndian.Uint32(p[4:])
	h.Run = binary.BigEndian.Uint64(p[8:])
	h.Start = int64(binary.BigEndian.Uint64(p[16:]))
	h.FirstDTS = int64(binary.BigEndian.Uint64(p[24:]))
	h.Mono = int64(binary.BigEndian.Uint64(p[32:]))
	copy(h.BootID[:], p[40:])
	rate = binary.BigEndian.Uint32(p[56:])
	p = p[60:]
	for _, name := range [...]*string{(*string)(&h.Stream), &h.Camera} {
		if len(p) == 0 || len(p)-1 < int(p[0]) {
			return 0, fmt.Errorf("%w: names cannot be read", ErrNotSegment)
		}
		*name = string(p[1 : 1+int(p[0])])
		p = p[1+int(p[0]):]
	}
	if h.Version == 0 || h.Start < -maxTime || h.Start > maxTime || h.FirstDTS < -maxTime || h.FirstDTS > maxTime {
		return 0, fmt.Errorf("%w: times out of range", ErrNotSegment)
	}
	return rate, nil
}

// Bounds of times in files, so that sums and conversions never overflow.
const (
	maxTime  = 1 << 58 // µs, and ticks on the run's time line
	maxTicks = 1 << 40 // ticks from the beginning of the segment
)

func (h *Header) parseTracks(moov []byte) bool {
	ok := eachBox(moov, func(typ string, trak []byte) bool {
		if typ != "trak" {
			return true
		}
		t, ok := parseTrack(trak)
		h.Tracks = append(h.Tracks, t)
		return ok && len(h.Tracks) <= maxTracks
	})
	return ok && len(h.Tracks) > 0
}

func parseTrack(trak []byte) (t media.Track, ok bool) {
	mdhd := find(trak, "mdia", "mdhd")
	stsd := find(trak, "mdia", "minf", "stbl", "stsd")
	if len(mdhd) < 24 || mdhd[0] != 1 || len(stsd) < 8 {
		return t, false
	}
	t.ClockRate = binary.BigEndian.Uint32(mdhd[20:])
	entries := 0
	whole := eachBox(stsd[8:], func(typ string, body []byte) bool {
		entries++
		return parseEntry(typ, body, &t)
	})
	return t, whole && entries == 1 && check(&t) == nil
}

// Sizes of sample entries before their own boxes, without the box header.
const (
	visualFixed = 78
	audioFixed  = 28
)

func parseEntry(typ string, body []byte, t *media.Track) bool {
	switch typ {
	case "avc1", "hvc1":
		if len(body) < visualFixed {
			return false
		}
		t.Width, t.Height = int(binary.BigEndian.Uint16(body[24:])), int(binary.BigEndian.Uint16(body[26:]))
		body = body[visualFixed:]
		if typ == "avc1" {
			t.Codec = media.H264
			return parseAVCC(find(body, "avcC"), t)
		}
		t.Codec = media.H265
		return parseHVCC(find(body, "hvcC"), t)
	case "mp4a", "ulaw", "alaw", "Opus":
		if len(body) < audioFixed {
			return false
		}
		t.Channels, t.SampleRate = int(binary.BigEndian.Uint16(body[16:])), int(binary.BigEndian.Uint16(body[24:]))
		if t.SampleRate == 0 {
			t.SampleRate = int(t.ClockRate)
		}
		return parseAudio(typ, body[audioFixed:], t)
	}
	return false
}

func parseAudio(typ string, body []byte, t *media.Track) bool {
	switch typ {
	case "ulaw":
		t.Codec = media.PCMU
	case "alaw":
		t.Codec = media.PCMA
	case "Opus":
		t.Codec = media.Opus
		if d := find(body, "dOps"); len(d) >= 8 {
			t.SampleRate = int(binary.BigEndian.Uint32(d[4:]))
		}
	case "mp4a":
		t.Codec = media.AAC
		t.Config = audioConfig(find(body, "esds"))
	}
	return true
}

// audioConfig returns the AudioSpecificConfig in an esds box as this package
// writes it, or nil.
func audioConfig(esds []byte) []byte {
	const before = 4 + 2 + 3 + 2 + 13 // up to DecoderSpecificInfo
	if len(esds) < before+2 || esds[before] != 5 {
		return nil
	}
	n := int(esds[before+1])
	if n > len(esds)-before-2 {
		return nil
	}
	return append([]byte(nil), esds[before+2:before+2+n]...)
}

// takeSet cuts one parameter set off p.
func takeSet(p []byte) (nal, rest []byte, ok bool) {
	if len(p) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(p))
	if n > len(p)-2 {
		return nil, nil, false
	}
	return append([]byte(nil), p[2:2+n]...), p[2+n:], true
}

func parseAVCC(p []byte, t *media.Track) bool {
	if len(p) < 7 || p[5]&0x1f != 1 {
		return false
	}
	var ok bool
	if t.SPS, p, ok = takeSet(p[6:]); !ok || len(p) < 1 || p[0] != 1 {
		return false
	}
	t.PPS, _, ok = takeSet(p[1:])
	return ok
}

func parseHVCC(p []byte, t *media.Track) bool {
	if len(p) < 23 || p[22] != 3 {
		return false
	}
	p = p[23:]
	for _, set := range [...]struct {
		typ byte
		nal *[]byte
	}{{32, &t.VPS}, {33, &t.SPS}, {34, &t.PPS}} {
		if len(p) < 3 || p[0]&0x3f != set.typ || binary.BigEndian.Uint16(p[1:]) != 1 {
			return false
		}
		var ok bool
		if *set.nal, p, ok = takeSet(p[3:]); !ok {
			return false
		}
	}
	return true
}
