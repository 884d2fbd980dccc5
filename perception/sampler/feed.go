package sampler

import (
	"encoding/binary"
	"fmt"
	"math"

	"vedette/recorder/media"
)

// feed turns access units into what the decoder reads: a fragmented MP4 with
// one picture a fragment. A plain elementary stream would be shorter, but it
// carries no times, and then a picture that the decoder leaves out would move
// the times of all that follow. Here every picture names its own.
type feed struct {
	track media.Track
	first bool // nothing was written yet
	zero  int64
	last  int64 // decoding time written last, ticks since zero
	seq   uint32
	buf   []byte
}

// maxParameterSet bounds one parameter set: the length field has 16 bits.
const maxParameterSet = math.MaxUint16

// newFeed returns a feed for track, and the head of the file.
func newFeed(track media.Track) (*feed, []byte, error) {
	if len(track.SPS) == 0 || len(track.PPS) == 0 || track.Codec == media.H265 && len(track.VPS) == 0 {
		return nil, nil, fmt.Errorf("%s stream without parameter sets", track.Codec)
	}
	for _, set := range [][]byte{track.VPS, track.SPS, track.PPS} {
		if len(set) > maxParameterSet {
			return nil, nil, fmt.Errorf("%s stream with a parameter set of %d bytes", track.Codec, len(set))
		}
	}
	if track.Codec == media.H264 && len(track.SPS) < 4 {
		return nil, nil, fmt.Errorf("h264 stream with a sequence parameter set of %d bytes", len(track.SPS))
	}
	if track.ClockRate == 0 {
		return nil, nil, fmt.Errorf("%s stream without a clock", track.Codec)
	}
	f := &feed{track: track, first: true}
	return f, f.head(), nil
}

// fragment returns u as a fragment and the time by which the decoder will name
// it: ticks of the track's clock since the first unit, and shift more. The bytes
// are the feed's and good until the next call. A unit without a picture gives nil.
func (f *feed) fragment(u *media.AccessUnit, shift int64) (data []byte, pts int64) {
	if f.first {
		f.zero, f.last, f.first = u.DTS, -1, false
	}
	dts := max(u.DTS-f.zero, f.last+1)
	pts = max(u.PTS-f.zero, 0) + shift
	f.buf = f.buf[:0]
	f.seq++
	moof := f.open("moof")
	f.full("mfhd", 0, 0, func() { f.u32(f.seq) })
	traf := f.open("traf")
	f.full("tfhd", 0, 0x020000, func() { f.u32(1) }) // offsets count from the moof
	f.full("tfdt", 1, 0, func() { f.u64(uint64(dts)) })
	var sizes int
	// Data offset, and for the one sample its duration, size, flags and offset.
	f.full("trun", 1, 0x000f01, func() {
		f.u32(1)
		sizes = len(f.buf)
		f.u32(0)
		f.u32(1)
		f.u32(0)
		flags := uint32(0x01010000) // depends on others
		if u.Random {
			flags = 0x02000000
		}
		f.u32(flags)
		f.u32(uint32(int32(min(max(pts-dts, math.MinInt32), math.MaxInt32))))
	})
	f.close(traf)
	f.close(moof)
	mdat := f.open("mdat")
	at := len(f.buf)
	f.buf = u.AppendSample(f.buf)
	if len(f.buf) == at {
		return nil, 0
	}
	f.close(mdat)
	binary.BigEndian.PutUint32(f.buf[sizes:], uint32(at))
	binary.BigEndian.PutUint32(f.buf[sizes+8:], uint32(len(f.buf)-at))
	f.last = dts
	return f.buf, pts
}

// head returns ftyp and moov for the track.
func (f *feed) head() []byte {
	at := f.open("ftyp")
	f.str("isom")
	f.u32(0x200)
	f.str("isomiso6")
	f.close(at)
	moov := f.open("moov")
	f.full("mvhd", 0, 0, func() { f.zeros(8); f.u32(f.track.ClockRate); f.zeros(84) })
	trak := f.open("trak")
	f.full("tkhd", 0, 3, func() {
		f.zeros(8)
		f.u32(1)
		f.zeros(60)
		f.u32(uint32(f.track.Width) << 16)
		f.u32(uint32(f.track.Height) << 16)
	})
	mdia := f.open("mdia")
	f.full("mdhd", 0, 0, func() { f.zeros(8); f.u32(f.track.ClockRate); f.zeros(8) })
	f.full("hdlr", 0, 0, func() { f.u32(0); f.str("vide"); f.zeros(13) })
	minf := f.open("minf")
	f.full("vmhd", 0, 1, func() { f.zeros(8) })
	stbl := f.open("stbl")
	f.full("stsd", 0, 0, func() { f.u32(1); f.entry() })
	for _, name := range []string{"stts", "stsc", "stco"} {
		f.full(name, 0, 0, func() { f.u32(0) })
	}
	f.full("stsz", 0, 0, func() { f.zeros(8) })
	f.close(stbl)
	f.close(minf)
	f.close(mdia)
	f.close(trak)
	mvex := f.open("mvex")
	f.full("trex", 0, 0, func() { f.u32(1); f.u32(1); f.zeros(12) })
	f.close(mvex)
	f.close(moov)
	return append([]byte(nil), f.buf...)
}

// entry appends the sample entry with the parameter sets.
func (f *feed) entry() {
	name, config := "avc1", "avcC"
	if f.track.Codec == media.H265 {
		name, config = "hvc1", "hvcC"
	}
	at := f.open(name)
	f.zeros(6)
	f.u16(1)
	f.zeros(16)
	f.u16(uint16(f.track.Width))
	f.u16(uint16(f.track.Height))
	f.zeros(50)
	box := f.open(config)
	if sps := f.track.SPS; f.track.Codec == media.H264 {
		f.buf = append(f.buf, 1, sps[1], sps[2], sps[3], 0xff, 0xe1)
		f.set(sps)
		f.buf = append(f.buf, 1)
		f.set(f.track.PPS)
	} else {
		// Profile and level stay zero: the decoder takes them from the sets.
		f.buf = append(f.buf, 1)
		f.zeros(20)
		f.buf = append(f.buf, 0x0f, 3)
		for i, set := range [][]byte{f.track.VPS, f.track.SPS, f.track.PPS} {
			f.buf = append(f.buf, 0x80|byte(32+i), 0, 1)
			f.set(set)
		}
	}
	f.close(box)
	f.close(at)
}

func (f *feed) set(nal []byte) {
	f.u16(uint16(len(nal)))
	f.buf = append(f.buf, nal...)
}

// open begins a box; close gives it its size.
func (f *feed) open(name string) int {
	at := len(f.buf)
	f.u32(0)
	f.str(name)
	return at
}

func (f *feed) close(at int) { binary.BigEndian.PutUint32(f.buf[at:], uint32(len(f.buf)-at)) }

// full appends a box with version and flags, and what body appends.
func (f *feed) full(name string, version byte, flags uint32, body func()) {
	at := f.open(name)
	f.u32(uint32(version)<<24 | flags)
	body()
	f.close(at)
}

func (f *feed) str(s string) { f.buf = append(f.buf, s...) }
func (f *feed) u16(v uint16) { f.buf = binary.BigEndian.AppendUint16(f.buf, v) }
func (f *feed) u32(v uint32) { f.buf = binary.BigEndian.AppendUint32(f.buf, v) }
func (f *feed) u64(v uint64) { f.buf = binary.BigEndian.AppendUint64(f.buf, v) }
func (f *feed) zeros(n int)  { f.buf = append(f.buf, make([]byte, n)...) }
