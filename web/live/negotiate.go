package live

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"

	"vedette/recorder/media"
)

// maxSDP bounds an offer, in bytes; browsers send about 8 KiB.
const maxSDP = 64 << 10

// format of a browser's offer that can carry one of our codecs.
type offered struct {
	codec   media.Codec
	payload uint8
	fmtp    string
}

// parseOffer returns what the viewer can receive: video formats first to
// last, then audio. It refuses what is no offer to receive video.
func parseOffer(text string) (video, audio []offered, err error) {
	if len(text) > maxSDP {
		return nil, nil, fmt.Errorf("offer of %d bytes, more than %d", len(text), maxSDP)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, nil, fmt.Errorf("parse offer: %w", err)
	}
	if len(d.MediaDescriptions) > 8 {
		return nil, nil, fmt.Errorf("offer with %d media", len(d.MediaDescriptions))
	}
	seen := false
	for _, m := range d.MediaDescriptions {
		if _, sends := m.Attribute("sendonly"); sends {
			continue
		}
		if _, off := m.Attribute("inactive"); off {
			continue
		}
		switch m.MediaName.Media {
		case "video":
			seen = true
			video = append(video, formatsOf(m)...)
		case "audio":
			audio = append(audio, formatsOf(m)...)
		}
	}
	if !seen {
		return nil, nil, errors.New("offer asks for no video")
	}
	return video, audio, nil
}

func formatsOf(m *sdp.MediaDescription) []offered {
	var out []offered
	fmtp := map[string]string{}
	for _, a := range m.Attributes {
		if pt, line, ok := strings.Cut(a.Value, " "); ok && a.Key == "fmtp" {
			fmtp[pt] = line
		}
	}
	for _, a := range m.Attributes {
		pt, mapping, ok := strings.Cut(a.Value, " ")
		if a.Key != "rtpmap" || !ok {
			continue
		}
		n, err := strconv.ParseUint(pt, 10, 7)
		if err != nil {
			continue
		}
		f := offered{payload: uint8(n), fmtp: fmtp[pt]}
		switch strings.ToLower(mapping) {
		case "h264/90000":
			f.codec = media.H264
		case "h265/90000":
			f.codec = media.H265
		case "pcmu/8000", "pcmu/8000/1":
			f.codec = media.PCMU
		case "pcma/8000", "pcma/8000/1":
			f.codec = media.PCMA
		case "opus/48000/2":
			f.codec = media.Opus
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// parameter returns the value of name in an fmtp line, or "".
func parameter(line, name string) string {
	for p := range strings.SplitSeq(line, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// choose returns the offered format that fits the track best. For H.264 that
// is the one with the stream's own profile; a browser that does not name it
// gets the nearest, because decoders do more than their owners promise.
func choose(t *media.Track, formats []offered) (offered, bool) {
	best, score := offered{}, 0
	for _, f := range formats {
		if f.codec != t.Codec {
			continue
		}
		n := 1
		if f.codec == media.H264 {
			n = rank(t.SPS, f.fmtp)
		}
		if n > score {
			best, score = f, n
		}
	}
	return best, score > 0
}

// rank says how well an offered H.264 format suits a stream with that SPS; 0
// is not at all.
func rank(sps []byte, fmtp string) int {
	if parameter(fmtp, "packetization-mode") != "1" {
		return 0 // fragments need mode 1
	}
	offer, err := hex.DecodeString(parameter(fmtp, "profile-level-id"))
	if err != nil || len(offer) != 3 || len(sps) < 4 {
		return 1
	}
	// RFC 6184, 8.1: profile_idc, constraint flags, level_idc. Flag 1 (0x40)
	// tells constrained baseline from baseline.
	switch profile := sps[1]; {
	case offer[0] == profile && (offer[1]^sps[2])&0x40 == 0:
		return 5
	case offer[0] == profile:
		return 4
	case offer[0] > profile:
		return 3
	case offer[1]&0x40 == 0:
		return 2
	}
	return 1
}

// plan is what a session will carry.
type plan struct {
	stream media.StreamName
	video  offered
	audio  *offered
	note   string // why there is no sound, or ""
}

// plan finds the stream to send: the one asked for, or the other when the
// viewer cannot show that one.
func (s *Server) plan(ctx context.Context, camera string, want media.StreamName, video, audio []offered) (plan, error) {
	if !s.o.Source.HasStream(camera, media.Main) {
		return plan{}, refuse(CameraUnknown, "there is no such camera", nil)
	}
	if want == "" || !s.o.Source.HasStream(camera, want) {
		want = media.Main
	}
	other := media.Sub
	if want == media.Sub {
		other = media.Main
	}
	var unsupported error
	for _, stream := range []media.StreamName{want, other} {
		if !s.o.Source.HasStream(camera, stream) {
			continue
		}
		p, err := s.planStream(ctx, camera, stream, video, audio)
		if err == nil {
			return p, nil
		}
		var e *Error
		if unsupported == nil {
			unsupported = err
		}
		if !errors.As(err, &e) || e.Code != CodecUnsupported {
			break
		}
	}
	return plan{}, unsupported
}

func (s *Server) planStream(ctx context.Context, camera string, stream media.StreamName, video, audio []offered) (plan, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.OfflineAfter)
	defer cancel()
	run, err := s.o.Source.Run(ctx, camera, stream)
	if err != nil || run == nil {
		return plan{}, refuse(CameraOffline, "the camera sends nothing at the moment", err)
	}
	v := run.Video()
	if v < 0 {
		return plan{}, refuse(CodecUnsupported, "the camera sends no video", nil)
	}
	p := plan{stream: stream}
	var ok bool
	if p.video, ok = choose(&run.Tracks[v], video); !ok {
		return plan{}, refuse(CodecUnsupported, "this browser cannot show "+title(run.Tracks[v].Codec)+" live", nil)
	}
	a := run.Audio()
	if a < 0 {
		return p, nil
	}
	if !sendable(&run.Tracks[a]) {
		p.note = title(run.Tracks[a].Codec) + " sound cannot be sent live"
		return p, nil
	}
	if f, ok := choose(&run.Tracks[a], audio); ok {
		p.audio = &f
	} else if len(audio) > 0 {
		p.note = "this browser cannot play " + title(run.Tracks[a].Codec) + " live"
	}
	return p, nil
}

// title is how people write the codec.
func title(c media.Codec) string {
	switch c {
	case media.H264:
		return "H.264"
	case media.H265:
		return "H.265"
	case media.Opus:
		return "Opus"
	case media.AAC:
		return "AAC"
	case media.PCMU, media.PCMA:
		return "G.711"
	}
	return "this format"
}

// parameters returns f as the media engine takes it: payload type and format
// line are the viewer's own.
func (f offered) parameters() (webrtc.RTPCodecParameters, webrtc.RTPCodecType) {
	p := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(f.payload)}
	p.SDPFmtpLine = f.fmtp
	p.ClockRate = videoClock
	kind := webrtc.RTPCodecTypeVideo
	switch f.codec {
	case media.H264:
		p.MimeType = webrtc.MimeTypeH264
	case media.H265:
		p.MimeType = webrtc.MimeTypeH265
	case media.PCMU:
		p.MimeType, p.ClockRate, kind = webrtc.MimeTypePCMU, 8000, webrtc.RTPCodecTypeAudio
	case media.PCMA:
		p.MimeType, p.ClockRate, kind = webrtc.MimeTypePCMA, 8000, webrtc.RTPCodecTypeAudio
	case media.Opus:
		p.MimeType, p.ClockRate, p.Channels, kind = webrtc.MimeTypeOpus, 48000, 2, webrtc.RTPCodecTypeAudio
	}
	if kind == webrtc.RTPCodecTypeVideo {
		p.RTCPFeedback = []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}, {Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"}}
	}
	return p, kind
}
