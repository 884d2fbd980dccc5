package ingest

import (
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
)

// FuzzDescribe has a camera describe its stream with the input: nothing may
// panic, and what is chosen can be recorded.
func FuzzDescribe(f *testing.F) {
	for _, s := range []string{sdpVideo, sdpSound, sdpHead + sdpAudio, "v=0\r\nm=canary\x00\xff\r\n",
		sdpHead + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-max-don-diff=1;sprop-vps=QAEMAf//\r\n",
		sdpHead + "m=video 0 RTP/AVP 26\r\n",
		sdpHead + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/2\r\na=fmtp:97 mode=AAC-hbr;config=1190;sizelength=13;indexlength=3;indexdeltalength=3\r\n",
		sdpHead + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/48000\r\na=fmtp:97 config=40002320;cpresent=0\r\n",
		sdpHead + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=sendonly\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := sdpunmarshaler.Unmarshal(data)
		if err != nil {
			return
		}
		var desc description.Session
		if desc.Unmarshal2(s) != nil {
			return
		}
		video, audio, _, failure := choose(&desc, true)
		if failure != nil {
			if failure.Code == "" || failure.Reason == "" {
				t.Errorf("refused without a reason: %+v", failure)
			}
			return
		}
		if !video.track.Codec.IsVideo() || video.track.ClockRate == 0 {
			t.Errorf("chose %+v", video.track)
		}
		if audio != nil && (audio.track.Codec.IsVideo() || audio.track.ClockRate == 0 || audio.audio == nil) {
			t.Errorf("chose %+v for sound", audio.track)
		}
	})
}

// FuzzPlayAnswer has a camera answer PLAY with the input in RTP-Info.
func FuzzPlayAnswer(f *testing.F) {
	for _, s := range []string{"url=rtsp://a/b;seq=1;rtptime=2", "url=a;rtptime=4294967296,url=b;rtptime=1", "", ",,;;==", "url=\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, info string) {
		o := withDefaults(Options{Camera: "cam"})
		s := newSession(&o, redactor{}, TCP)
		s.pipe = newBench(true).p
		s.onResponse(&base.Response{Header: base.Header{"RTP-Info": base.HeaderValue{info}}})
	})
}
