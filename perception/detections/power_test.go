package detections

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"vedette/internal/faultfs"
)

// history is what a test asked a log to keep: frame id and number of every batch
// that was acknowledged.
type history struct {
	numbers map[string]uint64
	asked   map[string]Batch
	failed  int
	probes  int // batches that check has appended
}

func newHistory() *history {
	return &history{numbers: map[string]uint64{}, asked: map[string]Batch{}}
}

// tiny are options for tests that do everything very often.
func tiny() Options {
	o := small()
	o.ChunkBytes, o.MaxBytes = 4<<10, 1<<20
	return o
}

// live opens a store on d and appends batches first to last in groups of one to
// three, as Attach does; it stops where the disk is to be given up.
func (h *history) live(d *faultfs.Disk, first, last int) (*Log, *store, error) {
	l := New(tiny())
	s, err := openStore(disk{d}, l.o)
	if err != nil {
		return l, nil, err
	}
	l.store, l.taken = s, true
	for i := first; i < last; {
		var group []*waiting
		for range i%3 + 1 {
			b := batch(i)
			h.asked[b.FrameID] = b
			w, err := wait(&b)
			if err != nil {
				return l, s, err
			}
			group = append(group, w)
			i++
		}
		giveUp := l.commit(s, group)
		for _, w := range group {
			<-w.done
			if w.err != nil {
				h.failed++
			} else {
				h.numbers[w.head.frame] = w.seq
			}
		}
		if giveUp != nil {
			return l, s, giveUp
		}
	}
	return l, s, nil
}

// probe is a batch that a check appends; what checks append may be there or not.
func (h *history) probe() Batch {
	h.probes++
	b := batch(9000 + h.probes)
	h.asked[b.FrameID] = b
	return b
}

// after is a history that begins with what a check saw.
func (h *history) after(saw []Batch) *history {
	next := newHistory()
	next.probes = h.probes
	for i := range h.probes {
		b := batch(9001 + i)
		next.asked[b.FrameID] = b
	}
	for _, b := range saw {
		next.numbers[b.FrameID], next.asked[b.FrameID] = b.Seq, b
	}
	return next
}

// check opens what is on d and compares: everything acknowledged is there, under
// its number; whatever else is there was asked for, once. It returns what is there.
func (h *history) check(t *testing.T, when string, d *faultfs.Disk) []Batch {
	t.Helper()
	l := New(tiny())
	s, err := openStore(disk{d}, l.o)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	l.store, l.taken = s, true
	got := all(t, l)
	seen, last := map[string]bool{}, uint64(0)
	for _, b := range got {
		want, asked := h.asked[b.FrameID]
		want.Seq = b.Seq
		if !asked || !reflect.DeepEqual(b, want) {
			t.Fatalf("%s: nobody appended %+v", when, b)
		}
		if b.Seq <= last || seen[b.FrameID] {
			t.Fatalf("%s: %s again, or number %d after %d", when, b.FrameID, b.Seq, last)
		}
		if n, ok := h.numbers[b.FrameID]; ok && n != b.Seq {
			t.Fatalf("%s: %s has number %d, and was given %d", when, b.FrameID, b.Seq, n)
		}
		seen[b.FrameID], last = true, b.Seq
	}
	for frame, n := range h.numbers {
		if !seen[frame] {
			t.Fatalf("%s: %s (%d) is lost", when, frame, n)
		}
		b := h.asked[frame]
		if again, ok := s.lookup(head{camera: b.Camera, taskType: b.TaskType, frame: frame}, s.id.fingerprint(head{camera: b.Camera, taskType: b.TaskType, frame: frame})); !ok || again != n {
			t.Fatalf("%s: %s is %d, %v to a worker that reports it again; want %d", when, frame, again, ok, n)
		}
	}
	// It goes on.
	b := h.probe()
	w, err := wait(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.commit(s, []*waiting{w}); err != nil || w.err != nil || w.seq <= last {
		t.Fatalf("%s: appending = %d, %v, %v", when, w.seq, err, w.err)
	}
	l.detach(s, nil)
	return got
}

var reboots = []uint64{faultfs.Nothing, faultfs.Everything, faultfs.NamesOnly, faultfs.BytesOnly, 77, 1077, 2077}

// TestNothingAcknowledgedIsLostWhereverThePowerIsCut cuts the power before each
// operation of a run, and of the run after an unclean end.
func TestNothingAcknowledgedIsLostWhereverThePowerIsCut(t *testing.T) {
	run := func(d *faultfs.Disk, h *history) {
		for _, part := range [][2]int{{0, 40}, {40, 80}} {
			l, s, err := h.live(d, part[0], part[1])
			if s == nil {
				return
			}
			l.detach(s, err)
		}
	}
	dry := faultfs.New(faultfs.Options{})
	run(dry, newHistory())
	t.Logf("%d operations, %d files", dry.Ops(), len(dry.Files()))
	if len(dry.Files()) < 4 {
		t.Fatal("too few chunks")
	}
	for _, op := range append(dry.Log(), faultfs.Op{Number: dry.Ops() + 1, Kind: faultfs.Sync}) {
		if !op.Kind.Changes() {
			continue
		}
		d, h := faultfs.New(faultfs.Options{Seed: uint64(op.Number)}), newHistory()
		d.CutAt(op.Number)
		run(d, h)
		for _, seed := range reboots {
			if seed > 3 {
				seed += uint64(op.Number)
			}
			when := fmt.Sprintf("cut before %d, %s, seed %d", op.Number, op.Kind, seed)
			after := d.Reboot(seed)
			saw := h.check(t, when, after)
			// What was visible stays, whatever comes.
			h.after(saw).check(t, when+", and once more", after.Reboot(faultfs.Nothing))
		}
	}
}

// TestAnInterruptedRecoveryLosesNothing cuts the power while what an earlier cut
// left is put in order.
func TestAnInterruptedRecoveryLosesNothing(t *testing.T) {
	dry := faultfs.New(faultfs.Options{})
	if _, _, err := newHistory().live(dry, 0, 60); err != nil {
		t.Fatal(err)
	}
	for first := 3; first <= dry.Ops()+1; first += 5 {
		base, h := faultfs.New(faultfs.Options{Seed: uint64(first)}), newHistory()
		base.CutAt(first)
		_, _, _ = h.live(base, 0, 60) // it ends where the power is cut
		for _, seed := range []uint64{faultfs.Everything, faultfs.BytesOnly, 100 + uint64(first)} {
			probe := base.Reboot(seed)
			if _, err := openStore(disk{probe}, tiny().withDefaults()); err != nil {
				t.Fatal(err)
			}
			for at := 1; at <= probe.Ops(); at++ {
				d := base.Reboot(seed)
				d.CutAt(at)
				if _, err := openStore(disk{d}, tiny().withDefaults()); err == nil && at < probe.Ops() {
					continue // it was only closing
				}
				h.check(t, fmt.Sprintf("cut at %d, seed %d, then at %d", first, seed, at), d.Reboot(seed+200))
			}
		}
	}
}

// TestADiskThatFailsOnceCostsOneGroup has each operation fail in turn, with and
// without a part of a write done. What is refused is not there for readers; the
// rest is, and the file that failed is left alone.
func TestADiskThatFailsOnceCostsOneGroup(t *testing.T) {
	const batches = 60
	dry := faultfs.New(faultfs.Options{})
	if _, _, err := newHistory().live(dry, 0, batches); err != nil {
		t.Fatal(err)
	}
	for _, op := range dry.Log() {
		for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
			if !op.Kind.CanReturn(fault) {
				continue
			}
			d, h := faultfs.New(faultfs.Options{Seed: uint64(op.Number)}), newHistory()
			d.Inject(faultfs.Fault{At: op.Number, Err: fault, Short: -1})
			when := fmt.Sprintf("%v at %d, %s", fault, op.Number, op.Kind)
			l, s, err := h.live(d, 0, batches)
			d.Heal()
			if s == nil || d.Hits() == 0 {
				continue // it could not be opened, and promised nothing; or this run was shorter
			}
			// A full disk is left in peace for a second, in which the clock of this
			// test does not move.
			if err != nil || h.failed > 3 && !errors.Is(fault, syscall.ENOSPC) {
				t.Fatalf("%s: %d batches failed, %v", when, h.failed, err)
			}
			if n := len(all(t, l)); n != len(h.numbers) {
				t.Fatalf("%s: %d batches are visible, %d were acknowledged", when, n, len(h.numbers))
			}
			checkNotSyncedAgain(t, when, d, op.Number, fault)
			h.check(t, when+", power cut", d.Reboot(faultfs.Nothing))
			h.check(t, when+", power cut, all survives", d.Reboot(faultfs.Everything))
			// The process goes on without a reboot: what it shows then lasts, even
			// what the kernel believes to be on the disk.
			l.detach(s, errors.New("given up"))
			saw := h.check(t, when+", attached again", d)
			h.after(saw).check(t, when+", attached again, power cut", d.Reboot(faultfs.Nothing))
		}
	}
}

// checkNotSyncedAgain fails if a file was written or synced after a write or sync
// of it had failed, which the first did that the fault fits.
func checkNotSyncedAgain(t *testing.T, when string, d *faultfs.Disk, at int, fault error) {
	t.Helper()
	writes := []faultfs.Kind{faultfs.Write, faultfs.Sync}
	ops := d.Log()[at-1:]
	// Store ids are random, and so is how often a filter is mistaken: the
	// operation is not always the one of the run without a fault.
	ops = ops[slices.IndexFunc(ops, func(op faultfs.Op) bool { return op.Kind.CanReturn(fault) }):]
	for _, op := range ops[1:] {
		if slices.Contains(writes, ops[0].Kind) && op.Path == ops[0].Path && slices.Contains(writes, op.Kind) {
			t.Fatalf("%s: %s of %s after %s", when, op.Kind, op.Path, ops[0].Kind)
		}
	}
}

// TestAnEmptyLogStaysTheSameStore cuts the power at each step of dropping all that
// there is.
func TestAnEmptyLogStaysTheSameStore(t *testing.T) {
	run := func(d *faultfs.Disk) (id storeID, last uint64, from int) {
		h := newHistory()
		l, s, err := h.live(d, 0, 30)
		if s == nil {
			t.Fatal(err)
		}
		from = d.Ops()
		l.pruneNow(s, prune{before: day.AddDate(1, 0, 0).UnixMilli(), limit: 1 << 30})
		for _, n := range h.numbers {
			last = max(last, n)
		}
		return s.id, last, from
	}
	dry := faultfs.New(faultfs.Options{})
	_, _, from := run(dry)
	if files := dry.Files(); len(files) != 1 || dry.Ops() < from+5 {
		t.Fatalf("%d files after %d operations, want one", len(files), dry.Ops()-from)
	}
	for at := from + 1; at <= dry.Ops()+1; at++ {
		d := faultfs.New(faultfs.Options{Seed: uint64(at)})
		d.CutAt(at)
		id, last, _ := run(d)
		for _, seed := range reboots {
			o := tiny().withDefaults()
			o.Now = func() time.Time { return time.Unix(0, 0) } // only the disk knows the numbers
			s, err := openStore(disk{d.Reboot(seed)}, o)
			if err != nil || s.id != id || s.next <= last {
				t.Fatalf("cut at %d, seed %d: %v, store %s goes on with %d; want %s, above %d", at, seed, err, s.id, s.next, id, last)
			}
		}
	}
}
