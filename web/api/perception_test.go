package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/web/auth"
)

// TestObjectsOfOtherCamerasAreAsIfNotThere asks for tasks, zones, rules and incidents by
// their ids, as somebody who sees the camera yard alone: what is of another camera and
// what is not there must not be told apart.
func TestObjectsOfOtherCamerasAreAsIfNotThere(t *testing.T) {
	b := newBox(t)
	some, all := "Cookie: "+b.user(t, auth.Manager, "yard"), "Cookie: "+b.user(t, auth.Manager)
	for _, rt := range b.table {
		for kind, ids := range map[string][]string{"task": {"task_1", "task_2"}, "zone": {"zone_1", "zone_2"}, "rule": {"rule_1", "rule_2", "rule_3"}, "incident": {"incident_1", "incident_2", "incident_3"}} {
			if !strings.Contains(rt.pattern, "{"+kind+"}") {
				continue
			}
			ask := func(id, who string) *httptest.ResponseRecorder {
				return b.do(rt.method, strings.ReplaceAll(rt.pattern, "{"+kind+"}", id), bodyFor(rt), who)
			}
			if w := ask(ids[0], some); w.Code >= 300 {
				t.Errorf("%s of one's own camera: %d %s", rt, w.Code, w.Body)
			}
			gone := ask("ghost", some)
			for _, id := range ids[1:] {
				if w := ask(id, some); w.Code != 403 || gone.Code != 403 || w.Body.String() != gone.Body.String() {
					t.Errorf("%s: %s %d %s, one that is not there %d %s", rt, id, w.Code, w.Body, gone.Code, gone.Body)
				}
				if w := ask(id, all); w.Code >= 300 {
					t.Errorf("%s: %s for who sees all: %d %s", rt, id, w.Code, w.Body)
				}
			}
			if w := ask("ghost", all); w.Code != 404 {
				t.Errorf("%s: one that is not there, for who sees all: %d %s", rt, w.Code, w.Body)
			}
		}
	}
	for path, want := range map[string]string{"/hold-rules": "rule_1", "/incidents": "incident_1"} {
		w := b.do("GET", v1+path, "", some)
		if got := strings.Count(w.Body.String(), `"id"`); got != 1 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s lists %s", path, w.Body)
		}
	}
}

func TestAllCamerasAreTheCallersOwn(t *testing.T) {
	b := newBox(t)
	some, all := "Cookie: "+b.user(t, auth.Manager, "yard"), "Cookie: "+b.user(t, auth.Manager)
	tests := []struct {
		name, who, method, path, body string
		status                        int
		cameras                       []string
	}{
		{"a rule for all", some, "POST", "/hold-rules", `{"name":"x"}`, 201, []string{"yard"}},
		{"a rule for all, said", some, "POST", "/hold-rules", `{"name":"x","cameras":null}`, 201, []string{"yard"}},
		{"a rule for another's", some, "POST", "/hold-rules", `{"name":"x","cameras":["yard","door"]}`, 403, nil},
		{"a rule made one for all", some, "PATCH", "/hold-rules/rule_1", `{"cameras":null}`, 200, []string{"yard"}},
		{"a rule made another's", some, "PATCH", "/hold-rules/rule_1", `{"cameras":["door"]}`, 403, nil},
		{"a rule of who sees all", all, "POST", "/hold-rules", `{"name":"x"}`, 201, nil},
		{"an incident of all", some, "POST", "/incidents", `{"title":"x"}`, 201, []string{"yard"}},
		{"an incident of another's", some, "POST", "/incidents", `{"title":"x","cameras":["door"]}`, 403, nil},
		{"an incident made another's", some, "PATCH", "/incidents/incident_1", `{"cameras":["door"]}`, 403, nil},
		{"an incident made one of all", some, "PATCH", "/incidents/incident_1", `{"cameras":[]}`, 200, []string{"yard"}},
	}
	for _, tt := range tests {
		b.cases.rule, b.cases.incident = HoldRuleInput{}, IncidentInput{}
		w := b.do(tt.method, v1+tt.path, tt.body, tt.who)
		got := b.cases.rule.Cameras.IDs
		if b.cases.incident.Cameras != nil {
			got = *b.cases.incident.Cameras
		}
		if w.Code != tt.status || !slices.Equal(got, tt.cameras) {
			t.Errorf("%s: %d %s, cameras %v; want %d, %v", tt.name, w.Code, w.Body, got, tt.status, tt.cameras)
		}
	}
}

func TestZonesAreDrawn(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"list", "GET", "/cameras/yard/zones", "", 200, `[{"id":"zone_1","camera_id":"yard","name":"","kind":"polygon","points":[],"direction":"","labels":[],`},
		{"add", "POST", "/cameras/yard/zones", `{"name":"gate","kind":"polygon","points":[[0,0],[1,0],[0.5,1]]}`, 201, `"points":[[0,0],[1,0],[0.5,1]]`},
		{"without a name", "POST", "/cameras/yard/zones", `{"kind":"line","points":[]}`, 400, `"field":"name"`},
		{"without a kind", "POST", "/cameras/yard/zones", `{"name":"x","points":[]}`, 400, `"field":"kind"`},
		{"without points", "POST", "/cameras/yard/zones", `{"name":"x","kind":"line"}`, 400, `"field":"points"`},
		{"refused", "POST", "/cameras/yard/zones", `{"name":"x","kind":"polygon","points":[[0,0]]}`, 400, `"message":"points must be at least 3."`},
		{"a point of one number", "POST", "/cameras/yard/zones", `{"name":"x","kind":"line","points":[[0,0],[1,1],[1]]}`, 400, `"field":"points"`},
		{"a point of three numbers", "POST", "/cameras/yard/zones", `{"name":"x","kind":"line","points":[[0,0],[1,1],[0,0,0]]}`, 400, `"field":"points"`},
		{"a point with a hole", "POST", "/cameras/yard/zones", `{"name":"x","kind":"line","points":[[0,0],[1,1],[0,null]]}`, 400, `"field":"points"`},
		{"no number", "POST", "/cameras/yard/zones", `{"name":"x","kind":"line","points":[[0,NaN]]}`, 400, `"bad_json"`},
		{"a million of them", "POST", "/cameras/yard/zones", `{"name":"x","kind":"polygon","points":[` + strings.Repeat("[0,1],", 999_999) + `[1,1]]}`, 413, `"too_large"`},
		{"as many as there is room for", "POST", "/cameras/yard/zones", `{"name":"x","kind":"polygon","points":[` + strings.Repeat("[0,1],", 40_000) + `[1,1]]}`, 201, `"zone_9"`},
		{"change", "PATCH", "/zones/zone_1", `{"min_confidence":0.25,"record":false}`, 200, `"zone_1"`},
		{"its kind", "PATCH", "/zones/zone_1", `{"kind":"line"}`, 400, `"field":"kind"`},
		{"remove", "DELETE", "/zones/zone_1", "", 204, ""},
		{"who is there", "GET", "/cameras/yard/occupancy", "", 200, `{"zones":[{"zone_id":"zone_1","name":"yard","total":1,"labels":{},"tracks":[]}]}`},
		{"a picture", "GET", "/cameras/yard/evidence/e1.jpg", "", 200, "\xff\xd8jpeg"},
		{"of another camera", "GET", "/cameras/door/evidence/e1.jpg", "", 404, "not_found"},
		{"a path for a picture", "GET", "/cameras/yard/evidence/..%2fe1.jpg", "", 404, "not_found"},
	}
	for _, tt := range tests {
		if w := b.owner(tt.method, v1+tt.path, tt.body); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %.300s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

func TestACameraIsTriggered(t *testing.T) {
	b := newBox(t)
	key := "X-API-Key: " + b.key(t, "integration", nil, time.Time{})
	tests := []struct {
		name, path, body string
		status           int
		want             string
		asked            Trigger
	}{
		{"no more than that", "yard", "", 202, `{"until":"2026-11-23T20:00:00.000Z"}`, Trigger{By: "integration"}},
		{"for a while, and why", "yard", `{"seconds":1.5,"reason":"gate"}`, 202, `{"until":"2026-11-23T20:00:01.500Z"}`, Trigger{1500 * time.Millisecond, "gate", "integration"}},
		{"too short", "yard", `{"seconds":0.5}`, 400, `"field":"seconds"`, Trigger{}},
		{"too long", "yard", `{"seconds":3601}`, 400, `"field":"seconds"`, Trigger{}},
		{"too much of a reason", "yard", `{"reason":"` + strings.Repeat("a", 101) + `"}`, 400, `"field":"reason"`, Trigger{}},
		{"one that is not there", "ghost", "", 404, "not_found", Trigger{}},
	}
	for _, tt := range tests {
		b.triggers.asked = Trigger{}
		if w := b.do("POST", v1+"/cameras/"+tt.path+"/trigger", tt.body, key); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || b.triggers.asked != tt.asked {
			t.Errorf("%s: %d %s, asked %+v; want %d %s, %+v", tt.name, w.Code, w.Body, b.triggers.asked, tt.status, tt.want, tt.asked)
		}
	}
}

func TestDetectionsAreReadBack(t *testing.T) {
	b := newBox(t)
	w := b.do("GET", v1+"/cameras/yard/detections?from=1&to=2&label=person&min_confidence=0.5&limit=5000&cursor=c", "", b.worker(t))
	want := DetectionQuery{"yard", "person", time.UnixMilli(1).UTC(), time.UnixMilli(2).UTC(), 0.5, 5000, "c"}
	if w.Code != 200 || w.Header().Get("X-Next-Cursor") != "17" || b.detections.query != want {
		t.Errorf("%d %v, asked %+v", w.Code, w.Header(), b.detections.query)
	}
	if !strings.HasPrefix(w.Body.String(), `[{"id":"1-0","camera_id":"yard","task_type":"detection","timestamp":"2026-11-23T20:00:00.000Z","label":"person","confidence":null,"bbox":null,"attributes":{`) {
		t.Errorf("%s", w.Body)
	}
	for query, field := range map[string]string{"limit=5001": "limit", "limit=0": "limit", "min_confidence=x": "min_confidence", "min_confidence=NaN": "min_confidence", "min_confidence=1.1": "min_confidence", "from=x": "from", "from=2&to=2": "to", "cursor=none": "cursor"} {
		if w := b.owner("GET", v1+"/cameras/yard/detections?"+query, ""); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestTheOutboxIsForRelays(t *testing.T) {
	b := newBox(t)
	key := "X-API-Key: " + b.key(t, "relay", []string{"yard"}, time.Time{})
	w := b.do("GET", v1+"/outbox?after_seq=41&limit=1", "", key)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"rows":[{"seq":42,`) || !strings.Contains(w.Body.String(), `"_prov":{"key":"k1"`) || b.detections.who.Key == "" || b.detections.who.Sees("door") {
		t.Errorf("%d %s for %+v", w.Code, w.Body, b.detections.who)
	}
	for query, field := range map[string]string{"limit=1001": "limit", "after_seq=-1": "after_seq"} {
		if w := b.do("GET", v1+"/outbox?"+query, "", key); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := b.do("POST", v1+"/outbox/ack", `{"through_seq":42,"host":"x"}`, key); w.Code != 200 || b.detections.through != 42 || !strings.Contains(w.Body.String(), `"acknowledged_seq":42`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for body, want := range map[string]int{`{}`: 400, `{"through_seq":-1}`: 422, `{"through_seq":"1"}`: 422, `[]`: 400} {
		if w := b.do("POST", v1+"/outbox/ack", body, key); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestSubscriptionsAndTheRelay(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"list", "GET", "/notifications", "", 200, `[{"id":"sub_1","name":"","kind":"mail","enabled":false,"types":[],"min_severity":"","cameras":null,"mail":{"host":"","port":0,"tls":"","username":"","from":"","to":[]},"secret_set":true,"state":{"cursor":0,"pending":0}}]`},
		{"add", "POST", "/notifications", `{"name":"x","kind":"webhook","cameras":["yard"],"webhook":{"url":"https://nas.lan/hook","secret":"canary"}}`, 201, `"webhook":{"url":"https://nas.lan/hook"}`},
		{"without a name", "POST", "/notifications", `{"kind":"webhook"}`, 400, `"field":"name"`},
		{"without a kind", "POST", "/notifications", `{"name":"x"}`, 400, `"field":"kind"`},
		{"refused inside", "POST", "/notifications", `{"name":"x","kind":"webhook","webhook":{}}`, 400, `"field":"webhook.url"`},
		{"a field that is none, inside", "POST", "/notifications", `{"name":"x","kind":"mail","mail":{"hosts":"a"}}`, 400, `"field":"mail.hosts"`},
		{"a field of another type, inside", "POST", "/notifications", `{"name":"x","kind":"mail","mail":{"port":"25"}}`, 400, `"field":"mail.port"`},
		{"a field twice, inside", "POST", "/notifications", `{"name":"x","kind":"mail","mail":{"port":25,"port":26}}`, 400, `"field":"mail.port"`},
		{"change", "PATCH", "/notifications/sub_1", `{"enabled":false}`, 200, `"id":"sub_1"`},
		{"its kind", "PATCH", "/notifications/sub_1", `{"kind":"mail"}`, 400, `"field":"kind"`},
		{"one that is not there", "PATCH", "/notifications/ghost", `{}`, 404, "not_found"},
		{"test", "POST", "/notifications/sub_1/test", "", 200, `"result":"failed","error":"refused"`},
		{"deliveries", "GET", "/notifications/sub_1/deliveries?limit=7", "", 200, "[]\n"},
		{"too many deliveries", "GET", "/notifications/sub_1/deliveries?limit=201", "", 400, `"field":"limit"`},
		{"remove", "DELETE", "/notifications/sub_1", "", 204, ""},
		{"the relay", "GET", "/system/relay", "", 200, `{"enabled":false,"url":"nats://nas.lan","stream":"","subject":"","secret_set":false,"state":{"cursor":0,"pending":0,"dropped":0}}`},
		{"the relay changed", "PUT", "/system/relay", `{"token":"canary"}`, 200, `"secret_set":true`},
		{"the relay refused", "PUT", "/system/relay", `{"password":null}`, 400, `"field":"password"`},
	}
	for _, tt := range tests {
		w := b.owner(tt.method, v1+tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
	if got := b.follow.limit; got != 7 {
		t.Errorf("asked for %d deliveries", got)
	}
	if strings.Contains(fmt.Sprint(b.audit.take())+b.log.String(), "canary") {
		t.Error("a secret was written down")
	}
}

func TestChangesOfPerceptionAreWrittenDown(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		method, path, body string
		want               AuditEntry
	}{
		{"POST", "/cameras/yard/ai-tasks", `{"task_type":"faces"}`, AuditEntry{Action: "task.add", Target: "task_9", Camera: "yard"}},
		{"PATCH", "/ai-tasks/task_1", `{"fps":1}`, AuditEntry{Action: "task.change", Target: "task_1", Detail: map[string]string{"fields": "fps"}}},
		{"DELETE", "/zones/zone_1", "", AuditEntry{Action: "zone.remove", Target: "zone_1"}},
		{"POST", "/notifications", `{"name":"x","kind":"webhook","webhook":{"url":"https://nas.lan"}}`, AuditEntry{Action: "notification.add", Target: "sub_9", Detail: map[string]string{"kind": "webhook"}}},
		{"PUT", "/system/relay", `{"token":"x"}`, AuditEntry{Action: "relay.change", Detail: map[string]string{"fields": "token"}}},
		{"POST", "/incidents", `{"title":"x"}`, AuditEntry{Action: "incident.open", Target: "incident_9"}},
		{"POST", "/incidents/incident_1/notes", `{"text":"x"}`, AuditEntry{Action: "incident.note", Target: "incident_1"}},
		{"PATCH", "/hold-rules/rule_1", `{"cameras":null}`, AuditEntry{Action: "rule.change", Target: "rule_1", Detail: map[string]string{"fields": "cameras"}}},
		{"POST", "/cameras/yard/trigger", `{"reason":"gate"}`, AuditEntry{Action: "camera.trigger", Camera: "yard", Detail: map[string]string{"reason": "gate"}}},
		{"GET", "/export.zip?cameras=yard,door&from=0&to=1000&incident=incident_1", "", AuditEntry{Action: "footage.export", Detail: map[string]string{"cameras": "yard door", "from": "1970-01-01T00:00:00.000Z", "to": "1970-01-01T00:00:01.000Z", "incident": "incident_1"}}},
	}
	for _, tt := range tests {
		b.audit.take()
		b.owner(tt.method, v1+tt.path, tt.body)
		got := b.audit.take()
		if len(got) != 1 {
			t.Errorf("%s %s: %+v", tt.method, tt.path, got)
			continue
		}
		tt.want.Actor, tt.want.Role, tt.want.Result = "owner", "admin", "ok"
		got[0].Seq, got[0].Via, got[0].Address = 0, "", ""
		if !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s %s: %+v, want %+v", tt.method, tt.path, got[0], tt.want)
		}
	}
}

func TestExports(t *testing.T) {
	b := newBox(t)
	guard := "Cookie: " + b.user(t, auth.Guard, "yard")
	owner := "Cookie: " + b.cookie
	tests := []struct {
		name, who, query string
		err              error
		status           int
		want             string
	}{
		{"a camera", guard, "cameras=yard&" + hour, nil, 200, "PK"},
		{"of an incident", guard, "cameras=yard&incident=incident_1&" + hour, nil, 200, "PK"},
		{"several cameras", owner, "cameras=yard,door&" + hour, nil, 200, "PK"},
		{"another's camera", guard, "cameras=yard,door&" + hour, nil, 403, ""},
		{"another's incident", guard, "cameras=yard&incident=incident_2&" + hour, nil, 403, ""},
		{"an incident that is not there", owner, "cameras=yard&incident=ghost&" + hour, nil, 404, ""},
		{"no camera", owner, hour, nil, 400, `"field":"cameras"`},
		{"one twice", owner, "cameras=yard,yard&" + hour, nil, 400, `"field":"cameras"`},
		{"what is no camera", owner, "cameras=../x&" + hour, nil, 400, `"field":"cameras"`},
		{"too many", owner, "cameras=" + strings.Repeat("a,", 16) + "b&" + hour, nil, 400, `"field":"cameras"`},
		{"too long", owner, "cameras=yard&from=0&to=14400001", nil, 400, `"field":"to"`},
		{"nothing there", owner, "cameras=yard&" + hour, ErrNotFound, 404, ""},
		{"exports are made already", owner, "cameras=yard&" + hour, ErrUnavailable, 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.cases.err, b.cases.first = tt.err, ""
			if tt.err == nil {
				b.cases.first = "PK"
			}
			w := b.do("GET", v1+"/export.zip?"+tt.query, "", tt.who)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Fatalf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if ok := w.Code == 200; ok != (w.Header().Get("Content-Disposition") == `attachment; filename="vedette_2026-11-23T20-00-00Z.zip"`) || ok != (w.Header().Get("Content-Type") == "application/zip") {
				t.Errorf("%v", w.Header())
			}
		})
	}
	if w := b.owner("HEAD", v1+"/export.zip?cameras=yard&"+hour, ""); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("HEAD: %d", w.Code)
	}
	if w := b.owner("GET", v1+"/system/signing-key", ""); w.Body.String() != `{"key_id":"0a1b","public_key":"AAAA"}`+"\n" {
		t.Errorf("the key: %s", w.Body)
	}
	if b.cases.export.By != "owner" {
		t.Errorf("exported by %q", b.cases.export.By)
	}
}

// TestAnExportThatBreaksOffIsNoWholeFile makes an export fail after its first bytes,
// whatever with: to the client it must look broken off.
func TestAnExportThatBreaksOffIsNoWholeFile(t *testing.T) {
	for _, err := range []error{errors.New("disk"), ErrNotFound, fmt.Errorf("x: %w", ErrConflict)} {
		b := newBox(t)
		b.cases.err, b.cases.first = err, strings.Repeat("PK", 5000)
		srv := httptest.NewServer(b)
		r, _ := http.NewRequest("GET", srv.URL+v1+"/export.zip?cameras=yard&"+hour, nil)
		r.Header.Set("Cookie", b.cookie)
		resp, rerr := http.DefaultClient.Do(r)
		if rerr == nil {
			_, rerr = readAll(resp)
		}
		if rerr == nil {
			t.Errorf("%v: the client takes it for a whole file", err)
		}
		srv.Close()
	}
}

func TestWhatPerceptionDoesNotHaveSaysSo(t *testing.T) {
	b := newBox(t, func(o *Options) {
		o.Tasks, o.Frames, o.Detections, o.Zones, o.Evidence, o.Triggers = nil, nil, nil, nil, nil, nil
		o.Notifications, o.Relay, o.HoldRules, o.Incidents, o.Exports = nil, nil, nil, nil, nil
	})
	keys := map[auth.Permission]string{auth.Work: b.worker(t), auth.Forward: "X-API-Key: " + b.key(t, "relay", nil, time.Time{})}
	asked := 0
	for _, rt := range b.table {
		p := strings.TrimPrefix(rt.pattern, v1)
		if !strings.HasPrefix(p, "/ai") && !strings.Contains(p, "zones") && !strings.Contains(p, "/notifications") && !strings.HasPrefix(p, "/outbox") && !strings.HasPrefix(p, "/incidents") &&
			!strings.HasPrefix(p, "/hold-rules") && !slices.Contains([]string{"/export.zip", "/system/relay", "/system/signing-key", "/cameras/{id}/frame", "/cameras/{id}/trigger", "/cameras/{id}/ai-tasks", "/cameras/{id}/detections", "/cameras/{id}/occupancy", "/cameras/{id}/evidence/{frame}"}, p) {
			continue
		}
		who := keys[rt.perm]
		if who == "" {
			who = "Cookie: " + b.cookie
		}
		asked++
		if w := b.do(rt.method, fill(rt.pattern), bodyFor(rt), who); w.Code != 501 {
			t.Errorf("%s: %d %s, want 501", rt, w.Code, w.Body)
		}
	}
	if asked != 40 {
		t.Errorf("asked for %d routes", asked)
	}
}
