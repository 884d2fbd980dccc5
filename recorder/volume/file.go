package volume

import (
	"fmt"
	"slices"
)

// Chunk is what a file grows by in one write: a part of footage.
type Chunk struct {
	Bufs [][]byte // written one after the other, at once
	End  int64    // UTC ms at which the footage in the chunk ends
	// Release is called once, by the writer goroutine or by Append, when the
	// volume has done with Bufs. It may be nil.
	Release func()
}

func (c *Chunk) size() (n int64) {
	for _, b := range c.Bufs {
		n += int64(len(b))
	}
	return n
}

func (c *Chunk) release() {
	if c.Release != nil {
		c.Release()
	}
}

// extent is how far a file is good: whole chunks only.
type extent struct {
	bytes  int64
	chunks int   // of footage; the beginning of the file is none
	end    int64 // UTC ms of the last chunk's end
}

// File is one open segment. All methods may be called concurrently; the order
// of appends is the order of the calls.
type File struct {
	v      *Volume
	name   Name
	head   []byte // written before the first chunk
	expect int64  // bytes the file will probably have
	fresh  bool   // no file of this name was begun since Open

	// Owned by the writer goroutine.
	h        Handle
	reserved int64 // preallocated up to here
	dirty    bool  // written to since the last sync: in writer.dirty
	broken   bool  // ended early: what is still queued for it is dropped
	sick     bool  // a write or sync failed: never sync it again

	// Guarded by v.mu.
	written extent // handed to the kernel
	durable extent // survives a power cut
	err     error  // sticky: why the file has ended early
	ended   bool   // Finish was called
	end     int64  // as Finish was told
	done    func(Name, error)
}

// op is one entry of the queue: a chunk for a file, or its end (last).
type op struct {
	f     *File
	chunk Chunk
	size  int64
	last  bool
}

// Create begins a segment that starts with head. It does no I/O: the file is
// made by the writer goroutine, and an error of that appears at the next
// Append. expect is about how many bytes the file will get, for
// preallocation. Create returns ErrFull while the disk has no room,
// ErrOverloaded while the queue has not drained, ErrClosed, or ErrName.
func (v *Volume) Create(n Name, head []byte, expect int64) (*File, error) {
	n.Open, n.Duration, n.Bytes = true, 0, 0
	if err := n.Check(); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	f := &File{v: v, name: n, head: head, expect: expect}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return nil, ErrClosed
	case v.full, v.resting:
		return nil, ErrFull
	case v.queued > v.limit/2, v.cameras[n.Camera] > v.limit/4:
		// Half of what is refused must have drained, lest it is refused by turns.
		return nil, ErrOverloaded
	}
	f.fresh = v.remember(n)
	return f, nil
}

// Append queues c to be written at the end of the file. The volume owns c
// until it calls Release, which it does in every case. Append never waits for
// the disk. It returns ErrOverloaded if the queue is full, and nothing may be
// appended to the file after that; ErrFull or ErrFailed if the file has ended
// because of an earlier chunk; ErrClosed.
func (f *File) Append(c Chunk) error {
	size := c.size()
	f.v.mu.Lock()
	err := f.admit(size)
	if err == nil {
		f.v.push(op{f: f, chunk: c, size: size})
	}
	f.v.mu.Unlock()
	if err != nil {
		c.release()
		return err
	}
	f.v.signal()
	return nil
}

// admit decides whether size more bytes may be queued. v.mu is held.
func (f *File) admit(size int64) error {
	switch {
	case f.err != nil:
		return f.err
	case f.v.closed || f.ended:
		return ErrClosed
	case f.v.resting:
		f.err = ErrFull
		return f.err
	case f.v.queued > 0 && f.v.queued+size > f.v.limit, f.greedy(size):
		f.err = ErrOverloaded
		return f.err
	}
	return nil
}

// greedy reports whether f's camera would take more than three quarters of what it
// leaves to all others: a camera that floods a lagging disk must not have its
// neighbours lose footage, or keep them from beginning a segment. v.mu is held.
func (f *File) greedy(size int64) bool {
	has := f.v.cameras[f.name.Camera]
	return has > 0 && has+size > (f.v.limit-f.v.queued)/4*3
}

// Finish ends the file at end, UTC ms: in the next sync cycle it is made
// durable, renamed to its closed name and its directory synced. Then done is
// called, by the writer goroutine, with that name. If the file ended early,
// the name says how far it is good. done gets ErrEmpty, or the error that
// prevented any footage, if there is no closed file, and another error if the
// file stays behind for recovery. done must not block. Finishing twice does
// nothing.
func (f *File) Finish(end int64, done func(Name, error)) {
	f.v.mu.Lock()
	if f.ended {
		f.v.mu.Unlock()
		return
	}
	f.ended, f.end, f.done = true, end, done
	closed := f.v.closed
	if !closed {
		f.v.push(op{f: f, last: true})
	}
	f.v.mu.Unlock()
	if closed {
		done(Name{}, ErrClosed)
		return
	}
	f.v.signal()
}

// Name returns the name of the file while it is open.
func (f *File) Name() Name { return f.name }

// Err returns why the file has ended early, or nil.
func (f *File) Err() error {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	return f.err
}

// Written returns how many bytes a reader finds in the file, whole chunks
// all, and the UTC ms at which the footage in them ends (0 before the first).
func (f *File) Written() (bytes, end int64) {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	return f.written.bytes, f.written.end
}

// Durable returns how much of Written a power cut would leave.
func (f *File) Durable() (bytes, end int64) {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	return f.durable.bytes, f.durable.end
}

// Kept returns the UTC ms at which the footage ends that the file will keep,
// or 0 if it will keep none. It is final once Err is not nil and nothing of
// the file waits in the queue; before that, footage may still be added.
func (f *File) Kept() (end int64) {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	return f.kept().end
}

// kept is what will stay of the file. v.mu is held, or f belongs to the
// writer goroutine; f.sick changes under v.mu.
func (f *File) kept() extent {
	if f.sick {
		return f.durable
	}
	return f.written
}

// push appends to the queue. v.mu is held.
func (v *Volume) push(o op) {
	v.queue = append(v.queue, o)
	v.queued += o.size
	v.cameras[o.f.name.Camera] += o.size
}

// pop takes note that o has left the queue.
func (v *Volume) pop(o *op) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queued -= o.size
	if v.cameras[o.f.name.Camera] -= o.size; v.cameras[o.f.name.Camera] == 0 {
		delete(v.cameras, o.f.name.Camera)
	}
}

func (v *Volume) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// takeQueue moves the queue to the caller, who gives the slice back with
// returnQueue.
func (v *Volume) takeQueue() []op {
	v.mu.Lock()
	defer v.mu.Unlock()
	ops := v.queue
	v.urgent = false
	v.queue, v.spare = slices.Grow(v.spare[:0], 16), nil
	return ops
}

// returnQueue gives the buffer of a drained queue back.
func (v *Volume) returnQueue(ops []op) {
	clear(ops)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.spare = ops[:0]
}
