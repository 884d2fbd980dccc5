// Package media owns the vocabulary of the recorder: codecs, tracks, runs and
// access units. It does no I/O, imports the standard library alone, and is
// the one package of the recorder that everybody may import.
package media

import (
	"bytes"
	"fmt"
	"time"
)

// Codec names the coding of one track.
type Codec uint8

// The codecs that Vedette records. The zero Codec is "not known".
const (
	H264 Codec = 1 + iota // ITU-T H.264, RTP payload by RFC 6184
	H265                  // ITU-T H.265, RTP payload by RFC 7798
	AAC                   // MPEG-4 AAC, raw frames without ADTS
	PCMU                  // G.711 µ-law, 8 bits a sample
	PCMA                  // G.711 A-law, 8 bits a sample
	Opus                  // RFC 6716 packets
)

// String returns the name the API uses: "h264", "h265", "aac", "pcmu",
// "pcma", "opus", or "unknown".
func (c Codec) String() string {
	switch c {
	case H264:
		return "h264"
	case H265:
		return "h265"
	case AAC:
		return "aac"
	case PCMU:
		return "pcmu"
	case PCMA:
		return "pcma"
	case Opus:
		return "opus"
	}
	return "unknown"
}

// IsVideo reports whether c codes pictures.
func (c Codec) IsVideo() bool { return c == H264 || c == H265 }

// StreamName tells the streams of one camera apart.
type StreamName string

// Cameras have a main stream, which is recorded, and may have a smaller one.
const (
	Main StreamName = "main"
	Sub  StreamName = "sub"
)

// Track describes one elementary stream of a run. Tracks are immutable once
// published.
type Track struct {
	Codec     Codec
	ClockRate uint32 // ticks per second: the RTP clock, and the MP4 timescale

	// Video only. Parameter sets are whole NAL units without start code or
	// length prefix; VPS is empty for H.264.
	Width, Height int     // pixels, after cropping
	FrameRate     float64 // per second as the parameter sets say; 0 = they do not
	VPS, SPS, PPS []byte

	// Audio only.
	SampleRate int // per second
	Channels   int
	Config     []byte // AAC: AudioSpecificConfig (ISO 14496-3, 1.6.2.1)
}

// SameParameters reports whether footage of t and o can stand in one file:
// codec, clock, parameter sets and audio configuration are equal.
func (t Track) SameParameters(o Track) bool {
	return t.Codec == o.Codec && t.ClockRate == o.ClockRate &&
		bytes.Equal(t.VPS, o.VPS) && bytes.Equal(t.SPS, o.SPS) && bytes.Equal(t.PPS, o.PPS) &&
		t.SampleRate == o.SampleRate && t.Channels == o.Channels && bytes.Equal(t.Config, o.Config)
}

// Ticks converts d to ticks of t's clock.
func (t Track) Ticks(d time.Duration) int64 {
	return int64(d/time.Second)*int64(t.ClockRate) + int64(d%time.Second)*int64(t.ClockRate)/int64(time.Second)
}

// Duration converts ticks of t's clock to a duration.
func (t Track) Duration(ticks int64) time.Duration {
	if t.ClockRate == 0 {
		return 0
	}
	r := int64(t.ClockRate)
	return time.Duration(ticks/r)*time.Second + time.Duration(ticks%r)*time.Second/time.Duration(r)
}

// Run is a stretch of one stream with one set of parameters and one clock
// mapping: it begins with an RTSP session, with a change of parameters inside
// one, or when the wall clock steps. A Run is immutable; access units of the
// same run share the pointer, so readers compare pointers to see a new run.
type Run struct {
	ID      uint64 // unique on this box: start of the run in UTC µs, made unique
	Camera  string
	Stream  StreamName
	Tracks  []Track
	Trusted bool     // the wall clock was trusted when the run began
	BootID  [16]byte // the kernel's boot id
	Mono    int64    // µs since boot when the run began
	Wall    int64    // UTC µs that the wall clock showed then; ID may differ where that clock ran backwards
}

// Video returns the index of the first video track, or -1.
func (r *Run) Video() int {
	for i := range r.Tracks {
		if r.Tracks[i].Codec.IsVideo() {
			return i
		}
	}
	return -1
}

// Audio returns the index of the first audio track, or -1.
func (r *Run) Audio() int {
	for i := range r.Tracks {
		if !r.Tracks[i].Codec.IsVideo() {
			return i
		}
	}
	return -1
}

// String names the run for log lines.
func (r *Run) String() string { return fmt.Sprintf("%s/%s run %d", r.Camera, r.Stream, r.ID) }

// AccessUnit is one picture with everything that belongs to it, or one audio
// frame. It is immutable from the moment it is published: readers share its
// bytes and must not write to them.
type AccessUnit struct {
	Run   *Run
	Track int // index into Run.Tracks

	// PTS and DTS count ticks of the track's clock from an origin that all
	// tracks of the session share; they continue across a parameter change.
	PTS, DTS int64

	Wall     int64     // UTC µs of DTS by the run's clock mapping
	Received time.Time // when its last packet came, with monotonic reading

	Random bool // decoding can start here: IDR (H.264), IRAP (H.265), any audio frame
	Lossy  bool // packets before or in this unit were lost: shows damage until the next Random video unit

	// Payloads holds video as the RTP payloads it came in (RFC 6184, RFC
	// 7798), and audio as exactly one element: the raw frame.
	Payloads [][]byte
	// Size is the length in bytes of the unit as an MP4 sample: what
	// AppendSample appends.
	Size int
	// Memory is about how many bytes of memory the unit keeps: what its packets
	// and its own records take, which in a flood of tiny packets is many times its
	// Size. 0 means Size.
	Memory int
}

// Footprint returns about how many bytes of memory u keeps alive.
func (u *AccessUnit) Footprint() int { return max(u.Memory, u.Size) }

// What a unit, and each payload of it, takes in memory beside its bytes.
const (
	UnitOverhead    = 256
	PayloadOverhead = 64
)

// Duration returns the wall-clock distance from u to v in media time; both
// must belong to the same track.
func (u *AccessUnit) Duration(v *AccessUnit) time.Duration {
	return u.Run.Tracks[u.Track].Duration(v.DTS - u.DTS)
}
