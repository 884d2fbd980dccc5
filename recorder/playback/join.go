package playback

import (
	"encoding/binary"

	"vedette/recorder/fmp4"
	"vedette/recorder/media"
)

// joiner adds the samples of many segments to one track of a movie. A sample
// lasts until the next one, so the last is kept back until that is known.
type joiner struct {
	track *fmp4.MovieTrack
	kind  media.Codec
	entry int // sample description of the present segment
	// sets go in front of key frames once parameters have changed: not every
	// player looks at a second sample description.
	sets []byte

	any     bool
	inChunk bool
	first   int64 // DTS of the first sample on the clip's time line
	last    int64 // … of the one kept back
	until   int64 // where that one ends by its own account
	shown   int64 // where the last picture disappears
	waiting fmp4.Sample
}

func (j *joiner) codec() media.Codec { return j.kind }

// describe makes t the description of the samples to come.
func (j *joiner) describe(m *fmp4.Movie, t *media.Track) (err error) {
	if j.track == nil {
		if j.track, err = m.Track(*t); err != nil {
			return err
		}
		j.kind = t.Codec
	}
	if j.entry, err = j.track.Describe(*t); err != nil {
		return err
	}
	if t.Codec.IsVideo() && (j.entry > 0 || j.sets != nil) {
		j.sets = parameterSets(t)
	}
	return nil
}

// parameterSets returns the sets of t as NAL units with length prefixes.
func parameterSets(t *media.Track) (out []byte) {
	for _, nal := range [...][]byte{t.VPS, t.SPS, t.PPS} {
		if len(nal) > 0 {
			out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
			out = append(out, nal...)
		}
	}
	return out
}

// add takes a sample of a segment that begins at base. One that is not later
// than the one before is left out: add then answers false.
func (j *joiner) add(c *Clip, s fmp4.Sample, base int64) bool {
	dts := base + s.DTS
	if j.any && dts <= j.last {
		return false
	}
	if j.any {
		j.track.Sample(dts-j.last, j.waiting.PTS-j.waiting.DTS, j.waiting.Size, j.waiting.Random)
	} else {
		j.any, j.first = true, dts
	}
	if !j.inChunk {
		j.track.Chunk(c.media(), j.entry)
		j.inChunk = true
	}
	if s.Random && j.sets != nil {
		c.insert(j.sets)
	}
	c.append(s.Offset, int64(s.Size))
	if s.Random {
		s.Size += int32(len(j.sets))
	}
	j.waiting, j.last, j.until = s, dts, dts+s.Duration
	return true
}

// end says that what comes next lies elsewhere in the clip.
func (j *joiner) end() { j.inChunk = false }

// flush adds the sample kept back.
func (j *joiner) flush() {
	if j.any {
		j.track.Sample(j.waiting.Duration, j.waiting.PTS-j.waiting.DTS, j.waiting.Size, j.waiting.Random)
		j.any = false
	}
}
