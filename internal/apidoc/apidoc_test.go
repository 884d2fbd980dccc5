package apidoc

import (
	"strings"
	"testing"
)

func TestAnswersAreHeldAgainstTheDocument(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	const (
		json = "application/json"
		fail = `{"error":{"code":"invalid","message":"No."}}`
		when = "2026-11-23T20:01:00.000Z"
	)
	tests := []struct {
		name, method, path string
		status             int
		contentType, body  string
		want               string // part of the error; empty: it is right
	}{
		{"as described", "GET", "/healthz", 200, json, `{"status":"ok"}`, ""},
		{"with a line's end", "GET", "/healthz", 200, json, `{"status":"ok"}` + "\n", ""},
		{"a field too many", "GET", "/healthz", 200, json, `{"status":"ok","x":1}`, "is unsupported"},
		{"a field too few", "GET", "/healthz", 200, json, `{}`, "missing"},
		{"a wrong type", "GET", "/readyz", 503, json, `{"status":"not ready","failing":[1]}`, "/failing/0: value must be a string"},
		{"a value that is none of those there are", "GET", "/healthz", 200, json, `{"status":"fine"}`, "allowed values"},
		{"null", "GET", "/api/v1/cameras", 200, json, `null`, "nullable"},
		{"null where it says something", "GET", "/api/v1/system/retention", 200, json, `{"volumes":{},"cameras":{"a":{"age_hours":null,"quota_bytes":1,"keep_hours":null}},"in_force":{}}`, ""},
		{"a field too many deep inside", "GET", "/api/v1/cameras/yard/gaps?from=1&to=2", 200, json, `{"gaps":[{"start":"` + when + `","end":"` + when + `","reason":"","x":1}]}`, "is unsupported"},
		{"a time without milliseconds", "GET", "/api/v1/cameras/yard/gaps", 200, json, `{"gaps":[{"start":"2026-11-23T20:01:00Z","end":"` + when + `","reason":""}]}`, "regular expression"},
		{"no JSON", "GET", "/healthz", 200, json, `{`, "EOF"},
		{"two of them", "GET", "/healthz", 200, json, `{"status":"ok"}{}`, "follows"},
		{"something behind it", "GET", "/healthz", 200, json, `{"status":"ok"}]`, "follows"},
		{"another content type", "GET", "/healthz", 200, "text/html", `{"status":"ok"}`, "none of those named"},
		{"no content type", "GET", "/healthz", 200, "", `{"status":"ok"}`, "content type"},
		{"a content type with a parameter", "GET", "/api/v1/audit/export", 200, "text/csv; charset=utf-8", "seq\n", ""},
		{"a status nobody named", "GET", "/healthz", 204, "", "", "does not know this status"},
		{"an error nobody named", "GET", "/healthz", 418, json, fail, ""},
		{"an error that is none", "GET", "/healthz", 418, json, `{"status":"ok"}`, "is unsupported"},
		{"a body where there is none", "POST", "/api/v1/auth/logout", 204, json, `{}`, "without a body"},
		{"no body", "POST", "/api/v1/auth/logout", 204, "", "", ""},
		{"of HEAD it does not matter", "HEAD", "/healthz", 200, json, "", ""},
		{"a path that is not there", "GET", "/api/v1/nothing", 200, json, `{}`, "does not know this route"},
		{"is an error", "GET", "/api/v1/nothing", 404, json, fail, ""},
		{"or a redirect", "GET", "/api/v1//cameras", 307, "", "", ""},
		{"a method that is not there", "PUT", "/healthz", 200, json, `{"status":"ok"}`, "does not know this route"},
		{"is an error too", "PUT", "/api/v1/cameras", 405, json, fail, ""},
		{"the panel's files", "GET", "/assets/index.js", 200, "text/javascript", "1", ""},
		{"codes", "POST", "/api/v1/auth/totp/confirm", 200, json, `{"recovery_codes":["1","2","3","4","5","6","7","8","9","0"]}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := d.Check(tt.method, tt.path, tt.status, tt.contentType, []byte(tt.body))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestADocumentThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "{", "openapi: 3.0.3", "openapi: 3.0.3\ninfo: {title: x, version: '1'}\npaths: {/a: {get: {responses: {}}}}\n"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken for a document", text)
		}
	}
}

func TestWhatIsWrittenOutComesBeforeAValue(t *testing.T) {
	answer := func(media string) string {
		return "{get: {responses: {'200': {description: x, content: {" + media + ": {}}}}}}"
	}
	d, err := Parse([]byte("openapi: 3.0.3\ninfo: {title: x, version: '1'}\npaths:\n" +
		"  /a/{b}: {parameters: [{name: b, in: path, required: true, schema: {type: string}}], " + answer("text/html")[1:] + "\n" +
		"  /a/zoo: " + answer("text/plain") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, media := range map[string]string{"/a/zoo": "text/plain", "/a/other": "text/html"} {
		if err := d.Check("GET", path, 200, media, []byte("x")); err != nil {
			t.Error(err)
		}
	}
}
