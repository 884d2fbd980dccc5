package detections

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Attach serves from dir, which it makes if need be, until ctx is done, and
// returns ctx's cause; what waits in the queue is still made durable. It returns
// earlier with an error if dir cannot be opened, is attached already, or the disk
// refuses again and again; it can be called again after that.
func (l *Log) Attach(ctx context.Context, dir string) error {
	f, err := openFolder(dir)
	if err != nil {
		return fmt.Errorf("open detections: %w", err)
	}
	err = l.serve(ctx, f)
	return errors.Join(err, f.close())
}

// serve is Attach in a folder that is open.
func (l *Log) serve(ctx context.Context, dir folder) error {
	l.mu.Lock()
	taken := l.taken
	l.taken = true
	l.mu.Unlock()
	if taken {
		return errors.New("open detections: a disk is attached already")
	}
	s, err := openStore(dir, l.o)
	l.mu.Lock()
	if l.taken = err == nil; l.taken {
		l.store = s
		l.announce()
	}
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("open detections: %w", err)
	}
	err = l.loop(ctx, s)
	l.detach(s, err)
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// loop commits what comes, until ctx is done (nil) or the disk is to be given up.
func (l *Log) loop(ctx context.Context, s *store) error {
	var last time.Time // when the last commit began
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := false
	for {
		kick := l.kick
		if due {
			kick = nil // it is known, and the timer runs
		}
		select {
		case <-ctx.Done():
			return l.commit(s, l.take())
		case p := <-l.prune:
			p.done <- l.pruneNow(s, p)
		case <-kick:
			due = true
			timer.Reset(max(0, l.o.CommitEvery-time.Since(last)))
		case <-timer.C:
			if !due {
				continue
			}
			due, last = false, time.Now()
			if err := l.commit(s, l.take()); err != nil {
				return err
			}
		}
	}
}

// detach takes s away from readers and writers, refuses what waits and closes
// the open chunk; why is what the loop ended with.
func (l *Log) detach(s *store, why error) {
	l.mu.Lock()
	l.store = nil
	l.announce()
	l.mu.Unlock()
	l.answer(l.take(), ErrAway)
	if why == nil && s.open != nil {
		l.retire(s)
		l.tidy(s)
	} else {
		s.forsake()
	}
	// Only now may another one open the directory.
	l.mu.Lock()
	l.taken = false
	l.mu.Unlock()
}
