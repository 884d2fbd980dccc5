package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"
	"time"
)

// writer is the state that the goroutine of Run alone touches.
type writer struct {
	dirty     []*File             // written to since the last good sync
	finishing []*File             // to be closed in the next cycle
	open      map[*File]struct{}  // have a handle
	fresh     map[string]struct{} // directories with names not yet durable
	used      map[string]struct{} // days that a file was made in
	failed    bool                // something did since the last cycle
	failedAt  time.Time           // when a cycle last saw it; monotonic
	noReserve bool                // the file system cannot preallocate
	noRange   bool                // … write back ranges
	noSyncFS  bool                // … sync as a whole
	silent    bool                // the disk did not answer the last look
	lost      int                 // cycles in a row of which nothing arrived
	condemned error               // why the volume is given up, nil as long as it is not
}

// Run writes until ctx is done: it then takes what is queued, makes it
// durable in a last cycle, closes what is left open, and returns ctx's error.
// Whoever appends should have finished before. Files that fail end by
// themselves and others begin; only a disk that cannot be trusted any more ends
// Run, with ErrCondemned: then everything was let go of, and waiting calls of
// Finish got ErrClosed.
func (v *Volume) Run(ctx context.Context) error {
	v.w.open, v.w.fresh, v.w.used = map[*File]struct{}{}, map[string]struct{}{}, map[string]struct{}{}
	v.mu.Lock()
	v.stats.LastSync = v.now()
	v.stats.LastCycle = v.stats.LastSync
	v.mu.Unlock()
	tick := time.NewTicker(v.cycle)
	defer tick.Stop()
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	for v.w.condemned == nil {
		select {
		case <-ctx.Done():
			v.runCycle(true)
			for f := range v.w.open {
				v.close(f)
			}
			return context.Cause(ctx)
		case <-v.wake:
			if !v.collects() {
				v.drain(v.takeQueue())
			}
		case <-tick.C:
			v.runCycle(false)
		case <-v.hurry:
			v.runCycle(false)
		case <-probe.C:
			probe.Reset(v.probePresence())
		}
	}
	v.abandon()
	return v.w.condemned
}

// drain performs ops, those of each file in order.
func (v *Volume) drain(ops []op) {
	if v.geometry.card() {
		byFile(ops)
	}
	for i := range ops {
		o := &ops[i]
		if o.last {
			v.w.finishing = append(v.w.finishing, o.f)
			continue
		}
		if !o.f.broken {
			if err := v.write(o.f, &o.chunk, o.size); err != nil {
				v.fail(o.f, err, !noSpace(err))
			}
		}
		o.chunk.release()
		v.pop(o)
	}
	v.returnQueue(ops)
}

// write appends one chunk to f, which it creates first if need be.
func (v *Volume) write(f *File, c *Chunk, size int64) error {
	if f.h == nil {
		if err := v.create(f); err != nil {
			return err
		}
	}
	at := f.written.bytes // written only here, and so read without the lock
	if err := v.reserve(f, at+size, 0); err != nil {
		return err
	}
	if !f.dirty {
		f.dirty = true
		v.w.dirty = append(v.w.dirty, f)
	}
	if _, err := f.h.WriteVAt(c.Bufs, at); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	f.written = extent{at + size, f.written.chunks + 1, c.End}
	v.stats.Written += size
	return nil
}

// create makes the file with its head. The directories of a new camera or day
// are made on the way.
func (v *Volume) create(f *File) error {
	name := f.name.Path()
	h, err := v.fsys.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = v.mkdir(path.Dir(name)); err == nil {
			h, err = v.fsys.Create(name)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		v.disown(f)
	}
	if err != nil {
		return fmt.Errorf("create segment: %w", err)
	}
	f.h = h
	v.w.open[f] = struct{}{}
	day := path.Dir(name)
	v.w.fresh[day] = struct{}{}
	if _, used := v.w.used[day]; !used {
		// Whoever made the directories may not have come to sync their names.
		v.w.used[day] = struct{}{}
		v.w.fresh[path.Dir(day)], v.w.fresh[FootageDir] = struct{}{}, struct{}{}
	}
	size := int64(len(f.head))
	if err := v.reserve(f, max(size, 1), f.expect); err != nil {
		return err
	}
	f.dirty = true
	v.w.dirty = append(v.w.dirty, f)
	if _, err := h.WriteVAt([][]byte{f.head}, 0); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	f.written.bytes, f.head = size, nil
	v.stats.Written += size
	return nil
}

// mkdir makes dir and the directory above it.
func (v *Volume) mkdir(dir string) error {
	for _, d := range []string{path.Dir(dir), dir} {
		if err := v.fsys.Mkdir(d); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// reserve preallocates so that f can grow to need, and at once to wish if
// there is room: in whole chunks of the disk, so that the extents of many
// files interleave coarsely and a sync changes little metadata.
func (v *Volume) reserve(f *File, need, wish int64) error {
	if v.w.noReserve || need <= f.reserved {
		return nil
	}
	step := v.geometry.chunk()
	least := (need + step - 1) / step * step
	want := max(least, (min(wish, v.most)+step-1)/step*step)
	err := f.h.Preallocate(f.reserved, want-f.reserved)
	if noSpace(err) && want > least {
		want = least
		err = f.h.Preallocate(f.reserved, want-f.reserved)
	}
	if unsupported(err) {
		v.w.noReserve = true
		return nil
	}
	if err == nil {
		f.reserved = want
	}
	return err
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// fail ends f early because of cause. A sick file keeps only what is durable
// and is never synced again: after an error the kernel may have dropped its
// pages and call them clean.
func (v *Volume) fail(f *File, cause error, sick bool) {
	kind := ErrFailed
	if noSpace(cause) {
		kind = ErrFull
	}
	err := fmt.Errorf("%w: %w", kind, cause)
	f.broken, v.w.failed = true, true
	v.mu.Lock()
	if f.err == nil || errors.Is(f.err, ErrOverloaded) {
		f.err = err
	}
	f.sick = f.sick || sick
	if f.sick && f.h != nil { // without a file there is nothing to be believed
		v.suspect[f.name] = f.durable.bytes
	}
	tell := kind == ErrFull && !v.full
	v.full = v.full || kind == ErrFull
	v.stats.Err = err
	v.mu.Unlock()
	if kind == ErrFailed {
		v.log.Error("segment ended early", "segment", f.name.Path(), "err", err)
	}
	if tell {
		v.log.Warn("volume is full", "segment", f.name.Path(), "err", err)
		v.onFull()
	}
}

// close closes the handle of f. The error has nothing left to say: what
// mattered was synced before.
func (v *Volume) close(f *File) {
	if f.h != nil {
		_ = f.h.Close()
		f.h = nil
	}
	delete(v.w.open, f)
}
