package tasks

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachKeyHasItsOwnBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(10, 20)
		if wait := l.Admit("a", 20); wait != 0 {
			t.Errorf("a full bucket waits %v", wait)
		}
		if wait := l.Admit("a", 1); wait != 100*time.Millisecond {
			t.Errorf("an empty one waits %v", wait)
		}
		if wait := l.Admit("a", 5); wait != 500*time.Millisecond {
			t.Errorf("five of an empty one wait %v: a refusal took something", wait)
		}
		if wait := l.Admit("b", 20); wait != 0 {
			t.Errorf("the bucket of another waits %v", wait)
		}
		time.Sleep(time.Second)
		if wait := l.Admit("a", 10); wait != 0 {
			t.Errorf("a second later ten wait %v", wait)
		}
		if wait := l.Admit("a", 1000); wait != 2*time.Second {
			t.Errorf("more than fit wait %v, want as long as a full bucket takes", wait)
		}
		l.EndKey("a")
		if wait := l.Admit("a", 20); wait != 0 {
			t.Errorf("a new key waits %v", wait)
		}
		for i := range 1000 {
			l.Admit(fmt.Sprint(i), 1)
		}
		if n := len(l.keys); n > maxLimits {
			t.Errorf("%d keys are remembered", n)
		}
	})
}
