// Package live shows a camera in a browser as it happens, over WebRTC. It is
// the only importer of pion. It owns peer connections, the UDP socket they
// share and the packets they carry; it reads media through a Source and never
// touches recording: a viewer who cannot keep up loses pictures, counted, and
// nobody else notices.
//
// # How a picture travels
//
// There is one feed per camera and stream while anybody watches it. It reads
// access units, makes RTP payloads of at most MaxPayload bytes out of their
// NAL units once, and hands the same payloads to every viewer; a viewer adds
// a header, encrypts and sends. The feed keeps the packets since the last key
// frame, so that whoever joins sees a picture at once.
//
// # Using it
//
//	s, err := live.New(live.Options{Source: cameras, Log: log})
//	go s.Run(ctx) // owns the socket; ends every session when ctx is done
//
// WHEP: mount Create, Trickle and Delete at
//
//	POST   /api/v1/cameras/{id}/whep
//	PATCH  /api/v1/cameras/{id}/whep/{session}
//	DELETE /api/v1/cameras/{id}/whep/{session}
//
// Over another channel: Offer, then Session.AddCandidate for each candidate
// of the browser. The answer already names every candidate of the server, so
// none follow it.
//
// # Using it from a browser
//
// A page adds recvonly transceivers for video and audio, sends the offer as
// soon as setLocalDescription resolves (it must not wait for gathering: that
// costs more than everything else together), and may send its candidates
// afterwards or not at all: the server answers checks from addresses it has
// not been told. To measure the time to the first picture, take the time
// before new RTCPeerConnection and in the first requestVideoFrameCallback of
// a muted, playing <video>. docs/decisions/live-view.md tells what to expect.
package live
