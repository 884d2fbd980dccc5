package seal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
)

// fill opens the vault of a box and puts three secrets into its database.
func fill(b *box) (*Vault, error) {
	v, err := open(b)
	if err != nil {
		return nil, err
	}
	for _, at := range [][3]string{{"cameras", "gate", "password"}, {"cameras", "yard", "password"}, {"outbox", "mqtt", "secret"}} {
		b.put(v, at[0], at[1], at[2], at[0]+" "+at[1]+" "+at[2])
	}
	return v, nil
}

// live is what a box does: the first start, secrets, two rotations, the second one after a
// secret more.
func live(b *box) error {
	v, err := fill(b)
	if err != nil {
		return err
	}
	if _, err := v.Rotate(b.reseal(v)); err != nil {
		return err
	}
	b.put(v, "users", "anna", "totp", "users anna totp")
	_, err = v.Rotate(b.reseal(v))
	return err
}

// TestRotationSurvivesPowerLossAtEveryStep cuts the power before each step in turn, the
// making of the first key included. Invariant: whatever the database holds can be opened,
// before and after the rotation has been finished.
func TestRotationSurvivesPowerLossAtEveryStep(t *testing.T) {
	dry := newBox()
	if err := live(dry); err != nil {
		t.Fatal(err)
	}
	if dry.steps < 25 {
		t.Fatalf("only %d steps", dry.steps)
	}
	unfinished := 0
	for at := 1; at <= dry.steps+1; at++ {
		for seed := range uint64(24) {
			what := fmt.Sprintf("cut at %d, seed %d", at, seed)
			cut := newBox()
			cut.cutAt = at
			if err := live(cut); errors.Is(err, errPowerLost) != (at <= dry.steps) {
				t.Fatalf("%s: %v", what, err)
			}
			b := cut.reboot(seed)
			v, err := open(b)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			b.check(t, what, v)
			if v.Unfinished() {
				unfinished++
			}
			if n, err := v.Finish(b.reseal(v)); err != nil || n != 0 && n != len(b.db) {
				t.Errorf("%s: finished %d, %v", what, n, err)
			}
			b.check(t, what+", finished", v)
			if b = b.reboot(nothing); len(b.kept[KeyFile].kept) != fileMost-keyBytes {
				t.Errorf("%s: the key file has %d bytes when all is done", what, len(b.kept[KeyFile].kept))
			}
		}
	}
	if unfinished == 0 {
		t.Error("no cut left a rotation unfinished")
	}
}

// TestAProcessThatDiesAndThenThePower: what the next process saw before it lost the power
// must be durable, or what it sealed is lost.
func TestAProcessThatDiesAndThenThePower(t *testing.T) {
	dry := newBox()
	if err := live(dry); err != nil {
		t.Fatal(err)
	}
	for at := 1; at <= dry.steps+1; at++ {
		b := newBox()
		b.cutAt = at
		_ = live(b) // killed
		b.cutAt = 0
		v, err := open(b)
		if err != nil {
			t.Errorf("killed at %d: %v", at, err)
			continue
		}
		b.put(v, "cameras", "attic", "password", "cameras attic password")
		for seed := range uint64(8) {
			what := fmt.Sprintf("killed at %d, seed %d", at, seed)
			after := b.reboot(seed)
			v, err := open(after)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			after.check(t, what, v)
		}
	}
}

// TestAStepThatFailsLeavesAVaultThatWorks fails each step in turn; the process goes on.
func TestAStepThatFailsLeavesAVaultThatWorks(t *testing.T) {
	dry := newBox()
	v, err := fill(dry)
	if err != nil {
		t.Fatal(err)
	}
	before := dry.steps
	if n, err := v.Rotate(dry.reseal(v)); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	for at := before + 1; at <= dry.steps; at++ {
		b := newBox()
		v, err := fill(b)
		if err != nil {
			t.Fatal(err)
		}
		b.failAt = at
		if _, err := v.Rotate(b.reseal(v)); !errors.Is(err, syscall.EIO) {
			t.Errorf("step %d: %v", at, err)
		}
		b.put(v, "cameras", "attic", "password", "cameras attic password")
		b.check(t, fmt.Sprintf("step %d", at), v)
		for seed := range uint64(8) {
			what := fmt.Sprintf("step %d, seed %d", at, seed)
			after := b.reboot(seed)
			if v, err := open(after); err != nil {
				t.Errorf("%s: %v", what, err)
			} else {
				after.check(t, what, v)
			}
		}
		if n, err := v.Rotate(b.reseal(v)); err != nil || n != 4 || v.Unfinished() {
			t.Errorf("step %d: tried again: %d, %v, unfinished: %v", at, n, err, v.Unfinished())
		}
		b.check(t, fmt.Sprintf("step %d, tried again", at), v)
	}
}

func TestARotationForgetsTheOldKeyAndMakesANewOneEachTime(t *testing.T) {
	b := newBox()
	v, err := fill(b)
	if err != nil {
		t.Fatal(err)
	}
	at := [3]string{"cameras", "gate", "password"}
	for range 2 {
		before, proof, file := b.db[at], b.proof, b.seen[KeyFile].kept
		if n, err := v.Rotate(b.reseal(v)); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := v.Open(at[0], at[1], at[2], before); !errors.Is(err, ErrWrongKey) {
			t.Errorf("a copy from before the rotation: %v, want ErrWrongKey", err)
		}
		if err := v.Verify(proof); !errors.Is(err, ErrWrongKey) {
			t.Errorf("the proof from before the rotation: %v, want ErrWrongKey", err)
		}
		if after := b.seen[KeyFile].kept; bytes.Contains(after, file[fileHead:fileHead+keyBytes]) {
			t.Error("the key file has the old key still")
		}
	}
	if n, err := v.Finish(func(_, _ Func) (int, error) { t.Error("nothing to finish"); return 0, nil }); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestARotationAfterAnUnfinishedOneMakesAnotherKey: the key file that held both may be what
// somebody copied.
func TestARotationAfterAnUnfinishedOneMakesAnotherKey(t *testing.T) {
	b := newBox()
	v, err := fill(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Rotate(func(_, _ Func) (int, error) { return 0, syscall.ENOSPC }); !errors.Is(err, syscall.ENOSPC) || !v.Unfinished() {
		t.Fatalf("%v, unfinished: %v", err, v.Unfinished())
	}
	copied, err := decode(b.seen[KeyFile].kept)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := v.Rotate(b.reseal(v)); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	b.check(t, "rotated", v)
	thief := &Vault{keys: copied}
	for at, sealed := range b.db {
		if _, err := thief.Open(at[0], at[1], at[2], sealed); !errors.Is(err, ErrWrongKey) {
			t.Errorf("%v opens with a key from before: %v", at, err)
		}
	}
}

// TestSecretsAreSealedAndOpenedWhileKeysRotate: the transaction of the database is a lock.
func TestSecretsAreSealedAndOpenedWhileKeysRotate(t *testing.T) {
	b := newBox()
	v, err := fill(b)
	if err != nil {
		t.Fatal(err)
	}
	var tx sync.Mutex
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			id := fmt.Sprintf("camera%d", i)
			for range 300 {
				tx.Lock()
				b.put(v, "cameras", id, "password", "cameras "+id+" password")
				tx.Unlock()
				tx.Lock()
				b.check(t, id, v)
				tx.Unlock()
			}
		})
	}
	wg.Go(func() {
		for range 30 {
			_, err := v.Rotate(func(open, seal Func) (int, error) {
				tx.Lock()
				defer tx.Unlock()
				return b.reseal(v)(open, seal)
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	b.check(t, "in the end", v)
}
