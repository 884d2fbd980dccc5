package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pion/webrtc/v3"

	"vedette/bench/box"
)

// viewer is one WHEP session that counts its packets and looks at nothing
// else.
type viewer struct {
	box      *box.Vedette
	pc       *webrtc.PeerConnection
	location string
	packets  atomic.Int64
}

// join opens a session and waits for its first packet.
func join(ctx context.Context, b *box.Vedette, whep string) (v *viewer, err error) {
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	var m webrtc.MediaEngine
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	// No interceptors: a viewer's reports are no part of what is measured.
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(&m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	v = &viewer{box: b, pc: pc}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		for {
			if _, _, err := t.Read(buf); err != nil {
				return
			}
			v.packets.Add(1)
		}
	})
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		return nil, err
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	answer, location, err := b.Send("POST", whep, "application/sdp", []byte(offer.SDP))
	if err != nil {
		return nil, err
	}
	v.location = location
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}); err != nil {
		return nil, err
	}
	return v, box.Poll(ctx, func() bool { return v.packets.Load() > 0 })
}

// close ends the session on both sides.
func (v *viewer) close() error {
	var err error
	if v.location != "" {
		_, _, err = v.box.Send("DELETE", v.location, "", nil)
	}
	return errors.Join(err, v.pc.Close())
}
