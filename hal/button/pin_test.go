package button

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// line is one that can be told what it does.
type line struct {
	edges chan bool
	fails chan error
}

func (l line) watch(ctx context.Context, edge func(bool)) error {
	for {
		select {
		case down := <-l.edges:
			edge(down)
		case err := <-l.fails:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func TestAPinThatIsPressedIsAGestureAndOneThatIsLostIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := line{make(chan bool), make(chan error)}
		var got []Event
		var lost []error
		p := NewPin(l.watch, NewTracker("main", func(e Event) { got = append(got, e) }), func(err error) { lost = append(lost, err) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		press := func(d time.Duration) {
			l.edges <- true
			time.Sleep(d)
			l.edges <- false
			synctest.Wait()
		}
		press(4 * time.Second)
		bad := errors.New("gone")
		l.edges <- true
		l.fails <- bad
		time.Sleep(retry)
		l.fails <- bad
		time.Sleep(retry)
		l.edges <- false // it was pressed when it went: nobody knows for how long
		press(time.Second)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(got) != 2 || got[0].Gesture != Hold || got[1].Gesture != Press {
			t.Errorf("gestures %v", got)
		}
		if len(lost) != 1 || !errors.Is(lost[0], bad) {
			t.Errorf("told %v, want once", lost)
		}
	})
}
