package fmp4

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"vedette/recorder/media"
)

// sampleEntry appends the stsd entry of t, which passed check.
func (w *boxes) sampleEntry(t *media.Track) {
	switch t.Codec {
	case media.H264:
		at := w.visualEntry("avc1", t)
		w.avcC(t)
		w.close(at)
	case media.H265:
		at := w.visualEntry("hvc1", t)
		w.hvcC(t)
		w.close(at)
	case media.AAC:
		at := w.audioEntry("mp4a", t, t.SampleRate)
		w.esds(t.Config)
		w.close(at)
	case media.PCMU:
		at := w.audioEntry("ulaw", t, int(t.ClockRate))
		w.layout(t)
		w.close(at)
	case media.PCMA:
		at := w.audioEntry("alaw", t, int(t.ClockRate))
		w.layout(t)
		w.close(at)
	case media.Opus:
		at := w.audioEntry("Opus", t, 48000)
		w.dOps(t)
		w.close(at)
	}
}

func (w *boxes) visualEntry(typ string, t *media.Track) int {
	at := w.open(typ)
	w.zero(6)
	w.u16(1) // data reference
	w.zero(16)
	w.u16(uint16(t.Width))
	w.u16(uint16(t.Height))
	w.u32(0x480000) // 72 dpi
	w.u32(0x480000)
	w.u32(0)
	w.u16(1) // frames a sample
	w.zero(32)
	w.u16(0x18)   // depth
	w.u16(0xffff) // no colour table
	return at
}

func (w *boxes) audioEntry(typ string, t *media.Track, rate int) int {
	at := w.open(typ)
	w.zero(6)
	w.u16(1) // data reference
	w.zero(8)
	w.u16(uint16(channels(t)))
	w.u16(16) // bits a sample
	w.u32(0)
	if rate > 0xffff { // the field cannot say it; the codec's own configuration does
		rate = 0
	}
	w.u32(uint32(rate) << 16)
	return at
}

func channels(t *media.Track) int { return min(max(t.Channels, 1), 255) }

// avcC is the decoder configuration of ISO 14496-15, 5.3.3.
func (w *boxes) avcC(t *media.Track) {
	at := w.open("avcC")
	w.u8(1)
	w.bytes(t.SPS[1:4]) // profile, constraints, level
	w.u8(0xff)          // NAL length fields of 4 bytes
	w.u8(0xe1)          // one SPS
	w.set(t.SPS)
	w.u8(1)
	w.set(t.PPS)
	if p := t.SPS[1]; p == 100 || p == 110 || p == 122 || p == 144 {
		s := h264.SPS{ChromaFormatIdc: 1}
		if s.Unmarshal(t.SPS) != nil {
			s = h264.SPS{ChromaFormatIdc: 1}
		}
		w.u8(0xfc | uint8(s.ChromaFormatIdc)&3)
		w.u8(0xf8 | uint8(s.BitDepthLumaMinus8)&7)
		w.u8(0xf8 | uint8(s.BitDepthChromaMinus8)&7)
		w.u8(0)
	}
	w.close(at)
}

// hvcC is the decoder configuration of ISO 14496-15, 8.3.3.
func (w *boxes) hvcC(t *media.Track) {
	s := h265.SPS{ChromaFormatIdc: 1}
	if s.Unmarshal(t.SPS) != nil {
		s = h265.SPS{ChromaFormatIdc: 1}
	}
	at := w.open("hvcC")
	w.u8(1)
	p := profile(t.SPS)
	w.bytes(p[:])
	w.u16(0xf000) // min_spatial_segmentation_idc: not said
	w.u8(0xfc)    // parallelismType: not said
	w.u8(0xfc | uint8(s.ChromaFormatIdc)&3)
	w.u8(0xf8 | uint8(s.BitDepthLumaMinus8)&7)
	w.u8(0xf8 | uint8(s.BitDepthChromaMinus8)&7)
	w.u16(0) // frame rate: not said
	var nested uint8
	if s.TemporalIDNestingFlag {
		nested = 1
	}
	w.u8((s.MaxSubLayersMinus1&7+1)<<3 | nested<<2 | 3)
	w.u8(3)
	for _, set := range [...]struct {
		typ byte
		nal []byte
	}{{32, t.VPS}, {33, t.SPS}, {34, t.PPS}} {
		w.u8(0x80 | set.typ) // all of them are here
		w.u16(1)
		w.set(set.nal)
	}
	w.close(at)
}

// set appends a parameter set with its length.
func (w *boxes) set(nal []byte) {
	w.u16(uint16(len(nal)))
	w.bytes(nal)
}

// profile returns the 12 bytes of general profile, tier and level of an
// H.265 SPS: profile space, tier and profile (1), compatibility (4),
// constraints (6), level (1). They stand on byte boundaries after the NAL
// header and one byte of ids (ITU-T H.265, 7.3.2.2.1); emulation prevention
// is undone on the way.
func profile(sps []byte) (p [12]byte) {
	n, zeros := 0, 0
	for i, b := range sps {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		if i < 3 {
			continue
		}
		if p[n] = b; n == len(p)-1 {
			break
		}
		n++
	}
	return p
}

// esds wraps an AudioSpecificConfig (ISO 14496-1, 7.2.6). check bounds
// config, so that every length fits one byte.
func (w *boxes) esds(config []byte) {
	n := len(config)
	at := w.full("esds", 0, 0)
	w.u8(3) // ES_Descriptor
	w.u8(uint8(3 + 2 + 13 + 2 + n + 3))
	w.u16(0) // ES_ID
	w.u8(0)
	w.u8(4) // DecoderConfigDescriptor
	w.u8(uint8(13 + 2 + n))
	w.u8(0x40) // MPEG-4 audio
	w.u8(0x15) // audio stream
	w.zero(11) // buffer size and bit rates: not said
	w.u8(5)    // DecoderSpecificInfo
	w.u8(uint8(n))
	w.bytes(config)
	w.u8(6) // SLConfigDescriptor
	w.u8(1)
	w.u8(2)
	w.close(at)
}

// layout says which channels there are, in the box of the QuickTime file
// format: without it, players of G.711 say that they guess.
func (w *boxes) layout(t *media.Track) {
	tag := uint32(100<<16 | 1) // mono
	if channels(t) == 2 {
		tag = 101<<16 | 2 // stereo
	} else if channels(t) > 2 {
		return
	}
	at := w.full("chan", 0, 0)
	w.u32(tag)
	w.zero(8)
	w.close(at)
}

// dOps is the Opus specific box; channel mapping family 0, so one or two
// channels.
func (w *boxes) dOps(t *media.Track) {
	at := w.open("dOps")
	w.u8(0)
	w.u8(uint8(min(channels(t), 2)))
	w.u16(0) // pre-skip: a camera's stream has no beginning
	w.u32(uint32(max(t.SampleRate, 0)))
	w.u16(0)
	w.u8(0)
	w.close(at)
}

// MIMEType returns the type of a file with tracks for MediaSource and HTML
// video: `video/mp4; codecs="avc1.640028,mp4a.40.2"`. G.711, which browsers
// do not play from MP4, is left out; so are tracks that AppendInit refuses.
func MIMEType(tracks []media.Track) string {
	var codecs []string
	video := false
	for i := range tracks {
		t := &tracks[i]
		if check(t) != nil {
			continue
		}
		video = video || t.Codec.IsVideo()
		if s := codecString(t); s != "" {
			codecs = append(codecs, s)
		}
	}
	kind := "video"
	if !video {
		kind = "audio"
	}
	return fmt.Sprintf("%s/mp4; codecs=%q", kind, strings.Join(codecs, ","))
}

// BrowserPlays reports whether browsers that know the codec play it from MP4.
func BrowserPlays(c media.Codec) bool { return c != media.PCMU && c != media.PCMA && c != 0 }

// codecString returns the codecs parameter of RFC 6381 for t, or "".
func codecString(t *media.Track) string {
	switch t.Codec {
	case media.H264:
		return fmt.Sprintf("avc1.%02x%02x%02x", t.SPS[1], t.SPS[2], t.SPS[3])
	case media.H265:
		return hevcString(profile(t.SPS))
	case media.AAC:
		object := t.Config[0] >> 3
		if object == 31 { // escape: six more bits
			object = 32 + (t.Config[0]&7<<3 | t.Config[1]>>5)
		}
		return fmt.Sprintf("mp4a.40.%d", object)
	case media.Opus:
		return "opus"
	}
	return ""
}

// hevcString follows ISO 14496-15, annex E.3.
func hevcString(p [12]byte) string {
	var b strings.Builder
	b.WriteString("hvc1.")
	if space := p[0] >> 6; space > 0 {
		b.WriteByte('A' + space - 1)
	}
	compat := uint32(p[1])<<24 | uint32(p[2])<<16 | uint32(p[3])<<8 | uint32(p[4])
	tier := "L"
	if p[0]&0x20 != 0 {
		tier = "H"
	}
	fmt.Fprintf(&b, "%d.%X.%s%d", p[0]&0x1f, bits.Reverse32(compat), tier, p[11])
	constraints := p[5:11]
	for len(constraints) > 0 && constraints[len(constraints)-1] == 0 {
		constraints = constraints[:len(constraints)-1]
	}
	for _, c := range constraints {
		fmt.Fprintf(&b, ".%X", c)
	}
	return b.String()
}
