package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/web/auth"
)

func TestHoldsArePlacedListedAndReleased(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string // in the answer
	}{
		{"place", "POST", "/api/v1/holds", `{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:05:00Z","reason":"burglary","incident":"7","until":"2099-01-01T00:00:00Z"}`, 201,
			`{"id":"0","from":"2026-01-01T00:00:00.000Z","to":"2026-01-01T00:05:00.000Z","cameras":null,"reason":"burglary","incident":"7","by":"owner"`},
		{"one of a camera", "POST", "/api/v1/holds", `{"from":"0","to":"1000","cameras":["yard"]}`, 201, `"cameras":["yard"],"by":"owner"`},
		{"without an end", "POST", "/api/v1/holds", `{"from":"0"}`, 400, `"field":"to"`},
		{"at no time", "POST", "/api/v1/holds", `{"from":"soon","to":"1"}`, 400, `"field":"from"`},
		{"until no time", "POST", "/api/v1/holds", `{"from":"0","to":"1","until":"later"}`, 400, `"field":"until"`},
		{"list", "GET", "/api/v1/holds", "", 200, `{"holds":[{"id":"0"`},
		{"list those of a camera", "GET", "/api/v1/holds?camera=yard", "", 200, `{"holds":[{"id":"1"`},
		{"list those of a time", "GET", "/api/v1/holds?from=5000", "", 200, `{"holds":[{"id":"0"`},
		{"list a time without any", "GET", "/api/v1/holds?from=2027-01-01T00:00:00Z", "", 200, `{"holds":[]}`},
		{"list no time", "GET", "/api/v1/holds?from=x", "", 400, `"field":"from"`},
		{"release", "DELETE", "/api/v1/holds/0", "", 204, ""},
		{"release it again", "DELETE", "/api/v1/holds/0", "", 404, "not_found"},
	}
	for _, tt := range tests {
		w := b.owner(tt.method, tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// TestHoldsOfOtherCamerasAreNotThere for somebody who may see some alone.
func TestHoldsOfOtherCamerasAreNotThere(t *testing.T) {
	rec := &fakeRecorder{holds: []Hold{{ID: "0", From: Millis(0), To: Millis(9), Cameras: []string{"gate", "yard"}}, {ID: "1", From: Millis(0), To: Millis(9), Cameras: []string{"gate"}}}}
	s := &server{Recorder: scoper{rec}}
	call := func(handle func(http.ResponseWriter, *http.Request) error, method, body, hold string) (string, error) {
		r := httptest.NewRequest(method, "/api/v1/holds", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.SetPathValue("hold", hold)
		w := httptest.NewRecorder()
		err := handle(w, r.WithContext(auth.WithPrincipal(r.Context(), &auth.Principal{Name: "guard", Role: auth.Guard, Cameras: []string{"gate"}})))
		return w.Body.String(), err
	}
	if got, err := call(s.listHolds, "GET", "", ""); err != nil || strings.Contains(got, `"0"`) || !strings.Contains(got, `"id":"1"`) {
		t.Errorf("listed %s, %v", got, err)
	}
	if _, err := call(s.releaseHold, "DELETE", "", "0"); !errors.Is(err, ErrNotFound) || len(rec.holds) != 2 {
		t.Errorf("released another's: %v", err)
	}
	if _, err := call(s.placeHold, "POST", `{"from":"0","to":"1","cameras":["yard"]}`, ""); !errors.Is(err, errForbidden) {
		t.Errorf("held another's camera: %v", err)
	}
	if got, err := call(s.placeHold, "POST", `{"from":"0","to":"1"}`, ""); err != nil || !strings.Contains(got, `"cameras":["gate"]`) {
		t.Errorf("held %s, %v; want the caller's cameras alone", got, err)
	}
}
