package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const seen = `{"label":"person","confidence":0.9,"bbox":[0.1,0.2,0.3,0.4],"track_id":"t1"}`

// post makes a report of yard with what else is given.
func post(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"camera_id":"yard","task_type":"detection"` + more + `}`
}

func TestReportsAreAnsweredByTheContract(t *testing.T) {
	tests := []struct {
		name, body string
		err        error // of the log
		status     int
		want       string
	}{
		{"one detection", post(`"detections":[` + seen + `]`), nil, 200, `{"detections_ingested":1,"ticketed":false}`},
		{"an empty list is a report", post(`"detections":[]`), nil, 200, `{"detections_ingested":0,"ticketed":false}`},
		{"fields of other systems", post(`"detections":[{"label":"a","mask":[1],"Label2":{}}],"model":{"v":1}`), nil, 200, `"detections_ingested":1`},
		{"null is as good as nothing", post(`"timestamp":null,"frame_id":null,"frame_ticket":null,"event":null,"detections":[{"label":null,"confidence":null,"bbox":null,"track_id":null,"attributes":null}]`), nil, 200, `"detections_ingested":1`},
		{"all of it", post(`"timestamp":"2026-11-23T20:00:00Z","frame_id":"f1","detections":[` + seen + `],"event":{"event_type":"loitering","severity":"warning","payload":{"a":1}}`), nil, 200, `"detections_ingested":1`},
		{"a thousand detections", post(`"detections":[` + strings.Repeat(`{},`, 999) + `{}]`), nil, 200, `"detections_ingested":1000`},
		{"the edges of what is allowed", post(`"detections":[{"confidence":0,"bbox":[0,0,1,1]},{"confidence":1}]`), nil, 200, `"detections_ingested":2`},

		{"one too many", post(`"detections":[` + strings.Repeat(`{},`, 1000) + `{}]`), nil, 400, `"field":"detections"`},
		{"no camera", `{"task_type":"detection","detections":[]}`, nil, 400, `"field":"camera_id"`},
		{"no type", `{"camera_id":"yard","detections":[]}`, nil, 400, `"field":"task_type"`},
		{"a camera that is none", `{"camera_id":"../etc","task_type":"x","detections":[]}`, nil, 400, `"field":"camera_id"`},
		{"not JSON", `{"camera_id":`, nil, 400, `"bad_json"`},
		{"a list", `[]`, nil, 400, `"bad_json"`},
		{"not UTF-8", post(`"detections":[{"label":"` + "\xff" + `"}]`), nil, 400, `"bad_json"`},
		{"two objects", post("") + post(""), nil, 400, `"bad_json"`},
		{"a confidence above 1", post(`"detections":[{},{"confidence":1.01}]`), nil, 400, `"field":"detections[1].confidence"`},
		{"a confidence below 0", post(`"detections":[{"confidence":-0.1}]`), nil, 400, `"field":"detections[0].confidence"`},
		{"a confidence that is no number", post(`"detections":[{},{},{"confidence":NaN}]`), nil, 400, `"field":"detections[2].confidence"`},
		{"a confidence without end", post(`"detections":[{"confidence":Infinity}]`), nil, 400, `"field":"detections[0].confidence"`},
		{"a confidence that is too large", post(`"detections":[{"confidence":1e999}]`), nil, 400, `"field":"detections[0].confidence"`},
		{"a box with no number", post(`"detections":[{"bbox":[0,0,-Infinity,1]}]`), nil, 400, `"field":"detections[0].bbox"`},
		{"a box of three", post(`"detections":[{"bbox":[0,0,1]}]`), nil, 400, `"field":"detections[0].bbox"`},
		{"a box of five", post(`"detections":[{"bbox":[0,0,1,1,1]}]`), nil, 400, `"field":"detections[0].bbox"`},
		{"a box outside", post(`"detections":[{"bbox":[0,0,1,1.5]}]`), nil, 400, `"field":"detections[0].bbox"`},
		{"a box with a hole", post(`"detections":[{"bbox":[0,0,null,1]}]`), nil, 400, `"field":"detections[0].bbox"`},
		{"no number deep inside", post(`"detections":[{"attributes":{"a":[NaN]}}]`), nil, 400, `"field":"detections[0].attributes"`},
		{"a label that is too long", post(`"detections":[{"label":"` + strings.Repeat("a", 257) + `"}]`), nil, 400, `"field":"detections[0].label"`},
		{"a time that is none", post(`"timestamp":"yesterday","detections":[]`), nil, 400, `"field":"timestamp"`},
		{"an event of the box", post(`"event":{"event_type":"zone_enter"}`), nil, 400, `"field":"event.event_type"`},
		{"an event in capitals", post(`"event":{"event_type":"Fire"}`), nil, 400, `"field":"event.event_type"`},
		{"an event without a type", post(`"event":{}`), nil, 400, `"field":"event.event_type"`},
		{"an event of another severity", post(`"event":{"event_type":"fire","severity":"fatal"}`), nil, 400, `"field":"event.severity"`},

		{"a confidence of another type", post(`"detections":[{},{"confidence":"high"}]`), nil, 422, `"field":"detections[1].confidence"`},
		{"a box of another type", post(`"detections":[{"bbox":{"x":1}}]`), nil, 422, `"field":"detections[0].bbox"`},
		{"detections of another type", post(`"detections":{}`), nil, 422, `"field":"detections"`},
		{"a detection of another type", post(`"detections":[7]`), nil, 422, `"field":"detections[0]"`},
		{"attributes of another type", post(`"detections":[{"attributes":[1]}]`), nil, 422, `"field":"detections[0].attributes"`},
		{"a camera of another type", `{"camera_id":7,"task_type":"x"}`, nil, 422, `"field":"camera_id"`},
		{"a payload of another type", post(`"event":{"event_type":"fire","payload":7}`), nil, 422, `"field":"event.payload"`},

		{"a camera that is not there", `{"camera_id":"ghost","task_type":"x","detections":[]}`, nil, 404, `"not_found"`},
		{"a task that is disabled", `{"camera_id":"yard","task_type":"anpr","detections":[]}`, nil, 403, `"task_disabled"`},
		{"a type that has no task", `{"camera_id":"yard","task_type":"faces","detections":[]}`, nil, 200, `"detections_ingested":0`},
		{"too long", post(`"detections":[{"label":"` + strings.Repeat("a", 1<<20) + `"}]`), nil, 413, `"too_large"`},
		{"the queue is full", post(`"detections":[]`), fmt.Errorf("append: %w", ErrFull), 503, `"queue_full"`},
		{"the disk is away", post(`"detections":[]`), fmt.Errorf("append: %w", ErrUnavailable), 503, `"unavailable"`},
		{"something breaks", post(`"detections":[]`), errors.New("canary"), 500, `"internal"`},
	}
	b := newBox(t)
	key := b.worker(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.detections.err = tt.err
			w := b.do("POST", v1+"/ai/events", tt.body, key)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
		})
	}
	if got := b.audit.take(); len(got) > 1 { // what was not allowed, once
		t.Errorf("reports were written down: %+v", got)
	}
}

func TestAReportIsTakenAsItWasSaid(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	w := b.do("POST", v1+"/ai/events", post(`"timestamp":"2026-11-23T20:00:00.25Z","frame_id":"f1","detections":[`+seen+`,{}],"event":{"event_type":"fire","severity":"critical","payload":{"a":1}}`), key)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := b.detections.last()
	key32 := float32(0.9)
	want := Report{
		Camera: "yard", TaskType: "detection", Profile: "sub", Task: "task_1", FrameID: "f1", Time: start.Add(250 * time.Millisecond), Key: got.Key, KeyName: "worker",
		Detections: []Sighting{{Label: "person", Confidence: &key32, Box: &[4]float32{0.1, 0.2, 0.3, 0.4}, Track: "t1"}, {}},
		Event:      &WorkerEvent{"fire", "warning", json.RawMessage(`{"a":1}`)}, // never critical
	}
	if got.Key == "" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if w := b.do("POST", v1+"/ai/events", post(`"frame_id":"f1","detections":[`+seen+`]`), key); w.Code != 200 || w.Body.String() != `{"detections_ingested":0,"duplicate":true}`+"\n" {
		t.Errorf("the same frame again: %d %s", w.Code, w.Body)
	}
	b.do("POST", v1+"/ai/events", post(`"event":{"event_type":"fire"}`), key)
	if got := b.detections.last(); got.Detections != nil || got.Event == nil || got.Event.Severity != "info" {
		t.Errorf("an event alone: %+v", got)
	}
	b.do("POST", v1+"/ai/events", post(`"detections":[]`), key)
	if got := b.detections.last(); got.Detections == nil {
		t.Error("an empty list says that nothing is there, and is not the same as none")
	}
}

func TestTheBoxWritesProvenanceItself(t *testing.T) {
	b := newBox(t)
	key := b.worker(t)
	for in, want := range map[string]string{
		`{"hat":true,"source":"camera","_prov":{"key":"another"}}`: `{"hat":true}`,
		`{"so\u0075rce":"camera"}`:                                 ``,
		`{"_prov":null}`:                                           ``,
		`{"hat":{"source":"x"}}`:                                   `{"hat":{"source":"x"}}`,
	} {
		b.do("POST", v1+"/ai/events", post(`"detections":[{"attributes":`+in+`}]`), key)
		if got := string(b.detections.last().Detections[0].Attributes); got != want {
			t.Errorf("%s is kept as %s, want %s", in, got, want)
		}
	}
	w := b.owner("GET", v1+"/cameras/yard/detections", "")
	want := `"attributes":{"_prov":{"key":"k1","name":"pull","ticketed":true},"hat":true,"source":"worker"}`
	if !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "a lie") {
		t.Errorf("read back %s, want %s", w.Body, want)
	}
}

func TestTickets(t *testing.T) {
	with := func(ticket, more string) string {
		return post(`"frame_ticket":"` + ticket + `","detections":[]` + more)
	}
	tests := []struct {
		name, policy, body string
		status             int
		want               string
	}{
		{"a good one", "warn", with("yard-1", ""), 200, `"ticketed":true`},
		{"a good one and nothing else", "enforce", `{"frame_ticket":"yard-1","detections":[]}`, 200, `"ticketed":true`},
		{"its number as the frame id", "warn", with("yard-1", `,"frame_id":"7"`), 200, `"ticketed":true`},
		{"of another camera than the body", "warn", with("door-1", ""), 409, `"field":"camera_id"`},
		{"of another type than the body", "warn", `{"frame_ticket":"yard-1","task_type":"anpr","detections":[]}`, 409, `"field":"task_type"`},
		{"of another frame than the body", "warn", with("yard-1", `,"frame_id":"mine"`), 409, `"field":"frame_id"`},
		{"a broken one", "warn", with(ErrBadTicket.Error(), ""), 401, `"bad_ticket"`},
		{"an expired one", "warn", with(ErrOldTicket.Error(), ""), 401, `"old_ticket"`},
		{"another's", "warn", with(ErrForeign.Error(), ""), 401, `"foreign_ticket"`},
		{"without a lease", "warn", with(ErrNoLease.Error(), ""), 401, `"no_lease"`},
		{"of a disabled task", "warn", with(ErrTaskDisabled.Error(), ""), 403, `"task_disabled"`},
		{"of a task that another holds", "warn", with(ErrHeld.Error(), ""), 409, `"held"`},
		{"a broken one where nobody looks", "off", with(ErrBadTicket.Error(), ""), 200, `"ticketed":false`},
		{"none where one is needed", "enforce", post(`"detections":[]`), 401, `"ticket_needed"`},
		{"none where one is wished for", "", post(`"detections":[]`), 200, `"ticketed":false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, func(o *Options) { o.Tickets = tt.policy })
			w := b.do("POST", v1+"/ai/events", tt.body, b.worker(t))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Fatalf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := len(b.detections.reports); (got == 1) != (tt.status == 200) {
				t.Errorf("%d reports were kept", got)
			}
			if strings.Contains(tt.want, "true") {
				got := b.detections.last()
				if got.Camera != "yard" || got.TaskType != "detection" || got.FrameID != "frame-7" || got.FrameSeq != 7 || got.Profile != "sub" || got.Task != "task_1" || !got.Ticketed || !got.Time.Equal(start) {
					t.Errorf("the ticket does not decide: %+v", got)
				}
			}
		})
	}
	t.Run("of a camera that the key does not see", func(t *testing.T) {
		b := newBox(t)
		w := b.do("POST", v1+"/ai/events", `{"frame_ticket":"door-1","detections":[]}`, b.worker(t, "yard"))
		if w.Code != 403 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestWhoReportsWithoutTicketsIsToldOfOnceAnHour(t *testing.T) {
	var h hourly
	synctest.Test(t, func(t *testing.T) {
		told := 0
		for range 7200 {
			if h.first("k1", time.Now()) {
				told++
			}
			time.Sleep(time.Second)
		}
		if told != 2 {
			t.Errorf("told %d times in two hours", told)
		}
		if !h.first("k2", time.Now()) {
			t.Error("one key keeps another one's from being told")
		}
	})
	b := newBox(t)
	key := b.worker(t)
	for range 3 {
		b.do("POST", v1+"/ai/events", post(`"detections":[]`), key)
	}
	if n := strings.Count(b.log.String(), "reports without tickets"); n != 1 {
		t.Errorf("the log tells %d times", n)
	}
}

func TestAKeyThatAsksTooOftenIsToldToWait(t *testing.T) {
	b := newBox(t)
	b.tasks.wait = 1500 * time.Millisecond
	key := b.worker(t)
	for route, body := range map[string]string{"POST /ai/events": post(`"detections":[]`), "POST /ai/leases": `{"worker_id":"w"}`, "GET /ai/tasks": "", "GET /cameras/yard/frame": ""} {
		method, path, _ := strings.Cut(route, " ")
		if w := b.do(method, v1+path, body, key); w.Code != 429 || w.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: %d, Retry-After %q", route, w.Code, w.Header().Get("Retry-After"))
		}
	}
	if w := b.owner("GET", v1+"/cameras/yard/frame", ""); w.Code != 404 {
		t.Errorf("a person pays for the keys: %d", w.Code)
	}
}

func TestScopeComesBeforeExistenceForReportsToo(t *testing.T) {
	b := newBox(t)
	key := b.worker(t, "door")
	if w := b.do("POST", v1+"/ai/events", post(`"frame_ticket":"`+ErrBadTicket.Error()+`","detections":[]`), key); w.Code != 403 {
		t.Errorf("with a broken ticket: %d %s", w.Code, w.Body)
	}
	for _, camera := range []string{"yard", "ghost"} {
		if w := b.do("POST", v1+"/ai/events", `{"camera_id":"`+camera+`","task_type":"x","detections":[]}`, key); w.Code != 403 {
			t.Errorf("%s: %d %s", camera, w.Code, w.Body)
		}
	}
	denied := 0
	for _, e := range b.audit.take() {
		if e.Result == "denied" {
			denied++
		}
	}
	if denied != 1 {
		t.Errorf("%d refusals of one machine were written down, want 1 an hour", denied)
	}
}

func TestWhatIsNoNumberIsSpelled(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":NaN}`:                 `{"a":1e999}`,
		`[Infinity,-Infinity, NaN]`: `[1e999,1e999, 1e999]`,
		`{"a":"NaN"}`:               ``,
		`{"a":"\"NaN"}`:             ``,
		`{"a\\":NaN,"b":"\\\"NaN"}`: `{"a\\":1e999,"b":"\\\"NaN"}`,
		`{"a":1}`:                   ``,
		`{"a":"`:                    ``,
		`"\`:                        ``,
	} {
		if got := string(spell([]byte(in))); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

// FuzzReports feeds what workers send.
func FuzzReports(f *testing.F) {
	f.Add([]byte(post(`"detections":[` + seen + `]`)))
	f.Add([]byte(post(`"detections":[{"confidence":NaN,"bbox":[0,Infinity,-Infinity,1e999],"attributes":{"source":"NaN\"","_prov":1}}],"event":{"event_type":"a"}`)))
	f.Add([]byte(`{"detections":[null],"event":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b reportBody
		err := lax(data, &b)
		var rep Report
		if err == nil {
			rep, err = b.report()
		}
		var bad *failure
		if err != nil {
			if !errors.As(err, &bad) || bad.status != 400 && bad.status != 422 || len(bad.field) > 120 {
				t.Fatalf("%v is not a short 400 or 422", err)
			}
			return
		}
		for _, d := range rep.Detections {
			if d.Confidence != nil && !(*d.Confidence >= 0 && *d.Confidence <= 1) {
				t.Fatalf("confidence %v", *d.Confidence)
			}
			if d.Attributes != nil && (!json.Valid(d.Attributes) || d.Attributes[0] != '{') {
				t.Fatalf("attributes %s", d.Attributes)
			}
		}
		if rep.Event != nil && rep.Event.Severity != "info" && rep.Event.Severity != "warning" {
			t.Fatalf("severity %s", rep.Event.Severity)
		}
	})
}
