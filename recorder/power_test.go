package recorder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asdine/storm/v3"

	"vedette/internal/faultfs"
	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/recovery"
	"vedette/recorder/volume"
)

// bootClock is the clock of one boot, which is wrong until it is set.
type bootClock struct {
	boot    byte
	began   time.Time
	wrong   time.Duration
	trusted atomic.Bool
}

func (c *bootClock) Now() time.Time {
	if c.trusted.Load() {
		return time.Now()
	}
	return time.Now().Add(c.wrong)
}
func (c *bootClock) Trusted() bool            { return c.trusted.Load() }
func (c *bootClock) SinceBoot() time.Duration { return time.Since(c.began) + time.Minute }
func (c *bootClock) BootID() [16]byte         { return [16]byte{c.boot} }

// life is one of a box with two disks, from its start to a power cut.
type life struct {
	name  string
	sick  bool // the first disk fails for a while
	wrong bool // it boots in 1970, and its clock is set on the way
}

// box is what outlasts a power cut.
type powerBox struct {
	disks [2]*faultfs.Disk
	dirs  [2]string // of the indexes
}

// run has a recorder at work on the box until the power is cut, at operation
// cutAt of disk on, or after limit; it returns when that was.
func (b *powerBox) run(t *testing.T, db *storm.DB, clock *bootClock, r *faultRig, on, cutAt int, limit time.Duration, during func(r *faultRig)) (cut time.Time) {
	var dead atomic.Int64
	b.disks[on].Before(func(op faultfs.Op) {
		if cutAt > 0 && op.Number >= cutAt && dead.CompareAndSwap(0, time.Now().UnixNano()) {
			for _, d := range b.disks {
				d.Cut()
			}
		}
	})
	stop := r.start(t, Options{
		State: db, Volumes: []VolumeOptions{{Name: "one", Dir: b.dirs[0], FS: b.disks[0]}, {Name: "two", Dir: b.dirs[1], FS: b.disks[1]}},
		Segment: 4 * time.Second, Clock: clock,
	})
	played := make(chan struct{})
	go func() { defer close(played); during(r) }()
	for end := time.Now().Add(limit); dead.Load() == 0 && time.Now().Before(end); {
		time.Sleep(50*time.Millisecond + time.Microsecond)
	}
	for _, d := range b.disks {
		d.Cut()
	}
	cut = time.Now()
	if at := dead.Load(); at > 0 {
		cut = time.Unix(0, at)
	}
	stop()
	<-played
	_ = r.Close() // without power it may complain
	return cut
}

// reboot returns what may be left: by seed, with the index as it was or without.
func (b *powerBox) reboot(t *testing.T, seed uint64) *powerBox {
	out := &powerBox{}
	for i := range b.disks {
		out.disks[i], out.dirs[i] = b.disks[i].Reboot(seed+uint64(i)), t.TempDir()
		if seed%3 == 2 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(b.dirs[i], indexFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out.dirs[i], indexFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// ids reads the pictures of a camera that closed segments of a disk hold, all
// of whose bytes must be right.
func ids(t *testing.T, disk *faultfs.Disk, camera string) map[uint64]bool {
	t.Helper()
	found := map[uint64]bool{}
	root := path.Join(volume.FootageDir, camera)
	days, err := disk.ReadDir(root)
	if err != nil {
		return found
	}
	for _, day := range days {
		files, err := disk.ReadDir(path.Join(root, day.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range files {
			n, err := volume.ParseName(path.Join(root, day.Name(), e.Name()))
			if err != nil || n.Open {
				t.Errorf("%s lies about after recovery: %v", e.Name(), err)
				continue
			}
			h, err := disk.Open(n.Path())
			if err != nil {
				t.Fatal(err)
			}
			header, init, err := fmp4.ReadHeader(h, n.Bytes)
			if err != nil {
				t.Fatalf("%s: %v", n.Path(), err)
			}
			good, err := fmp4.Scan(h, init, n.Bytes, true, func(p fmp4.PartInfo) bool {
				samples, err := fmp4.ReadSamples(h, p, header, nil)
				if err != nil {
					t.Error(err)
				}
				for _, s := range samples {
					buf := make([]byte, 16)
					if _, err := h.ReadAt(buf, s.Offset); err != nil && err != io.EOF {
						t.Error(err)
					}
					found[binary.BigEndian.Uint64(buf[8:])] = true
				}
				return true
			})
			if err != nil || good != n.Bytes {
				t.Errorf("%s: %d bytes are whole, %v", n.Path(), good, err)
			}
			_ = h.Close() // only read
		}
	}
	return found
}

// TestPowerCutsOfABoxWithTwoDisks cuts the power of a whole recorder: a camera
// with a mirror, one that is placed by room, holds, a disk that failed and was
// taken back, a clock that was set on the way. Recovery, beside recording, is
// cut as well. What was older than two seconds is there, on both disks where a
// mirror was, no row is without its file, and what was held is held.
func TestPowerCutsOfABoxWithTwoDisks(t *testing.T) {
	lives, images := 2, 4
	if os.Getenv("VEDETTE_CRASH_SEEDS") != "" {
		lives, images = 120, 12
	}
	for _, l := range []life{{name: "all is well"}, {name: "a disk fails", sick: true}, {name: "the clock is set", wrong: true}} {
		t.Run(l.name, func(t *testing.T) {
			db := faultDB(t)
			s, err := newStore(db, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.save(&Camera{ID: "door", Name: "door", MainURL: "rtsp://192.0.2.1/", Record: true, Volume: "one", Mirror: "two"}); err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(lives) {
				synctest.Test(t, func(t *testing.T) { l.cut(t, db, seed, uint64(images)) })
				if t.Failed() {
					t.Fatalf("life %d", seed)
				}
			}
			t.Logf("%d power cuts, %d images", lives, lives*images)
		})
	}
}

func (l life) cut(t *testing.T, db *storm.DB, seed, images uint64) {
	rng := rand.New(rand.NewPCG(seed, 77))
	b := &powerBox{dirs: [2]string{t.TempDir(), t.TempDir()}}
	for i := range b.disks {
		b.disks[i] = faultfs.New(faultfs.Options{Capacity: 64 << 20, Seed: seed})
	}
	forget(t, db)
	clock := &bootClock{boot: 1, began: time.Now(), wrong: -30 * 365 * 24 * time.Hour}
	clock.trusted.Store(!l.wrong)
	r := &faultRig{began: time.Now(), sent: map[string][]picture{}}
	type held struct{ from, to time.Time }
	var holds []held
	cut := b.run(t, db, clock, r, rng.IntN(2), 60+rng.IntN(500), 40*time.Second, func(r *faultRig) {
		time.Sleep(time.Duration(6000+rng.IntN(4000)) * time.Millisecond)
		if l.wrong {
			clock.trusted.Store(true)
		}
		if l.sick {
			b.disks[0].Inject(faultfs.Fault{Err: io.ErrUnexpectedEOF, Sticky: true})
			time.Sleep(time.Duration(3000+rng.IntN(5000)) * time.Millisecond)
			b.disks[0].Heal()
		}
		h := held{clock.Now().Add(-5 * time.Second), clock.Now()}
		if _, err := r.Hold(h.from, h.to); err == nil && !l.sick {
			holds = append(holds, h)
		}
		time.Sleep(6 * time.Second)
	})
	events := r.events
	s, err := newStore(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := s.holds()
	if err != nil {
		t.Fatal(err)
	}
	for image := range images {
		if image >= 4 {
			image += seed * 1000
		}
		if err := s.saveHolds(pending); err != nil {
			t.Fatal(err)
		}
		left := b.reboot(t, image)
		what := fmt.Sprintf("seed %d, cut at %v, image %d", seed, cut.Sub(r.began), image)
		// The power goes again while that is put in order, and for good afterwards.
		for i := range 2 {
			again := &faultRig{began: time.Now(), sent: map[string][]picture{"door": make([]picture, 1<<20), "yard": make([]picture, 1<<20)}}
			c := &bootClock{boot: byte(2 + i), began: time.Now()}
			c.trusted.Store(true)
			at, limit := 10+rng.IntN(120), 3*time.Second
			if i == 1 {
				at, limit = 0, 6*time.Second
			}
			left.run(t, db, c, again, rng.IntN(2), at, limit, func(r *faultRig) {
				if i == 0 {
					return
				}
				time.Sleep(5 * time.Second)
				for name, rep := range r.Reports() {
					if len(rep.Problems) > 0 || rep.Dropped > 0 {
						t.Errorf("%s: recovery of %s: %s %v", what, name, rep.String(), rep.Problems)
					}
				}
				for _, h := range holds {
					l.stillHeld(t, what, r, h.from, h.to)
				}
			})
			if i == 0 {
				left = left.reboot(t, image+1)
			}
		}
		l.judge(t, what, left.reboot(t, faultfs.Everything), r, events, cut)
		if t.Failed() {
			return
		}
	}
}

// forget removes what a life before left in the state database.
func forget(t *testing.T, db *storm.DB) {
	_ = db.From("volumes").Drop("known") // there may be none
	s, err := newStore(db, nil)
	if err == nil {
		err = s.saveHolds(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stillHeld asks that what a hold covers of closed segments is locked.
func (l life) stillHeld(t *testing.T, what string, r *faultRig, from, to time.Time) {
	for _, id := range faultCameras {
		rows, err := r.Segments(t.Context(), id, from, to, 0)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, s := range rows {
			if !s.Held && !s.Open && !l.wrong {
				t.Errorf("%s: a segment of %s at %v is not held any more", what, id, time.UnixMilli(s.Start).UTC())
			}
		}
	}
}

// judge looks for every picture older than two seconds before the cut.
func (l life) judge(t *testing.T, what string, left *powerBox, r *faultRig, events []Event, cut time.Time) {
	ctl := &faultRig{events: events}
	finish(t, left)
	for _, id := range faultCameras {
		on := [2]map[uint64]bool{ids(t, left.disks[0], id), ids(t, left.disks[1], id)}
		missing, first := 0, picture{}
		for _, p := range r.sent[id] {
			if p.at.After(cut.Add(-2*time.Second)) || ctl.toldOf(id, p.wall) {
				continue
			}
			there := on[0][p.id] || on[1][p.id]
			if id == "door" && !l.sick {
				there = on[0][p.id] && on[1][p.id]
			}
			if !there {
				if missing++; missing == 1 {
					first = p
				}
			}
		}
		if missing > 0 {
			var log []string
			for _, e := range events {
				log = append(log, fmt.Sprint(e.Type, e.Camera, e.Payload))
			}
			t.Errorf("%s: %d of %d pictures of %s are lost, the first was sent at %v\n%s", what, missing, len(r.sent[id]), id, first.at.Sub(r.began), strings.Join(log, "\n"))
		}
	}
}

// finish lets nothing lie open: the recorder of the last life had its power
// cut as well.
func finish(t *testing.T, left *powerBox) {
	for i, d := range left.disks {
		x, _, err := recovery.Recover(d, filepath.Join(left.dirs[i], indexFile), index.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAHoldWaitsForWhatCouldNotBeTreated: a file that a failing disk would not
// let be salvaged may lie in a hold that waits; it is locked when it is there.
func TestAHoldWaitsForWhatCouldNotBeTreated(t *testing.T) {
	db := faultDB(t)
	s, err := newStore(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := &powerBox{dirs: [2]string{t.TempDir(), t.TempDir()}, disks: [2]*faultfs.Disk{faultfs.New(faultfs.Options{}), faultfs.New(faultfs.Options{})}}
		live := func(boot byte, d time.Duration, during func(r *faultRig)) {
			clock := &bootClock{boot: boot, began: time.Now()}
			clock.trusted.Store(true)
			b.run(t, db, clock, &faultRig{began: time.Now(), sent: map[string][]picture{}}, 0, 0, d, during)
			b = b.reboot(t, faultfs.Everything)
		}
		live(1, 7*time.Second, func(r *faultRig) {
			time.Sleep(6 * time.Second)
			if _, err := r.Hold(time.Now().Add(-time.Hour), time.Now()); err != nil {
				t.Error(err)
			}
		})
		for _, d := range b.disks {
			d.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Modify}, Err: io.ErrUnexpectedEOF, Sticky: true})
		}
		began := time.Now()
		live(2, 4*time.Second, func(*faultRig) {})
		if left, err := s.holds(); err != nil || len(left) == 0 {
			t.Errorf("%d holds wait, %v: the footage under them could not be salvaged", len(left), err)
		}
		live(3, 4*time.Second, func(r *faultRig) {
			time.Sleep(3 * time.Second)
			for _, id := range faultCameras {
				rows, err := r.Segments(t.Context(), id, began.Add(-time.Hour), began.Add(-time.Second), 0)
				if err != nil || len(rows) < 2 {
					t.Errorf("%d segments of %s, %v", len(rows), id, err)
				}
				for _, row := range rows {
					if !row.Held {
						t.Errorf("%s: %+v is not held", id, row)
					}
				}
			}
		})
	})
}
