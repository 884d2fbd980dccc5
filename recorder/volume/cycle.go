package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// runCycle is one sync cycle. Its order is the promise of the volume:
//
//  1. participants hand over their open parts; all that is queued is written
//  2. files to be closed lose their preallocated or torn tail
//  3. write-back of every file written to is begun, then waited for
//  4. one syncfs makes data, sizes and new names durable
//  5. files to be closed are renamed, their directories synced
//  6. whoever finished them is told
//
// The last cycle refuses everything that comes after step 1 has begun to
// write.
func (v *Volume) runCycle(last bool) {
	began := v.now()
	v.cut()
	if last {
		v.mu.Lock()
		v.closed = true
		v.mu.Unlock()
	}
	v.drain(v.takeQueue())
	finishing := v.w.finishing
	v.w.finishing = nil
	if len(v.w.dirty) == 0 && len(finishing) == 0 {
		v.judge(v.w.failed, false)
		v.synced(began, false, false, nil)
		return
	}
	for _, f := range finishing {
		v.trim(f)
	}
	arrived, err := v.sync()
	v.judge(v.w.failed || err != nil, arrived)
	v.publish(finishing)
	v.synced(began, true, arrived, err)
}

// cut has every participant hand over what it has.
func (v *Volume) cut() {
	v.cycleMu.Lock()
	defer v.cycleMu.Unlock()
	for _, f := range v.cutters {
		f()
	}
}

// trim cuts f to its whole chunks, which also gives back what was
// preallocated beyond them.
func (v *Volume) trim(f *File) {
	if f.h == nil {
		return
	}
	if err := f.h.Truncate(f.kept().bytes); err != nil && !f.sick {
		v.fail(f, fmt.Errorf("truncate: %w", err), true)
	}
}

// sync makes everything written durable, and takes note of it file by file.
// arrived says that some of it did.
func (v *Volume) sync() (arrived bool, err error) {
	dirty := v.w.dirty
	v.w.dirty = dirty[:0:0]
	v.writeBack(dirty)
	if err = v.commit(dirty); err != nil {
		for _, f := range dirty {
			if !f.sick {
				v.fail(f, err, true)
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range dirty {
		f.dirty = false
		if !f.sick {
			f.durable, arrived = f.written, true
		} else if err == nil {
			err = f.err
		}
	}
	return arrived, err
}

// writeBack has the disk work on all files at once, a card on a few.
func (v *Volume) writeBack(dirty []*File) {
	if v.w.noRange {
		return
	}
	for _, some := range v.batches(dirty) {
		for _, step := range []func(Handle, int64, int64) error{Handle.StartWriteback, Handle.WaitWriteback} {
			if v.w.noRange = !v.each(some, step); v.w.noRange {
				return
			}
		}
	}
}

// each does a step of write-back to files. It reports false where the file
// system lacks it.
func (v *Volume) each(files []*File, step func(Handle, int64, int64) error) bool {
	for _, f := range files {
		if f.sick || f.h == nil {
			continue
		}
		err := step(f.h, f.durable.bytes, f.written.bytes-f.durable.bytes)
		if unsupported(err) {
			return false
		}
		if err != nil {
			v.fail(f, err, true)
		}
	}
	return true
}

// commit makes data, sizes and names durable: all at once where the file
// system can, else file by file and directory by directory. An error of the
// whole cannot be laid at one file's door and is returned.
func (v *Volume) commit(dirty []*File) error {
	if !v.w.noSyncFS {
		err := v.fsys.SyncFS()
		if !unsupported(err) {
			if err == nil {
				clear(v.w.fresh)
			}
			return err
		}
		v.w.noSyncFS = true
	}
	for _, f := range dirty {
		if f.sick || f.h == nil {
			continue
		}
		if err := f.h.Sync(); err != nil {
			v.fail(f, err, true)
		}
	}
	return v.syncDirs(v.w.fresh)
}

// syncDirs syncs dirs and empties the set as far as it comes.
func (v *Volume) syncDirs(dirs map[string]struct{}) error {
	for d := range dirs {
		if err := v.fsys.SyncDir(d); err != nil {
			if errors.Is(err, fs.ErrNotExist) { // somebody removed it: there is nothing to last
				delete(dirs, d)
				continue
			}
			err = fmt.Errorf("sync directory: %w", err)
			v.condemn(err)
			return err
		}
		delete(dirs, d)
	}
	return nil
}

// manyDirs is how many directory syncs cost more than one more syncfs.
const manyDirs = 2

// publish renames the files that are complete and tells who waits. A name is
// given to whole and durable files alone, and told once it is durable itself.
func (v *Volume) publish(finishing []*File) {
	type closed struct {
		f    *File
		name Name
		err  error
	}
	results := make([]closed, 0, len(finishing))
	dirs := map[string]struct{}{}
	for _, f := range finishing {
		name, err := v.rename(f)
		if err == nil {
			dirs[name.Dir()] = struct{}{}
		}
		results = append(results, closed{f, name, err})
	}
	var err error
	if len(dirs) > manyDirs && !v.w.noSyncFS {
		if err = v.fsys.SyncFS(); err != nil {
			v.condemn(fmt.Errorf("sync directories: %w", err))
		}
	} else {
		err = v.syncDirs(dirs)
	}
	for _, r := range results {
		if r.err == nil && err != nil {
			r.err = fmt.Errorf("%w: name of %s: %w", ErrFailed, r.name.Path(), err)
			v.log.Error("segment closed, but its name may not last", "segment", r.name.Path(), "err", err)
		}
		r.f.done(r.name, r.err)
	}
}

// rename gives f its closed name; f has been synced, or has failed.
func (v *Volume) rename(f *File) (Name, error) {
	if f.h == nil {
		return Name{}, v.early(f)
	}
	keep := f.kept()
	if f.sick {
		if err := f.h.Truncate(keep.bytes); err != nil {
			v.close(f)
			return Name{}, fmt.Errorf("%w: truncate: %w", ErrFailed, err) // recovery will look at it
		}
	}
	v.close(f)
	if keep.chunks == 0 {
		if err := v.fsys.Remove(f.name.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			v.log.Error("empty segment stays behind", "segment", f.name.Path(), "err", err)
		} else {
			v.settled(f)
		}
		return Name{}, v.early(f)
	}
	n := f.name
	n.Open, n.Bytes = false, keep.bytes
	n.Duration = f.length(keep)
	v.mu.Lock()
	v.remember(n)
	v.mu.Unlock()
	if err := v.fsys.Rename(f.name.Path(), n.Path()); err != nil {
		v.log.Error("segment stays behind for recovery", "segment", f.name.Path(), "err", err)
		return Name{}, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	v.settled(f)
	return n, nil
}

// settled takes f off the list of suspects: it has been cut to what is durable.
func (v *Volume) settled(f *File) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.suspect, f.name)
}

// length returns the duration in ms: as Finish was told if every chunk is
// there, else to the end of the last one.
func (f *File) length(keep extent) int64 {
	end := keep.end
	if keep == f.written && !f.broken {
		end = max(f.end, f.name.Start+1)
	}
	return max(end-f.name.Start, 1)
}

// early returns why f has no footage.
func (v *Volume) early(f *File) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	return ErrEmpty
}

// forgive is after how long without another failure an error counts as over,
// though nothing was written that would prove it.
const forgive = 30 * time.Second

// synced closes the books of a cycle and looks whether a full disk has room
// again. An error is over when something arrived: a disk that has room and
// takes nothing is tried again and again.
func (v *Volume) synced(began time.Time, worked, arrived bool, err error) {
	v.mu.Lock()
	full := v.full
	v.mu.Unlock()
	if full {
		if space, err := v.fsys.Space(); err == nil && space.Available >= 2*v.geometry.chunk() {
			full = false
		}
	}
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.full && !full {
		v.log.Info("volume has room again")
	}
	v.full = full
	v.stats.LastCycle = now
	if err == nil {
		v.stats.LastSync = now
		if v.w.failed {
			v.w.failedAt = time.Now()
		} else if !full && (arrived || time.Since(v.w.failedAt) > forgive) {
			v.stats.Err = nil
		}
	}
	v.w.failed = false
	if worked {
		v.stats.Cycles++
		v.stats.SyncTime = now.Sub(began)
	}
}
