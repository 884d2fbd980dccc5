package detections

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/volume"
)

// disk is a directory on a disk whose power can be cut.
type disk struct{ *faultfs.Disk }

func (d disk) create(name string) (file, error) { return asFile(d.Disk.Create(name)) }
func (d disk) open(name string, write bool) (file, error) {
	if write {
		return asFile(d.Modify(name))
	}
	return asFile(d.Disk.Open(name))
}

func (d disk) list() (names []string, err error) {
	entries, err := d.ReadDir(".")
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (d disk) rename(from, to string) error { return d.Rename(from, to) }
func (d disk) remove(name string) error     { return d.Remove(name) }
func (d disk) sync() error                  { return d.SyncDir(".") }
func (d disk) close() error                 { return nil }

type handle struct{ volume.Handle }

func asFile(h volume.Handle, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return handle{h}, nil
}

func (h handle) Allocate(n int64) error { return h.Preallocate(0, n) }
func (h handle) WriteAt(p []byte, off int64) (int, error) {
	n, err := h.WriteVAt([][]byte{p}, off)
	return int(n), err
}

// small are options under which a few batches fill a chunk and a few chunks the
// log. The clock stands still at a plausible time.
func small() Options {
	return Options{
		CommitEvery: time.Microsecond, MaxBytes: 96 << 10, ChunkBytes: 12 << 10, ChunkAge: time.Hour,
		Now: func() time.Time { return day },
	}
}

var day = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// running is a log that is attached.
type running struct {
	*Log
	stop func() error // ends Attach and returns what it returned; once
	end  chan error   // what Attach returned, if it ended by itself
}

// attach serves l from dir until the end of the test, or stop.
func attach(t testing.TB, l *Log, dir folder) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Log: l, end: make(chan error, 1)}
	done := make(chan error, 1)
	changed := l.Changed()
	go func() {
		err := l.serve(ctx, dir)
		done <- err
		r.end <- err
	}()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = r.stop() }) // a test that cares has asked itself
	for l.StoreID() == "" {
		select {
		case <-changed:
			changed = l.Changed()
		case err := <-r.end:
			r.end <- err
			return r
		}
	}
	return r
}

// batch is number i of a test: every value depends on i alone.
func batch(i int) Batch {
	b := Batch{
		Received: day.Add(time.Duration(i) * time.Second), Time: day.Add(time.Duration(i)*time.Second - 40*time.Millisecond),
		Camera: fmt.Sprintf("cam-%d", i%3), TaskType: "detection", TaskID: "t1", FrameID: fmt.Sprintf("f%d", i), Profile: "sub",
		FrameSeq: uint64(i), Ticketed: i%2 == 0, Producer: Producer{"k1", "north worker"},
	}
	for n := range i % 4 {
		b.Detections = append(b.Detections, detection(i, n))
	}
	if i%7 == 0 {
		b.Event = &WorkerEvent{"plate_read", "warning", json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}
	}
	return b
}

func detection(i, n int) Detection {
	d := Detection{Label: []string{"person", "car", "", "dog"}[(i+n)%4]}
	if n != 1 {
		c := float32(i%10) / 10
		d.Confidence = &c
	}
	if n != 2 {
		d.Box = &[4]float32{0.1, 0.2, float32(i) / 4096, 1}
	}
	if n > 0 {
		d.Track = fmt.Sprintf("t%d", i)
		d.Attributes = json.RawMessage(`{"colour":"red"}`)
	}
	return d
}

// all returns everything in the log.
func all(t testing.TB, l *Log) (batches []Batch) {
	t.Helper()
	after := uint64(0)
	for {
		some, err := l.Since(after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return batches
		}
		batches = append(batches, some...)
		after = some[len(some)-1].Seq
	}
}
