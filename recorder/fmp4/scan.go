package fmp4

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// PartInfo is a part as it stands in a file. Times are ticks of the lead
// track from the beginning of the segment.
type PartInfo struct {
	Offset, Size  int64  // of the whole part: part box, moof and mdat
	Seq           uint32 // number in the segment, from 0
	DTS, Duration int64  // of the first video sample, and to the end of the last
	Wall          int64  // UTC µs of DTS
	Key           int64  // DTS of the first key frame in the part, or -1
	Random        bool   // begins with a key frame
	MoofSize      int64  // moof begins partBoxSize after Offset
}

// End returns the offset after the part.
func (p PartInfo) End() int64 { return p.Offset + p.Size }

// Moof returns the offset of moof.
func (p PartInfo) Moof() int64 { return p.Offset + partBoxSize }

// maxMoof bounds what is read of a part at once.
const maxMoof = maxTracks * (maxSamples*16 + 256)

// Scan walks the parts of a segment file of size bytes from offset from on,
// and stops at the first that is not whole, or when yield answers false.
// good is the offset after the last whole part it saw, which is from if
// there is none; the tail behind it is torn, or not ours. verify also checks
// the CRC of every part, which reads everything; without it, only the part
// boxes are read. An error is always one of r.
func Scan(r io.ReaderAt, from, size int64, verify bool, yield func(PartInfo) bool) (good int64, err error) {
	good = from
	var prev *PartInfo
	var buf []byte
	if verify {
		b := newBuffer(verifyBuffer)
		defer b.release()
		buf = b.b[:cap(b.b)]
	}
	for {
		p, sum, ok, err := readPart(r, good, size)
		if err != nil || !ok {
			return good, err
		}
		if prev != nil && (p.Seq != prev.Seq+1 || p.DTS <= prev.DTS) {
			return good, nil
		}
		if verify {
			got, err := checksum(r, p.Moof(), p.End(), buf)
			if err != nil {
				return good, fmt.Errorf("verify part at %d: %w", p.Offset, err)
			}
			if got != sum {
				return good, nil
			}
		}
		prev, good = &p, p.End()
		if !yield(p) {
			return good, nil
		}
	}
}

// verifyBuffer is how much is read at once to be verified, in bytes.
const verifyBuffer = 64 << 10

func checksum(r io.ReaderAt, from, to int64, buf []byte) (sum uint32, err error) {
	for from < to {
		p := buf[:min(int64(len(buf)), to-from)]
		if err := readAt(r, p, from); err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, p)
		from += int64(len(p))
	}
	return sum, nil
}

// readPart reads the part box at off, and the head of moof behind it. ok is
// false if there is no whole one.
func readPart(r io.ReaderAt, off, size int64) (p PartInfo, sum uint32, ok bool, err error) {
	var raw [partBoxSize + 8]byte
	if off < 0 || size-off < int64(len(raw)) {
		return p, 0, false, nil
	}
	if err := readAt(r, raw[:], off); err != nil {
		return p, 0, false, fmt.Errorf("read part at %d: %w", off, err)
	}
	var x partBox
	if !x.get(raw[:partBoxSize]) || string(raw[partBoxSize+4:]) != "moof" ||
		binary.BigEndian.Uint32(raw[partBoxSize:]) != x.moof {
		return p, 0, false, nil
	}
	total := partBoxSize + int64(x.moof) + int64(x.mdat)
	if total > size-off {
		return p, 0, false, nil
	}
	return PartInfo{
		Offset: off, Size: total, Seq: x.seq, DTS: x.dts, Duration: x.duration, Wall: x.wall,
		Key: x.key, Random: x.flags&partRandom != 0, MoofSize: int64(x.moof),
	}, x.sum, true, nil
}

// get reads a part box and reports whether it is one.
func (x *partBox) get(raw []byte) bool {
	if binary.BigEndian.Uint32(raw) != partBoxSize || string(raw[4:8]) != "uuid" || [16]byte(raw[8:]) != partID {
		return false
	}
	end := len(raw) - 4
	if crc32.Checksum(raw[:end], castagnoli) != binary.BigEndian.Uint32(raw[end:]) {
		return false
	}
	p := raw[24:]
	version := binary.BigEndian.Uint16(p)
	x.flags = binary.BigEndian.Uint16(p[2:])
	x.seq = binary.BigEndian.Uint32(p[4:])
	x.moof = binary.BigEndian.Uint32(p[8:])
	x.mdat = binary.BigEndian.Uint32(p[12:])
	x.wall = int64(binary.BigEndian.Uint64(p[16:]))
	x.dts = int64(binary.BigEndian.Uint64(p[24:]))
	x.duration = int64(binary.BigEndian.Uint64(p[32:]))
	x.key = int64(binary.BigEndian.Uint64(p[40:]))
	x.sum = binary.BigEndian.Uint32(p[48:])
	return version == Version && x.moof >= 8 && x.moof <= maxMoof && x.mdat >= mdatHeader &&
		x.wall >= -maxTime && x.wall <= maxTime && x.dts >= 0 && x.dts <= maxTicks &&
		x.duration >= 0 && x.duration <= maxTicks && (x.key == -1 || x.key >= x.dts && x.key <= x.dts+x.duration)
}
