package ingest

import (
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"vedette/recorder/media"
)

// source is one medium of the camera that is to be received.
type source struct {
	media *description.Media
	forma format.Format
	track media.Track // as the SDP tells; parameter sets may be missing
	audio unpacker    // nil for video
}

// unpacker takes audio frames out of an RTP packet. ticks is the duration of
// a frame where one packet may carry several, else 0.
type unpacker func(p *rtp.Packet) (frames [][]byte, ticks int64)

// choose picks the first video track that can be recorded and, if wanted, the
// first such audio track. Audio of an unknown kind is left out silently: its
// name is returned for the log.
func choose(desc *description.Session, wantAudio bool) (video, audio *source, unknown string, f *Failure) {
	var refused string
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			s, why := newSource(m, f)
			switch {
			case s == nil && m.Type == description.MediaTypeVideo && refused == "":
				refused = why
			case s == nil && m.Type == description.MediaTypeAudio && unknown == "":
				unknown = codecName(f)
			case s == nil:
			case s.track.Codec.IsVideo() && video == nil:
				video = s
			case !s.track.Codec.IsVideo() && audio == nil && wantAudio:
				audio = s
			}
		}
	}
	switch {
	case video != nil:
		return video, audio, unknown, nil
	case refused != "":
		return nil, nil, "", &Failure{Code: CodeUnsupported, Reason: refused}
	}
	return nil, nil, "", &Failure{Code: CodeNoVideo, Reason: "the camera offers no video on this stream"}
}

// newSource describes f, or says why it cannot be recorded.
func newSource(m *description.Media, f format.Format) (*source, string) {
	s := &source{media: m, forma: f}
	switch f := f.(type) {
	case *format.H264:
		if f.PacketizationMode == 2 {
			return nil, "the camera sends interleaved H.264 packets, which Vedette does not record: choose packetization mode 0 or 1 in the camera"
		}
		s.track = videoTrack(media.H264, nil, f.SPS, f.PPS)
	case *format.H265:
		if f.MaxDONDiff != 0 {
			return nil, "the camera sends interleaved H.265 packets, which Vedette does not record: switch off interleaving in the camera"
		}
		s.track = videoTrack(media.H265, f.VPS, f.SPS, f.PPS)
	case *format.MPEG4Audio:
		s.track, s.audio = aacSource(f)
	case *format.MPEG4AudioLATM:
		s.track, s.audio = latmSource(f)
	case *format.G711:
		codec := media.PCMA
		if f.MULaw {
			codec = media.PCMU
		}
		s.track = media.Track{Codec: codec, ClockRate: uint32(f.ClockRate()), SampleRate: f.SampleRate, Channels: f.ChannelCount}
		s.audio = wholePacket
	case *format.Opus:
		s.track = media.Track{Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: f.ChannelCount}
		s.audio = wholePacket
	}
	if s.track.Codec == 0 || s.track.ClockRate == 0 {
		return nil, refusal(f)
	}
	return s, ""
}

func refusal(f format.Format) string {
	return fmt.Sprintf("the camera sends %s, which Vedette does not record: choose H.264 or H.265 in the camera", codecName(f))
}

// codecName names a codec that is not recorded, for people.
func codecName(f format.Format) string {
	switch f := f.(type) {
	case *format.MJPEG:
		return "MJPEG"
	case *format.MPEG4Video:
		return "MPEG-4 video"
	case *format.MPEG1Video:
		return "MPEG-1 video"
	case *format.Generic:
		name := printable(strings.SplitN(f.RTPMap(), "/", 2)[0])
		if name == "" {
			return "a codec that it does not name"
		}
		return "a codec named " + strings.ToUpper(name)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", f), "*format.")
}

// printable keeps what is harmless in a log line or a page, and not much of it.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= ' ' && r < 127 && b.Len() < 40 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func wholePacket(p *rtp.Packet) ([][]byte, int64) {
	if len(p.Payload) == 0 {
		return nil, 0
	}
	return [][]byte{p.Payload}, 0
}

func aacTrack(c *mpeg4audio.AudioSpecificConfig, clock int) (media.Track, int64) {
	config, err := c.Marshal()
	if err != nil {
		return media.Track{}, 0
	}
	t := media.Track{Codec: media.AAC, ClockRate: uint32(clock), SampleRate: c.SampleRate, Channels: int(c.ChannelConfig), Config: config}
	if c.ChannelConfig == 7 {
		t.Channels = 8 // 7.1; 0 stays: the frames tell
	}
	ticks := int64(mpeg4audio.SamplesPerAccessUnit)
	if c.SampleRate > 0 {
		ticks = ticks * int64(clock) / int64(c.SampleRate)
	}
	return t, ticks
}

func aacSource(f *format.MPEG4Audio) (media.Track, unpacker) {
	dec, err := f.CreateDecoder()
	if err != nil || f.Config == nil {
		return media.Track{}, nil
	}
	t, ticks := aacTrack(f.Config, f.ClockRate())
	return t, func(p *rtp.Packet) ([][]byte, int64) {
		aus, err := dec.Decode(p)
		if err != nil { // more packets needed, or damaged
			return nil, 0
		}
		return aus, ticks
	}
}

// latmSource handles RFC 3016 with the configuration in the SDP, one program,
// one layer and frames of explicit length. GStreamer 1.22 announces frames of
// another kind than it sends: such sound is left out.
func latmSource(f *format.MPEG4AudioLATM) (media.Track, unpacker) {
	dec, err := f.CreateDecoder()
	if err != nil || f.CPresent || f.StreamMuxConfig == nil || len(f.StreamMuxConfig.Programs) != 1 || len(f.StreamMuxConfig.Programs[0].Layers) != 1 {
		return media.Track{}, nil
	}
	layer := f.StreamMuxConfig.Programs[0].Layers[0]
	if layer.AudioSpecificConfig == nil || layer.FrameLengthType != 0 {
		return media.Track{}, nil
	}
	t, ticks := aacTrack(layer.AudioSpecificConfig, f.ClockRate())
	return t, func(p *rtp.Packet) ([][]byte, int64) {
		frame, err := dec.Decode(p)
		if err != nil {
			return nil, 0
		}
		el := mpeg4audio.AudioMuxElement{StreamMuxConfig: f.StreamMuxConfig}
		if el.Unmarshal(frame) != nil {
			return nil, 0
		}
		var out [][]byte
		for _, sub := range el.Payloads {
			if len(sub) == 1 && len(sub[0]) == 1 {
				out = append(out, sub[0][0])
			}
		}
		return out, ticks
	}
}

// videoTrack describes a video track; sets that cannot be parsed leave the
// size at zero.
func videoTrack(c media.Codec, vps, sps, pps []byte) media.Track {
	t := media.Track{Codec: c, ClockRate: 90000, VPS: vps, SPS: sps, PPS: pps}
	var fps float64
	if c == media.H265 {
		var s h265.SPS
		if s.Unmarshal(sps) == nil {
			t.Width, t.Height, fps = s.Width(), s.Height(), s.FPS()
		}
	} else {
		var s h264.SPS
		if s.Unmarshal(sps) == nil {
			t.Width, t.Height, fps = s.Width(), s.Height(), s.FPS()
		}
	}
	if t.Width <= 0 || t.Height <= 0 || t.Width > 1<<15 || t.Height > 1<<15 {
		t.Width, t.Height = 0, 0
	}
	if fps > 0 && fps <= 1000 {
		t.FrameRate = fps
	}
	return t
}

// complete reports whether a decoder can be set up for t.
func complete(t media.Track) bool {
	return t.Width > 0 && len(t.SPS) > 0 && len(t.PPS) > 0 && (t.Codec != media.H265 || len(t.VPS) > 0)
}
