package live

import (
	"math"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

const (
	// playoutDelay asks the receiver to show pictures at once instead of
	// keeping a reserve against jitter.
	playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	// reportEvery is the distance of two sender reports.
	reportEvery = 4 * time.Second
	// history is how many video packets can be sent again: 2 s at 4 Mb/s.
	history = 1024
	// resendPerSecond bounds what a viewer may ask for again.
	resendPerSecond = 500
)

// outlet is a webrtc.TrackLocal: the RTP stream of one medium to one viewer.
type outlet struct {
	kind   webrtc.RTPCodecType
	stream string
	bound  chan struct{}

	// Set by Bind, then only used under sender.mu.
	writer  webrtc.TrackLocalWriter
	header  rtp.Header // of the packet before
	ext     rtp.Header // with the playout-delay extension
	delayed bool       // ext can be used

	packets, octets uint32
	reported        time.Time
	started         bool
}

func newOutlet(kind webrtc.RTPCodecType, stream string) *outlet {
	return &outlet{kind: kind, stream: stream, bound: make(chan struct{})}
}

// Bind takes what was negotiated: payload type, SSRC, extensions.
func (o *outlet) Bind(t webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := t.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	o.writer = t.WriteStream()
	o.header = rtp.Header{Version: 2, SSRC: uint32(t.SSRC()), PayloadType: uint8(codecs[0].PayloadType), SequenceNumber: firstSequence()}
	o.ext = o.header
	for _, e := range t.HeaderExtensions() {
		if e.URI == playoutDelay && e.ID > 0 && e.ID < 15 {
			o.delayed = o.ext.SetExtension(uint8(e.ID), []byte{0, 0, 0}) == nil
		}
	}
	close(o.bound)
	return codecs[0], nil
}

// Unbind is part of webrtc.TrackLocal.
func (o *outlet) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is part of webrtc.TrackLocal.
func (o *outlet) ID() string { return o.kind.String() }

// RID is part of webrtc.TrackLocal.
func (o *outlet) RID() string { return "" }

// StreamID is part of webrtc.TrackLocal: one for both media, so that the
// browser keeps them in step.
func (o *outlet) StreamID() string { return o.stream }

// Kind is part of webrtc.TrackLocal.
func (o *outlet) Kind() webrtc.RTPCodecType { return o.kind }

// sentPacket remembers what went out under a sequence number.
type sentPacket struct {
	b      *batch
	index  int
	ts     uint32
	number uint16
}

// sender writes batches to one viewer's connection.
type sender struct {
	cork   *cork
	report func([]rtcp.Packet) error
	count  *counters

	mu      sync.Mutex
	video   *outlet
	audio   *outlet // nil if the viewer hears nothing
	sent    [history]sentPacket
	resends float64 // packets that may be sent again now
	refill  time.Time
}

// send writes b; errors are the network's and heal or end the session by the
// loss of its consent checks.
func (s *sender) send(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.video
	if b.audio {
		o = s.audio
	}
	if o == nil {
		return
	}
	ts := b.ts
	if !b.audio && o.started && int32(ts-o.header.Timestamp) <= 0 {
		ts = o.header.Timestamp + 1 // a repeated GOP: shown at once, in order
	}
	o.started = true
	o.header.Timestamp = ts
	s.cork.hold()
	for i := range b.ends {
		o.header.SequenceNumber++
		s.write(o, b, i)
		if !b.audio {
			n := o.header.SequenceNumber
			s.sent[n%history] = sentPacket{b, i, ts, n}
		}
	}
	s.cork.release()
	o.packets += uint32(len(b.ends))
	o.octets += uint32(len(b.data))
	s.count.packets.Add(uint64(len(b.ends)))
	s.count.bytes.Add(uint64(len(b.data)))
	s.tell(o, b, ts)
}

// write sends payload i of b under o's present sequence number and timestamp.
func (s *sender) write(o *outlet, b *batch, i int) {
	h := &o.header
	if b.key && o.delayed {
		h = &o.ext
		h.SequenceNumber, h.Timestamp = o.header.SequenceNumber, o.header.Timestamp
	}
	h.Marker = !b.audio && i == len(b.ends)-1
	// The error is the network's: see send.
	_, _ = o.writer.WriteRTP(h, b.payload(i))
}

// tell sends a sender report when one is due: the browser aligns sound and
// picture by them.
func (s *sender) tell(o *outlet, b *batch, ts uint32) {
	now := time.Now()
	if now.Sub(o.reported) < reportEvery {
		return
	}
	o.reported = now
	// A lost report is followed by another.
	_ = s.report([]rtcp.Packet{&rtcp.SenderReport{
		SSRC: o.header.SSRC, NTPTime: ntpTime(b.ntp), RTPTime: ts, PacketCount: o.packets, OctetCount: o.octets,
	}})
}

// resend answers a NACK from memory, as far as the budget goes.
func (s *sender) resend(pairs []rtcp.NackPair, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resends = min(resendPerSecond, s.resends+now.Sub(s.refill).Seconds()*resendPerSecond)
	s.refill = now
	was := s.video.header
	s.cork.hold()
	for _, p := range pairs {
		p.Range(func(n uint16) bool {
			e := s.sent[n%history]
			if s.resends < 1 {
				return false
			}
			if e.b == nil || e.number != n {
				return true
			}
			s.resends--
			s.count.resent.Add(1)
			s.video.header.SequenceNumber, s.video.header.Timestamp = n, e.ts
			s.write(s.video, e.b, e.index)
			return true
		})
	}
	s.cork.release()
	s.video.header = was
}

// ntpTime converts UTC µs to the 64-bit NTP format.
func ntpTime(us int64) uint64 {
	sec, frac := us/1e6, us%1e6
	if frac < 0 {
		sec, frac = sec-1, frac+1e6
	}
	const epoch = 2208988800 // seconds from 1900 to 1970
	return uint64(sec+epoch)<<32 | uint64(frac)*(math.MaxUint32+1)/1e6
}
