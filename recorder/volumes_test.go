package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
	"vedette/recorder/playback"
	"vedette/recorder/volume"
)

// sickFS is a disk that can be pulled: from then on every call fails.
type sickFS struct {
	volume.FS
	pulled *atomic.Bool
}

func (s sickFS) fault() error {
	if s.pulled.Load() {
		return &fs.PathError{Op: "use", Path: ".", Err: syscall.EIO}
	}
	return nil
}

func (s sickFS) Create(path string) (volume.Handle, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	h, err := s.FS.Create(path)
	return sickHandle{h, s}, err
}

func (s sickFS) Open(path string) (volume.Handle, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.FS.Open(path)
}

func (s sickFS) SyncDir(path string) error { return errors.Join(s.fault(), s.FS.SyncDir(path)) }
func (s sickFS) SyncFS() error             { return errors.Join(s.fault(), s.FS.SyncFS()) }
func (s sickFS) Stat(path string) (fs.FileInfo, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.FS.Stat(path)
}

func (s sickFS) ReadDir(path string) ([]fs.DirEntry, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.FS.ReadDir(path)
}

type sickHandle struct {
	volume.Handle
	s sickFS
}

func (h sickHandle) WriteVAt(b [][]byte, off int64) (int64, error) {
	if err := h.s.fault(); err != nil {
		return 0, err
	}
	return h.Handle.WriteVAt(b, off)
}
func (h sickHandle) Sync() error { return errors.Join(h.s.fault(), h.Handle.Sync()) }
func (h sickHandle) WaitWriteback(off, n int64) error {
	return errors.Join(h.s.fault(), h.Handle.WaitWriteback(off, n))
}

// pair has a recorder with the volumes one and two, both of which can be
// pulled.
func pair(t *testing.T, dir string) (o func(*Options), one, two *atomic.Bool) {
	t.Helper()
	one, two = new(atomic.Bool), new(atomic.Bool)
	var list []VolumeOptions
	for name, pulled := range map[string]*atomic.Bool{"one": one, "two": two} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		disk, err := volume.OpenFS(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := disk.Close(); err != nil {
				t.Error(err)
			}
		})
		list = append(list, VolumeOptions{Name: name, Dir: path, FS: sickFS{disk, pulled}})
	}
	slices.SortFunc(list, func(a, b VolumeOptions) int { return len(a.Name) + int(a.Name[0]) - len(b.Name) - int(b.Name[0]) })
	return func(o *Options) { o.Volumes = list }, one, two
}

func (b *bench) add(t *testing.T, id string, in CameraInput) {
	t.Helper()
	url := startCamera(t, id)
	in.ID, in.Name, in.MainURL = &id, &id, &url
	if _, err := b.AddCamera(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) waitOn(t *testing.T, id, volume string) {
	t.Helper()
	testkit.Until(t, 20*time.Second, id+" records to "+volume, func() bool {
		c, err := b.Camera(id)
		return err == nil && c.State == StateRecording && c.On == volume
	})
}

// missing adds up the gaps of a camera since began that are longer than a key
// frame takes to come.
func (b *bench) missing(t *testing.T, id string, began time.Time) (gaps []Gap) {
	t.Helper()
	tl, err := b.Timeline(t.Context(), id, began, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return tl.Gaps
}

// TestACameraMovesWhenItsDiskIsPulledAndComesBack: it goes on on the other
// disk at once, and returns to its own when that is there again. What the
// pulled disk holds is in the timeline again then.
func TestACameraMovesWhenItsDiskIsPulledAndComesBack(t *testing.T) {
	dir, home := t.TempDir(), "one"
	options, one, _ := pair(t, dir)
	b := startRecorder(t, dir, options)
	b.add(t, "door", CameraInput{Volume: &home})
	b.waitOn(t, "door", "one")
	began := time.Now()
	time.Sleep(2 * time.Second) // real footage on the first disk

	one.Store(true)
	b.waitOn(t, "door", "two")
	moved := time.Now()
	if v := b.Volumes(); v[0].State == VolumeOK || v[1].State != VolumeOK || v[0].Reason == "" {
		t.Errorf("after the first disk was pulled: %+v", v)
	}
	testkit.Until(t, 5*time.Second, "the loss is told", func() bool { return slices.Contains(b.types(), "volume_lost") })
	if c, err := b.Camera("door"); err != nil || c.State != StateRecording {
		t.Errorf("after the move: %+v, %v", c, err)
	}

	one.Store(false)
	b.waitOn(t, "door", "one")
	testkit.Until(t, 10*time.Second, "all of it is there again", func() bool {
		return len(b.missing(t, "door", began)) <= 1
	})
	for _, g := range b.missing(t, "door", began) {
		if lost := g.End - g.Start; lost > 3500 || g.Start > moved.UnixMilli() {
			t.Errorf("%d ms are missing from %v on (%v); the disk went shortly before %v", lost, time.UnixMilli(g.Start), g.Reason, moved)
		}
	}
	rows, err := b.Segments(t.Context(), "door", began, time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]bool{}
	for _, r := range rows {
		on[r.Volume] = true
		f, err := b.SegmentFile(t.Context(), "door", r.ID)
		if err != nil {
			t.Errorf("segment %s: %v", r.ID, err)
			continue
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(on) != 2 {
		t.Errorf("the timeline has footage of %d volumes, want both", len(on))
	}
}

// TestWithoutAnyDiskTheLiveViewGoesOn and recording begins by itself once
// there is one.
func TestWithoutAnyDiskTheLiveViewGoesOn(t *testing.T) {
	dir, home := t.TempDir(), "two"
	options, one, two := pair(t, dir)
	b := startRecorder(t, dir, options)
	b.add(t, "door", CameraInput{Volume: &home})
	b.waitOn(t, "door", "two")
	time.Sleep(2 * time.Second) // real footage, to be held
	one.Store(true)
	two.Store(true)
	testkit.Until(t, 15*time.Second, "both are lost", func() bool {
		c, err := b.Camera("door")
		return err == nil && c.State == StateError
	})
	if c, _ := b.Camera("door"); c.Reason == "" || c.Run == nil {
		t.Errorf("without a disk: %+v; want a reason, and the stream", c)
	}
	r, err := b.Subscribe("door", "main")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if u, _, err := r.Next(t.Context()); err != nil || u == nil {
		t.Errorf("live: %v, %v", u, err)
	}
	if n, err := b.Hold(time.Now().Add(-time.Minute), time.Now()); n != 0 || err != nil {
		t.Errorf("held %d segments of no disk, %v; want it to wait", n, err)
	}
	two.Store(false)
	b.waitOn(t, "door", "two")
	testkit.Until(t, 10*time.Second, "the hold reached the disk that came back", func() bool {
		return b.totals()["door"].Held.Rows > 0
	})
}

// TestAMirrorHoldsTheSameAndFillsInForTheFirst: while one file cannot be read
// its copy is shown, and the loss of the first disk leaves no gap at all.
func TestAMirrorHoldsTheSameAndFillsInForTheFirst(t *testing.T) {
	dir, first, second := t.TempDir(), "one", "two"
	options, one, _ := pair(t, dir)
	b := startRecorder(t, dir, options)
	b.add(t, "door", CameraInput{Volume: &first, Mirror: &second})
	b.waitOn(t, "door", "one")
	testkit.Until(t, 10*time.Second, "the mirror records", func() bool {
		c, _ := b.Camera("door")
		return c.MirrorOn == "two"
	})
	began := time.Now().Add(time.Second)
	var rows []Segment
	testkit.Until(t, 20*time.Second, "closed segments", func() bool {
		rows, _ = b.Segments(t.Context(), "door", began, time.Now(), 0)
		return len(rows) >= 3 && !rows[1].Open
	})
	for i, r := range rows {
		if i > 0 && r.Start < rows[i-1].End-playbackSeam {
			t.Errorf("segment %d begins at %d, before the one before ends at %d: a copy is listed twice", i, r.Start, rows[i-1].End)
		}
	}

	// A closed file of the first volume is torn to pieces: the copy plays.
	victim := slices.IndexFunc(rows, func(r Segment) bool { return !r.Open && r.Volume == b.Volumes()[0].ID })
	if victim < 0 {
		t.Fatal("no closed segment on the first volume")
	}
	v := rows[victim]
	name := volume.Name{Camera: "door", Start: v.Start, Duration: v.End - v.Start, Bytes: v.Bytes, Seq: v.Seq}
	if err := os.Truncate(filepath.Join(dir, "one", name.Path()), 100); err != nil {
		t.Fatal(err)
	}
	x, err := b.GOPs(t.Context(), "door", time.UnixMilli(v.Start), time.UnixMilli(v.End))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range x.Gaps {
		t.Errorf("a gap of %d ms though the mirror has it (%v)", g.End-g.Start, g.Reason)
	}

	one.Store(true)
	testkit.Until(t, 15*time.Second, "the first is lost", func() bool { return b.Volumes()[0].State != VolumeOK })
	testkit.Until(t, 10*time.Second, "no gap is left", func() bool { return len(b.missing(t, "door", began)) == 0 })
	if c, _ := b.Camera("door"); c.State != StateRecording {
		t.Errorf("with the mirror alone: %s (%s)", c.State, c.Reason)
	}
	if clip, err := b.Clip(t.Context(), "door", began, time.Now().Add(-time.Second)); err != nil || len(clip.Gaps) > 0 {
		t.Errorf("a clip across the loss: %v", err)
	} else if err := clip.Close(); err != nil {
		t.Error(err)
	}
}

// playbackSeam is how much neighbours may overlap, in ms: audio that came
// late.
const playbackSeam = 200

// TestCamerasSpreadOverTheVolumes by the room each would have.
func TestCamerasSpreadOverTheVolumes(t *testing.T) {
	dir := t.TempDir()
	options, _, _ := pair(t, dir)
	b := startRecorder(t, dir, options)
	count := map[string]int{}
	for i := range 4 {
		id := fmt.Sprintf("cam-%d", i)
		b.add(t, id, CameraInput{})
		b.waitState(t, id, StateRecording)
		c, err := b.Camera(id)
		if err != nil {
			t.Fatal(err)
		}
		count[c.On]++
	}
	if count["one"] != 2 || count["two"] != 2 {
		t.Errorf("four cameras on two equal disks: %v", count)
	}
}

// TestAnotherDiskIsNotTouchedUntilItIsAdopted.
func TestAnotherDiskIsNotTouchedUntilItIsAdopted(t *testing.T) {
	dir := t.TempDir()
	b := startRecorder(t, dir)
	mine := b.Volumes()[0]
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	// Somebody puts the disk of another box there.
	if err := os.Rename(filepath.Join(dir, "volume"), filepath.Join(dir, "mine")); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	o := startRecorder(t, other)
	theirs := o.Volumes()[0]
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, "volume"), filepath.Join(dir, "volume")); err != nil {
		t.Fatal(err)
	}
	before := listing(t, filepath.Join(dir, "volume"))

	b = startRecorder(t, dir)
	if v := b.Volumes()[0]; v.State != VolumeForeign || v.Other != theirs.ID || v.ID != mine.ID {
		t.Fatalf("a foreign disk: %+v", v)
	}
	b.add(t, "door", CameraInput{})
	b.waitState(t, "door", StateError)
	if after := listing(t, filepath.Join(dir, "volume")); !slices.Equal(before, after) {
		t.Errorf("a foreign disk was changed: %v, before %v", after, before)
	}
	var fe *FieldError
	if err := b.AdoptVolume("one", mine.ID); !errors.As(err, &fe) || fe.Name != "id" {
		t.Errorf("adopting a disk that is not there: %v", err)
	}
	if err := b.AdoptVolume("three", theirs.ID); !errors.Is(err, ErrNoVolume) {
		t.Errorf("adopting into no bay: %v", err)
	}
	if err := b.AdoptVolume("one", theirs.ID); err != nil {
		t.Fatal(err)
	}
	b.waitState(t, "door", StateRecording)
	if v := b.Volumes()[0]; v.State != VolumeOK || v.ID != theirs.ID {
		t.Errorf("after adoption: %+v", v)
	}
}

func listing(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		out = append(out, fmt.Sprint(path, fi.Size(), fi.ModTime()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVolumesAreChecked: what nobody could record to is refused by name.
func TestVolumesAreChecked(t *testing.T) {
	tests := []struct {
		name string
		list []VolumeOptions
	}{
		{"none", nil},
		{"two of a name", []VolumeOptions{{Name: "a", Dir: "x"}, {Name: "a", Dir: "y"}}},
		{"two in one directory", []VolumeOptions{{Name: "a", Dir: "x"}, {Name: "b", Dir: "./x"}}},
		{"a name that is a path", []VolumeOptions{{Name: "../a", Dir: "x"}}},
	}
	for _, tt := range tests {
		if err := checkVolumes(tt.list); err == nil {
			t.Errorf("%s: accepted", tt.name)
		}
	}
	b, name, url, no, yes := startRecorder(t, t.TempDir()), "Door", "rtsp://127.0.0.1:9/x", "attic", "one"
	for field, in := range map[string]CameraInput{
		"volume": {Volume: &no}, "mirror": {Mirror: &no}, "mirror ": {Mirror: &yes}, " mirror": {Volume: &yes, Mirror: &yes},
	} {
		in.Name, in.MainURL = &name, &url
		var fe *FieldError
		if _, err := b.AddCamera(t.Context(), in); !errors.As(err, &fe) {
			t.Errorf("%s: %v, want a refusal", field, err)
		}
	}
}

func TestMergeLeavesOutCopies(t *testing.T) {
	row := func(v string, start, end int64) playback.Row {
		return playback.Row{Volume: v, ID: fmt.Sprint(v, start), Start: start, End: end}
	}
	a, b := "aaaaaaaa", "bbbbbbbb"
	tests := []struct {
		name    string
		rows    []playback.Row
		spoiled string
		want    []string
	}{
		{"one volume", []playback.Row{row(a, 0, 10), row(a, 5, 8)}, "", []string{a + "0", a + "5"}}, // the clock stepped back
		{"the same twice", []playback.Row{row(a, 0, 10), row(a, 10, 20), row(b, 0, 10), row(b, 10, 20)}, "", []string{a + "0", a + "10"}},
		{"the longer one", []playback.Row{row(a, 0, 4), row(b, 0, 10)}, "", []string{b + "0"}},
		{"a copy that begins later", []playback.Row{row(a, 0, 10), row(b, 4, 10), row(b, 10, 20)}, "", []string{a + "0", b + "10"}},
		{"parts of each", []playback.Row{row(a, 0, 6), row(b, 4, 10)}, "", []string{a + "0", b + "4"}},
		{"one that cannot be read", []playback.Row{row(a, 0, 10), row(b, 0, 10)}, a + "0", []string{b + "0"}},
		{"… and its copy ends a little earlier", []playback.Row{row(a, 0, 10), row(b, 0, 9)}, a + "0", []string{b + "0"}},
		{"… which nobody else has", []playback.Row{row(a, 0, 5000), row(b, 0, 2000)}, a + "0", []string{a + "0", b + "0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := merge(tt.rows, func(r playback.Row) bool { return r.ID == tt.spoiled })
			var ids []string
			for _, r := range got {
				ids = append(ids, r.ID)
			}
			slices.Sort(ids)
			slices.Sort(tt.want)
			if !slices.Equal(ids, tt.want) {
				t.Errorf("kept %v, want %v", ids, tt.want)
			}
		})
	}
}
