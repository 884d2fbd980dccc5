package sweep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/volume"
)

// 1000 MiB with a floor of 100: evidence may grow to 720 before it is told of.
func TestEvidenceIsToldBeforeItTakesTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		s := b.sweeper()
		b.record("a", 9, 80)
		hold := func(n int) {
			b.set(func() {
				for i := range uint32(9) {
					b.held[i] = int(i) < n
				}
			})
		}
		hold(4)
		b.must(s)
		time.Sleep(48 * time.Hour)
		hold(9)
		b.must(s)
		b.wantTold()
		b.record("a", 1, 1)
		b.set(func() { b.held[9] = true })
		b.must(s)
		last := b.events[len(b.events)-1].Payload
		b.wantTold("warning disk_pressure evidence_fills_disk")
		// 401 MiB more in 48 h: 179 are left.
		if last["locked_bytes"] != int64(721*mib) || last["room_bytes"] != int64(900*mib) {
			t.Errorf("told %v", last)
		}
		if d, _ := last["full_in_days"].(float64); d < 0.88 || d > 0.90 {
			t.Errorf("full in %v days, want 0.89", last["full_in_days"])
		}
		b.must(s)
		hold(8) // 641
		b.must(s)
		b.wantTold("info disk_pressure evidence_fills_disk cleared")
	})
}

func TestWhatElseFillsTheDiskIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		s, asked := b.sweeper(), 0
		s.o.Largest = func(context.Context) []volume.Usage {
			asked++
			return []volume.Usage{{Path: "/srv/backup", Bytes: 700 * mib}}
		}
		b.record("a", 1, 10)
		b.set(func() { b.held[0] = true })
		b.fill(10)
		b.must(s)
		b.must(s)
		var others []map[string]any
		for _, e := range b.events {
			if e.Payload["reason"] == NothingToPrune {
				others, _ = e.Payload["largest_others"].([]map[string]any)
			}
		}
		if asked != 1 || len(others) != 1 || others[0]["path"] != "/srv/backup" || others[0]["bytes"] != int64(700*mib) {
			t.Errorf("asked %d times, told %v", asked, others)
		}
	})
}
