package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vedette/test/power/marker"
	"vedette/test/power/plan"
)

// How often the guest looks and speaks.
const (
	markEvery    = 50 * time.Millisecond
	lookEvery    = 200 * time.Millisecond
	controlEvery = 250 * time.Millisecond
)

// follow does what the plan says.
func follow(ctx context.Context, p *plan.Plan) error {
	if err := os.WriteFile(configAt, []byte(p.Config), 0o600); err != nil {
		return err
	}
	w := &witness{began: time.Now().Add(-time.Hour)}
	for _, id := range p.Cameras {
		w.marker.Cameras = append(w.marker.Cameras, marker.Camera{ID: id})
	}
	ctx, cancel := context.WithCancel(ctx)
	var chores sync.WaitGroup
	failed := make(chan error, 2)
	for _, run := range []func(context.Context) error{
		func(ctx context.Context) error { return w.speak(ctx, p.DiskSize) },
		w.control,
	} {
		chores.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		})
	}
	err := w.lives(ctx, p)
	cancel()
	chores.Wait()
	select {
	case e := <-failed:
		return errors.Join(e, err)
	default:
		return err
	}
}

// witness watches the product and writes down what it promised.
type witness struct {
	began  time.Time
	mu     sync.Mutex
	marker marker.Marker
}

func (w *witness) phase(s string) {
	fmt.Println("guest:", s)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marker.Phase = s
}

// lives runs the product once for each life of the plan.
func (w *witness) lives(ctx context.Context, p *plan.Plan) error {
	args := []string{plan.Program, "simcam", "--listen", camAddr}
	for _, c := range p.Cameras {
		args = append(args, "--path", c)
	}
	if _, _, err := spawn(ctx, func(string) {}, args...); err != nil {
		return err
	}
	box, err := newProduct()
	if err != nil {
		return err
	}
	for i, life := range p.Lives {
		w.phase(fmt.Sprintf("life %d begins", i))
		if err := box.start(ctx); err != nil {
			return err
		}
		if i == 0 {
			if err := w.furnish(ctx, box, p); err != nil {
				return err
			}
		}
		w.phase(fmt.Sprintf("life %d records", i))
		if err := w.record(ctx, box, life.Record); err != nil {
			return err
		}
		sig := syscall.SIGTERM
		if life.Kill {
			sig = syscall.SIGKILL
		}
		w.closeWindows(time.Now())
		if i == len(p.Lives)-1 {
			return nil // the power goes while it records
		}
		w.phase(fmt.Sprintf("life %d ends by %v", i, sig))
		if err := box.stop(sig); err != nil {
			return err
		}
	}
	return nil
}

func (w *witness) furnish(ctx context.Context, box *product, p *plan.Plan) error {
	if err := box.claim(ctx); err != nil {
		return err
	}
	for _, c := range p.Cameras {
		if err := box.addCamera(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// record watches until every camera has been recorded for d.
func (w *witness) record(ctx context.Context, box *product, d time.Duration) error {
	var since time.Time // when all were first seen recorded
	for since.IsZero() || time.Since(since) < d {
		all, err := w.look(ctx, box)
		if err != nil {
			return err
		}
		if all && since.IsZero() {
			since = time.Now()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("record: %w", ctx.Err())
		case e := <-box.ended:
			return fmt.Errorf("the product ended by itself: %v", e)
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// look asks the product what it promises.
func (w *witness) look(ctx context.Context, box *product) (all bool, err error) {
	recording, err := box.recording(ctx)
	if err != nil {
		return false, err
	}
	seen := time.Now()
	all = true
	w.mu.Lock()
	ids := make([]string, len(w.marker.Cameras))
	for i := range w.marker.Cameras {
		c := &w.marker.Cameras[i]
		ids[i] = c.ID
		on := recording[c.ID]
		all = all && on
		c.Note(on, seen)
	}
	w.mu.Unlock()
	lists := make([][]int64, len(ids))
	for i, id := range ids {
		if lists[i], err = box.closed(ctx, id, w.began, seen.Add(time.Hour)); err != nil {
			return false, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marker.Poll++
	for i := range lists {
		w.marker.Cameras[i].Closed = lists[i]
	}
	return all, nil
}

// closeWindows says that from now on nothing is promised to be recorded.
func (w *witness) closeWindows(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.marker.Cameras {
		w.marker.Cameras[i].Note(false, at)
	}
}

// speak writes a marker to the disk behind the file system again and again.
// The writes go past the page cache and carry no flush, so that they change
// nothing about what is durable when.
func (w *witness) speak(ctx context.Context, at int64) error {
	fd, err := unix.Open(disk, unix.O_WRONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", disk, err)
	}
	defer func() { _ = unix.Close(fd) }() // every write was checked
	page, err := unix.Mmap(-1, 0, marker.Region, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("memory for markers: %w", err)
	}
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		w.mu.Lock()
		w.marker.Number++
		w.marker.Wall = time.Now().UnixMilli()
		b, err := marker.Append(nil, &w.marker)
		w.mu.Unlock()
		if err != nil {
			return err
		}
		copy(page, b)
		if n, err := unix.Pwrite(fd, page[:len(b)], at); err != nil || n < len(b) {
			return fmt.Errorf("write marker: %d of %d bytes: %w", n, len(b), err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// control is the writer that must lose: it gives files their names without a
// sync and promises them at once.
func (w *witness) control(ctx context.Context) error {
	dir := filepath.Join(mount, marker.ControlDir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i := 0; ; i++ {
		temp := filepath.Join(dir, "next")
		if err := os.WriteFile(temp, marker.ControlFile(i), 0o600); err != nil {
			return err
		}
		if err := os.Rename(temp, filepath.Join(dir, marker.ControlName(i))); err != nil {
			return err
		}
		w.mu.Lock()
		w.marker.Control = i + 1
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(controlEvery):
		}
	}
}
