package panel

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"vedette/web/auth"
)

// TestWhatIsForOperatorsIsToldToThemAlone as it happens, and to who connects later.
func TestWhatIsForOperatorsIsToldToThemAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &eventLog{changes: make(chan struct{}, 1), list: []Event{{Seq: 1}}}
		p := New(Options{Cameras: &cameras{value{v: ""}}, System: newValue(1), Events: log})
		connect := func(role auth.Role) *client {
			c := &client{panel: p, who: &auth.Principal{Role: role}, ready: make(chan struct{}, 1), ended: make(chan struct{})}
			p.sockets[c] = struct{}{}
			return c
		}
		admin, viewer := connect(auth.Admin), connect(auth.Viewer)
		p.refresh()
		admin.take(nil)
		viewer.take(nil)
		log.list = append(log.list, Event{Seq: 2, Operators: true, Data: "signed in"}, Event{Seq: 3, Data: "for all"})
		p.refresh()
		events := func(list []message) (out []string) {
			for _, m := range list {
				if m.t == "event" {
					out = append(out, string(m.d))
				}
			}
			return out
		}
		if got := events(admin.take(nil)); len(got) != 2 || got[0] != `"signed in"` {
			t.Errorf("an admin was told %q", got)
		}
		if got := events(viewer.take(nil)); len(got) != 1 || got[0] != `"for all"` {
			t.Errorf("a viewer was told %q", got)
		}
		var d struct{ Events []json.RawMessage }
		if err := json.Unmarshal(p.snapshot(viewer.who).d, &d); err != nil || len(d.Events) != 2 {
			t.Errorf("a viewer's snapshot has %d events, %v; want 2", len(d.Events), err)
		}
	})
}
