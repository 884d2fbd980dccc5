package api

import (
	"strings"
	"testing"
)

func TestRetentionIsReadSetAndPreviewed(t *testing.T) {
	b := newBox(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string // in the answer
	}{
		{"set", "PUT", "/api/v1/system/retention", `{"volumes":{"garage":{"cap_bytes":1048576}},"cameras":{"yard":{"age_hours":24,"quota_bytes":null}}}`, 200,
			`"cameras":{"yard":{"age_hours":24,"quota_bytes":null,"keep_hours":null}}`},
		{"read", "GET", "/api/v1/system/retention", "", 200, `{"volumes":{"garage":{"floor_bytes":null,"high_bytes":null,"reserve_bytes":null,"cap_bytes":1048576}}`},
		{"with what is in force", "GET", "/api/v1/system/retention", "", 200, `"in_force":{"garage":{"floor_bytes":5`},
		{"preview", "POST", "/api/v1/system/retention/preview", `{"cameras":{"yard":{}}}`, 200,
			`{"volumes":[{"volume":"garage","segments":1,"bytes":0,"bytes_by_rule":{"age":7},"oldest":{"yard":`},
		{"an unknown field of a camera", "PUT", "/api/v1/system/retention", `{"cameras":{"yard":{"days":1}}}`, 400, `"field":"cameras.yard.days"`},
		{"a word for a number", "PUT", "/api/v1/system/retention", `{"volumes":{"garage":{"cap_bytes":"all"}}}`, 400, `"field":"volumes.garage.cap_bytes"`},
		{"half an hour", "PUT", "/api/v1/system/retention", `{"cameras":{"yard":{"age_hours":0.5}}}`, 400, `"field":"cameras.yard.age_hours"`},
		{"a number twice", "PUT", "/api/v1/system/retention", `{"cameras":{"yard":{"age_hours":1,"age_hours":2}}}`, 400, `"field":"cameras.yard.age_hours"`},
		{"no object", "PUT", "/api/v1/system/retention", `{"cameras":{"yard":null}}`, 400, `"field":"cameras.yard"`},
		{"what is in force, sent back", "PUT", "/api/v1/system/retention", `{"in_force":{}}`, 400, `"field":"in_force"`},
	}
	for _, tt := range tests {
		w := b.owner(tt.method, tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
	}
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	if b.rec.by != "owner" || *b.rec.retention.Cameras["yard"].AgeHours != 24 {
		t.Errorf("%q set %+v", b.rec.by, b.rec.retention)
	}
}
