package sweep

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vedette/recorder/index"
)

// TestPreviewIsWhatASweepDoes: for disks, footage and rules by chance, the
// preview names what sweeping deletes, and nothing of it is evidence.
func TestPreviewIsWhatASweepDoes(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 9))
			b := newBox(t)
			for range 5 + rng.IntN(60) {
				b.record([]string{"a", "b", "c"}[rng.IntN(3)], 1, 1+rng.Int64N(9))
			}
			b.trust()
			for range rng.IntN(12) {
				b.held[uint32(rng.IntN(len(b.rows)))] = true
			}
			p := Policies{Cameras: map[string]Policy{}}
			for _, id := range []string{"a", "b"} {
				q := Policy{}
				if rng.IntN(2) == 0 {
					q.Age = time.Duration(60+rng.IntN(60)) * time.Minute
				}
				if rng.IntN(2) == 0 {
					q.Quota = rng.Int64N(150 * mib)
				}
				if rng.IntN(3) == 0 {
					q.Keep = time.Duration(rng.IntN(100)) * time.Minute
				}
				p.Cameras[id] = q
			}
			if rng.IntN(2) == 0 {
				p.Cap = rng.Int64N(300 * mib)
			}
			b.fill(rng.Int64N(300) - 20)
			c := &wallClock{began: time.Now(), at: time.Duration(60+rng.IntN(80)) * time.Minute, trusted: true}
			s := New(b, b, b, Options{Limits: testLimits, Emit: b.emit, Now: c.now, Trusted: func() bool { return true }})
			s.SetPolicies(p) // a person: without the brake
			space, _ := b.Space()
			rows := func(yield func(index.Row, bool) bool) error {
				for _, r := range slices.Clone(b.rows) { // of all cameras, by start
					if !yield(r, b.held[r.Seq]) {
						break
					}
				}
				return nil
			}
			want, err := Preview(Reading{space.Total, space.Available, testLimits}, p, b.Totals(), rows, c.now().UnixMilli())
			if err != nil {
				t.Fatal(err)
			}
			before, evidence := len(b.rows), len(b.held)
			b.must(s)
			if got := before - len(b.rows); got != int(want.Deleted.Rows) {
				t.Errorf("seed %d: a sweep deleted %d of %d segments, the preview says %d: %+v; policies %+v", seed, got, before, want.Deleted.Rows, want.By, p)
			}
			for id, at := range want.Oldest {
				if first, _, ok := b.Bounds(id); !ok || first != at {
					t.Errorf("seed %d: footage of %s begins at %d, the preview says %d", seed, id, first, at)
				}
			}
			kept := 0
			for _, r := range b.rows {
				if b.held[r.Seq] {
					kept++
				}
			}
			if kept != evidence {
				t.Errorf("seed %d: %d of %d pieces of evidence are left", seed, kept, evidence)
			}
			b.wantWhole()
		})
		if t.Failed() {
			return
		}
	}
}
