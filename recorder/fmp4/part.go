package fmp4

import (
	"encoding/binary"
	"hash/crc32"

	"vedette/recorder/media"
)

// Part is a finished part, ready to be appended to its segment. Its buffers
// belong to whoever holds it, until Release.
type Part struct {
	// Bufs is the part in order, for one writev: part box, moof and the
	// header of mdat in the first, then the samples of each track.
	Bufs     [][]byte
	Size     int   // bytes in Bufs
	DTS      int64 // of the first video sample, on the run's time line, in ticks of the video track
	Duration int64 // from the first video sample to the end of the last, in ticks of the video track
	Wall     int64 // UTC µs of DTS
	Random   bool  // begins with a key frame

	key    int64 // DTS of the first key frame from the segment's beginning, or -1
	media  int   // bytes of samples
	tracks []fragment
	head   []byte
	pad    []byte // zeros behind the samples
}

// fragment is what a part holds of one track.
type fragment struct {
	samples []sample
	end     int64 // DTS + duration of the last sample
	bufs    []*buffer
}

// The part box has a fixed size; its two checksums end it.
const (
	partBoxSize = 8 + 16 + 2 + 2 + 4 + 4 + 4 + 8 + 8 + 8 + 8 + 4 + 4
	mdatHeader  = 8
)

// Flags in the part box.
const (
	partRandom = 1 << iota // begins with a key frame
	partKey                // contains a key frame
)

// Sample flags (ISO 14496-12, 8.8.3.1).
const (
	flagsRandom = 0x02000000 // depends on no other
	flagsOther  = 0x01010000 // depends on others, is no sync sample
)

func newPart(tracks int) *Part {
	p, ok := parts.Get().(*Part)
	if !ok {
		p = &Part{}
	}
	if cap(p.tracks) < tracks {
		p.tracks = make([]fragment, tracks)
	}
	p.tracks = p.tracks[:tracks]
	p.key = -1
	return p
}

// Release gives the part's buffers back for reuse. It is called exactly
// once, after which the part must not be touched.
func (p *Part) Release() {
	tracks := p.tracks[:cap(p.tracks)]
	for i := range tracks {
		t := &tracks[i]
		for j, b := range t.bufs {
			b.release()
			t.bufs[j] = nil
		}
		*t = fragment{samples: t.samples[:0], bufs: t.bufs[:0]}
	}
	clear(p.Bufs)
	*p = Part{Bufs: p.Bufs[:0], tracks: tracks, head: p.head[:0], pad: p.pad[:0]}
	parts.Put(p)
}

// append copies the sample of u and returns its size.
func (t *fragment) append(u *media.AccessUnit) int {
	n := len(t.bufs)
	if n == 0 || cap(t.bufs[n-1].b)-len(t.bufs[n-1].b) < u.Size {
		size := u.Size
		if u.Run.Tracks[u.Track].Codec.IsVideo() {
			size = max(size, videoBuffer)
		}
		t.bufs = append(t.bufs, newBuffer(size))
		n++
	}
	b := t.bufs[n-1]
	before := len(b.b)
	b.b = u.AppendSample(b.b)
	return len(b.b) - before
}

// videoBuffer is the smallest buffer for pictures, in bytes: few enough
// buffers a part, and little of the last one unused.
const videoBuffer = 64 << 10

// assemble builds the head of the part and puts the buffers in order. dts is
// the first lead sample's, from the segment's beginning; off is as FinishAt has
// it.
func (p *Part) assemble(seq uint32, dts, off int64) {
	w := &boxes{p.head[:0]}
	w.zero(partBoxSize)
	moof := w.moof(seq, p.tracks)
	moofSize := len(w.b) - moof
	size := len(w.b) + mdatHeader + p.media
	pad := 0
	if off > 0 {
		pad = int(-(off + int64(size)) & (pageSize - 1))
	}
	w.u32(uint32(mdatHeader + p.media + pad))
	w.str("mdat")
	p.head = w.b
	p.Bufs = append(p.Bufs[:0], p.head)
	for i := range p.tracks {
		for _, b := range p.tracks[i].bufs {
			if len(b.b) > 0 {
				p.Bufs = append(p.Bufs, b.b)
			}
		}
	}
	if pad > 0 {
		p.pad = append(p.pad[:0], make([]byte, pad)...)
		p.Bufs = append(p.Bufs, p.pad)
	}
	p.Size = size + pad
	sum := crc32.Update(0, castagnoli, p.head[partBoxSize:])
	for _, b := range p.Bufs[1:] {
		sum = crc32.Update(sum, castagnoli, b)
	}
	box := partBox{
		seq: seq, moof: uint32(moofSize), mdat: uint32(mdatHeader + p.media + pad),
		wall: p.Wall, dts: dts, duration: p.Duration, key: p.key, sum: sum,
	}
	if p.Random {
		box.flags |= partRandom
	}
	if p.key >= 0 {
		box.flags |= partKey
	}
	box.put(p.head)
}

// partBox is the content of a part box; docs/format/segment.md has its
// layout.
type partBox struct {
	flags      uint16
	seq        uint32
	moof, mdat uint32 // bytes, with their headers
	wall       int64
	dts        int64
	duration   int64
	key        int64
	sum        uint32 // CRC32C of moof and mdat
}

// put writes the box to the first partBoxSize bytes of dst.
func (x *partBox) put(dst []byte) {
	w := &boxes{dst[:0:partBoxSize]}
	w.u32(partBoxSize)
	w.str("uuid")
	w.bytes(partID[:])
	w.u16(Version)
	w.u16(x.flags)
	w.u32(x.seq)
	w.u32(x.moof)
	w.u32(x.mdat)
	w.u64(uint64(x.wall))
	w.u64(uint64(x.dts))
	w.u64(uint64(x.duration))
	w.u64(uint64(x.key))
	w.u32(x.sum)
	w.u32(crc32.Checksum(w.b, castagnoli))
}

// moof appends the box and returns where it begins. Samples lie in mdat in
// the order of the tracks.
func (w *boxes) moof(seq uint32, tracks []fragment) int {
	moof := w.open("moof")
	mfhd := w.full("mfhd", 0, 0)
	w.u32(seq + 1)
	w.close(mfhd)
	var offsets [maxTracks]int // of the data offset field of each trun
	for i := range tracks {
		if len(tracks[i].samples) > 0 && i < len(offsets) {
			offsets[i] = w.traf(uint32(i+1), &tracks[i])
		}
	}
	w.close(moof)
	data := len(w.b) - moof + mdatHeader
	for i, at := range offsets {
		if at > 0 {
			binary.BigEndian.PutUint32(w.b[at:], uint32(data))
			for j := range tracks[i].samples {
				data += int(tracks[i].samples[j].size)
			}
		}
	}
	return moof
}

// Flags of tfhd and trun (ISO 14496-12, 8.8.7 and 8.8.8).
const (
	tfhdDuration    = 0x8
	tfhdSize        = 0x10
	tfhdFlags       = 0x20
	tfhdDescription = 0x2
	tfhdBaseOffset  = 0x1
	tfhdBaseIsMoof  = 0x20000
	trunOffset      = 0x1
	trunFirstFlags  = 0x4
	trunDuration    = 0x100
	trunSize        = 0x200
	trunFlags       = 0x400
	trunComposition = 0x800
)

// traf appends one track fragment, as short as its samples allow, and
// returns where the data offset has to be written.
func (w *boxes) traf(id uint32, t *fragment) (offset int) {
	s := t.samples
	first, rest, flags := t.shape()
	traf := w.open("traf")
	tfhd := w.full("tfhd", 0, tfhdBaseIsMoof|tfhdDuration|tfhdFlags)
	w.u32(id)
	w.u32(uint32(t.duration(0)))
	w.u32(sampleFlags(rest))
	w.close(tfhd)
	tfdt := w.full("tfdt", 1, 0)
	w.u64(uint64(s[0].dts))
	w.close(tfdt)
	trun := w.full("trun", 1, flags)
	w.u32(uint32(len(s)))
	offset = len(w.b)
	w.u32(0)
	if flags&trunFirstFlags != 0 {
		w.u32(sampleFlags(first))
	}
	for i := range s {
		if flags&trunDuration != 0 {
			w.u32(uint32(t.duration(i)))
		}
		w.u32(s[i].size)
		if flags&trunFlags != 0 {
			w.u32(sampleFlags(s[i].random))
		}
		if flags&trunComposition != 0 {
			w.u32(uint32(s[i].cts))
		}
	}
	w.close(trun)
	w.close(traf)
	return offset
}

// shape returns which fields the samples of t need one by one. first and
// rest tell whether the first, and all others, are random access points.
func (t *fragment) shape() (first, rest bool, flags uint32) {
	s := t.samples
	flags = trunOffset | trunSize
	first, rest = s[0].random, s[0].random
	if len(s) > 1 {
		rest = s[1].random
	}
	if first != rest {
		flags |= trunFirstFlags
	}
	for i := range s {
		if s[i].cts != 0 {
			flags |= trunComposition
		}
		if i > 0 && s[i].random != rest {
			flags = flags&^trunFirstFlags | trunFlags
		}
		if t.duration(i) != t.duration(0) {
			flags |= trunDuration
		}
	}
	return first, rest, flags
}

func (t *fragment) duration(i int) int64 {
	if i+1 < len(t.samples) {
		return t.samples[i+1].dts - t.samples[i].dts
	}
	return t.end - t.samples[i].dts
}

func sampleFlags(random bool) uint32 {
	if random {
		return flagsRandom
	}
	return flagsOther
}
