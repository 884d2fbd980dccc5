package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// bodies are the structs of every body this API reads.
var bodies = []struct {
	name, method, path string
	make               func() any
	valid              string
	status             int
}{
	{"claim", "POST", "/api/v1/auth/claim", func() any { return new(claimBody) }, `{"code":"a","username":"b","password":"c"}`, 409},
	{"login", "POST", "/api/v1/auth/login", func() any { return new(loginBody) }, `{"username":"nobody","password":"wrong"}`, 401},
	{"logout", "POST", "/api/v1/auth/logout", func() any { return new(struct{}) }, `{}`, 204},
	{"change password", "POST", "/api/v1/auth/password", func() any { return new(passwordBody) }, `{"current":"wrong","password":"another one 815"}`, 403},
	{"begin second factor", "POST", "/api/v1/auth/totp", func() any { return new(confirmBody) }, `{"password":"` + ownerPassword + `"}`, 200},
	{"confirm second factor", "POST", "/api/v1/auth/totp/confirm", func() any { return new(codeBody) }, `{"code":"000000"}`, 409},
	{"remove second factor", "POST", "/api/v1/auth/totp/remove", func() any { return new(totpRemoveBody) }, `{"password":"wrong","code":"000000"}`, 403},
	{"new recovery codes", "POST", "/api/v1/auth/totp/recovery", func() any { return new(confirmBody) }, `{"password":"wrong"}`, 403},
	{"add user", "POST", "/api/v1/users", func() any { return new(addUserBody) }, `{"username":"ann","role":"guard","password":"another one 815","cameras":["yard"]}`, 201},
	{"change user", "PATCH", "/api/v1/users/nobody", func() any { return new(changeUserBody) }, `{"cameras":null,"disabled":true}`, 404},
	{"add key", "POST", "/api/v1/api-keys", func() any { return new(addKeyBody) }, `{"name":"pull","role":"worker","cameras":["yard"],"expires_at":"2126-01-01T00:00:00Z"}`, 201},
	{"certificate", "PUT", "/api/v1/system/tls", func() any { return new(CertificateInput) }, `{"mode":"own","hsts":false}`, 200},
	{"outgoing", "PUT", "/api/v1/system/outgoing", func() any { return new(OutgoingPolicy) }, `{"cameras_public":true,"allow":["10.0.0.0/8"]}`, 200},
	{"rotate secrets", "POST", "/api/v1/system/secrets/rotate", func() any { return new(struct{}) }, `{}`, 200},
	{"backup", "POST", "/api/v1/system/backup", func() any { return new(backupBody) }, `{"passphrase":"correct horse"}`, 200},
	{"add camera", "POST", "/api/v1/cameras", func() any { return new(CameraInput) }, `{"name":"Yard","record":false}`, 201},
	{"change camera", "PATCH", "/api/v1/cameras/yard", func() any { return new(CameraInput) }, `{"audio":true}`, 200},
	{"adopt volume", "POST", "/api/v1/system/volumes/garage/adopt", func() any { return new(adoptBody) }, `{"id":"22"}`, 202},
	{"hold", "POST", "/api/v1/holds", func() any { return new(holdBody) }, `{"from":"2026-01-01T00:00:00Z","to":"1767225700000","cameras":["yard"]}`, 201},
	{"retention", "PUT", "/api/v1/system/retention", func() any { return new(retentionBody) }, `{"volumes":{"garage":{"floor_bytes":5,"cap_bytes":null}},"cameras":{"yard":{"age_hours":24}}}`, 200},
	{"preview of retention", "POST", "/api/v1/system/retention/preview", func() any { return new(retentionBody) }, `{"cameras":{}}`, 200},
	{"remove volume", "POST", "/api/v1/system/volumes/garage/remove", func() any { return new(struct{}) }, `{}`, 204},
	{"prepare disk", "POST", "/api/v1/system/disks/sda/prepare", func() any { return new(prepareBody) }, `{"volume":"garage","confirm":"S1"}`, 202},
	{"use disk", "POST", "/api/v1/system/disks/sda/use", func() any { return new(useBody) }, `{"volume":"garage"}`, 204},
	{"update", "POST", "/api/v1/system/update", func() any { return new(updateBody) }, `{"url":"https://nas.lan/a.raucb","restart":true}`, 202},
	{"restart", "POST", "/api/v1/system/restart", func() any { return new(struct{}) }, `{}`, 202},
	{"power off", "POST", "/api/v1/system/poweroff", func() any { return new(struct{}) }, `{}`, 202},
	{"reset", "POST", "/api/v1/system/reset", func() any { return new(resetBody) }, `{"confirm":"wipe vedette","footage":true}`, 202},
	{"test camera", "POST", "/api/v1/cameras/yard/test", func() any { return new(struct{}) }, `{}`, 200},
	{"add task", "POST", "/api/v1/cameras/yard/ai-tasks", func() any { return new(TaskInput) }, `{"task_type":"faces","config":{"a":[1]}}`, 201},
	{"change task", "PATCH", "/api/v1/ai-tasks/task_1", func() any { return new(TaskInput) }, `{"fps":0.5,"enabled":false}`, 200},
	{"add zone", "POST", "/api/v1/cameras/yard/zones", func() any { return new(ZoneInput) }, `{"name":"gate","kind":"polygon","points":[[0,0],[1,0],[1,1]]}`, 201},
	{"change zone", "PATCH", "/api/v1/zones/zone_1", func() any { return new(ZoneInput) }, `{"min_confidence":0.25}`, 200},
	{"trigger", "POST", "/api/v1/cameras/yard/trigger", func() any { return new(triggerBody) }, `{"seconds":5,"reason":"gate"}`, 202},
	{"add subscription", "POST", "/api/v1/notifications", func() any { return new(SubscriptionInput) }, `{"name":"x","kind":"webhook","webhook":{"url":"https://nas.lan/hook"}}`, 201},
	{"change subscription", "PATCH", "/api/v1/notifications/sub_1", func() any { return new(SubscriptionInput) }, `{"cameras":null,"mqtt":{"discovery":true}}`, 200},
	{"test subscription", "POST", "/api/v1/notifications/sub_1/test", func() any { return new(struct{}) }, `{}`, 200},
	{"relay", "PUT", "/api/v1/system/relay", func() any { return new(RelayInput) }, `{"enabled":true,"token":"x"}`, 200},
	{"add rule", "POST", "/api/v1/hold-rules", func() any { return new(HoldRuleInput) }, `{"name":"x"}`, 201},
	{"change rule", "PATCH", "/api/v1/hold-rules/rule_1", func() any { return new(HoldRuleInput) }, `{"cameras":null,"zones":["zone_1"]}`, 200},
	{"open incident", "POST", "/api/v1/incidents", func() any { return new(IncidentInput) }, `{"title":"x"}`, 201},
	{"change incident", "PATCH", "/api/v1/incidents/incident_1", func() any { return new(IncidentInput) }, `{"state":"closed"}`, 200},
	{"note", "POST", "/api/v1/incidents/incident_1/notes", func() any { return new(noteBody) }, `{"text":"x"}`, 201},
}

// machines are the routes whose bodies are read as machines of other systems write
// them; lax_test.go has them.
var machines = []string{"POST /api/v1/ai/leases", "POST /api/v1/ai/events", "POST /api/v1/outbox/ack"}

// TestEveryBodyIsInTheList makes sure that no route reads a body this file
// does not know.
func TestEveryBodyIsInTheList(t *testing.T) {
	for _, rt := range newBox(t).table {
		if rt.method != "POST" && rt.method != "PATCH" && rt.method != "PUT" || strings.Contains(rt.pattern, "/whep") || strings.HasSuffix(rt.pattern, "/restore") {
			continue
		}
		known := slices.Contains(machines, rt.String())
		for _, b := range bodies {
			known = known || b.method == rt.method && matches(rt.pattern, b.path)
		}
		if !known {
			t.Errorf("%s reads a body that no test knows", rt)
		}
	}
}

func TestBodiesAreStrict(t *testing.T) {
	wrong := map[reflect.Kind][]string{
		reflect.String: {`1`, `true`, `[]`, `{}`, `null`, `["a"]`, `1e400`},
		reflect.Bool:   {`1`, `"true"`, `[]`, `{}`, `null`, `0`},
		reflect.Int:    {`"1"`, `true`, `[]`, `{}`, `null`, `1.5`, `1e400`},

		reflect.Float64: {`"1"`, `true`, `[]`, `{}`, `null`, `1e400`},
		reflect.Slice:   {`1`, `"a"`, `true`, `{}`, `null`, `[1]`},
		reflect.Map:     {`1`, `"a"`, `true`, `[]`, `null`},
		reflect.Struct:  {`1`, `"a"`, `true`},
	}
	for _, body := range bodies {
		t.Run(body.name, func(t *testing.T) {
			b := newBox(t)
			refuse := func(what, text, field string) {
				t.Helper()
				w := b.owner(body.method, body.path, text)
				if code, got := failed(t, w); w.Code != http.StatusBadRequest || got != field {
					t.Errorf("%s: %d %s, field %q; want 400 and %q", what, w.Code, code, got, field)
				}
			}
			for _, text := range []string{"[]", `"a"`, "1", "null", "true", "{", "{]", `{"a"}`, "}", body.valid + "x", body.valid + body.valid, "\xff\xfe", `{"name":"` + "\xff" + `"}`, strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 10000)} {
				w := b.owner(body.method, body.path, text)
				if w.Code != http.StatusBadRequest {
					t.Errorf("%.40q: %d, want 400", text, w.Code)
				}
			}
			refuse("an unknown field", `{"surprise":1}`, "surprise")
			refuse("a property of every object", `{"__proto__":{"role":"admin"}}`, "__proto__")
			typ := reflect.TypeOf(body.make()).Elem()
			if _, has := typ.FieldByName("Role"); !has {
				refuse("a role nobody asked for", `{"role":"admin"}`, "role")
			}
			for i := range typ.NumField() {
				name, kind := typ.Field(i).Tag.Get("json"), typ.Field(i).Type
				if kind.Kind() == reflect.Pointer {
					kind = kind.Elem()
				}
				values := wrong[kind.Kind()]
				if kind == reflect.TypeFor[Object]() {
					values = []string{`1`, `"a"`, `true`, `[]`, `null`, `[1]`}
				}
				for _, v := range values {
					refuse(name+" = "+v, `{"`+name+`":`+v+`}`, name)
				}
				ok := map[reflect.Kind]string{reflect.String: `"a"`, reflect.Bool: "true", reflect.Int: "1", reflect.Float64: "1", reflect.Map: "{}", reflect.Slice: "[]", reflect.Struct: "null"}[kind.Kind()]
				if kind.Kind() == reflect.Struct && kind != reflect.TypeFor[CameraSet]() || kind == reflect.TypeFor[Object]() {
					ok = "{}"
				}
				refuse(name+" twice", `{"`+name+`":`+ok+`,"`+name+`":`+ok+`}`, name)
				refuse(name+" in capitals", `{"`+strings.ToUpper(name)+`":`+ok+`}`, strings.ToUpper(name))
			}
			for _, ct := range []string{"text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin1", "multipart/form-data; boundary=x", "application/jsonx"} {
				if w := b.owner(body.method, body.path, body.valid, "Content-Type: "+ct); w.Code != http.StatusUnsupportedMediaType {
					t.Errorf("content type %q: %d, want 415", ct, w.Code)
				}
			}
			most := maxBody
			if strings.Contains(body.path, "/zones") {
				most = maxZoneBody
			}
			if w := b.owner(body.method, body.path, `{"name":"`+strings.Repeat("a", most)+`"}`); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("a body that is too long: %d, want 413", w.Code)
			}
			if w := b.owner(body.method, body.path, body.valid); w.Code != body.status {
				t.Errorf("a valid body: %d %s, want %d", w.Code, w.Body, body.status)
			}
		})
	}
}

func TestStrictReadsWhatIsRight(t *testing.T) {
	var in CameraInput
	if err := strict([]byte(` {"name" : "Y\u00e4rd", "record":false, "password":""} `), &in); err != nil {
		t.Fatal(err)
	}
	if *in.Name != "Yärd" || *in.Record || *in.Password != "" || in.Audio != nil {
		t.Errorf("got %+v", in)
	}
}

// FuzzBodies feeds every body decoder.
func FuzzBodies(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b.valid))
	}
	f.Add([]byte(`{"name":null}`))
	f.Add([]byte(`{"name":"a"}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range bodies {
			v := b.make()
			err := strict(data, v)
			var bad *failure
			if err != nil && (!errors.As(err, &bad) || bad.status != http.StatusBadRequest || len(bad.field) > 80) {
				t.Errorf("%s: %v is not a short 400", b.name, err)
			}
			if err == nil && json.Unmarshal(data, b.make()) != nil {
				t.Errorf("%s: accepted what is not JSON", b.name)
			}
		}
	})
}

func TestTimesAreReadInTwoForms(t *testing.T) {
	tests := []struct {
		name, in string
		want     time.Time
		ok       bool
	}{
		{"RFC 3339", "2026-11-23T20:00:00Z", start, true},
		{"with milliseconds", "2026-11-23T20:00:00.250Z", start.Add(250 * time.Millisecond), true},
		{"with an offset", "2026-11-23T21:00:00+01:00", start, true},
		{"with an offset whose plus became a space", "2026-11-23T21:00:00 01:00", start, true},
		{"Unix milliseconds", "1795464000000", start, true},
		{"zero", "0", time.UnixMilli(0).UTC(), true},
		{"before 1970", "-1", time.Time{}, false},
		{"after 9999", "253402300800000", time.Time{}, false},
		{"a year before 1970", "0001-01-01T00:00:00Z", time.Time{}, false},
		{"more than 64 bits", "99999999999999999999999", time.Time{}, false},
		{"a date alone", "2026-11-23", time.Time{}, false},
		{"no zone", "2026-11-23T20:00:00", time.Time{}, false},
		{"a word", "now", time.Time{}, false},
		{"a fraction", "1.5", time.Time{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseTime(tt.in)
			if ok != tt.ok || ok && !got.Equal(tt.want) {
				t.Errorf("parseTime(%q) = %v, %v; want %v, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestRangesAreChecked(t *testing.T) {
	tests := []struct{ name, path, query, field string }{
		{"no from", "timeline", "to=1", "from"},
		{"no to", "timeline", "from=1", "to"},
		{"a bad from", "segments", "from=x&to=1", "from"},
		{"to at from", "gaps", "from=1&to=1", "to"},
		{"to before from", "gops", "from=2&to=1", "to"},
		{"a clip that is too long", "clip.mp4", "from=0&to=14400001", "to"},
		{"a playlist that is too long", "hls/index.m3u8", "from=0&to=86400001", "to"},
		{"groups of too long a time", "gops", "from=0&to=21600001", "to"},
		{"a limit of none", "segments", "from=1&to=2&limit=0", "limit"},
		{"a limit that is too high", "segments", "from=1&to=2&limit=5001", "limit"},
		{"a limit that is no number", "segments", "from=1&to=2&limit=many", "limit"},
		{"no at", "snapshot.mp4", "", "at"},
		{"a bad at", "snapshot.mp4", "at=%00", "at"},
	}
	b := newBox(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := b.owner("GET", "/api/v1/cameras/yard/"+tt.path+"?"+tt.query, "")
			if _, field := failed(t, w); w.Code != http.StatusBadRequest || field != tt.field {
				t.Errorf("%d %s, want 400 and field %s", w.Code, w.Body, tt.field)
			}
		})
	}
	if w := b.owner("GET", "/api/v1/cameras/yard/clip.mp4?from=0&to=14400000", ""); w.Code != 200 {
		t.Errorf("the longest clip: %d", w.Code)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("from=1&to=2&limit=3")
	f.Add(day)
	f.Fuzz(func(t *testing.T, q string) {
		r := &http.Request{URL: &url.URL{RawQuery: q}}
		from, to, err := queryRange(r, maxTimeline)
		if err == nil && (!from.Before(to) || to.Sub(from) > maxTimeline) {
			t.Errorf("%q: accepted %v to %v", q, from, to)
		}
		_, _ = queryInt(r, "limit", 1, 1, 10)
	})
}
