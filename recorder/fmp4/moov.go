package fmp4

import "vedette/recorder/media"

func (w *boxes) ftyp(major, compatible string) {
	at := w.open("ftyp")
	w.str(major)
	w.u32(0)
	w.str(compatible)
	w.close(at)
}

// mvhd describes the movie; duration is in ticks of timescale.
func (w *boxes) mvhd(timescale uint32, duration uint64, nextTrack uint32) {
	at := w.full("mvhd", 1, 0)
	w.zero(16) // creation and modification: files are dated by their names
	w.u32(timescale)
	w.u64(duration)
	w.u32(0x10000) // rate 1.0
	w.u16(0x100)   // volume 1.0
	w.zero(10)
	w.matrix()
	w.zero(24)
	w.u32(nextTrack)
	w.close(at)
}

// tkhd describes a track; duration is in ticks of the movie's timescale.
func (w *boxes) tkhd(id uint32, t *media.Track, duration uint64) {
	at := w.full("tkhd", 1, 3) // enabled, in movie
	w.zero(16)
	w.u32(id)
	w.u32(0)
	w.u64(duration)
	w.zero(12) // reserved, layer, alternate group
	if t.Codec.IsVideo() {
		w.u32(0)
	} else {
		w.u32(0x1000000) // volume 1.0
	}
	w.matrix()
	w.u32(uint32(t.Width) << 16)
	w.u32(uint32(t.Height) << 16)
	w.close(at)
}

// mdhd gives the track its clock; duration is in ticks of it.
func (w *boxes) mdhd(rate uint32, duration uint64) {
	at := w.full("mdhd", 1, 0)
	w.zero(16)
	w.u32(rate)
	w.u64(duration)
	w.u16(0x55c4) // language: undetermined
	w.u16(0)
	w.close(at)
}

func (w *boxes) hdlr(c media.Codec) {
	at := w.full("hdlr", 0, 0)
	w.u32(0)
	if c.IsVideo() {
		w.str("vide")
	} else {
		w.str("soun")
	}
	w.zero(12)
	w.str("vedette\x00")
	w.close(at)
}

// mediaHeader appends vmhd or smhd, and dinf with the one data reference:
// this file.
func (w *boxes) mediaHeader(c media.Codec) {
	if c.IsVideo() {
		at := w.full("vmhd", 0, 1)
		w.zero(8)
		w.close(at)
	} else {
		at := w.full("smhd", 0, 0)
		w.zero(4)
		w.close(at)
	}
	dinf := w.open("dinf")
	dref := w.full("dref", 0, 0)
	w.u32(1)
	w.close(w.full("url ", 0, 1))
	w.close(dref)
	w.close(dinf)
}

// emptyTrack appends the trak of a fragmented file: sample tables are empty,
// the samples are in moof boxes.
func (w *boxes) emptyTrack(id uint32, t *media.Track) {
	trak := w.open("trak")
	w.tkhd(id, t, 0)
	mdia := w.open("mdia")
	w.mdhd(t.ClockRate, 0)
	w.hdlr(t.Codec)
	minf := w.open("minf")
	w.mediaHeader(t.Codec)
	stbl := w.open("stbl")
	stsd := w.full("stsd", 0, 0)
	w.u32(1)
	w.sampleEntry(t)
	w.close(stsd)
	for _, typ := range [...]string{"stts", "stsc", "stco"} {
		at := w.full(typ, 0, 0)
		w.u32(0)
		w.close(at)
	}
	at := w.full("stsz", 0, 0)
	w.zero(8)
	w.close(at)
	w.close(stbl)
	w.close(minf)
	w.close(mdia)
	w.close(trak)
}

// mvex announces fragments for tracks 1 to n.
func (w *boxes) mvex(n int) {
	mvex := w.open("mvex")
	for i := range n {
		at := w.full("trex", 0, 0)
		w.u32(uint32(i + 1))
		w.u32(1) // sample description
		w.zero(12)
		w.close(at)
	}
	w.close(mvex)
}
