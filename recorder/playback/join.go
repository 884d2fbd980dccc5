package playback

import (
	"vedette/recorder/fmp4"
	"vedette/recorder/media"
)

// joiner adds the samples of many segments to one track of a movie. A sample
// lasts until the next one, so the last is kept back until that is known.
type joiner struct {
	track *fmp4.MovieTrack
	kind  media.Codec
	entry int // sample description of the present segment

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
	j.entry, err = j.track.Describe(*t)
	return err
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
	if at := c.append(s.Offset, int64(s.Size)); !j.inChunk {
		j.track.Chunk(at, j.entry)
		j.inChunk = true
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
