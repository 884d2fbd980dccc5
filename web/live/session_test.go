package live

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

func TestAViewerSeesTheLastKeyFrameAtOnceAndThenEverything(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	units := publish(h, run, 0, 5, 90000) // and nothing more until it was seen
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	w := newWatcher(t)
	status, header, answer := b.do(t, "POST", "/c/door/whep", sdpType, w.offer(t))
	if status != http.StatusCreated {
		t.Fatalf("POST = %d: %s", status, answer)
	}
	w.accept(t, answer)

	units = append(units, nil)
	next, stamp := uint16(0), uint32(0)
	for i := range units {
		if units[i] == nil {
			units[i] = publish(h, run, 5, 1, 5000)[0]
		}
		ps, pl := w.unit(t)
		if got, want := media.AppendVideoSample(nil, media.H264, pl), units[i].AppendSample(nil); !bytes.Equal(got, want) {
			t.Errorf("picture %d: %d bytes arrived, want %d", i, len(got), len(want))
		}
		if i == 0 {
			var types []byte
			media.EachNALHead(media.H264, pl, func(h []byte, _ bool) { types = append(types, media.NALType(media.H264, h)) })
			if !bytes.Equal(types, []byte{7, 8, 5}) {
				t.Errorf("unit types of the first picture %v, want SPS, PPS, IDR", types)
			}
			if !ps[0].Extension || !ps[len(ps)-1].Extension {
				t.Error("the first picture does not ask to be shown at once")
			}
		} else if ps[0].SequenceNumber != next || ps[0].Timestamp-stamp != 3600 {
			t.Errorf("picture %d begins with number %d, %d ticks later; want %d and 3600", i, ps[0].SequenceNumber, ps[0].Timestamp-stamp, next)
		}
		next, stamp = ps[len(ps)-1].SequenceNumber+1, ps[0].Timestamp
	}

	if x := b.Sessions(); len(x) != 1 || x[0].Camera != "door" || x[0].Video != media.H264 || x[0].Audio != media.PCMU {
		t.Errorf("sessions %+v, want one of door with H.264 and PCMU", x)
	}
	if status, _, _ := b.do(t, "DELETE", header.Get("Location"), "", ""); status != http.StatusOK {
		t.Errorf("DELETE = %d, want 200", status)
	}
	if st := b.Stats(); st.Viewers != 0 || st.Feeds != 0 || st.Dropped != 0 {
		t.Errorf("after DELETE: %+v, want no viewer, no feed, nothing dropped", st)
	}
	if status, _, _ := b.do(t, "DELETE", header.Get("Location"), "", ""); status != http.StatusNotFound {
		t.Errorf("second DELETE = %d, want 404", status)
	}
}

func TestSoundIsPassedThrough(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	publish(h, run, 0, 1, 3000)
	frame := bytes.Repeat([]byte{0x55}, MaxPayload+160) // longer than a packet
	h.Publish(&media.AccessUnit{Run: run, Track: 1, Random: true, Wall: 1e15, Payloads: [][]byte{frame}, Size: len(frame)})
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	w := newWatcher(t)
	_, _, answer := b.do(t, "POST", "/c/door/whep", sdpType, w.offer(t))
	w.accept(t, answer)
	var got []byte
	var stamps []uint32
	for len(got) < len(frame) {
		select {
		case p := <-w.sound:
			got, stamps = append(got, p.Payload...), append(stamps, p.Timestamp)
		case <-time.After(patience):
			t.Fatalf("%d bytes of sound arrived, want %d", len(got), len(frame))
		}
	}
	if !bytes.Equal(got, frame) || len(stamps) != 2 || stamps[1]-stamps[0] != MaxPayload {
		t.Errorf("sound in packets at %v, want two %d samples apart", stamps, MaxPayload)
	}
}

func TestAViewerWhoLostThePictureGetsItFromTheCacheWithLaterTimestamps(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	publish(h, run, 0, 3, 9000)
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	w := newWatcher(t)
	_, _, answer := b.do(t, "POST", "/c/door/whep", sdpType, w.offer(t))
	w.accept(t, answer)
	var last uint32
	var ssrc uint32
	for range 3 {
		ps, _ := w.unit(t)
		last, ssrc = ps[0].Timestamp, ps[0].SSRC
	}
	until(t, "the cache was sent again", func() bool {
		if err := w.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
			t.Fatal(err)
		}
		return b.Stats().Again > 0
	})
	for i := range uint32(3) {
		ps, _ := w.unit(t)
		if got := ps[0].Timestamp - last; got != i+1 {
			t.Errorf("repeated picture %d is %d ticks after the last one, want %d", i, got, i+1)
		}
	}
}

func TestALostPacketIsSentAgain(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	publish(h, run, 0, 1, 9000)
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	w := newWatcher(t)
	_, _, answer := b.do(t, "POST", "/c/door/whep", sdpType, w.offer(t))
	w.accept(t, answer)
	ps, _ := w.unit(t)
	nack := &rtcp.TransportLayerNack{MediaSSRC: ps[0].SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{ps[2].SequenceNumber, ps[0].SequenceNumber - 9})}
	if err := w.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	until(t, "the packet was sent again", func() bool { return b.Stats().Resent == 1 })
}

func TestRevokeEndsTheSessionsItNames(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	publish(h, run, 0, 1, 3000)
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	w, other := newWatcher(t), newWatcher(t)
	x, _, err := b.Offer(t.Context(), Request{Camera: "door", Owner: "ann", SDP: w.offer(t)})
	if err != nil {
		t.Fatal(err)
	}
	y, _, err := b.Offer(t.Context(), Request{Camera: "door", Owner: "bob", SDP: other.offer(t)})
	if err != nil {
		t.Fatal(err)
	}
	if n := b.Revoke(func(i Info) bool { return i.Owner == "ann" }); n != 1 {
		t.Errorf("Revoke ended %d sessions, want 1", n)
	}
	select {
	case <-x.Done():
	default:
		t.Error("the revoked session goes on")
	}
	select {
	case <-y.Done():
		t.Error("the other session has ended")
	default:
	}
}

func TestAViewerWhoNeverComesGivesItsPlaceBack(t *testing.T) {
	h, run := hub.New(hub.Options{}), videoRun(media.H264)
	publish(h, run, 0, 1, 3000)
	b := begin(t, cameras{"door": {media.Main: h}}, Options{ConnectWithin: 50 * time.Millisecond})
	w := newWatcher(t)
	x, _, err := b.Offer(t.Context(), Request{Camera: "door", SDP: w.offer(t)})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-x.Done():
	case <-time.After(patience):
		t.Error("the session goes on without a viewer")
	}
}

func TestTheCertificateIsReplacedWhenTheClockHasLeftItBehind(t *testing.T) {
	s, err := New(Options{Source: cameras{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	a, _ := s.certificate(now)
	if b, _ := s.certificate(now); !a.Equals(b) || !a.Expires().Equal(b.Expires()) {
		t.Error("a valid certificate was replaced")
	}
	old := s.cert
	if _, err := s.certificate(now.AddDate(20, 0, 0)); err != nil || s.cert == old {
		t.Errorf("certificate of 20 years ago kept, %v", err)
	}
}
