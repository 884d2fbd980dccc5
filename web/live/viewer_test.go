package live

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"vedette/recorder/media"
)

func testBatch(ts uint32, key bool, size int) *batch {
	return &batch{data: make([]byte, size), ends: []int{size}, ts: ts, key: key}
}

func drain(v *viewer) (stamps []uint32) {
	for {
		b, _, _ := v.next()
		if b == nil {
			return stamps
		}
		stamps = append(stamps, b.ts)
	}
}

func TestASlowViewerGoesOnAtTheNextKeyFrame(t *testing.T) {
	var c counters
	v := newViewer(&c)
	v.prime([]*batch{testBatch(0, true, 10)}, false)
	const size = queueBytes / 4
	for i := range uint32(6) {
		v.push(testBatch(1+i, false, size))
	}
	if got := drain(v); len(got) != 0 || c.dropped.Load() != 7 {
		t.Errorf("queue %v and %d dropped after it was full, want nothing and 7", got, c.dropped.Load())
	}
	v.push(testBatch(10, false, 5))
	v.push(&batch{ts: 11, audio: true})
	v.push(testBatch(12, true, 5))
	v.push(testBatch(13, false, 5))
	if got := drain(v); len(got) != 3 || got[0] != 11 || got[1] != 12 || got[2] != 13 {
		t.Errorf("queue %v after a key frame came, want sound 11 and pictures 12, 13", got)
	}
}

func TestARepeatedGOPLeavesOutTheSound(t *testing.T) {
	gop := []*batch{testBatch(0, true, 10), {ts: 1, audio: true}, testBatch(2, false, 10)}
	var c counters
	v := newViewer(&c)
	v.push(testBatch(9, true, 10))
	if v.prime(gop, true); len(v.queue) != 2 || v.queue[1].ts != 2 || v.bytes != 20 {
		t.Errorf("%d units of %d bytes queued, want the 2 pictures", len(v.queue), v.bytes)
	}
	if v.prime(gop, false); len(v.queue) != 3 {
		t.Errorf("%d units queued for someone new, want the sound too", len(v.queue))
	}
}

func TestAnOverflowByAKeyFrameBeginsWithIt(t *testing.T) {
	var c counters
	v := newViewer(&c)
	v.push(testBatch(1, true, queueBytes-1))
	v.push(testBatch(2, true, 50))
	v.push(testBatch(3, false, 50))
	if got := drain(v); len(got) != 2 || got[0] != 2 {
		t.Errorf("queue %v, want 2, 3", got)
	}
}

func TestABacklogIsPacedAndTheNewestIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counters
		v := newViewer(&c)
		var gop []*batch
		for i := range uint32(10) {
			gop = append(gop, testBatch(i, i == 0, paceBytes))
		}
		v.prime(gop, false)
		begun, sent := time.Now(), 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			v.serve(t.Context(), func(*batch) { sent++ })
		}()
		v.end()
		<-done
		if took := time.Since(begun); sent != 10 || took != 9*paceEvery {
			t.Errorf("sent %d units in %v, want 10 in %v", sent, took, 9*paceEvery)
		}
	})
}

// capture is the track writer and context of a negotiated stream.
type capture struct {
	headers  []rtp.Header
	payloads [][]byte
}

func (c *capture) WriteRTP(h *rtp.Header, p []byte) (int, error) {
	c.headers, c.payloads = append(c.headers, *h), append(c.payloads, bytes.Clone(p))
	return len(p), nil
}
func (c *capture) Write(b []byte) (int, error) { return len(b), nil }
func (c *capture) CodecParameters() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{{PayloadType: 96}}
}
func (c *capture) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter {
	return []webrtc.RTPHeaderExtensionParameter{{URI: playoutDelay, ID: 5}}
}
func (c *capture) SSRC() webrtc.SSRC                    { return 7 }
func (c *capture) WriteStream() webrtc.TrackLocalWriter { return c }
func (c *capture) ID() string                           { return "" }
func (c *capture) RTCPReader() interceptor.RTCPReader   { return nil }

func TestResendingIsExactAndBounded(t *testing.T) {
	var c counters
	var out capture
	var reports int
	s := &sender{cork: &cork{}, count: &c, video: newOutlet(webrtc.RTPCodecTypeVideo, "x"), resends: 2,
		report: func([]rtcp.Packet) error { reports++; return nil }}
	if _, err := s.video.Bind(&out); err != nil {
		t.Fatal(err)
	}
	s.send(&batch{data: []byte("abcdef"), ends: []int{2, 4, 6}, ts: 90, key: true})
	s.send(&batch{data: []byte("gh"), ends: []int{2}, ts: 3690})
	first := out.headers[0].SequenceNumber
	s.resend(rtcp.NackPairsFromSequenceNumbers([]uint16{first + 1, first + 2, first + 3}), time.Time{})
	if c.resent.Load() != 2 || len(out.headers) != 6 {
		t.Fatalf("%d packets sent again, want the 2 that the budget allows", c.resent.Load())
	}
	for i, orig := range []int{1, 2} {
		h, o := out.headers[4+i], out.headers[orig]
		if h.SequenceNumber != o.SequenceNumber || h.Timestamp != o.Timestamp || h.Marker != o.Marker || h.Extension != o.Extension || !bytes.Equal(out.payloads[4+i], out.payloads[orig]) {
			t.Errorf("packet %d sent again as %+v, was %+v", orig, h, o)
		}
	}
	s.send(&batch{data: []byte("ij"), ends: []int{2}, ts: 7290})
	if h := out.headers[6]; h.SequenceNumber != first+4 || h.Timestamp != 7290 {
		t.Errorf("the next packet is %+v, want number %d", h, first+4)
	}
	if reports != 1 {
		t.Errorf("%d sender reports, want 1", reports)
	}
}

func TestPicturesOutOfOrderAreLeftOutIfNothingNeedsThem(t *testing.T) {
	f, run := newFeed("door", media.Main, media.H264), videoRun(media.H264)
	var c counters
	v := newViewer(&c)
	f.join(v)
	for _, p := range []struct {
		pts    int64
		random bool
		header byte
	}{{0, true, 0x65}, {3, false, 0x41}, {1, false, 0x01}, {2, false, 0x01}, {6, false, 0x41}, {4, false, 0x21}, {5, false, 0x01}} {
		u := videoUnit(run, p.pts, p.random, []byte{p.header, 1, 2})
		f.publish(u)
	}
	got := drain(v)
	base := got[0]
	for i, want := range []uint32{0, 3, 6, 4} {
		if i >= len(got) || got[i]-base != want*3600 {
			t.Fatalf("timestamps %v after %d, want pictures 0, 3, 6 and the reference 4", got, base)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d pictures, want 4", len(got))
	}
}

// list is a Reader over units.
type list struct{ units []*media.AccessUnit }

func (l *list) Next(context.Context) (*media.AccessUnit, bool, error) {
	if len(l.units) == 0 {
		return nil, false, context.Canceled
	}
	u := l.units[0]
	l.units = l.units[1:]
	return u, false, nil
}
func (l *list) Close() {}

func TestAFeedEndsItsViewersWhenTheCodecChanges(t *testing.T) {
	a, b := videoRun(media.H264), videoRun(media.H265)
	f := newFeed("door", media.Main, media.H264)
	var c counters
	v := newViewer(&c)
	f.join(v)
	f.serve(t.Context(), &list{[]*media.AccessUnit{videoUnit(a, 0, true, nalOf(media.H264, 5, 9)), nil, videoUnit(b, 1, true, nalOf(media.H265, 19, 9))}})
	if n := len(drain(v)); n != 1 {
		t.Errorf("%d pictures, want the one in the promised codec", n)
	}
	if _, _, ended := v.next(); !ended || f.join(v) {
		t.Error("the feed goes on")
	}
}

func TestAGOPThatIsTooLongIsNotKept(t *testing.T) {
	f := newFeed("door", media.Main, media.H264)
	f.send(testBatch(0, true, maxGOPBytes-5))
	f.send(testBatch(1, false, 10))
	if f.send(testBatch(2, false, 10)); len(f.gop) != 0 {
		t.Errorf("%d units kept", len(f.gop))
	}
	if f.send(testBatch(3, true, 10)); len(f.gop) != 1 {
		t.Errorf("%d units kept after a key frame, want 1", len(f.gop))
	}
}

func TestPacketsGatheredForOneCallArriveOneByOne(t *testing.T) {
	for _, segment := range []bool{true, false} {
		a, b := listen(t), listen(t)
		s := newSocket(a)
		if segment && !s.segment.Load() {
			t.Log("this kernel cannot cut packets: both rounds send them one by one")
		}
		if !segment {
			s.segment.Store(false)
		}
		c := &cork{socket: s}
		to := b.LocalAddr().(*net.UDPAddr)
		conn := &corkedConn{PacketConn: a, cork: c}
		sizes := []int{50, 1180, 1180, 1180, 700, 1180, 1180, 1200, 30}
		c.hold()
		for i, n := range sizes {
			if m, err := conn.WriteTo(bytes.Repeat([]byte{byte(i)}, n), to); m != n || err != nil {
				t.Fatalf("write %d bytes: %d, %v", n, m, err)
			}
		}
		c.release()
		buf := make([]byte, 2000)
		for i, n := range sizes {
			if err := b.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			m, err := b.Read(buf)
			if err != nil || m != n || buf[0] != byte(i) || buf[m-1] != byte(i) {
				t.Errorf("segmenting %v: packet %d has %d bytes of %d, %v; want %d bytes", segment, i, m, buf[0], err, n)
			}
		}
		if calls := s.calls.Load(); segment && s.segment.Load() && calls != 3 {
			t.Errorf("%d system calls, want 3: 1180×3+700, 1180×2 and 1200+30", calls)
		}
	}
}

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestNTPTimeCountsFrom1900(t *testing.T) {
	if got, want := ntpTime(500000), uint64(2208988800)<<32|1<<31; got != want {
		t.Errorf("half a second after 1970 = %x, want %x", got, want)
	}
	if got, want := ntpTime(-500000), uint64(2208988799)<<32|1<<31; got != want {
		t.Errorf("half a second before 1970 = %x, want %x", got, want)
	}
}
