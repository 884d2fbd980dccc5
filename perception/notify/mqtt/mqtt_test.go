package mqtt

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/perception/notify/delivery"
)

const (
	topicYard = "vedette/box1/camera/yard/state"
	topicGate = "vedette/box1/camera/gate/state"
	topicDoor = "vedette/box1/camera/yard/zone/z1/occupancy"
	discYard  = "homeassistant/binary_sensor/vedette_box1/yard_connection/config"
	discGate  = "homeassistant/binary_sensor/vedette_box1/gate_connection/config"
	discDoor  = "homeassistant/sensor/vedette_box1/yard_z1_occupancy/config"
	discBox   = "homeassistant/event/vedette_box1/events/config"
	status    = "vedette/box1/status"
)

func TestABrokerIsToldEventsAndHowThingsAre(t *testing.T) {
	b := startBroker(t)
	l, s := &lines{}, newThings()
	c := New(b.config(), b.options(l, s))
	if out := c.Send(t.Context(), message(1)); out.Verdict != delivery.Down || out.Err == nil {
		t.Errorf("Send before there is a connection = %+v, want Down", out)
	}
	heard := b.listen("vedette/box1/event")
	stop := begin(t, c)
	<-c.Ready()
	for seq := range uint64(20) {
		if out := c.Send(t.Context(), message(seq+1)); out.Verdict != delivery.Sent {
			t.Fatalf("Send = %+v", out)
		}
	}
	b.until("20 events are heard", func() bool { return len(heard()) == 20 })
	want := `1 0 vedette/box1/event {"seq":20,"time":"2026-05-01T12:00:00.000Z","type":"zone_enter","severity":"warning","camera":"yard","payload":{"label":"person"},"delivery":"n1-20"}`
	if got := heard()[19]; got != want {
		t.Errorf("heard %s\nwant  %s", got, want)
	}

	b.until("all is told", func() bool { return len(b.retained()) == 8 })
	got := b.retained()
	if got[status] != "online" || got[topicYard] != "recording" || got[topicGate] != "offline" || got[topicDoor] != "2" {
		t.Errorf("kept: %v", got)
	}
	for topic, wants := range map[string][]string{
		discYard: {`"device_class":"connectivity"`, `"state_topic":"vedette/box1/camera/yard/state"`, `"unique_id":"vedette_box1_yard_connection"`, `"availability_topic":"vedette/box1/status"`, `"via_device":"vedette_box1"`},
		discDoor: {`"state_topic":"vedette/box1/camera/yard/zone/z1/occupancy"`, `"state_class":"measurement"`, `"name":"Door occupancy"`},
		discBox:  {`"event_types":["info","warning","critical"]`, `"state_topic":"vedette/box1/event"`, `"identifiers":["vedette_box1"]`, `"name":"Attic"`},
	} {
		for _, want := range wants {
			if !json.Valid([]byte(got[topic])) || !strings.Contains(got[topic], want) {
				t.Errorf("%s lacks %s: %s", topic, want, got[topic])
			}
		}
	}

	s.set(func() { s.zones = []Zone{{"z1", "yard", "Door", 3}}; s.cameras = []Camera{{"yard", "Yard", "offline"}} })
	b.until("a change is told, and what is gone is cleared", func() bool {
		got := b.retained()
		return got[topicDoor] == "3" && got[topicYard] == "offline" && got[topicGate] == "" && got[discGate] == ""
	})
	stop()
	if got := b.retained(); got[status] != "offline" || got[discYard] == "" {
		t.Errorf("after the end the broker keeps %v, want offline and the rest", got)
	}
}

// TestWhatAnEarlierStartLeftIsCleared has cameras and zones go while nobody is
// connected, and others that are not ours.
func TestWhatAnEarlierStartLeftIsCleared(t *testing.T) {
	b := startBroker(t)
	s := newThings()
	c := New(b.config(), b.options(&lines{}, s))
	stop := begin(t, c)
	b.until("all is told", func() bool { return len(b.retained()) == 8 })
	stop()
	const foreign = "homeassistant/sensor/other_box/yard/config"
	b.publish(foreign, "{}", true)
	b.publish("vedette/box2/camera/yard/state", "recording", true)
	s.set(func() { s.zones = nil; s.cameras = s.cameras[:1] })
	c = New(b.config(), b.options(&lines{}, s))
	stop = begin(t, c)
	b.until("what is gone is cleared", func() bool {
		got := b.retained()
		return got[status] == "online" && got[topicGate] == "" && got[topicDoor] == "" && got[discGate] == "" && got[discDoor] == ""
	})
	if got := b.retained(); got[foreign] == "" || got["vedette/box2/camera/yard/state"] == "" || got[topicYard] == "" || len(got) != 6 {
		t.Errorf("kept: %v, want ours and the others'", got)
	}
	c.Leave()
	stop()
	if got := b.retained(); len(got) != 2 {
		t.Errorf("kept after leaving: %v, want the others' only", got)
	}
}

func TestALostConnectionIsToldByTheBrokerAndComesBack(t *testing.T) {
	b := startBroker(t)
	l := &lines{}
	c := New(b.config(), b.options(l, newThings()))
	begin(t, c)
	b.until("all is told", func() bool { return len(b.retained()) == 8 })
	heard := b.listen(status)
	l.cut()
	b.until("the broker says offline and then we online", func() bool {
		got := heard()
		return slices.Contains(got, "1 0 "+status+" offline") && got[len(got)-1] == "1 0 "+status+" online"
	})
	if out := c.Send(t.Context(), message(2)); out.Verdict != delivery.Sent {
		t.Errorf("Send = %+v", out)
	}
	b.stop()
	b.until("it is known that the broker is gone", func() bool { return c.Send(t.Context(), message(3)).Verdict == delivery.Down })
	b.start() // and has forgotten everything
	b.until("all is told again", func() bool { return len(b.retained()) == 8 })
}

func TestHomeAssistantIsToldAgainWhenItStarts(t *testing.T) {
	b := startBroker(t)
	c := New(b.config(), b.options(&lines{}, newThings()))
	begin(t, c)
	b.until("all is told", func() bool { return len(b.retained()) == 8 })
	heard := b.listen("homeassistant/+/vedette_box1/+/config")
	b.until("what is kept is heard", func() bool { return len(heard()) == 4 })
	b.publish("homeassistant/status", "offline", false)
	b.publish("homeassistant/status", "online", false)
	b.until("all is told again", func() bool { return len(heard()) == 8 })
}

func TestWithoutDiscoveryHomeAssistantIsNotTold(t *testing.T) {
	b := startBroker(t)
	b.publish(discYard, "{}", true) // from when it was on
	conf := b.config()
	conf.Discovery = false
	begin(t, New(conf, b.options(&lines{}, newThings())))
	b.until("the states are told, and nothing else", func() bool {
		got := b.retained()
		return len(got) == 4 && got[topicDoor] == "2"
	})
}

func TestConnectionsThatFailSayWhy(t *testing.T) {
	b := startBroker(t)
	tests := []struct {
		name   string
		change func(*Config, *Options)
		says   string // "" = it works
	}{
		{"a password", func(*Config, *Options) {}, ""},
		{"encrypted", func(c *Config, _ *Options) { c.URL = fmt.Sprintf("mqtts://127.0.0.1:%d", b.tls) }, ""},
		{"a wrong password", func(c *Config, _ *Options) { c.Password = "canary-wrong" }, "refuses the connection: code 0x87"},
		{"no password", func(c *Config, _ *Options) { c.Username, c.Password = "", "" }, "refuses the connection"},
		{"nobody vouches for it", func(c *Config, o *Options) { c.URL, o.Roots = fmt.Sprintf("mqtts://127.0.0.1:%d", b.tls), nil }, "certificate"},
		{"nobody is there", func(c *Config, _ *Options) { c.URL = fmt.Sprintf("mqtt://127.0.0.1:%d", freePort(t)) }, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf, o := b.config(), b.options(&lines{}, newThings())
			tt.change(&conf, &o)
			once := Once(t.Context(), conf, o, message(1))
			c := New(conf, o)
			begin(t, c)
			if tt.says == "" {
				up := c.Ready()
				<-up
				if once.Verdict != delivery.Sent {
					t.Errorf("Once = %+v", once)
				}
				for range 3 { // beside the one that is connected
					if out := Once(t.Context(), conf, o, message(2)); out.Verdict != delivery.Sent {
						t.Errorf("Once = %+v", out)
					}
				}
				if out := c.Send(t.Context(), message(3)); out.Verdict != delivery.Sent || c.Ready() != up {
					t.Errorf("Send = %+v, want the connection still there", out)
				}
				return
			}
			b.until("it is known why", func() bool {
				out := c.Send(t.Context(), message(1))
				return out.Verdict == delivery.Down && strings.Contains(out.Err.Error(), tt.says) && !strings.Contains(out.Err.Error(), "canary")
			})
			if once.Verdict != delivery.Retry || !strings.Contains(once.Err.Error(), tt.says) || strings.Contains(once.Err.Error(), "canary") {
				t.Errorf("Once = %+v, want it to say %q", once, tt.says)
			}
		})
	}
}

// FuzzBounded reads what a broker may send in pieces of any size: nothing is taken
// of a packet that is too long.
func FuzzBounded(f *testing.F) {
	ping := []byte{0xd0, 0}
	f.Add(ping, 1)
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, 2)       // 256 MiB are announced
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, 3) // a length that does not end
	f.Add(append([]byte{0x30, 5, 1, 2, 3, 4, 5}, ping...), 2)
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x80}, 2)                   // a length of nothing that does not end
	f.Add([]byte{0x30, 5, 0x30, 0xff, 0xff, 0xff, 0x7f}, 3)                // what is inside of a packet announces nothing
	f.Add(append([]byte{0x30, 0x80, 0x80, 0x10}, make([]byte, 100)...), 7) // 256 KiB, just right
	f.Add([]byte{0x30, 0x81, 0x80, 0x10}, 7)                               // one more
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		ours, theirs := net.Pipe()
		go func() { _, _ = theirs.Write(data); theirs.Close() }()
		defer ours.Close()
		b := &bounded{Conn: ours}
		buf := make([]byte, min(max(piece, 1), 64))
		var read []byte
		var failed error
		for failed == nil {
			var n int
			n, failed = b.Read(buf)
			read = append(read, buf[:n]...)
		}
		tooLong := longest(data) > mostPacket
		if tooLong != (failed == errPacket) {
			t.Errorf("%x: %v, want it refused: %v", data, failed, tooLong)
		}
		if !tooLong && len(read) != len(data) {
			t.Errorf("read %d of %d bytes", len(read), len(data))
		}
	})
}

// longest returns the greatest length that data announces, a million for one that
// does not end.
func longest(data []byte) (most int) {
	for len(data) > 0 {
		data = data[1:]
		size, i := 0, 0
		for ; i < len(data); i++ {
			size |= int(data[i]&0x7f) << (7 * i)
			if size > mostPacket || i == 3 && data[i]&0x80 != 0 {
				return 1e6
			}
			if data[i]&0x80 == 0 {
				i++
				break
			}
		}
		most = max(most, size)
		data = data[min(i+size, len(data)):]
	}
	return most
}

// TestWritesEnd has a broker that takes nothing any more.
func TestWritesEnd(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	b := &bounded{Conn: deadline{ours}}
	started := time.Now()
	if _, err := b.Write([]byte("x")); err == nil || time.Since(started) > 5*time.Second {
		t.Errorf("Write = %v after %v", err, time.Since(started))
	}
}

// deadline is a connection whose deadlines come soon.
type deadline struct{ net.Conn }

func (d deadline) SetWriteDeadline(at time.Time) error {
	if until := time.Until(at); until < writeTime-time.Second || until > writeTime {
		return fmt.Errorf("a deadline in %v", until)
	}
	return d.Conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
}
