package crash

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
	"vedette/recorder/hub"
	"vedette/recorder/recovery"
	"vedette/recorder/segment"
	"vedette/recorder/volume"
)

// trouble is what goes wrong with the disk, at an operation to be chosen.
type trouble struct {
	name  string
	fault faultfs.Fault
}

var troubles = []trouble{
	{"one EIO", faultfs.Fault{Err: syscall.EIO}},
	{"EIO for six seconds", faultfs.Fault{Err: syscall.EIO, Sticky: true}},
	{"one ENOSPC", faultfs.Fault{Err: syscall.ENOSPC}},
	{"ENOSPC for six seconds", faultfs.Fault{Err: syscall.ENOSPC, Sticky: true}},
	{"one EROFS", faultfs.Fault{Err: syscall.EROFS}},
	{"EROFS for six seconds", faultfs.Fault{Err: syscall.EROFS, Sticky: true}},
	{"a write that is cut short", faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Write}, Err: syscall.EIO, Short: -1}},
	{"no room in the middle of a write", faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Write}, Err: syscall.ENOSPC, Short: -1}},
}

const (
	sickFor = 6 * time.Second
	// resumes is when recording must be itself again after a fault: a backoff
	// of two seconds, a group of pictures of two, a cycle.
	resumes = 7 * time.Second
)

// TestEveryOperationFailsInTurn has each operation of a recorder fail, once or
// for a while. Whatever it was: no picture is lost without a gap that says
// so, recording comes back by itself, viewers notice nothing, and what the
// recorder called durable is there after a power cut.
func TestEveryOperationFailsInTurn(t *testing.T) {
	stride := 17
	switch {
	case os.Getenv(fullRun) != "":
		stride = 1
	case raced:
		stride = 53
	}
	for _, sc := range scenarios[:2] {
		first, last := operations(t, sc)
		for i, tr := range troubles {
			t.Run(sc.name+", "+tr.name, func(t *testing.T) {
				n := 0
				for at := first + i%stride; at <= last && !t.Failed(); at += stride {
					tr := tr
					tr.fault.At = at
					fail(t, sc, tr, at)
					n++
				}
				t.Logf("%d operations", n)
			})
		}
	}
}

// sickLength is how long a recorder runs until its disk is due to fail.
const sickLength = 20 * time.Second

// operations returns which operations are those of a recorder at work.
func operations(t *testing.T, sc scenario) (first, last int) {
	disk := faultfs.New(sc.options)
	synctest.Test(t, func(t *testing.T) {
		live(t, disk, newLedger(len(cameraNames)), plan{seed: 5, length: sickLength, clean: true, sick: func(context.Context, *rig) { first = disk.Ops() + 1 }})
	})
	return first, disk.Ops() - 20
}

// fail runs a recorder whose disk meets tr.
func fail(t *testing.T, sc scenario, tr trouble, at int) {
	o := &oracle{inspector: newInspector(), cameras: cameraNames}
	o.lenient = true
	disk, led := faultfs.New(sc.options), newLedger(len(cameraNames))
	var healed time.Duration
	var dropped uint64
	var r *rig
	var p *promise
	synctest.Test(t, func(t *testing.T) {
		r = live(t, disk, led, plan{seed: 5, length: sickLength + sickFor + resumes + 10*time.Second, clean: true, sick: func(ctx context.Context, r *rig) {
			disk.Inject(tr.fault)
			viewers := watch(r)
			for disk.Hits() == 0 && sleep(ctx, 50*time.Millisecond+time.Microsecond) {
			}
			sleep(ctx, sickFor)
			disk.Heal()
			healed = r.elapsed()
			sleep(ctx, resumes)
			complaint := "" // a camera that just begins another run is not recording for a moment
			for range 8 {
				if complaint = unwell(r); complaint == "" || !sleep(ctx, time.Second) {
					break
				}
			}
			if complaint != "" {
				t.Errorf("operation %d: %s: %s", at, tr.name, complaint)
			}
			<-ctx.Done()
			dropped = viewers()
		}})
		p = led.before(r.elapsed())
		led.after(p)
	})
	if dropped > 0 {
		t.Errorf("operation %d: %s: viewers lost %d units", at, tr.name, dropped)
	}
	f, problems := o.look(disk)
	problems = append(problems, unexplained(o, r, f, p, healed+resumes)...)
	for seed := range uint64(6) {
		_, _, more := o.after(disk.Reboot(seed), p)
		problems = append(problems, more...)
	}
	for _, text := range problems {
		t.Errorf("operation %d (%s), %s: %s", at, kindOf(disk, at), tr.name, text)
	}
}

// unwell says what is still wrong with a recorder.
func unwell(r *rig) string {
	r.parts.Lock()
	defer r.parts.Unlock()
	for i, w := range r.writers {
		if s := w.State(); !s.Writing && s.Missing != segment.Camera || s.Err != nil {
			return fmt.Sprintf("camera %d is not recording again: %+v", i, s)
		}
	}
	if s := r.vol.Stats(); s.Err != nil || s.Full {
		return fmt.Sprintf("the volume is still unwell: %+v", s)
	}
	return ""
}

func kindOf(disk *faultfs.Disk, at int) string {
	op := disk.Log()[at-1]
	return fmt.Sprint(op.Kind, " ", op.Path)
}

// watch is a viewer of every camera. The answer says what they missed.
func watch(r *rig) (dropped func() uint64) {
	var readers []*hub.Reader
	var done sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	for _, c := range r.cameras {
		reader := c.hub.Subscribe(hub.ReaderOptions{Overflow: hub.SkipToNewest, QueueBytes: 64 << 10})
		readers = append(readers, reader)
		done.Go(func() {
			for {
				if _, err := reader.Next(ctx); err != nil {
					return
				}
			}
		})
	}
	return func() (n uint64) {
		stop()
		done.Wait()
		for _, reader := range readers {
			n += reader.Dropped()
		}
		return n
	}
}

// unexplained finds pictures that are neither in a file nor in a gap, and
// such as are missing although the disk was well again.
func unexplained(o *oracle, r *rig, f found, p *promise, well time.Duration) (problems []string) {
	gone, problems := o.missing(f, &promise{pictures: p.pictures, durable: make([][]span, len(cameraNames)), condemned: p.condemned})
	for c, camera := range cameraNames {
		silent, late := 0, 0
		var last sent
		for _, s := range p.pictures[c] {
			if !gone[c][s.id] || p.excused(camera, s) {
				continue
			}
			if s.at > well {
				late++
			}
			explained := false
			for _, g := range r.gaps { // the first cause counts: a camera that comes back to a full disk is still the camera's
				cause := g.cause == segment.Disk || g.cause == segment.Camera
				explained = explained || g.camera == camera && g.start <= s.wall+1 && s.wall < g.end && cause
			}
			if !explained {
				silent, last = silent+1, s
			}
		}
		if silent > 0 {
			problems = append(problems, fmt.Sprintf("camera %s: %d pictures are gone without a gap for the disk, the last sent at %v (%d); gaps %v", camera, silent, last.at, last.wall, r.gaps))
		}
		if late > 0 {
			problems = append(problems, fmt.Sprintf("camera %s: %d pictures are gone that were sent long after the disk was well", camera, late))
		}
	}
	return problems
}

// after recovers a disk that had failed and then lost its power, and judges
// what may be asked for: what was called durable, evidence, the index.
func (o *oracle) after(disk *faultfs.Disk, p *promise) (s state, r recovery.Report, problems []string) {
	q := *p
	q.now = 0 // how much is lost is the disk's doing
	return o.recovered(disk, &q)
}

// TestRecoveryMeetsErrors has each operation of a recovery fail. It may fail
// or report that, and the next one comes to the same end as if nothing had
// been.
func TestRecoveryMeetsErrors(t *testing.T) {
	disk, led := faultfs.New(faultfs.Options{}), newLedger(len(cameraNames))
	synctest.Test(t, func(t *testing.T) {
		live(t, disk, led, plan{seed: 9, length: 25 * time.Second})
	})
	o := &oracle{inspector: newInspector(), cameras: cameraNames}
	p := led.before(25 * time.Second)
	led.after(p)
	runs := 0
	for seed := range uint64(6) {
		left := disk.Reboot(seed)
		want := left.Reboot(faultfs.Everything)
		state, _, problems := o.recovered(want, p)
		for _, text := range problems {
			t.Errorf("seed %d: %s", seed, text)
		}
		for _, errno := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
			stride := 6
			if raced {
				stride = 18
			}
			for at := 1 + int(seed); at <= want.Ops(); at += stride {
				work := left.Reboot(faultfs.Everything)
				work.Inject(faultfs.Fault{At: at, Err: errno})
				if x, m, _, err := recoverDisk(work); err == nil {
					_ = x.Close()
					m.close()
				}
				work.Heal()
				got, _, problems := o.recovered(work.Reboot(seed), p)
				for _, text := range append(problems, state.same(got)...) {
					t.Errorf("seed %d: %v at operation %d: %s", seed, errno, at, text)
				}
				runs++
			}
		}
	}
	t.Logf("%d recoveries", runs)
}

// TestAVolumeIsMadeWholeOrNotAtAll cuts the power while a volume is created,
// in every way. What is there afterwards is accepted, and keeps its identity.
func TestAVolumeIsMadeWholeOrNotAtAll(t *testing.T) {
	dry := faultfs.New(faultfs.Options{})
	x, m, _, err := recoverDisk(dry)
	if err != nil {
		t.Fatal(err)
	}
	_ = x.Close()
	m.close()
	for at := 1; at <= dry.Ops()+1; at++ {
		for seed := range uint64(60) {
			disk := faultfs.New(faultfs.Options{})
			disk.CutAt(at)
			id := ""
			if v, err := volume.Open("disk", volume.Options{FS: disk, Log: quiet}); err == nil {
				id = v.ID()
			}
			v, err := volume.Open("disk", volume.Options{FS: disk.Reboot(seed), Log: quiet})
			if err != nil {
				t.Errorf("cut before operation %d, image %d: %v", at, seed, err)
			} else if id != "" && v.ID() != id {
				t.Errorf("cut before operation %d, image %d: the volume changed its identity", at, seed)
			}
		}
	}
}

// TestAnIndexThatIsLostIsBuiltAgain damages the index in ways that a file
// system should not allow. No footage and no evidence depends on it.
func TestAnIndexThatIsLostIsBuiltAgain(t *testing.T) {
	disk, led := faultfs.New(faultfs.Options{}), newLedger(len(cameraNames))
	synctest.Test(t, func(t *testing.T) {
		live(t, disk, led, plan{seed: 4, length: 40 * time.Second, clean: true})
	})
	o := &oracle{inspector: newInspector(), cameras: cameraNames}
	p := led.before(40 * time.Second)
	led.after(p)
	if len(p.held) == 0 {
		t.Fatal("nothing is held, so that nothing is proved about it")
	}
	data, err := disk.ReadFile(recovery.IndexName)
	if err != nil {
		t.Fatal(err)
	}
	pages := int64(len(data)) / boltPage
	damage := func(name string, hurt func(h volume.Handle) error) {
		work := disk.Reboot(faultfs.Nothing)
		h, err := work.Modify(recovery.IndexName)
		if err != nil {
			t.Fatal(err)
		}
		if err := hurt(h); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		_, _, problems := o.recovered(work, p)
		for _, text := range problems {
			t.Errorf("%s: %s", name, text)
		}
	}
	for n := range min(pages, 40) {
		if n >= 2 && len(trimZeros(data[n*boltPage:(n+1)*boltPage])) == 0 {
			continue
		}
		damage(fmt.Sprintf("cut before page %d", n), func(h volume.Handle) error { return h.Truncate(n * boltPage) })
		damage(fmt.Sprintf("page %d of zeros", n), func(h volume.Handle) error {
			_, err := h.WriteVAt([][]byte{make([]byte, boltPage)}, n*boltPage)
			return err
		})
		damage(fmt.Sprintf("page %d half written", n), func(h volume.Handle) error {
			_, err := h.WriteVAt([][]byte{make([]byte, boltPage/2)}, n*boltPage+boltPage/2)
			return err
		})
		damage(fmt.Sprintf("page %d has one bit wrong", n), func(h volume.Handle) error {
			_, err := h.WriteVAt([][]byte{{data[n*boltPage+40] ^ 1}}, n*boltPage+40)
			return err
		})
	}
	work := disk.Reboot(faultfs.Nothing)
	if err := work.Remove(recovery.IndexName); err != nil {
		t.Fatal(err)
	}
	_, _, problems := o.recovered(work, p)
	for _, text := range problems {
		t.Errorf("without an index: %s", text)
	}
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
