package led

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPinBlinksAsItsPatternSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lit, changes := false, 0
		p := NewPin(func(on bool) error {
			if on != lit {
				changes++
			}
			lit = on
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		for _, tt := range []struct {
			p       Pattern
			changes int // in 3.9 s
			lit     bool
		}{{Solid, 1, true}, {Blink, 7, false}, {Fast, 32, false}, {Pulse, 4, false}, {Off, 0, false}, {Blink, 8, false}, {Solid, 1, true}} {
			changes = 0
			if err := p.Set(tt.p); err != nil || p.Pattern() != tt.p {
				t.Fatal(err)
			}
			time.Sleep(3900 * time.Millisecond)
			synctest.Wait()
			if changes != tt.changes || lit != tt.lit {
				t.Errorf("%v: %d changes, lit %v; want %d, %v", tt.p, changes, lit, tt.changes, tt.lit)
			}
		}
		if err := p.Set(Pulse + 1); !errors.Is(err, ErrPattern) {
			t.Errorf("an unknown pattern: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := p.Set(Off); err != nil || lit {
			t.Errorf("after the end it cannot be switched off: %v", err)
		}
	})
}

func TestAPinThatCannotBeSwitchedIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("gone")
		var broken atomic.Bool
		var tries atomic.Int64
		p := NewPin(func(bool) error {
			tries.Add(1)
			if broken.Load() {
				return bad
			}
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		if err := p.Set(Blink); err != nil {
			t.Fatal(err)
		}
		broken.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		before := tries.Load()
		if err := p.Set(Blink); !errors.Is(err, bad) || tries.Load() == before {
			t.Errorf("the same pattern after it failed: %v, tried again %v", err, tries.Load() > before)
		}
		broken.Store(false)
		if err := p.Set(Blink); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	})
}
