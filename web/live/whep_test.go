package live

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/recorder/hub"
	"vedette/recorder/media"
)

func hubOf(c media.Codec) *hub.Hub {
	h, run := hub.New(hub.Options{}), videoRun(c)
	h.Publish(videoUnit(run, 0, true, nalOf(c, 5, 300)))
	return h
}

func TestAnOfferThatCannotBeServedSaysWhy(t *testing.T) {
	b := begin(t, cameras{
		"door":   {media.Main: hubOf(media.H264)},
		"yard":   {media.Main: hubOf(media.H265)},
		"gate":   {media.Main: hubOf(media.H265), media.Sub: hubOf(media.H264)},
		"silent": {media.Main: hub.New(hub.Options{})},
	}, Options{OfflineAfter: time.Millisecond, MaxViewers: 1})
	w := newWatcher(t)
	offer := w.offer(t)
	offer = strings.ReplaceAll(offer, "H265", "VP8X") // a browser without H.265
	tests := []struct {
		name, path, contentType, body string
		status                        int
		code                          string
	}{
		{"an unknown camera", "/c/cellar/whep", sdpType, offer, 404, "camera_unknown"},
		{"a camera that sends nothing", "/c/silent/whep", sdpType, offer, 503, "camera_offline"},
		{"H.265 without a smaller stream", "/c/yard/whep", sdpType, offer, 406, "codec_unsupported"},
		{"an unknown stream", "/c/door/whep?stream=third", sdpType, offer, 400, "bad_request"},
		{"no SDP", "/c/door/whep", sdpType, "hello", 400, "bad_offer"},
		{"an empty body", "/c/door/whep", sdpType, "", 400, "bad_offer"},
		{"an offer of sound alone", "/c/door/whep", sdpType, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 400, "bad_offer"},
		{"an offer without credentials", "/c/door/whep", sdpType, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n", 400, "bad_offer"},
		{"another type of body", "/c/door/whep", "application/json", offer, 415, "unsupported_media_type"},
		{"too long a body", "/c/door/whep", sdpType, strings.Repeat("a", maxSDP+1), 413, "too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := b.do(t, "POST", tt.path, tt.contentType, tt.body)
			if status != tt.status || !strings.Contains(body, `"error":{"code":"`+tt.code+`","message":"`) {
				t.Errorf("%d %s; want %d with code %s", status, body, tt.status, tt.code)
			}
		})
	}
	if _, _, body := b.do(t, "POST", "/c/yard/whep", sdpType, offer); !strings.Contains(body, "this browser cannot show H.265 live") {
		t.Errorf("H.265 is refused with %s", body)
	}
	x, _, err := b.Offer(t.Context(), Request{Camera: "gate", SDP: offer})
	if err != nil || x.Info().Stream != media.Sub || x.Info().Video != media.H264 {
		t.Fatalf("H.265 with a smaller stream: %v, want the smaller one", err)
	}
	if status, h, body := b.do(t, "POST", "/c/door/whep", sdpType, offer); status != 503 || h.Get("Retry-After") == "" || !strings.Contains(body, "too_many_viewers") {
		t.Errorf("one viewer more than allowed: %d %s", status, body)
	}
}

func TestCandidatesMayFollowTheOffer(t *testing.T) {
	b := begin(t, cameras{"door": {media.Main: hubOf(media.H264)}}, Options{})
	w := newWatcher(t)
	offer := w.offer(t)
	status, h, _ := b.do(t, "POST", "/c/door/whep", sdpType, offer, "X-Owner", "ann")
	if status != 201 || h.Get("Accept-Patch") != sdpFragType || h.Get("ETag") == "" || h.Get("Content-Type") != sdpType {
		t.Fatalf("POST = %d with %v", status, h)
	}
	path, tag := h.Get("Location"), h.Get("ETag")
	const candidate = "a=candidate:1 1 udp 2130706431 192.0.2.77 5000 typ host\r\n"
	own := "a=ice-ufrag:" + firstUfrag(offer) + "\r\n"
	tests := []struct {
		name, path, contentType, body, owner, tag string
		status                                    int
	}{
		{"a candidate is taken", path, sdpFragType, own + "a=mid:0\r\n" + candidate, "ann", tag, 204},
		{"without If-Match", path, sdpFragType, candidate, "ann", "", 204},
		{"a name that cannot be resolved is passed over", path, sdpFragType, "a=candidate:1 1 udp 2113937151 6f9d0c6e-1111-2222-3333-444455556666.local 5000 typ host\r\n", "ann", "*", 204},
		{"the end of candidates is taken", path, sdpFragType, "a=end-of-candidates\r\n", "ann", tag, 204},
		{"nonsense is refused", path, sdpFragType, "a=candidate:1 1 udp x y z\r\n", "ann", tag, 400},
		{"another ETag is refused", path, sdpFragType, candidate, "ann", `"x"`, 412},
		{"an ICE restart is refused", path, sdpFragType, "a=ice-ufrag:other\r\n" + candidate, "ann", "*", 422},
		{"another type is refused", path, sdpType, candidate, "ann", tag, 415},
		{"another owner finds nothing", path, sdpFragType, candidate, "bob", tag, 404},
		{"another camera finds nothing", strings.Replace(path, "door", "gate", 1), sdpFragType, candidate, "ann", tag, 404},
		{"a stranger finds nothing", "/c/door/whep/guess", sdpFragType, candidate, "ann", tag, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, _, body := b.do(t, "PATCH", tt.path, tt.contentType, tt.body, "X-Owner", tt.owner, "If-Match", tt.tag); status != tt.status {
				t.Errorf("PATCH = %d %s, want %d", status, body, tt.status)
			}
		})
	}
	if status, _, _ := b.do(t, "PATCH", path, sdpFragType, strings.Repeat(candidate, maxCandidates), "X-Owner", "ann"); status != 400 {
		t.Errorf("more than %d candidates: %d, want 400", maxCandidates, status)
	}
	if status, _, _ := b.do(t, "DELETE", path, "", "", "X-Owner", "bob"); status != 404 {
		t.Errorf("DELETE by another owner = %d, want 404", status)
	}
}

func TestTheFormatNearestToTheStreamIsChosen(t *testing.T) {
	high := media.Track{Codec: media.H264, SPS: []byte{0x67, 0x64, 0, 0x28}}
	constrained := media.Track{Codec: media.H264, SPS: []byte{0x67, 0x42, 0xe0, 0x1e}}
	format := func(pt uint8, mode, profile string) offered {
		return offered{codec: media.H264, payload: pt, fmtp: "level-asymmetry-allowed=1;packetization-mode=" + mode + ";profile-level-id=" + profile}
	}
	browser := []offered{{codec: media.H265, payload: 90}, format(1, "0", "64001f"), format(2, "1", "42001f"), format(3, "1", "42e01f"), format(4, "1", "4d001f")}
	tests := []struct {
		name    string
		track   media.Track
		formats []offered
		want    uint8 // 0: none
	}{
		{"the same profile wins", high, append(browser, format(5, "1", "640028")), 5},
		{"a greater profile can show a smaller one", high, append(browser, format(6, "1", "f4001f")), 6},
		{"the full profile comes before the constrained one", high, browser, 2},
		{"constrained baseline is told from baseline", constrained, browser, 3},
		{"mode 0 cannot carry fragments", high, browser[:2], 0},
		{"another codec is no format", media.Track{Codec: media.Opus}, browser, 0},
		{"a format without a profile is better than none", high, []offered{{codec: media.H264, payload: 7, fmtp: "packetization-mode=1"}}, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := choose(&tt.track, tt.formats); got.payload != tt.want || ok != (tt.want != 0) {
				t.Errorf("chose %d (%v), want %d", got.payload, ok, tt.want)
			}
		})
	}
}

func TestSoundThatCannotBeSentIsSaid(t *testing.T) {
	h := hub.New(hub.Options{})
	run := videoRun(media.H264)
	run.Tracks[1] = media.Track{Codec: media.AAC, ClockRate: 48000}
	publish(h, run, 0, 1, 3000)
	b := begin(t, cameras{"door": {media.Main: h}}, Options{})
	x, _, err := b.Offer(t.Context(), Request{Camera: "door", SDP: newWatcher(t).offer(t)})
	if err != nil {
		t.Fatal(err)
	}
	if i := x.Info(); i.Audio != 0 || i.Note != "AAC sound cannot be sent live" {
		t.Errorf("audio %v, note %q", i.Audio, i.Note)
	}
}

func TestTheAnswerNamesEveryAddressOnce(t *testing.T) {
	in := "v=0\r\nm=video 9 x\r\na=mid:0\r\na=candidate:1 1 udp 5 127.0.0.1 9 typ host\r\na=candidate:1 2 udp 5 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n"
	want := "v=0\r\nm=video 9 x\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.2 77 typ host\r\na=candidate:2 1 udp 2130706175 fd00::2 77 typ host\r\na=end-of-candidates\r\n"
	if got := announce(in, []net.IP{net.IPv4(192, 0, 2, 2), net.ParseIP("fd00::2")}, 77); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnOfferBeforeTheServerRunsIsRefused(t *testing.T) {
	s, err := New(Options{Source: cameras{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var e *Error
	if _, _, err := s.Offer(ctx, Request{Camera: "door"}); !errors.As(err, &e) || e.Code != Unavailable {
		t.Errorf("Offer = %v, want %s", err, Unavailable)
	}
}

func FuzzOffer(f *testing.F) {
	f.Add("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=fingerprint:sha-256 00:11\r\na=extmap:5 " + playoutDelay + "\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n")
	f.Add("v=0\r\nm=video 0 x\r\n")
	s, err := New(Options{Source: cameras{"door": {media.Main: hubOf(media.H264)}}, OfflineAfter: time.Millisecond})
	if err != nil {
		f.Fatal(err)
	}
	go s.Run(f.Context())
	f.Fuzz(func(t *testing.T, sdp string) {
		if x, _, err := s.Offer(t.Context(), Request{Camera: "door", SDP: sdp}); err == nil {
			x.Close()
		}
	})
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:x\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=end-of-candidates\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range parseFragment(text).candidates {
			if !strings.HasPrefix(c.Candidate, "candidate:") || strings.ContainsAny(c.Candidate, "\n") {
				t.Errorf("candidate %q", c.Candidate)
			}
		}
	})
}
