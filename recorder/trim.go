package recorder

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"vedette/recorder/volume"
)

// Flash wears less when it knows what is free. A trimmer tells it, piece by
// piece, after enough was deleted, and only while the disk has nothing better to
// do: a whole pass at once can keep a card from writing for seconds.
const (
	trimEvery = 10 * time.Second
	// trimShare is the part of the disk that must have been deleted for a pass,
	// and trimLeast its least, bytes.
	trimShare = 8
	trimLeast = int64(1 << 30)
	// Pieces are of the file system's addresses. They grow and shrink with the
	// time they take.
	trimFirst    = int64(256 << 20)
	trimSmallest = int64(16 << 20)
	trimLargest  = int64(4 << 30)
	trimQuick    = 50 * time.Millisecond
	trimSlow     = 200 * time.Millisecond
	// trimBlock is the smallest free run that is told: below it, it costs more
	// than it gives.
	trimBlock = int64(1 << 20)
	// trimQueue is how much may wait for a disk that has time, bytes.
	trimQueue = int64(4 << 20)
)

// trimmer is the state of one volume's passes.
type trimmer struct {
	trim    func(start, length, least int64) (int64, error)
	total   func() int64 // size of the file system, bytes
	deleted func() int64 // bytes, ascending
	busy    func() bool
	log     *slog.Logger

	done   int64 // what was deleted when the last pass began
	at     int64 // where the pass under way is; 0 = none is
	under  bool
	length int64
	passes int
}

// run works until ctx is done, or the disk takes no discards.
func (t *trimmer) run(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := t.step(); errors.Is(err, errors.ErrUnsupported) {
			t.log.Info("the disk is not told what is free", "why", err)
			return
		} else if err != nil {
			t.log.Warn("telling the disk what is free failed; it is tried after more was deleted", "err", err)
		}
	}
}

// step does what is due: nothing, or one piece. After an error the pass is over.
func (t *trimmer) step() error {
	total := t.total()
	if total <= 0 || t.busy() {
		return nil
	}
	if !t.under {
		deleted := t.deleted()
		if deleted-t.done < max(total/trimShare, trimLeast) {
			return nil
		}
		t.done, t.at, t.under = deleted, 0, true
	}
	if t.length == 0 {
		t.length = trimFirst
	}
	began := time.Now()
	_, err := t.trim(t.at, t.length, trimBlock)
	if err != nil {
		t.under = false
		return err
	}
	if t.at += t.length; t.at >= total {
		t.under = false
		t.passes++
	}
	switch took := time.Since(began); {
	case took > trimSlow:
		t.length = max(t.length/2, trimSmallest)
	case took < trimQuick:
		t.length = min(t.length*2, trimLargest)
	}
	return nil
}

// trimLoop tells the disk of a volume what is free, where that helps: a hard disk
// gains nothing by it.
func (p *present) trimLoop(ctx context.Context) {
	trim := p.bay.r.o.Trim
	if trim == nil || p.bay.o.FS != nil || p.volume.Medium() == volume.HDD {
		return
	}
	t := &trimmer{
		trim: func(start, length, least int64) (int64, error) { return trim(p.bay.o.Dir, start, length, least) },
		total: func() int64 {
			return p.sweeper.State().Total
		},
		deleted: func() int64 { return p.sweeper.State().Deleted.Bytes },
		busy:    p.busy,
		log:     p.bay.r.o.Log.With("volume", p.bay.o.Name),
	}
	t.run(ctx)
}

// busy reports whether the disk has trouble keeping up.
func (p *present) busy() bool {
	s := p.volume.Stats()
	return s.Err != nil || s.Full || s.SyncTime > trimSlow || s.Queued > trimQueue
}
