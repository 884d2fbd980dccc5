package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// trimRig is a disk that takes discards, each in its time.
type trimRig struct {
	trimmer
	pieces  [][2]int64
	at      []time.Time
	takes   func(length int64) time.Duration
	err     error
	removed int64
	load    bool
}

func newTrimRig() *trimRig {
	r := &trimRig{takes: func(int64) time.Duration { return time.Millisecond }}
	r.trimmer = trimmer{
		trim: func(start, length, least int64) (int64, error) {
			if least != trimBlock {
				return 0, fmt.Errorf("runs of %d", least)
			}
			time.Sleep(r.takes(length))
			r.pieces, r.at = append(r.pieces, [2]int64{start, length}), append(r.at, time.Now())
			return 0, r.err
		},
		total: func() int64 { return 64 << 30 }, deleted: func() int64 { return r.removed }, busy: func() bool { return r.load },
		log: slog.New(slog.DiscardHandler),
	}
	return r
}

// during runs the trimmer for d.
func (r *trimRig) during(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	r.run(ctx)
}

func TestTheDiskIsToldAfterEnoughWasDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrimRig()
		r.removed = 8<<30 - 1
		r.during(t, time.Hour)
		if len(r.pieces) != 0 {
			t.Errorf("told %d pieces with less than an eighth deleted", len(r.pieces))
		}
		r.removed++
		r.during(t, time.Hour)
		next := int64(0)
		for i, p := range r.pieces {
			if p[0] != next || p[1] < trimSmallest || p[1] > trimLargest {
				t.Errorf("piece %d is %v, want from %d on", i, p, next)
			}
			if i > 0 && r.at[i].Sub(r.at[i-1]) < trimEvery-time.Second {
				t.Errorf("piece %d came %v after the one before", i, r.at[i].Sub(r.at[i-1]))
			}
			next = p[0] + p[1]
		}
		if next < 64<<30 || r.passes != 1 {
			t.Errorf("%d passes, up to %d", r.passes, next)
		}
	})
}

func TestPiecesShrinkOnASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrimRig()
		r.removed = 8 << 30
		r.takes = func(length int64) time.Duration { return time.Duration(length>>20) * 2 * time.Millisecond } // a second for 512 MiB
		r.during(t, 10*time.Minute)
		last := r.pieces[len(r.pieces)-1][1]
		if took := r.takes(last); took > trimSlow {
			t.Errorf("pieces of %d MiB still take %v", last>>20, took)
		}
	})
}

func TestABusyDiskIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrimRig()
		r.removed, r.load = 8<<30, true
		r.during(t, time.Hour)
		if len(r.pieces) != 0 {
			t.Errorf("told %d pieces", len(r.pieces))
		}
	})
}

func TestADiskThatTakesNoDiscardsIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrimRig()
		r.removed, r.err = 8<<30, fmt.Errorf("cannot: %w", errors.ErrUnsupported)
		began := time.Now()
		r.during(t, time.Hour)
		if len(r.pieces) != 1 || time.Since(began) > time.Minute {
			t.Errorf("asked %d times, for %v", len(r.pieces), time.Since(began))
		}
		other := newTrimRig()
		other.removed, other.err = 8<<30, errors.New("input/output error")
		other.during(t, time.Hour)
		if len(other.pieces) != 1 {
			t.Errorf("an error: asked %d times before more was deleted", len(other.pieces))
		}
	})
}
