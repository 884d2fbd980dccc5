package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// condemned waits for Run to give the volume up.
func (r *rig) condemned(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.run:
		if !errors.Is(err, ErrCondemned) {
			t.Errorf("Run = %v, want ErrCondemned", err)
		}
	case <-time.After(3 * time.Second):
		t.Error("Run goes on after 3 s")
	}
}

// TestACondemnedVolumeLetsGoOfEverything: whoever waits is answered, every
// buffer is given back, and no handle stays open.
func TestACondemnedVolumeLetsGoOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Cycle: time.Second})
		a, b := r.create(t, "a", 1000), r.create(t, "b", 1000)
		released := 0
		part := func(text string, end int64) Chunk {
			c := chunk(text, end)
			c.Release = func() { released++ }
			return c
		}
		for _, f := range []*File{a, b} {
			if err := f.Append(part("AA", 2000)); err != nil {
				t.Fatal(err)
			}
		}
		r.next()
		r.disk.set(func(_, path string) error { return errIO })
		if err := b.Append(part("BB", 3000)); err != nil {
			t.Fatal(err)
		}
		var res result
		b.Finish(3000, res.done)
		r.condemned(t)
		if n, err := res.one(t); err == nil {
			t.Errorf("a file of a dead disk closed as %+v", n)
		}
		if released != 3 {
			t.Errorf("%d of 3 buffers were given back", released)
		}
		if err := a.Append(chunk("CC", 4000)); !errors.Is(err, ErrClosed) {
			t.Errorf("Append = %v, want ErrClosed", err)
		}
		if _, err := r.Create(Name{Camera: "a", Start: 9000}, nil, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("Create = %v, want ErrClosed", err)
		}
		if a.Err() == nil {
			t.Error("an open file of a dead disk says that it is well")
		}
		if s := r.Stats(); s.Queued != 0 || s.Err == nil {
			t.Errorf("stats %+v; want an empty queue and the error", s)
		}
		if len(r.w.open) != 0 {
			t.Errorf("%d handles are open", len(r.w.open))
		}
	})
}

// TestAnIdleDiskThatGoesIsNoticed within 3 s, whatever it says.
func TestAnIdleDiskThatGoesIsNoticed(t *testing.T) {
	tests := []struct {
		name string
		do   func(*testing.T, *rig)
	}{
		{"it answers with errors", func(_ *testing.T, r *rig) { r.disk.set(failing("open", errIO)) }},
		{"it became read-only and empty", func(_ *testing.T, r *rig) { r.disk.set(failing("open", fs.ErrNotExist)) }},
		{"another one is in its place", func(t *testing.T, r *rig) {
			name := filepath.Join(r.dir, identityName)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(strings.Replace(string(text), r.ID(), strings.Repeat("ab", 16), 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Cycle: 4 * time.Second})
				time.Sleep(time.Minute)
				tt.do(t, r)
				r.condemned(t)
			})
		})
	}
}

// TestADirectoryThatLeadsElsewhereIsNoticed: unmounted, or mounted over.
func TestADirectoryThatLeadsElsewhereIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	v := open(t, dir, Options{})
	v.probePresence()
	if v.w.condemned != nil {
		t.Fatalf("condemned without a reason: %v", v.w.condemned)
	}
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if v.probePresence(); !errors.Is(v.w.condemned, ErrCondemned) {
		t.Error("the directory leads elsewhere, and nobody noticed")
	}
}

// TestPassingFaultsCondemnNothing: a file that fails, a full disk, a cycle or
// two of which nothing arrives.
func TestPassingFaultsCondemnNothing(t *testing.T) {
	tests := []struct {
		name   string
		op     string
		err    error
		cycles int
		gone   bool
	}{
		{"two failing cycles", "syncfs", errIO, hopeless - 1, false},
		{"as many as are too many", "syncfs", errIO, hopeless, true},
		{"files that cannot be made", "create", errIO, hopeless, true},
		{"a full disk", "write", errNoSpace, 4 * hopeless, false},
		{"a full disk that says so late", "syncfs", errNoSpace, 4 * hopeless, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Cycle: time.Second})
				r.disk.set(failing(tt.op, tt.err))
				for i := range tt.cycles {
					f, err := r.Create(Name{Camera: "a", Start: int64(1000 * (i + 1))}, []byte("head"), 0)
					if err == nil {
						if err := f.Append(chunk("AA", 2000)); err == nil {
							f.Finish(2000, func(Name, error) {})
						}
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				if tt.gone {
					r.condemned(t)
					return
				}
				r.disk.set(nil)
				r.next()
				f := r.create(t, "b", 1000)
				if err := f.Append(chunk("BB", 2000)); err != nil {
					t.Fatal(err)
				}
				r.next()
				if n, _ := f.Durable(); n == 0 || r.Stats().Err != nil {
					t.Errorf("after the fault: %d bytes durable, %v", n, r.Stats().Err)
				}
			})
		})
	}
}

// TestADiskThatTakesNothingIsGivenUpHoweverFarApartItSaysSo: a lone camera of a
// disk that became read-only fails in one cycle, and closes the file in the
// next, where nothing else happens.
func TestADiskThatTakesNothingIsGivenUpHoweverFarApartItSaysSo(t *testing.T) {
	for _, op := range []string{"create", "write"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Cycle: time.Second})
				r.disk.set(failing(op, errROFS))
				for i := range hopeless {
					f := r.create(t, "a", int64(1000*(i+1)))
					if err := f.Append(chunk("AA", 2000)); err != nil {
						t.Fatal(err)
					}
					r.next()
					f.Finish(2000, func(Name, error) {})
					r.next()
				}
				r.condemned(t)
			})
		})
	}
}

// TestASegmentThatNeverHadAFileIsNoSuspect: there is nothing of it that a
// recovery could believe, and nothing to remember.
func TestASegmentThatNeverHadAFileIsNoSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Cycle: time.Second})
		r.disk.set(failing("create", errIO))
		f := r.create(t, "a", 1000)
		if err := f.Append(chunk("AA", 2000)); err != nil {
			t.Fatal(err)
		}
		f.Finish(2000, func(Name, error) {})
		r.next()
		if got := r.Suspects(); len(got) != 0 {
			t.Errorf("suspects %v, want none", got)
		}
	})
}

func TestAMountPointIsDemanded(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{MountPoint: true}); !errors.Is(err, ErrNotMounted) {
		t.Errorf("Open = %v, want ErrNotMounted", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("an unmounted mount point was written to: %v, %v", left, err)
	}
	if is, err := Mounted("/proc"); err != nil || !is {
		t.Errorf("Mounted(/proc) = %v, %v", is, err)
	}
	// What a link stands beside says nothing about where it leads.
	for target, want := range map[string]bool{"/proc": true, "/proc/sys/kernel": false} {
		link := filepath.Join(dir, filepath.Base(target))
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if is, err := Mounted(link); err != nil || is != want {
			t.Errorf("Mounted(link to %s) = %v, %v; want %v", target, is, err, want)
		}
	}
	if _, err := Mounted(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Mounted of nothing: %v", err)
	}
}

func TestMadeKnowsBothNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		f := r.create(t, "a", 1000)
		open := f.Name()
		if !r.Made(open) {
			t.Error("an open segment is not known before its file is there")
		}
		if err := f.Append(chunk("AA", 2000)); err != nil {
			t.Fatal(err)
		}
		var res result
		f.Finish(2000, res.done)
		r.next()
		n, err := res.one(t)
		if err != nil || !r.Made(n) || !r.Made(open) {
			t.Errorf("closed as %+v, %v: made %v and %v", n, err, r.Made(n), r.Made(open))
		}
		if r.Made(Name{Camera: "a", Start: 1}) {
			t.Error("a segment of somebody else counts as made")
		}
		if r.ForgetMade(); r.Made(n) {
			t.Error("made is remembered for ever")
		}
	})
}

// TestAFileOfSomebodyElseIsNoSuspect: a name that is taken belongs to footage
// that recovery has yet to close, and all of that is to be believed.
func TestAFileOfSomebodyElseIsNoSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		n := Name{Camera: "a", Start: 1000, Open: true}
		if err := os.MkdirAll(filepath.Join(r.dir, n.Dir()), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.dir, n.Path()), []byte("headAA"), 0o600); err != nil {
			t.Fatal(err)
		}
		f := r.create(t, "a", 1000)
		if err := f.Append(chunk("BB", 2000)); err != nil {
			t.Fatal(err)
		}
		var res result
		f.Finish(2000, res.done)
		r.next()
		if _, err := res.one(t); !errors.Is(err, fs.ErrExist) {
			t.Errorf("closed with %v, want fs.ErrExist", err)
		}
		if got := r.Suspects(); len(got) != 0 {
			t.Errorf("recovery would cut %v", got)
		}
		if r.Made(n) {
			t.Error("recovery would leave it alone")
		}
		if got, err := os.ReadFile(filepath.Join(r.dir, n.Path())); string(got) != "headAA" {
			t.Errorf("it holds %q, %v", got, err)
		}
	})
}
