package sampler

import (
	"time"

	"vedette/recorder/media"
)

// Whether key frames are enough: how far apart they may be, in periods of the
// granted rate. Between the two, what is stays.
const (
	keysEnough = 1.05
	keysFew    = 1.3
	keysAlike  = 3 // distances in a row before key frames alone do
)

// slowFPS is the rate up to which decoding begins with key frames alone, before
// anybody knows how far apart they are.
const slowFPS = 1

// pace watches the key frames of a run and says whether they are enough for the
// granted rate: then nothing between them is decoded.
type pace struct {
	fps  float64 // granted
	only bool    // key frames have to do, whatever their distance

	last     int64 // PTS of the last key frame
	keys     int   // seen
	near     int   // distances in a row that were small enough
	between  time.Duration
	decided  bool
	enough   bool
	reorders bool // pictures come in another order than they are shown
}

// see takes a video unit into account.
func (p *pace) see(u *media.AccessUnit) {
	p.reorders = p.reorders || u.PTS != u.DTS
	if !u.Random {
		if !p.decided && p.keys > 0 && u.Run.Tracks[u.Track].Duration(u.PTS-p.last).Seconds()*p.fps > keysFew {
			p.decided = true // the next key frame is late already
		}
		return
	}
	if p.keys++; p.keys > 1 {
		p.between = u.Run.Tracks[u.Track].Duration(u.PTS - p.last)
		switch periods := p.between.Seconds() * p.fps; {
		case periods > keysFew:
			p.near, p.enough, p.decided = 0, false, true
		case periods > keysEnough:
			p.near = 0
		default:
			if p.near++; p.near >= keysAlike {
				p.enough, p.decided = true, true
			}
		}
	}
	p.last = u.PTS
}

// keysDo reports whether key frames alone are to be decoded.
func (p *pace) keysDo() bool {
	return p.only || p.decided && p.enough || !p.decided && p.fps <= slowFPS
}
