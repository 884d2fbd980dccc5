package panel

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vedette/web/auth"
)

func TestBoxesGoToThoseWhoAskForThem(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	other := b.open(t)
	confidence := float32(0.5)
	show := func(camera string, at int) {
		b.Panel.Show(Detections{Camera: camera, Captured: time.UnixMilli(int64(at)), TaskType: "detection",
			Boxes: []Box{{Label: "person", Confidence: &confidence, Box: &[4]float32{0, 0.25, 0.5, 1}, Track: "t1"}, {}}})
	}
	show("yard", 1) // nobody looks
	br.say(`{"v":1,"t":"sub","d":{"topics":["detections/yard"]}}`)
	br.say(`{"v":1,"t":"ping"}`)
	br.until("pong")
	if !b.Panel.Looked("yard") || b.Panel.Looked("gate") {
		t.Error("who looks at what is not known")
	}
	show("gate", 2)
	show("yard", 3)
	want := `{"camera_id":"yard","captured_at":"1970-01-01T00:00:00.003Z","task_type":"detection","detections":[{"label":"person","confidence":0.5,"bbox":[0,0.25,0.5,1],"track_id":"t1"},{"label":"","confidence":null,"bbox":null}]}`
	if m := br.until("detections"); string(m.D) != want {
		t.Errorf("got %s, want %s", m.D, want)
	}
	br.say(`{"v":1,"t":"unsub","d":{"topics":["detections/yard"]}}`)
	br.say(`{"v":1,"t":"ping"}`)
	br.until("pong")
	show("yard", 4)
	b.events.add("")
	for _, br := range []*browser{br, other} {
		for m := br.next(); m.T != "event"; m = br.next() {
			if m.T == "detections" {
				t.Errorf("boxes for somebody who did not ask: %s", m.D)
			}
		}
	}
}

func TestTopicsAreRefused(t *testing.T) {
	b := newBox(t)
	br := b.open(t)
	many := make([]string, maxTopics+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"detections/c%d"`, i)
	}
	for body, code := range map[string]string{
		`{"topics":["weather"]}`:                                     "unknown_topic",
		`{"topics":["detections/"]}`:                                 "unknown_topic",
		`{"topics":["detections/` + strings.Repeat("a", 65) + `"]}`:  "unknown_topic",
		`{"topics":"detections/yard"}`:                               "bad_message",
		`{"topic":["detections/yard"]}`:                              "bad_message",
		`{"topics":[` + strings.Join(many, ",") + `]}`:               "bad_message",
		`{"topics":["detections/` + strings.Repeat("b", 64) + `x"]}`: "unknown_topic",
	} {
		br.say(`{"v":1,"t":"sub","id":7,"d":` + body + `}`)
		if m := br.until("error"); !strings.Contains(string(m.D), `"`+code+`"`) || !strings.Contains(string(m.D), `"ref":7`) {
			t.Errorf("%s: %s, want %s", body, m.D, code)
		}
	}
	br.say(`{"v":1,"t":"sub","d":{"topics":[` + strings.Join(many[:maxTopics], ",") + `]}}`)
	br.say(`{"v":1,"t":"sub","id":8,"d":{"topics":["detections/yard"]}}`)
	if m := br.until("error"); !strings.Contains(string(m.D), "too_many_topics") {
		t.Errorf("one too many: %s", m.D)
	}
	if b.Panel.Looked("yard") || !b.Panel.Looked("c63") {
		t.Error("what was refused was taken, or what was taken was lost")
	}
}

// connected returns a client without a connection.
func connected(p *Panel, who *auth.Principal) *client {
	c := &client{panel: p, who: who, ready: make(chan struct{}, 1), ended: make(chan struct{}), topics: map[string]bool{}}
	p.sockets[c] = struct{}{}
	return c
}

func TestNobodyFollowsACameraThatTheyMayNotSee(t *testing.T) {
	p := New(Options{})
	c := connected(p, &auth.Principal{Role: auth.Viewer, Cameras: []string{"yard"}})
	c.handle([]byte(`{"v":1,"t":"sub","d":{"topics":["detections/yard","detections/door"]}}`))
	if m := c.take(nil); len(m) != 1 || !strings.Contains(string(m[0].d), "forbidden") || len(c.topics) != 0 {
		t.Errorf("%+v, topics %v", m, c.topics)
	}
	if p.Show(Detections{Camera: "door"}); len(p.waiting) != 0 {
		t.Error("what nobody looks at is kept")
	}
	c.topics["door"] = true // however it came there
	p.Show(Detections{Camera: "door"})
	p.flushBoxes()
	if m := c.take(nil); len(m) != 0 {
		t.Errorf("sent %s", m[0].d)
	}
}

// TestTheNewestBoxesWin reports a hundred times a second for ten seconds, to one that
// takes what comes and to one that takes nothing.
func TestTheNewestBoxesWin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		quick, stuck := connected(p, &auth.Principal{Role: auth.Viewer}), connected(p, &auth.Principal{Role: auth.Viewer})
		quick.topics["yard"], stuck.topics["yard"] = true, true
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.sendBoxes(ctx); close(done) }()
		got := 0
		for i := range 1000 {
			for _, task := range []string{"detection", "anpr"} {
				p.Show(Detections{Camera: "yard", TaskType: task, Captured: time.UnixMilli(int64(i))})
			}
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			got += len(quick.take(nil))
		}
		time.Sleep(calm)
		synctest.Wait()
		got += len(quick.take(nil))
		if got < 190 || got > 204 {
			t.Errorf("%d messages of two types in ten seconds, want 10 a second each", got)
		}
		left := stuck.take(nil)
		if len(left) != 2 || !strings.Contains(string(left[0].d), `00:00:00.999Z`) || !strings.Contains(string(left[1].d), `00:00:00.999Z`) {
			t.Errorf("%d messages wait for the one that takes nothing, want the newest two", len(left))
		}
		cancel()
		<-done
	})
}
