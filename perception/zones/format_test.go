package zones

import (
	"encoding/hex"
	"testing"
	"time"
)

// TestTheFormatIsWhatTheDocumentSays pins the example of docs/format/zones.md.
func TestTheFormatIsWhatTheDocumentSays(t *testing.T) {
	w := newWorld(square("z1", "yard"), with(fence("z2", "yard"), func(z *Zone) { z.LostSeconds = 5 }))
	for i := range 2 {
		d := at("7", .75, .5)
		d.Box = &[4]float32{.5, .25, .25, .5}
		sure := float32(.75)
		d.Confidence = &sure
		w.Apply(Batch{Seq: 1, Received: epoch.Add(time.Duration(i) * time.Second), Camera: "yard", Task: "detection", Profile: "sub", Frame: 300, Detections: []Detection{d}})
	}
	cp := Checkpoint{Number: 3, Store: "5f1c", Seq: 459641123456, Skew: -1500 * time.Millisecond, State: w.Snapshot()}
	if got := hex.EncodeToString(cp.Encode()); got != pinned {
		t.Errorf("a checkpoint is\n%s\nwant\n%s", got, pinned)
	}
}

const pinned = "" +
	"0103043566316380e5fba5b00db7177801d0cfd892c46801047961726402027a3107706f6c79676f6e027a32046c696e6501" +
	"09646574656374696f6e013706706572736f6e010000403f0000003f0000803e0000803e0000003fd0cfd892c46803737562" +
	"ac0202000100d0cfd892c468010c0200000000000000e43f000000000000e83f2c123ec5a823d2ac"
