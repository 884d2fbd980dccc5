package fmp4

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Sample is one picture or audio frame in a file. Times are ticks of its
// track from the beginning of the segment.
type Sample struct {
	Track    int // index into Header.Tracks
	DTS, PTS int64
	Duration int64
	Offset   int64 // in the file
	Size     int32 // bytes
	Random   bool  // decoding can start here
}

// ReadSamples appends the samples of part p to dst, track by track, each in
// the order of its DTS. It reads moof alone, and returns ErrDamaged, and dst
// as it was, if a sample lies outside the part; it does not verify the CRC.
func ReadSamples(r io.ReaderAt, p PartInfo, h *Header, dst []Sample) ([]Sample, error) {
	if p.MoofSize < 8 || p.MoofSize > maxMoof || p.Offset < 0 || p.Size < partBoxSize+p.MoofSize+mdatHeader {
		return dst, fmt.Errorf("%w: at %d: impossible sizes", ErrDamaged, p.Offset)
	}
	b := newBuffer(int(p.MoofSize))
	defer b.release()
	raw := b.b[:p.MoofSize]
	if err := readAt(r, raw, p.Moof()); err != nil {
		return dst, fmt.Errorf("read part at %d: %w", p.Offset, err)
	}
	out, ok := dst, true
	if string(raw[4:8]) != "moof" || int64(binary.BigEndian.Uint32(raw)) != p.MoofSize {
		ok = false
	}
	ok = ok && eachBox(raw[8:], func(typ string, body []byte) bool {
		if typ != "traf" {
			return true
		}
		var ok bool
		out, ok = readTraf(body, p, len(h.Tracks), out)
		return ok
	})
	if !ok {
		return dst, fmt.Errorf("%w: at %d: samples cannot be read", ErrDamaged, p.Offset)
	}
	return out, nil
}

// readTraf appends the samples of one track fragment of our shape: tfhd
// based on moof with duration and flags, tfdt version 1, one trun.
func readTraf(traf []byte, p PartInfo, tracks int, dst []Sample) ([]Sample, bool) {
	tfhd, tfdt, trun := find(traf, "tfhd"), find(traf, "tfdt"), find(traf, "trun")
	if len(tfhd) != 16 || len(tfdt) != 12 || len(trun) < 12 || tfdt[0] != 1 || trun[0] != 1 ||
		binary.BigEndian.Uint32(tfhd) != tfhdBaseIsMoof|tfhdDuration|tfhdFlags {
		return dst, false
	}
	id := binary.BigEndian.Uint32(tfhd[4:])
	dts := binary.BigEndian.Uint64(tfdt[4:])
	if id < 1 || int64(id) > int64(tracks) || dts > maxTicks {
		return dst, false
	}
	s := Sample{
		Track: int(id - 1), DTS: int64(dts),
		Duration: int64(binary.BigEndian.Uint32(tfhd[8:])), Random: binary.BigEndian.Uint32(tfhd[12:])&0x10000 == 0,
	}
	return readTrun(trun, p, s, dst)
}

// readTrun appends the samples of trun; s holds the defaults and the DTS of
// the first.
func readTrun(trun []byte, p PartInfo, s Sample, dst []Sample) ([]Sample, bool) {
	flags := binary.BigEndian.Uint32(trun) & 0xffffff
	count := int64(binary.BigEndian.Uint32(trun[4:]))
	s.Offset = p.Moof() + int64(int32(binary.BigEndian.Uint32(trun[8:])))
	const known = trunOffset | trunFirstFlags | trunDuration | trunSize | trunFlags | trunComposition
	if flags&^known != 0 || flags&trunOffset == 0 || flags&trunSize == 0 {
		return dst, false
	}
	trun = trun[12:]
	next := func() (v uint32) {
		v = binary.BigEndian.Uint32(trun)
		trun = trun[4:]
		return v
	}
	rest := s.Random
	entry := int64(0)
	for f := uint32(trunDuration); f <= trunComposition; f <<= 1 {
		if flags&f != 0 {
			entry += 4
		}
	}
	need := count * entry
	if flags&trunFirstFlags != 0 {
		need += 4
	}
	if count > maxSamples || int64(len(trun)) != need {
		return dst, false
	}
	first := rest
	if flags&trunFirstFlags != 0 {
		first = next()&0x10000 == 0
	}
	for i := range count {
		s.Random = rest
		if i == 0 {
			s.Random = first
		}
		if flags&trunDuration != 0 {
			s.Duration = int64(next())
		}
		size := next()
		if flags&trunFlags != 0 {
			s.Random = next()&0x10000 == 0
		}
		s.PTS = s.DTS
		if flags&trunComposition != 0 {
			s.PTS += int64(int32(next()))
		}
		s.Size = int32(size)
		if s.Size <= 0 || s.Offset < p.Moof()+p.MoofSize+mdatHeader || s.Offset+int64(size) > p.End() {
			return dst, false
		}
		dst = append(dst, s)
		s.DTS += s.Duration
		s.Offset += int64(size)
	}
	return dst, true
}
