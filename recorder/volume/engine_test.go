package volume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// rig is a volume on a faultFS with its writer running.
type rig struct {
	*Volume
	dir  string
	disk *faultFS
	stop func() // ends Run and wants it cancelled
	run  chan error
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{dir: dir, disk: newFaultFS(t, dir)}
	o.FS, o.Log = r.disk, slog.New(slog.DiscardHandler)
	r.Volume = open(t, dir, o)
	r.disk.log()
	ctx, cancel := context.WithCancel(t.Context())
	r.run = make(chan error, 1)
	go func() { r.run <- r.Run(ctx); close(r.run) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err, ran := <-r.run; ran && !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *rig) create(t *testing.T, camera string, start int64) *File {
	t.Helper()
	f, err := r.Create(Name{Camera: camera, Start: start}, []byte("head"), 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func chunk(text string, end int64) Chunk {
	return Chunk{Bufs: [][]byte{[]byte(text[:1]), []byte(text[1:])}, End: end}
}

// result collects what Finish reports.
type result struct {
	mu    sync.Mutex
	names []Name
	errs  []error
}

func (r *result) done(n Name, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.errs = append(r.names, n), append(r.errs, err)
}

func (r *result) one(t *testing.T) (Name, error) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.names) != 1 {
		t.Fatalf("Finish reported %d times, want once", len(r.names))
	}
	return r.names[0], r.errs[0]
}

// next lets one cycle pass.
func (r *rig) next() {
	time.Sleep(r.Cycle())
	synctest.Wait()
}

func failing(ops string, err error) func(string, string) error {
	return func(op, _ string) error {
		if slices.Contains(strings.Fields(ops), op) {
			return err
		}
		return nil
	}
}

func TestACycleWritesWritesBackCommitsRenamesInThisOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		a, b := r.create(t, "a", 1000), r.create(t, "b", 2000)
		var res result
		cut := 0
		remove := r.OnCycle(func() {
			if cut++; cut == 1 {
				if err := errors.Join(a.Append(chunk("AA", 2000)), b.Append(chunk("BB", 3000))); err != nil {
					t.Error(err)
				}
				a.Finish(2500, res.done)
			}
		})
		r.next()
		remove()
		pa, pb := "footage/a/1970-01-01/19700101T000001.000Z_0.part", "footage/b/1970-01-01/19700101T000002.000Z_0.part"
		ca := "footage/a/1970-01-01/19700101T000001.000Z_1500_6_0.mp4"
		want := []string{
			"create " + pa, "mkdir footage/a", "mkdir footage/a/1970-01-01", "create " + pa, "preallocate " + pa, "write " + pa, "write " + pa,
			"create " + pb, "mkdir footage/b", "mkdir footage/b/1970-01-01", "create " + pb, "preallocate " + pb, "write " + pb, "write " + pb,
			"truncate " + pa, "start " + pa, "start " + pb, "wait " + pa, "wait " + pb, "syncfs .",
			"close " + pa, "rename " + ca, "syncdir footage/a/1970-01-01",
		}
		if got := r.disk.log(); !slices.Equal(got, want) {
			t.Errorf("calls\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if n, err := res.one(t); err != nil || n != (Name{Camera: "a", Start: 1000, Duration: 1500, Bytes: 6}) {
			t.Errorf("closed as %+v, %v", n, err)
		}
		if got, err := os.ReadFile(filepath.Join(r.dir, ca)); string(got) != "headAA" {
			t.Errorf("file holds %q, %v", got, err)
		}
		if n, end := b.Durable(); n != 6 || end != 3000 {
			t.Errorf("the open file is durable up to %d bytes, %d ms; want 6, 3000", n, end)
		}
		r.next()
		if got := r.disk.log(); len(got) != 0 {
			t.Errorf("a cycle with nothing to do called %v", got)
		}
	})
}

func TestFileSystemsWithoutSyncfsAreSyncedFileByFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		r.disk.set(failing("syncfs start wait preallocate", errors.ErrUnsupported))
		f := r.create(t, "a", 1000)
		if err := f.Append(chunk("AA", 2000)); err != nil {
			t.Fatal(err)
		}
		r.next()
		log := r.disk.log()
		for _, call := range []string{"sync " + f.Name().Path(), "syncdir footage/a/1970-01-01", "syncdir footage/a", "syncdir footage"} {
			if !slices.Contains(log, call) {
				t.Errorf("%q is missing in %v", call, log)
			}
		}
		if n, _ := f.Durable(); n != 6 {
			t.Errorf("durable up to %d bytes, want 6", n)
		}
		var res result
		f.Finish(2000, res.done)
		r.next()
		if _, err := res.one(t); err != nil {
			t.Error(err)
		}
		if log := r.disk.log(); slices.Contains(log, "syncfs .") || slices.ContainsFunc(log, func(c string) bool { return strings.HasPrefix(c, "start") }) {
			t.Errorf("asked again for what is not supported: %v", log)
		}
	})
}

func TestAFullDiskEndsTheFileTellsAtOnceAndRecordsAgainWithRoom(t *testing.T) {
	for _, op := range []string{"preallocate", "write", "create", "mkdir"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var kicks atomic.Int32
				r := newRig(t, Options{OnFull: func() { kicks.Add(1) }})
				fresh := op == "create" || op == "mkdir"
				f := r.create(t, "a", 1000)
				if !fresh {
					if err := f.Append(chunk("AA", 2000)); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				r.disk.set(failing(op, errNoSpace))
				r.disk.mu.Lock()
				r.disk.torn, r.disk.space.Available = 1, 0
				r.disk.mu.Unlock()
				f.reserved = min(f.reserved, 6)
				if err := f.Append(chunk("LOST", 3000)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // no cycle is needed to notice
				if err := f.Append(chunk("MORE", 4000)); !errors.Is(err, ErrFull) || kicks.Load() != 1 {
					t.Errorf("append to a full disk = %v after %d kicks, want ErrFull after 1", err, kicks.Load())
				}
				var res result
				f.Finish(4000, res.done)
				r.next()
				n, err := res.one(t)
				if fresh && !errors.Is(err, ErrFull) {
					t.Errorf("closed as %+v, %v; want ErrFull", n, err)
				}
				if !fresh {
					if got, _ := os.ReadFile(filepath.Join(r.dir, n.Path())); err != nil || string(got) != "headAA" || n.End() != 2000 {
						t.Errorf("kept %q as %+v, %v; want what was whole", got, n, err)
					}
				}
				if _, err := r.Create(Name{Camera: "a", Start: 5000}, nil, 0); !errors.Is(err, ErrFull) || !r.Stats().Full {
					t.Errorf("Create on a full disk = %v, want ErrFull", err)
				}
				r.disk.set(nil)
				r.disk.mu.Lock()
				r.disk.space.Available = 1 << 30
				r.disk.mu.Unlock()
				r.next()
				if err := r.create(t, "a", 6000).Append(chunk("OK", 7000)); err != nil {
					t.Error(err)
				}
				r.next()
				if s := r.Stats(); s.Full || s.Err != nil {
					t.Errorf("still %+v after a good cycle", s)
				}
			})
		})
	}
}

func TestAFileThatFailedOnceIsNeverSyncedAgainAndKeepsWhatIsDurable(t *testing.T) {
	for _, op := range []string{"write", "start", "wait", "syncfs", "truncate"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{})
				f := r.create(t, "a", 1000)
				if err := f.Append(chunk("AA", 2000)); err != nil {
					t.Fatal(err)
				}
				r.next()
				r.disk.log()
				r.disk.set(failing(op, errIO))
				if err := f.Append(chunk("LOST", 3000)); err != nil {
					t.Fatal(err)
				}
				var res result
				if op == "truncate" {
					f.Finish(3000, res.done)
				}
				r.next()
				if op != "truncate" {
					if err := f.Append(chunk("MORE", 4000)); !errors.Is(err, ErrFailed) {
						t.Errorf("append after EIO on %s = %v, want ErrFailed", op, err)
					}
					if f.Kept() != 2000 {
						t.Errorf("keeps footage up to %d, want 2000", f.Kept())
					}
				}
				failed := r.Stats().LastSync
				r.disk.log()
				r.disk.set(nil)
				f.Finish(4000, res.done)
				r.next()
				for _, call := range r.disk.log() {
					if strings.HasPrefix(call, "sync ") || strings.HasPrefix(call, "start ") || strings.HasPrefix(call, "wait ") {
						t.Errorf("%q after a failure", call)
					}
				}
				n, err := res.one(t)
				if op == "truncate" {
					// The tail could not be cut: the file waits for recovery.
					if !errors.Is(err, ErrFailed) || n != (Name{}) {
						t.Errorf("closed as %+v, %v; want ErrFailed", n, err)
					}
					return
				}
				if got, _ := os.ReadFile(filepath.Join(r.dir, n.Path())); err != nil || string(got) != "headAA" || n.Duration != 1000 {
					t.Errorf("kept %q as %+v, %v; want what was durable", got, n, err)
				}
				if s := r.Stats(); !s.LastSync.After(failed) || s.Err != nil {
					t.Errorf("health did not clear by itself: %+v", s)
				}
			})
		})
	}
}

func TestNoRowForAFileWhoseNameMayNotLast(t *testing.T) {
	for _, op := range []string{"rename", "syncdir"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Options{})
			f := r.create(t, "a", 1000)
			if err := f.Append(chunk("AA", 2000)); err != nil {
				t.Fatal(err)
			}
			r.disk.set(failing(op, errIO))
			var res result
			f.Finish(2000, res.done)
			r.next()
			if _, err := res.one(t); !errors.Is(err, ErrFailed) {
				t.Errorf("%s: done with %v, want ErrFailed", op, err)
			}
			if op == "syncdir" { // it may lose any name now
				r.condemned(t)
			}
		})
	}
}

func TestAFileWithoutFootageLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		var never, torn result
		r.create(t, "a", 1000).Finish(2000, never.done)
		r.disk.set(failing("write", errIO))
		f := r.create(t, "b", 1000)
		if err := f.Append(chunk("BB", 2000)); err != nil {
			t.Fatal(err)
		}
		f.Finish(2000, torn.done)
		r.next()
		if _, err := never.one(t); !errors.Is(err, ErrEmpty) {
			t.Errorf("a file without a chunk ended with %v, want ErrEmpty", err)
		}
		if _, err := torn.one(t); !errors.Is(err, ErrFailed) {
			t.Errorf("a file without a whole chunk ended with %v, want ErrFailed", err)
		}
		if err := filepath.WalkDir(r.dir, func(p string, d fs.DirEntry, err error) error {
			if strings.HasSuffix(p, openSuffix) {
				t.Errorf("%s stays behind", p)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestTheQueueIsBoundedAndEveryChunkIsReleasedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRig(t, Options{QueueBytes: 200})
		r.disk.set(func(op, _ string) error {
			if op == "create" {
				r.disk.mu.Unlock()
				<-gate
				r.disk.mu.Lock()
			}
			return nil
		})
		f := r.create(t, "a", 1000)
		var released atomic.Int32
		add := func() error {
			return f.Append(Chunk{Bufs: [][]byte{make([]byte, 40)}, End: 2000, Release: func() { released.Add(1) }})
		}
		if err := errors.Join(add(), add()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the writer hangs in its first call
		if err := add(); !errors.Is(err, ErrOverloaded) || released.Load() != 1 {
			t.Errorf("append to a full queue = %v, %d released; want ErrOverloaded and its chunk released", err, released.Load())
		}
		if err := r.create(t, "b", 1000).Append(chunk(strings.Repeat("b", 40), 2000)); err != nil {
			t.Errorf("another camera: %v", err)
		}
		if _, err := r.Create(Name{Camera: "c"}, nil, 0); !errors.Is(err, ErrOverloaded) {
			t.Errorf("create while the queue is full = %v, want ErrOverloaded", err)
		}
		if s := r.Stats(); s.Queued > 200 {
			t.Errorf("%d bytes queued, limit 200", s.Queued)
		}
		close(gate)
		var res result
		f.Finish(3000, res.done)
		r.next()
		n, err := res.one(t)
		if err != nil || n.Bytes != 84 || n.End() != 3000 || released.Load() != 3 {
			t.Errorf("closed as %+v, %v with %d released; want both queued chunks", n, err, released.Load())
		}
		r.create(t, "b", 5000)
	})
}

func TestStoppingMakesEverythingDurableAndRefusesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		a, b := r.create(t, "a", 1000), r.create(t, "b", 1000)
		var ra, rb, late result
		a.Finish(1500, ra.done)
		if err := b.Append(chunk("BB", 2000)); err != nil {
			t.Fatal(err)
		}
		r.OnCycle(func() { b.Finish(2000, rb.done) })
		r.stop()
		if n, err := rb.one(t); err != nil || n.Bytes != 6 {
			t.Errorf("closed as %+v, %v", n, err)
		}
		c := &File{v: r.Volume, name: Name{Camera: "c"}}
		if err := c.Append(chunk("CC", 2000)); !errors.Is(err, ErrClosed) {
			t.Errorf("append after the end = %v, want ErrClosed", err)
		}
		c.Finish(1, late.done)
		if _, err := late.one(t); !errors.Is(err, ErrClosed) {
			t.Errorf("finish after the end = %v, want ErrClosed", err)
		}
		if _, err := r.Create(Name{Camera: "c"}, nil, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("create after the end = %v, want ErrClosed", err)
		}
	})
}

func TestHurryDoesNotWaitForTheCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Cycle: time.Hour})
		f := r.create(t, "a", 1000)
		if err := f.Append(chunk("AA", 2000)); err != nil {
			t.Fatal(err)
		}
		r.Hurry()
		synctest.Wait()
		if n, _ := f.Durable(); n != 6 {
			t.Errorf("durable up to %d, want 6", n)
		}
	})
}

func TestManyWritersOnARealDisk(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir, Options{Cycle: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	const cameras, files, chunks = 8, 4, 10
	var res result
	var g sync.WaitGroup
	for c := range cameras {
		g.Go(func() {
			for s := range files {
				f, err := v.Create(Name{Camera: fmt.Sprintf("cam%d", c), Start: int64(s+1) * 60000, Seq: uint32(s)}, []byte("head"), 1<<20)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range chunks {
					data := bytes.Repeat([]byte{byte(c), byte(s), byte(i)}, 1000)
					if err := f.Append(Chunk{Bufs: [][]byte{data}, End: int64(s+1)*60000 + int64(i+1)*100}); err != nil {
						t.Error(err)
					}
					f.Written()
				}
				f.Finish(int64(s+1)*60000+1000, res.done)
			}
		})
	}
	g.Wait()
	cancel()
	<-done
	if len(res.names) != cameras*files {
		t.Fatalf("%d files were closed, want %d", len(res.names), cameras*files)
	}
	for i, n := range res.names {
		fi, err := os.Stat(filepath.Join(dir, n.Path()))
		if res.errs[i] != nil || err != nil || fi.Size() != n.Bytes || n.Bytes != 4+chunks*3000 {
			t.Errorf("%s: %v, %v", n.Path(), res.errs[i], err)
		}
	}
}
