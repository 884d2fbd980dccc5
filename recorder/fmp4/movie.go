package fmp4

import (
	"encoding/binary"
	"math"

	"vedette/recorder/media"
)

// MovieScale is the timescale of a Movie, in ticks per second: times of the
// movie as a whole, and edits, count in it.
const MovieScale = 90000

// Movie collects the tables of a progressive MP4 file, whose media follow it
// in one mdat. It is not for concurrent use. Tables are kept in the form they
// are written in, a few bytes a sample.
type Movie struct {
	tracks []*MovieTrack
}

// MovieTrack is one track of a Movie: samples are added in the order of
// their DTS, after the chunk they lie in was begun.
type MovieTrack struct {
	entries  []media.Track // sample descriptions; the first gives the track its clock
	stts     []byte        // count and duration, 32 bits each
	ctts     []byte        // count and offset, 32 bits each
	composed bool          // some offset is not zero
	stss     []byte        // numbers of random access points
	stsz     []byte        // sizes
	chunks   []movieChunk
	samples  uint32
	length   int64 // sum of durations, in ticks of the track

	editDelay, editFrom, editLength int64
	edited                          bool
}

type movieChunk struct {
	offset  int64 // from the beginning of the media
	samples uint32
	entry   uint32 // number of the sample description, from 1
}

// Track adds a track with t as its first sample description. It returns
// ErrUnsupported for a track that cannot be stored.
func (m *Movie) Track(t media.Track) (*MovieTrack, error) {
	if err := check(&t); err != nil {
		return nil, err
	}
	mt := &MovieTrack{entries: []media.Track{t}}
	m.tracks = append(m.tracks, mt)
	return mt, nil
}

// ClockRate returns the timescale of the track.
func (t *MovieTrack) ClockRate() uint32 { return t.entries[0].ClockRate }

// Describe returns the number of the sample description for d, for Chunk; it
// adds one if need be. It returns ErrUnsupported for a track that cannot be
// stored.
func (t *MovieTrack) Describe(d media.Track) (entry int, err error) {
	for i := range t.entries {
		if t.entries[i].SameParameters(d) {
			return i, nil
		}
	}
	if err := check(&d); err != nil {
		return 0, err
	}
	t.entries = append(t.entries, d)
	return len(t.entries) - 1, nil
}

// Chunk begins a chunk: the samples that follow lie one after the other from
// offset of the media on, and are described by entry.
func (t *MovieTrack) Chunk(offset int64, entry int) {
	t.chunks = append(t.chunks, movieChunk{offset: offset, entry: uint32(entry + 1)})
}

// Sample adds a sample to the chunk begun last. duration and composition are
// in ticks of the track.
func (t *MovieTrack) Sample(duration, composition int64, size int32, random bool) {
	duration = min(max(duration, 0), math.MaxInt32)
	composition = min(max(composition, math.MinInt32), math.MaxInt32)
	t.samples++
	t.chunks[len(t.chunks)-1].samples++
	t.length += duration
	t.stts = runLength(t.stts, uint32(duration))
	t.ctts = runLength(t.ctts, uint32(int32(composition)))
	t.composed = t.composed || composition != 0
	t.stsz = binary.BigEndian.AppendUint32(t.stsz, uint32(size))
	if random {
		t.stss = binary.BigEndian.AppendUint32(t.stss, t.samples)
	}
}

// runLength counts v in a table of counts and values.
func runLength(table []byte, v uint32) []byte {
	if n := len(table); n > 0 && binary.BigEndian.Uint32(table[n-4:]) == v {
		binary.BigEndian.PutUint32(table[n-8:], binary.BigEndian.Uint32(table[n-8:])+1)
		return table
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(table, 1), v)
}

// Samples returns how many samples the track has.
func (t *MovieTrack) Samples() int { return int(t.samples) }

// Edit has players show nothing of the track for delay, then the media from
// tick from of the track on, for length. delay and length are in ticks of
// MovieScale.
func (t *MovieTrack) Edit(delay, from, length int64) {
	t.editDelay, t.editFrom, t.editLength, t.edited = delay, from, length, true
}

// shown returns how long the track plays, in ticks of MovieScale.
func (t *MovieTrack) shown() int64 {
	if t.edited {
		return t.editDelay + t.editLength
	}
	return scale(t.length, MovieScale, int64(t.ClockRate()))
}

// Bytes returns everything in front of size bytes of media: ftyp, moov and
// the header of mdat. Tracks without samples are left out.
func (m *Movie) Bytes(size int64) []byte {
	room := 1024
	for _, t := range m.tracks {
		room += 2048*(1+len(t.entries)) + len(t.stts) + len(t.ctts) + len(t.stss) + len(t.stsz) + 20*len(t.chunks)
	}
	w := &boxes{make([]byte, 0, room)}
	w.ftyp("isom", "isomiso6mp41")
	moov := w.open("moov")
	var length int64
	for _, t := range m.tracks {
		length = max(length, t.shown())
	}
	w.mvhd(MovieScale, uint64(length), uint32(len(m.tracks)+1))
	var tables []offsets
	for i, t := range m.tracks {
		if t.samples > 0 {
			tables = append(tables, w.movieTrack(uint32(i+1), t))
		}
	}
	w.close(moov)
	w.u32(1) // the size follows in 64 bits
	w.str("mdat")
	w.u64(uint64(16 + size))
	for _, table := range tables {
		table.shift(w.b, uint64(len(w.b)))
	}
	return w.b
}

// offsets is where the offsets of a track's chunks were written.
type offsets struct{ at, n int }

func (o offsets) shift(b []byte, by uint64) {
	for i := range o.n {
		p := b[o.at+8*i:]
		binary.BigEndian.PutUint64(p, binary.BigEndian.Uint64(p)+by)
	}
}

func (w *boxes) movieTrack(id uint32, t *MovieTrack) offsets {
	trak := w.open("trak")
	w.tkhd(id, &t.entries[0], uint64(t.shown()))
	if t.edited {
		w.edits(t)
	}
	mdia := w.open("mdia")
	w.mdhd(t.ClockRate(), uint64(t.length))
	w.hdlr(t.entries[0].Codec)
	minf := w.open("minf")
	w.mediaHeader(t.entries[0].Codec)
	stbl := w.open("stbl")
	stsd := w.full("stsd", 0, 0)
	w.u32(uint32(len(t.entries)))
	for i := range t.entries {
		w.sampleEntry(&t.entries[i])
	}
	w.close(stsd)
	w.table("stts", 0, 8, t.stts)
	if t.composed {
		w.table("ctts", 1, 8, t.ctts)
	}
	if t.entries[0].Codec.IsVideo() && len(t.stss) < len(t.stsz) {
		w.table("stss", 0, 4, t.stss)
	}
	stsz := w.full("stsz", 0, 0)
	w.u32(0)
	w.u32(t.samples)
	w.bytes(t.stsz)
	w.close(stsz)
	table := w.chunkTables(t)
	w.close(stbl)
	w.close(minf)
	w.close(mdia)
	w.close(trak)
	return table
}

// table appends a box that counts its entries of size bytes.
func (w *boxes) table(typ string, version uint8, size int, entries []byte) {
	at := w.full(typ, version, 0)
	w.u32(uint32(len(entries) / size))
	w.bytes(entries)
	w.close(at)
}

func (w *boxes) edits(t *MovieTrack) {
	edts := w.open("edts")
	elst := w.full("elst", 1, 0)
	if t.editDelay > 0 {
		w.u32(2)
		w.u64(uint64(t.editDelay))
		w.u64(math.MaxUint64) // -1: nothing
		w.u32(0x10000)
	} else {
		w.u32(1)
	}
	w.u64(uint64(t.editLength))
	w.u64(uint64(t.editFrom))
	w.u32(0x10000) // rate 1.0
	w.close(elst)
	w.close(edts)
}

// chunkTables appends stsc and co64.
func (w *boxes) chunkTables(t *MovieTrack) offsets {
	stsc := w.full("stsc", 0, 0)
	count := len(w.b)
	w.u32(0)
	n := uint32(0)
	for i, c := range t.chunks {
		if i > 0 && c.samples == t.chunks[i-1].samples && c.entry == t.chunks[i-1].entry {
			continue
		}
		w.u32(uint32(i + 1))
		w.u32(c.samples)
		w.u32(c.entry)
		n++
	}
	binary.BigEndian.PutUint32(w.b[count:], n)
	w.close(stsc)
	co64 := w.full("co64", 0, 0)
	w.u32(uint32(len(t.chunks)))
	table := offsets{len(w.b), len(t.chunks)}
	for _, c := range t.chunks {
		w.u64(uint64(c.offset))
	}
	w.close(co64)
	return table
}
