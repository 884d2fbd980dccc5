package ingest

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"vedette/recorder/media"
)

// maxReorder bounds PTS − DTS, in ticks of 90 kHz: 5 s.
const maxReorder = 5 * 90000

// extractor is one of mediacommon's DTS extractors.
type extractor interface {
	Extract(au [][]byte, pts int64) (int64, error)
}

// decodeClock derives decoding times from presentation times and the picture
// order in slice headers. Where that fails, after lost packets or with
// unusual streams, it keeps the last known delay until the next key frame.
// What it returns always increases by at least one tick.
type decodeClock struct {
	codec media.Codec
	ex    extractor // nil: failed, until the next key frame
	delay int64     // PTS − DTS of the last key frame
	begun bool
	last  int64
}

// reset forgets the picture order, because pictures are missing.
func (d *decodeClock) reset() { d.ex = nil }

// next returns the DTS of a unit. sets are the parameter sets in force; heads
// the beginnings of its NAL units up to the first slice.
func (d *decodeClock) next(pts int64, random bool, sets, heads [][]byte) int64 {
	if d.ex == nil && random {
		d.ex = newExtractor(d.codec)
		var all [][]byte
		for _, set := range sets {
			if len(set) > 0 {
				all = append(all, set)
			}
		}
		heads = append(all, heads...)
	}
	dts := pts - d.delay
	if d.ex != nil {
		v, err := d.ex.Extract(heads, pts)
		if err != nil || pts-v > maxReorder {
			d.ex = nil
		} else {
			dts = v
			if random {
				d.delay = pts - v
			}
		}
	}
	if d.begun {
		dts = max(dts, d.last+1)
	}
	d.begun, d.last = true, dts
	return dts
}

func newExtractor(c media.Codec) extractor {
	if c == media.H265 {
		e := &h265.DTSExtractor{}
		e.Initialize()
		return e
	}
	e := &h264.DTSExtractor{}
	e.Initialize()
	return e
}
