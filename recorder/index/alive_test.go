package index

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnIdleIndexIsAlive: a box without cameras commits nothing for hours,
// and the first row after that must not make it look wedged.
func TestAnIdleIndexIsAlive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.db")
	synctest.Test(t, func(t *testing.T) {
		x, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- x.Run(ctx) }()
		time.Sleep(10*time.Minute + time.Second)
		add(t, x, row("door", 1))
		if s := x.Status(); time.Since(s.LastRound) > time.Minute || s.Pending != 1 {
			t.Errorf("after ten idle minutes the last round was %v ago, %d rows waiting", time.Since(s.LastRound), s.Pending)
		}
		time.Sleep(time.Minute)
		if s := x.Status(); s.Pending != 0 || time.Since(s.LastCommit) > time.Minute {
			t.Errorf("a minute later: %+v", s)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
}
