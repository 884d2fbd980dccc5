package simcam

import (
	"bytes"
	_ "embed" // the clip
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
)

// Shape of the built-in clip; clip/generate.sh makes it so.
const (
	FrameRate  = 25   // pictures a second
	ClipFrames = 1500 // pictures: 60 s
	GOP        = 50   // pictures from key frame to key frame

	audioSkip  = 750 // AAC frames to leave out: the coder has settled after 16 s
	audioLoop  = 750 // AAC frames in the loop: exactly 16 s at 48 kHz
	maxPayload = 1450
)

//go:embed clip/clip.h264
var builtinVideo []byte

//go:embed clip/clip.aac
var builtinAudio []byte

// clip is a looping piece of footage as RTP payloads. It is immutable and
// shared by all streams.
type clip struct {
	builtin bool
	video   *loop
	audio   *loop // nil: silent
}

// loop is one track of a clip: frames of equal duration.
type loop struct {
	format func() format.Format // a new description; gortsplib wants one per stream
	kind   description.MediaType
	rate   int64      // ticks a second
	ticks  int64      // duration of a frame
	frames [][][]byte // RTP payloads of each frame
	marker bool       // set the marker on the last packet of a frame only (video), else on all
}

func loadClip(path string) (*clip, error) {
	if path == "" {
		return builtinClip()
	}
	var c *clip
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".mp4", ".m4v", ".mov":
		c, err = loadMP4(path)
	default:
		c, err = loadAnnexB(path)
	}
	if err != nil {
		return nil, fmt.Errorf("load clip %s: %w", path, err)
	}
	return c, nil
}

func builtinClip() (*clip, error) {
	video, err := h264Loop(builtinVideo)
	if err != nil {
		return nil, fmt.Errorf("built-in clip: %w", err)
	}
	if n := len(video.frames); n != ClipFrames {
		return nil, fmt.Errorf("built-in clip has %d pictures, want %d", n, ClipFrames)
	}
	var adts mpeg4audio.ADTSPackets
	if err := adts.Unmarshal(builtinAudio); err != nil {
		return nil, fmt.Errorf("built-in sound: %w", err)
	}
	if len(adts) < audioSkip+audioLoop {
		return nil, fmt.Errorf("built-in sound has %d frames, want %d", len(adts), audioSkip+audioLoop)
	}
	var frames [][]byte
	// One frame of coder delay comes first.
	for _, p := range adts[1+audioSkip:][:audioLoop] {
		frames = append(frames, p.AU)
	}
	audio := aacLoop(mpeg4audio.AudioSpecificConfig{
		Type: adts[0].Type, SampleRate: adts[0].SampleRate, ChannelConfig: adts[0].ChannelConfig,
	}, frames)
	return &clip{builtin: true, video: video, audio: audio}, nil
}

func loadAnnexB(path string) (*clip, error) {
	buf, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	video, err := h264Loop(buf)
	if err != nil {
		return nil, err
	}
	return &clip{video: video}, nil
}

// h264Loop packs an elementary stream whose access units begin with a
// delimiter.
func h264Loop(stream []byte) (*loop, error) {
	delimiter := []byte{0, 0, 0, 1, byte(h264.NALUTypeAccessUnitDelimiter)}
	var units [][][]byte
	var sps, pps []byte
	for len(stream) > 0 {
		end := len(stream)
		if i := bytes.Index(stream[1:], delimiter); i >= 0 {
			end = i + 1
		}
		var au h264.AnnexB
		if err := au.Unmarshal(stream[:end]); err != nil {
			return nil, fmt.Errorf("picture %d: %w", len(units), err)
		}
		stream = stream[end:]
		var nals [][]byte
		for _, n := range au {
			switch h264.NALUType(n[0] & 0x1f) {
			case h264.NALUTypeSPS:
				sps = n
			case h264.NALUTypePPS:
				pps = n
			case h264.NALUTypeAccessUnitDelimiter:
				continue
			}
			nals = append(nals, n)
		}
		if len(nals) > 0 {
			units = append(units, nals)
		}
	}
	return videoLoop(units, 90000/FrameRate, sps, pps)
}

func videoLoop(units [][][]byte, ticks int64, sps, pps []byte) (*loop, error) {
	if len(units) == 0 || sps == nil || pps == nil {
		return nil, errors.New("no H.264 pictures with parameter sets in it")
	}
	enc := &rtph264.Encoder{PayloadType: videoType, PacketizationMode: 1, PayloadMaxSize: maxPayload}
	if err := enc.Init(); err != nil {
		return nil, err
	}
	l := &loop{kind: description.MediaTypeVideo, rate: 90000, ticks: ticks, marker: true, format: func() format.Format {
		return &format.H264{PayloadTyp: videoType, PacketizationMode: 1, SPS: sps, PPS: pps}
	}}
	for i, au := range units {
		pkts, err := enc.Encode(au)
		if err != nil {
			return nil, fmt.Errorf("packetize picture %d: %w", i, err)
		}
		var frame [][]byte
		for _, p := range pkts {
			frame = append(frame, p.Payload)
		}
		l.frames = append(l.frames, frame)
	}
	return l, nil
}

func h265Loop(units [][][]byte, ticks int64, c *codecs.H265) (*loop, error) {
	enc := &rtph265.Encoder{PayloadType: videoType, PayloadMaxSize: maxPayload}
	if err := enc.Init(); err != nil {
		return nil, err
	}
	l := &loop{kind: description.MediaTypeVideo, rate: 90000, ticks: ticks, marker: true, format: func() format.Format {
		return &format.H265{PayloadTyp: videoType, VPS: c.VPS, SPS: c.SPS, PPS: c.PPS}
	}}
	for i, au := range units {
		pkts, err := enc.Encode(au)
		if err != nil {
			return nil, fmt.Errorf("packetize picture %d: %w", i, err)
		}
		var frame [][]byte
		for _, p := range pkts {
			frame = append(frame, p.Payload)
		}
		l.frames = append(l.frames, frame)
	}
	return l, nil
}

// aacLoop packs raw AAC frames, one a packet (RFC 3640, AAC-hbr).
func aacLoop(config mpeg4audio.AudioSpecificConfig, units [][]byte) *loop {
	l := &loop{kind: description.MediaTypeAudio, rate: int64(config.SampleRate), ticks: mpeg4audio.SamplesPerAccessUnit, format: func() format.Format {
		c := config
		return &format.MPEG4Audio{PayloadTyp: audioType, Config: &c, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
	}}
	for _, au := range units {
		n := len(au) << 3
		payload := append([]byte{0, 16, byte(n >> 8), byte(n)}, au...)
		l.frames = append(l.frames, [][]byte{payload})
	}
	return l
}

func loadMP4(path string) (*clip, error) {
	buf, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var p pmp4.Presentation
	if err := p.Unmarshal(bytes.NewReader(buf)); err != nil {
		return nil, err
	}
	c := &clip{}
	for _, t := range p.Tracks {
		if len(t.Samples) == 0 {
			continue
		}
		switch codec := t.Codec.(type) {
		case *codecs.H264:
			c.video, err = mp4Video(t, func(units [][][]byte, ticks int64) (*loop, error) {
				return videoLoop(inband(units, t, codec.SPS, codec.PPS), ticks, codec.SPS, codec.PPS)
			})
		case *codecs.H265:
			c.video, err = mp4Video(t, func(units [][][]byte, ticks int64) (*loop, error) {
				return h265Loop(inband(units, t, codec.VPS, codec.SPS, codec.PPS), ticks, codec)
			})
		case *codecs.MPEG4Audio:
			var units [][]byte
			if units, err = payloads(t); err == nil {
				c.audio = aacLoop(codec.Config, units)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if c.video == nil {
		return nil, errors.New("no H.264 or H.265 track in it")
	}
	return c, nil
}

func mp4Video(t *pmp4.Track, pack func(units [][][]byte, ticks int64) (*loop, error)) (*loop, error) {
	samples, err := payloads(t)
	if err != nil {
		return nil, err
	}
	var units [][][]byte
	for i, s := range samples {
		var au h264.AVCC
		if err := au.Unmarshal(s); err != nil {
			return nil, fmt.Errorf("picture %d: %w", i, err)
		}
		units = append(units, au)
	}
	var total int64
	for _, s := range t.Samples {
		total += int64(s.Duration)
		if s.PTSOffset != t.Samples[0].PTSOffset {
			return nil, errors.New("pictures are reordered (B-frames): encode with -bf 0")
		}
	}
	return pack(units, total*90000/int64(t.TimeScale)/int64(len(t.Samples)))
}

// inband puts the parameter sets in front of every key frame.
func inband(units [][][]byte, t *pmp4.Track, sets ...[]byte) [][][]byte {
	for i := range units {
		if !t.Samples[i].IsNonSyncSample {
			units[i] = append(append([][]byte(nil), sets...), units[i]...)
		}
	}
	return units
}

func payloads(t *pmp4.Track) ([][]byte, error) {
	var out [][]byte
	for i, s := range t.Samples {
		p, err := s.GetPayload()
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		out = append(out, p)
	}
	return out, nil
}
