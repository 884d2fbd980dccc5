package ingest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/recorder/media"
)

// recorded are cameras that are a nuisance and give footage all the same.
func recorded() []awful {
	stream := func(s *sender, gop int, spoil func(i int) error) func(c *hostileConn) {
		return func(c *hostileConn) {
			s.c = c
			go c.drain()
			s.stream(gop, spoil)
		}
	}
	return []awful{
		{name: "one picture a second", pictures: 6, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c, step: 90000}
			for s.picture(sps640, pps640, idr) == nil {
				time.Sleep(time.Second)
			}
		}},
		{name: "60 pictures a second", pictures: 240, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c, step: 1500}
			for i := 0; ; i++ {
				nals := [][]byte{slice}
				if i%120 == 0 {
					nals = [][]byte{sps640, pps640, idr}
				}
				if s.picture(nals...) != nil {
					return
				}
				time.Sleep(16 * time.Millisecond)
			}
		}},
		{name: "a key frame every ten seconds", pictures: 270, runs: 1, play: stream(&sender{}, 250, nil)},
		{name: "one key frame for ever", pictures: 150, runs: 1, play: stream(&sender{}, 0, nil)},
		{name: "slices split over packets", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c}
			for i := range 1000 {
				nals := [][]byte{nal(0x41, 5000), nal(0x41, 3000), nal(0x41, 900)}
				if i%25 == 0 {
					nals = [][]byte{sps640, pps640, nal(0x65, 20000), nal(0x65, 9000)}
				}
				if s.picture(nals...) != nil {
					return
				}
				time.Sleep(40 * time.Millisecond)
			}
		}},
		{name: "the marker on every packet", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c}
			s.put = func(seq uint16, ts uint32, _ bool, p []byte) error { return c.frame(seq, ts, true, p) }
			s.stream(25, nil)
		}},
		{name: "no marker at all", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c}
			s.put = func(seq uint16, ts uint32, _ bool, p []byte) error { return c.frame(seq, ts, false, p) }
			s.stream(25, nil)
		}},
		{name: "empty access units", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s := &sender{c: c}
			s.stream(25, func(i int) error {
				err := s.packet(true, nil)
				s.ts++
				if err == nil && i%2 == 0 {
					err = s.packet(true, []byte{9, 0xf0}) // a delimiter alone
					s.ts++
				}
				return err
			})
		}},
		{name: "every packet twice", pictures: 50, runs: 1, lossy: true, play: func(c *hostileConn) {
			s := &sender{c: c}
			s.put = func(seq uint16, ts uint32, m bool, p []byte) error {
				_ = c.frame(seq, ts, m, p)
				return c.frame(seq, ts, m, p)
			}
			s.stream(25, nil)
		}},
		{name: "a NAL unit of 6 MiB", pictures: 60, runs: 1, lossy: true, play: func(c *hostileConn) {
			s, huge := &sender{c: c}, nal(0x41, 6<<20)
			s.stream(25, func(i int) error {
				if i == 30 {
					return s.picture(huge)
				}
				return nil
			})
		}},
		{name: "a key frame of 3 MiB", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s, huge := &sender{c: c}, nal(0x65, 3<<20)
			s.stream(25, func(i int) error {
				if i == 30 {
					return s.picture(sps640, pps640, huge)
				}
				return nil
			})
		}},
		{name: "other parameters every second", pictures: 100, runs: 4, play: func(c *hostileConn) {
			s := &sender{c: c}
			for i := range 1000 {
				nals := [][]byte{slice}
				if i%25 == 0 {
					nals = [][]byte{sps640, [][]byte{pps640, otherPPS}[i/25%2], idr}
				}
				if s.picture(nals...) != nil {
					return
				}
				time.Sleep(40 * time.Millisecond)
			}
		}},
		{name: "timestamps at random", pictures: 60, runs: 1, most: 5, play: func(c *hostileConn) {
			s, r := &sender{c: c}, rand.New(rand.NewPCG(1, 2))
			s.stream(25, func(int) error { s.ts = r.Uint32(); return nil })
		}},
		{name: "every second picture back in time", pictures: 60, runs: 1, most: 3, play: func(c *hostileConn) {
			s := &sender{c: c}
			s.stream(25, func(i int) error {
				if i%2 == 1 {
					s.ts -= 9000
				} else if i > 0 {
					s.ts += 9000
				}
				return nil
			})
		}},
		{name: "noise between the packets", pictures: 60, runs: 1, play: func(c *hostileConn) {
			s, r := &sender{c: c}, rand.New(rand.NewPCG(3, 4))
			s.stream(25, func(int) error {
				junk := make([]byte, 4+r.IntN(200)) // on channels nobody asked for, and as RTCP
				for i := range junk {
					junk[i] = byte(r.Uint32())
				}
				_, err := c.Write(append([]byte{'$', byte(1 + r.IntN(7)), 0, byte(len(junk))}, junk...))
				return err
			})
		}},
		{name: "keepalives without an answer", session: ";timeout=2", pictures: 150, runs: 1, play: func(c *hostileConn) {
			go func() {
				for c.next() { // reads and says nothing
				}
			}()
			(&sender{c: c}).stream(25, nil)
		}},
		{name: "two thousand packets of sound a second", sdp: sdpSound, o: Options{Audio: true}, pictures: 50, runs: 1, play: func(c *hostileConn) {
			n := uint16(0)
			(&sender{c: c}).stream(25, func(int) error {
				for range 80 {
					p := []byte{'$', 2, 0, 13, 0x80, 0, byte(n >> 8), byte(n), 0, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 0xd5}
					if _, err := c.Write(p); err != nil {
						return err
					}
					n++
				}
				return nil
			})
		}},
		{name: "sound that never comes", sdp: sdpSound, o: Options{Audio: true}, pictures: 60, runs: 1, play: stream(&sender{}, 25, nil)},
		{name: "UDP that loses and reorders", o: Options{Transport: UDP}, pictures: 100, runs: 1, lossy: true,
			serve: func(_ *hostile, c *hostileConn) {
				udp := serveUDP(c)
				if udp == nil {
					return
				}
				s, r := &sender{}, rand.New(rand.NewPCG(5, 6))
				var held []byte
				s.put = func(seq uint16, ts uint32, m bool, p []byte) error {
					pkt := rtpPacket(seq, ts, m, p)
					switch n := r.IntN(200); {
					case n == 0:
						return nil // lost
					case n < 10 && held == nil:
						held = pkt // comes after the next
						return nil
					}
					if err := udp.send(pkt); err != nil || held == nil {
						return err
					}
					err := udp.send(held)
					held = nil
					return err
				}
				go func() { c.drain(); udp.conn.Close() }() // which ends the stream
				for i := 0; ; i++ {
					nals := [][]byte{nal(0x41, 12000)}
					if i%25 == 0 {
						nals = [][]byte{sps640, pps640, nal(0x65, 30000)}
					}
					if s.picture(nals...) != nil {
						return
					}
					time.Sleep(40 * time.Millisecond)
				}
			}},
	}
}

// udpCamera is the camera's end of RTP over UDP.
type udpCamera struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (u *udpCamera) send(p []byte) error {
	_, err := u.conn.WriteToUDP(p, u.to)
	return err
}

// serveUDP shakes hands and returns where packets go; nil if that failed.
func serveUDP(c *hostileConn) *udpCamera {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil
	}
	u := &udpCamera{conn: conn}
	for c.next() {
		switch c.method {
		case "DESCRIBE":
			c.answer("200 OK", "Content-Type: application/sdp\r\n", sdpVideo)
		case "SETUP":
			var from, to int
			t := c.header.Get("Transport")
			if _, err := fmt.Sscanf(t[strings.Index(t, "client_port="):], "client_port=%d-%d", &from, &to); err != nil {
				return nil
			}
			u.to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: from}
			port := conn.LocalAddr().(*net.UDPAddr).Port
			c.answer("200 OK", fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d\r\n", from, to, port, port+1), "")
		default:
			c.answer("200 OK", "", "")
		}
		if c.method == "PLAY" {
			return u
		}
	}
	conn.Close()
	return nil
}

// TestAwfulCamerasAreRecorded: what is strange but footage is recorded, whole
// where it comes whole, and in no more runs than it takes.
func TestAwfulCamerasAreRecorded(t *testing.T) {
	besideAGoodCamera(t, func(t *testing.T) {
		together(t, recorded(), func(t *testing.T, a awful) {
			h := a.camera(t)
			o := a.o
			o.URL = h.url()
			rec := record(t, o)
			us := rec.units(t, 30*time.Second, pictures(a.pictures))
			wellFormed(t, us)
			runs, lossy := map[*media.Run]bool{}, 0
			for _, u := range us {
				runs[u.Run] = true
				if u.Lossy {
					lossy++
				}
			}
			if most := max(a.most, a.runs); len(runs) < a.runs || len(runs) > most {
				t.Errorf("%d runs, want %d to %d", len(runs), a.runs, most)
			}
			if (lossy > 0) != a.lossy {
				t.Errorf("%d of %d units are marked as damaged", lossy, len(us))
			}
			if n := h.conns.Load(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
			span := us[len(us)-1].Received.Sub(us[0].Received)
			media := time.Duration(us[len(us)-1].Wall-us[0].Wall) * time.Microsecond
			if d := span - media; d > time.Second || d < -time.Second {
				t.Errorf("%v of footage came in %v", media, span)
			}
		})
	})
}
