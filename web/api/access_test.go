package api

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"vedette/web/auth"
)

// into decodes an answer that has to have this status.
func into[T any](t *testing.T, w *httptest.ResponseRecorder, status int) (v T) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("%d %s, want %d", w.Code, w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPeopleAreManaged(t *testing.T) {
	b := newBox(t)
	steps := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"add", "POST", "/users", `{"username":"ann","role":"guard","password":"another one 815","cameras":["yard"]}`, 201, `"username":"ann","role":"guard","cameras":["yard"],"disabled":false,"totp":false`},
		{"add them twice", "POST", "/users", `{"username":"Ann","role":"guard","password":"another one 815"}`, 409, `"field":"username"`},
		{"a role that is none", "POST", "/users", `{"username":"bob","role":"root","password":"another one 815"}`, 400, `"field":"role"`},
		{"a machine's role", "POST", "/users", `{"username":"bob","role":"worker","password":"another one 815"}`, 400, `"field":"role"`},
		{"nothing to see", "PATCH", "/users/ann", `{"cameras":[]}`, 200, `"cameras":[]`},
		{"all to see", "PATCH", "/users/ann", `{"cameras":null}`, 200, `"role":"guard","disabled"`},
		{"a second factor for others", "PATCH", "/users/ann", `{"totp":true}`, 400, `"field":"totp"`},
		{"the last admin disabled", "PATCH", "/users/owner", `{"disabled":true}`, 409, `"last_admin"`},
		{"the last admin made a guard", "PATCH", "/users/owner", `{"role":"guard"}`, 409, `"last_admin"`},
		{"list", "GET", "/users", "", 200, `{"users":[{"username":"ann"`},
		{"remove", "DELETE", "/users/ann", "", 204, ""},
		{"remove again", "DELETE", "/users/ann", "", 404, "not_found"},
		{"remove oneself", "DELETE", "/users/owner", "", 409, ""},
	}
	for _, tt := range steps {
		w := b.owner(tt.method, v1+tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

func TestAChangeEndsTheSessionsOfWhomItConcerns(t *testing.T) {
	for _, change := range []string{`{"role":"viewer"}`, `{"cameras":["door"]}`, `{"disabled":true}`, `{"password":"quite another 815"}`} {
		b := newBox(t)
		cookie := b.user(t, auth.Guard)
		if w := b.owner("PATCH", v1+"/users/the-guard", change); w.Code != 200 {
			t.Fatalf("%s: %d %s", change, w.Code, w.Body)
		}
		if w := b.do("GET", v1+"/cameras", "", "Cookie: "+cookie); w.Code != 401 {
			t.Errorf("after %s: %d, want the session to be over", change, w.Code)
		}
	}
}

func TestAnotherPasswordEndsTheOtherSessions(t *testing.T) {
	b := newBox(t)
	other := "vedette_session=" + strings.TrimPrefix(b.do("POST", v1+"/auth/login", `{"username":"owner","password":"`+ownerPassword+`"}`).Result().Cookies()[0].String(), "vedette_session=")
	other, _, _ = strings.Cut(other, ";")
	w := b.owner("POST", v1+"/auth/password", `{"current":"`+ownerPassword+`","password":"quite another 815"}`)
	if w.Code != 204 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("%d %s, cookies %v", w.Code, w.Body, w.Result().Cookies())
	}
	mine := w.Result().Cookies()[0]
	for cookie, want := range map[string]int{b.cookie: 401, other: 401, mine.Name + "=" + mine.Value: 200} {
		if w := b.do("GET", v1+"/auth/me", "", "Cookie: "+cookie); w.Code != want {
			t.Errorf("%.30s: %d, want %d", cookie, w.Code, want)
		}
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	b := newBox(t)
	guard := b.user(t, auth.Guard)
	type list struct{ Sessions []sessionView }
	own := into[list](t, b.do("GET", v1+"/auth/sessions", "", "Cookie: "+guard), 200).Sessions
	if len(own) != 1 || own[0].Username != "the-guard" || !own[0].Current || own[0].Address != "10.0.0.2" {
		t.Fatalf("own sessions: %+v", own)
	}
	all := into[list](t, b.owner("GET", v1+"/sessions", ""), 200).Sessions
	if len(all) != 2 {
		t.Fatalf("all sessions: %+v", all)
	}
	for _, o := range all { // a guard cannot end the owner's
		if o.Username == "owner" {
			if w := b.do("DELETE", v1+"/auth/sessions/"+o.ID, "", "Cookie: "+guard); w.Code != 404 {
				t.Errorf("ending another's session: %d", w.Code)
			}
		}
	}
	if w := b.owner("DELETE", v1+"/sessions/"+own[0].ID, ""); w.Code != 204 {
		t.Fatalf("end a session: %d %s", w.Code, w.Body)
	}
	if w := b.do("GET", v1+"/auth/me", "", "Cookie: "+guard); w.Code != 401 {
		t.Errorf("the ended session: %d", w.Code)
	}
}

func TestTheSecondFactorFromSettingUpToRemoving(t *testing.T) {
	b := newBox(t)
	confirm := `{"password":"` + ownerPassword + `"}`
	begun := into[struct {
		Secret, URI string
		QR          []string
	}](t, b.owner("POST", v1+"/auth/totp", confirm), 200)
	if len(begun.QR) < 21 || len(begun.QR[0]) != len(begun.QR) || !strings.HasPrefix(begun.URI, "otpauth://totp/") {
		t.Errorf("a picture of %d rows for %s", len(begun.QR), begun.URI)
	}
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	codes := into[struct {
		Codes []string `json:"recovery_codes"`
	}](t, b.owner("POST", v1+"/auth/totp/confirm", `{"code":"`+code+`"}`), 200).Codes
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	login := func(code string, want int, says string) {
		t.Helper()
		w := b.do("POST", v1+"/auth/login", `{"username":"owner","password":"`+ownerPassword+`","code":"`+code+`"}`)
		if w.Code != want || !strings.Contains(w.Body.String(), says) {
			t.Errorf("login with %q: %d %s, want %d %s", code, w.Code, w.Body, want, says)
		}
	}
	login("", 401, "second_factor")
	login(code, 401, "second_factor") // it was used to confirm
	login(codes[0], 200, `"totp":true`)
	login(codes[0], 401, "second_factor") // good once
	if w := b.owner("POST", v1+"/auth/totp/remove", `{"password":"`+ownerPassword+`","code":"`+codes[1]+`"}`); w.Code != 204 {
		t.Fatalf("remove: %d %s", w.Code, w.Body)
	}
	login("", 200, `"totp":false`)
}

func TestKeysOfMachines(t *testing.T) {
	b := newBox(t)
	made := into[struct {
		keyView
		Key string `json:"key"`
	}](t, b.owner("POST", v1+"/api-keys", `{"name":"prometheus","role":"metrics","expires_at":"2126-01-01T00:00:00Z"}`), 201)
	if made.ID == "" || made.Key == "" || made.CreatedBy != "owner" || made.Expires == nil {
		t.Fatalf("made %+v", made)
	}
	if w := b.owner("GET", v1+"/api-keys", ""); strings.Contains(w.Body.String(), made.Key) || !strings.Contains(w.Body.String(), made.ID) {
		t.Errorf("the list: %s", w.Body)
	}
	for _, header := range []string{"X-API-Key: ", "Authorization: Bearer "} {
		if w := b.do("GET", "/metrics", "", header+made.Key); w.Code != 200 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if w := b.do("GET", v1+"/auth/me", "", "X-API-Key: "+made.Key); !strings.Contains(w.Body.String(), `"key":"`+made.ID+`"`) {
		t.Errorf("me: %s", w.Body)
	}
	if w := b.owner("DELETE", v1+"/api-keys/"+made.ID, ""); w.Code != 204 {
		t.Fatalf("remove: %d", w.Code)
	}
	if w := b.do("GET", "/metrics", "", "X-API-Key: "+made.Key); w.Code != 401 {
		t.Errorf("a removed key: %d", w.Code)
	}
	for _, body := range []string{`{"name":"x","role":"admin"}`, `{"name":"","role":"worker"}`, `{"name":"x","role":"worker","expires_at":"2001-01-01T00:00:00Z"}`, `{"name":"x","role":"worker","cameras":["../x"]}`} {
		if w := b.owner("POST", v1+"/api-keys", body); w.Code != 400 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestDeedsAreWrittenDown(t *testing.T) {
	b := newBox(t)
	guard := b.user(t, auth.Guard)
	tests := []struct {
		name, method, path, body, cookie string
		want                             AuditEntry
	}{
		{"a camera added", "POST", "/cameras", `{"name":"x","password":"canary"}`, b.cookie, AuditEntry{Actor: "owner", Role: "admin", Action: "camera.add", Target: "yard", Result: "ok"}},
		{"a camera changed", "PATCH", "/cameras/yard", `{"password":"canary","record":false}`, b.cookie, AuditEntry{Actor: "owner", Role: "admin", Action: "camera.update", Camera: "yard", Result: "ok", Detail: map[string]string{"fields": "password record"}}},
		{"what was not allowed", "DELETE", "/cameras/yard", "", guard, AuditEntry{Actor: "the-guard", Role: "guard", Action: "camera.remove", Camera: "yard", Result: "denied"}},
		{"a look that was not allowed", "GET", "/users", "", guard, AuditEntry{Actor: "the-guard", Role: "guard", Action: "denied", Result: "denied", Detail: map[string]string{"route": "GET /api/v1/users"}}},
		{"footage taken away", "GET", "/cameras/yard/clip.mp4?from=0&to=1000", "", guard, AuditEntry{Actor: "the-guard", Role: "guard", Action: "footage.export", Camera: "yard", Result: "ok", Detail: map[string]string{"from": "1970-01-01T00:00:00.000Z", "to": "1970-01-01T00:00:01.000Z"}}},
		{"what failed", "DELETE", "/users/ghost", "", b.cookie, AuditEntry{Actor: "owner", Role: "admin", Action: "user.remove", Target: "ghost", Result: "failed"}},
	}
	for _, tt := range tests {
		b.audit.take()
		b.do(tt.method, v1+tt.path, tt.body, "Cookie: "+tt.cookie)
		got := b.audit.take()
		if len(got) != 1 || got[0].Via == "" || got[0].Address != "192.0.2.1:1234" {
			t.Errorf("%s: %+v", tt.name, got)
			continue
		}
		got[0].Seq, got[0].Via, got[0].Address = 0, "", ""
		if !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got[0], tt.want)
		}
	}
	b.owner("GET", v1+"/cameras", "")
	b.do("GET", v1+"/cameras", "")
	if w := b.owner("POST", v1+"/auth/totp", `{"password":"not the one"}`); w.Code != 403 {
		t.Errorf("a wrong password of one's own: %d", w.Code)
	}
	if got := b.audit.take(); len(got) != 0 {
		t.Errorf("ordinary reading and strangers were written down: %+v", got)
	}
}

func TestTheAuditIsReadByPages(t *testing.T) {
	b := newBox(t)
	if w := b.owner("GET", v1+"/audit?before=9&limit=5&actor=ann&action=user&camera=yard&text=x&from=1&to=2", ""); w.Code != 200 || !strings.HasSuffix(w.Body.String(), `"next":7}`+"\n") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	want := AuditQuery{Before: 9, Limit: 5, Actor: "ann", Action: "user", Camera: "yard", Text: "x", From: time.UnixMilli(1).UTC(), To: time.UnixMilli(2).UTC()}
	if b.audit.query != want {
		t.Errorf("asked for %+v, want %+v", b.audit.query, want)
	}
	for query, field := range map[string]string{"limit=0": "limit", "limit=1001": "limit", "before=x": "before", "from=x": "from", "from=2&to=1": "to"} {
		if w := b.owner("GET", v1+"/audit?"+query, ""); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := b.owner("GET", v1+"/audit/export?format=csv", ""); w.Body.String() != "csv" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("export: %s %s", w.Header(), w.Body)
	}
	if w := b.owner("GET", v1+"/audit/export?format=xml", ""); w.Code != 400 {
		t.Errorf("another format: %d", w.Code)
	}
}

func TestBackupsGoOutAndComeBack(t *testing.T) {
	b := newBox(t)
	w := b.owner("POST", v1+"/system/backup", `{"passphrase":"correct horse"}`)
	if w.Code != 200 || w.Body.String() != "archive" || !strings.HasSuffix(w.Header().Get("Content-Disposition"), `.age"`) {
		t.Errorf("backup: %d %s %s", w.Code, w.Header(), w.Body)
	}
	if w := b.owner("POST", v1+"/system/backup", `{"passphrase":"short"}`); w.Code != 400 || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("a short passphrase: %d %s", w.Code, w.Header())
	}
	tests := []struct {
		name, query, passphrase string
		status                  int
		code                    string
	}{
		{"all as it should be", "?confirm=restore", "péss wörd", 202, ""},
		{"not confirmed", "", "x", 400, "invalid"},
		{"no passphrase", "?confirm=restore", "", 400, "invalid"},
		{"a wrong passphrase", "?confirm=restore", "wrong", 422, "passphrase"},
	}
	for _, tt := range tests {
		w := b.owner("POST", v1+"/system/restore"+tt.query, "archive", "Content-Type: application/octet-stream", "Backup-Passphrase: "+url.PathEscape(tt.passphrase))
		if w.Code != tt.status || tt.code != "" && !strings.Contains(w.Body.String(), fmt.Sprintf(`"code":%q`, tt.code)) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.code)
		}
	}
	if b.access.restored != "péss wörd archive" {
		t.Errorf("restored %q", b.access.restored)
	}
}
