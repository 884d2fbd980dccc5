package api

import (
	"testing"

	"vedette/internal/apidoc"
)

// TestAnswersAreAsTheDocumentSays asks for every route as the owner, as a worker and as a
// stranger, and holds what comes against docs/openapi.yaml.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	d, err := apidoc.Load()
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t)
	work := b.worker(t)
	for _, rt := range b.table {
		if rt.method == "" || rt.pattern == "/" {
			continue
		}
		for _, who := range []string{"Cookie: " + b.cookie, work, "Accept: */*"} {
			w := b.do(rt.method, fill(rt.pattern), bodyFor(rt), who)
			if err := d.Check(rt.method, fill(rt.pattern), w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
				t.Errorf("%v: %s", err, w.Body)
			}
		}
	}
}
