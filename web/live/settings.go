package live

import (
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/webrtc/v3"
)

// settings returns how connections are made.
func (s *Server) settings(m *sessionMux) webrtc.SettingEngine {
	var e webrtc.SettingEngine
	e.LoggerFactory = silence{}
	e.SetICEUDPMux(m)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.SetIncludeLoopbackCandidate(s.o.Loopback)
	// Names ending in .local are not resolved: the browser's checks reach us,
	// and tell where it is.
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// The session ends 15 s after the viewer fell silent.
	e.SetICETimeouts(5*time.Second, 10*time.Second, 2*time.Second)
	e.DisableActiveTCP(true)
	e.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	// AES-GCM is one pass, and hardware does it: a third of what the SHA-1
	// profile costs. 128 bits, because the peer chooses among what we name.
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	return e
}
