package update

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"vedette/firmware/slots"
)

// TestEveryPowerCutLeavesASystemThatWorks cuts the power at each write to the state, and
// while the slot is written, from the installation to the confirmation. What the boot
// loader takes then must hold a whole system, each time; and whatever happened, another
// attempt succeeds.
func TestEveryPowerCutLeavesASystemThatWorks(t *testing.T) {
	const writes = 10 // of the state, in an installation: marked bad, fallback, activated
	booted := map[slots.Slot]int{}
	for cut := 0; cut <= writes+1; cut++ {
		b := newBox(t)
		b.half = cut == 0
		if err := b.store.Save(slots.State{First: slots.A, Good: [2]bool{true, true}}); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			old := image(t, "v0.9.0", "rock5b")
			b.write(slots.B, old)
			u := b.boot(slots.A, "v1.0.0", 0)
			b.card.ops, b.card.cut = 0, cut
			run(t, u, func(context.CancelFunc) {
				receive(t, u)
				if err := u.Install(Request{}); err != nil {
					t.Fatal(err)
				}
				pass(2 * b.slow)
			})
			if got := b.card.ops; cut > writes && got != writes {
				t.Fatalf("%d operations, want %d", got, writes)
			}
			for range 2 * slots.MaxTries { // until it is confirmed, with cuts there too
				b.restarted()
				n := b.next(t, cut)
				booted[n.Slot]++
				if err := b.store.Save(n.State); err != nil {
					t.Fatal(err)
				}
				b.card.ops, b.card.cut = 0, cut%5
				trial := time.Duration(0)
				if n.Trial {
					trial = given
				}
				run(t, b.boot(n.Slot, map[slots.Slot]string{slots.A: "v1.0.0", slots.B: "v1.1.0"}[n.Slot], trial), func(context.CancelFunc) {
					pass(150 * time.Second)
				})
			}
			b.restarted()
			n := b.next(t, cut)
			b.half = false
			if n.Slot != slots.A {
				return
			}
			u = b.boot(slots.A, "v1.0.0", 0)
			run(t, u, func(context.CancelFunc) {
				receive(t, u)
				if err := u.Install(Request{}); err != nil {
					t.Fatal(err)
				}
				pass(2 * b.slow)
			})
			if s := b.state(); s.First != slots.B || s.Left[slots.B] != slots.MaxTries {
				t.Errorf("cut %d: another attempt ends at %+v", cut, s)
			}
		})
	}
	if booted[slots.A] == 0 || booted[slots.B] == 0 {
		t.Errorf("booted %v: one of both was never tried", booted)
	}
}

// next is what the boot loader does: it must not need its last resort, nor take a slot
// that is half written.
func (b *box) next(t *testing.T, cut int) slots.Boot {
	t.Helper()
	holds := [2]bool{}
	for _, s := range []slots.Slot{slots.A, slots.B} {
		_, err := slots.ReadHeader(bytes.NewReader(b.slot(s)))
		holds[s] = !errors.Is(err, slots.ErrImage)
	}
	n, ok := slots.Next(b.state(), holds)
	content := b.slot(n.Slot)
	whole := bytes.Equal(content, image(t, "v1.0.0", "rock5b")) || bytes.Equal(content, image(t, "v1.1.0", "rock5b"))
	if !ok || n.LastResort || !whole {
		t.Fatalf("cut %d: %+v, %v, with a whole system: %v; state %+v", cut, n, ok, whole, b.state())
	}
	return n
}
