package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/web/auth"
	"vedette/web/auth/keys"
)

// asker is somebody who asks for every route of the table.
type asker struct {
	name    string
	header  []string
	role    auth.Role // empty: nobody
	cameras []string  // nil = all
}

// whole are the routes that concern every camera: those who see some alone may
// not, whatever their role.
var whole = []string{"POST /api/v1/cameras"}

// ofYard reports whether a route is about the camera yard, as this test asks for it:
// by its path, by an object that is of that camera, or by the body.
func ofYard(rt route) bool {
	return strings.Contains(rt.pattern, "{id}") || slices.ContainsFunc([]string{"{task}", "{zone}", "{rule}", "{incident}", "/export.zip"}, func(p string) bool { return strings.Contains(rt.pattern, p) }) ||
		slices.Contains([]string{"POST /api/v1/ai/events", "POST /api/v1/hold-rules", "POST /api/v1/incidents"}, rt.String())
}

// verdict is what the floor has to say: unauthorized, forbidden, or nothing.
func (a asker) verdict(rt route) string {
	switch {
	case rt.perm == auth.Public:
		return ""
	case a.role == "":
		return "unauthorized"
	case !a.role.Can(rt.perm):
		return "forbidden"
	case a.cameras != nil && ofYard(rt) && !slices.Contains(a.cameras, "yard"):
		return "forbidden"
	case a.cameras != nil && slices.Contains(whole, rt.String()):
		return "forbidden"
	}
	return ""
}

// askers are everybody there can be: strangers, every role with all cameras,
// with the camera that the paths name, with another one and with none, what was
// valid once, and every kind of key.
func askers(t *testing.T, b *box) (out []asker) {
	t.Helper()
	out = append(out, asker{name: "a stranger"})
	for _, role := range []auth.Role{auth.Admin, auth.Manager, auth.Guard, auth.Viewer} {
		out = append(out, asker{name: string(role), header: []string{"Cookie: " + b.user(t, role)}, role: role})
		if role == auth.Admin {
			continue
		}
		out = append(out,
			asker{string(role) + " of this camera", []string{"Cookie: " + b.user(t, role, "yard")}, role, []string{"yard"}},
			asker{string(role) + " of another camera", []string{"Cookie: " + b.user(t, role, "door")}, role, []string{"door"}})
	}
	for _, role := range []auth.Role{auth.Worker, auth.Metrics, auth.Relay, auth.Integration} {
		for _, cameras := range [][]string{nil, {"yard"}, {"door"}} {
			name := string(role) + " key of " + strings.Join(cameras, "")
			header := []string{"X-API-Key: " + b.key(t, string(role), cameras, time.Time{})}
			if cameras != nil {
				header[0] = "Authorization: Bearer " + strings.TrimPrefix(header[0], "X-API-Key: ")
			}
			out = append(out, asker{name, header, role, cameras})
		}
	}
	ended := b.user(t, auth.Viewer, "ended")
	b.auth.Logout(strings.TrimPrefix(ended, "vedette_session="))
	out = append(out, asker{name: "an ended session", header: []string{"Cookie: " + ended}})
	removed := b.key(t, "worker", nil, time.Time{})
	list := b.auth.Keys()
	if err := b.auth.RemoveKey(&auth.Principal{Name: "owner", Role: auth.Admin}, list[len(list)-1].ID); err != nil {
		t.Fatal(err)
	}
	out = append(out, asker{name: "a removed key", header: []string{"X-API-Key: " + removed}})
	late := b.key(t, "integration", nil, time.Now().Add(time.Millisecond))
	for start := time.Now(); time.Since(start) < 2*time.Millisecond; {
	}
	return append(out, asker{name: "an expired key", header: []string{"X-API-Key: " + late}},
		asker{name: "a key beside a session", header: []string{"X-API-Key: constructor", "Cookie: " + b.cookie}})
}

// key makes an API key and returns its secret.
func (b *box) key(t testing.TB, role string, cameras []string, expires time.Time) string {
	t.Helper()
	_, secret, err := b.auth.AddKey(&auth.Principal{Name: "owner", Role: auth.Admin}, keys.New{Name: role, Role: role, Cameras: cameras, Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// TestTheTable asks for every route as everybody. What is expected is derived
// from the table and the roles, never from the handlers.
func TestTheTable(t *testing.T) {
	b := newBox(t)
	asked := 0
	for _, a := range askers(t, b) {
		for _, rt := range b.table {
			if strings.HasSuffix(rt.pattern, "/logout") {
				continue // it ends the session; tested by itself
			}
			b.rec.mu.Lock()
			b.rec.holds = []Hold{{ID: "kept", Cameras: []string{"yard"}}}
			b.rec.mu.Unlock()
			for _, method := range rt.methods() {
				// Another address each time: the throttle has tests of its own.
				from := fmt.Sprintf("Remote: 10.0.%d.%d:1", asked/250, asked%250)
				w := b.do(method, fill(rt.pattern), bodyFor(rt), append([]string{from}, a.header...)...)
				asked++
				if got := said(w.Code, w.Body.Bytes(), method); got != a.verdict(rt) {
					t.Errorf("%s: %s %s: %d %s, want %q", a.name, method, rt.pattern, w.Code, w.Body, a.verdict(rt))
				}
			}
		}
	}
	t.Logf("%d requests", asked)
}

// said returns what the floor said: unauthorized, forbidden or nothing.
func said(status int, body []byte, method string) string {
	var e struct{ Error struct{ Code string } }
	if method == http.MethodHead { // no body
		return map[int]string{401: "unauthorized", 403: "forbidden"}[status]
	}
	if json.Unmarshal(body, &e) == nil && (e.Error.Code == "unauthorized" || e.Error.Code == "forbidden") {
		return e.Error.Code
	}
	return ""
}

// TestScopeComesBeforeExistence asks for cameras that are there and that are
// not, as somebody who may see neither: no answer tells them apart.
func TestScopeComesBeforeExistence(t *testing.T) {
	b := newBox(t)
	cookie := b.user(t, auth.Manager, "door")
	for _, rt := range b.table {
		if !strings.Contains(rt.pattern, "{id}") {
			continue
		}
		there := b.do(rt.method, fill(rt.pattern), bodyFor(rt), "Cookie: "+cookie)
		gone := b.do(rt.method, strings.ReplaceAll(fill(rt.pattern), "yard", "ghost"), bodyFor(rt), "Cookie: "+cookie)
		if there.Code != http.StatusForbidden || gone.Code != there.Code || gone.Body.String() != there.Body.String() {
			t.Errorf("%s: %d %s for one that is there, %d %s for one that is not", rt, there.Code, there.Body, gone.Code, gone.Body)
		}
	}
}
