package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
)

// write has a run write lines first to last, and flush every third. It returns the
// last line whose flush succeeded, -1 for none.
func write(j *Journal, first, last int) int {
	durable := -1
	for n := first; n <= last; n++ {
		fmt.Fprint(j, line(n, 90+n%17*40))
		if n%3 == 0 {
			if err := j.flush(false); err == nil {
				durable = n
			}
		}
	}
	return durable
}

// TestFlushedLinesSurvivePowerLossAtEveryStep cuts the power before each operation of
// two runs in turn. Invariant: lines whose flush returned are there, down to those
// that the bound takes; whatever else is there is a whole line.
func TestFlushedLinesSurvivePowerLossAtEveryStep(t *testing.T) {
	o := Options{Tail: 24 << 10, Ring: 64 << 10}
	dry := faultfs.New(faultfs.Options{})
	write(on(dry, o), 0, 81)
	write(on(dry, o), 82, 162)
	if dry.Ops() < 100 {
		t.Fatalf("only %d operations", dry.Ops())
	}
	for at := 1; at <= dry.Ops()+1; at++ {
		d := faultfs.New(faultfs.Options{Seed: uint64(at)})
		d.CutAt(at)
		durable := max(write(on(d, o), 0, 81), write(on(d, o), 82, 162))
		for _, seed := range []uint64{faultfs.Nothing, faultfs.Everything, faultfs.NamesOnly, faultfs.BytesOnly, 77 + uint64(at), 1077 + uint64(at)} {
			d := d.Reboot(seed)
			lines := onDisk(t, d, o)
			checkLines(t, fmt.Sprintf("cut at %d, seed %d", at, seed), lines, durable, o.Tail/2)
			next := on(d, o)
			fmt.Fprint(next, line(9999, 100))
			if err := next.flush(false); err != nil {
				t.Fatal(err)
			}
			if after := onDisk(t, d.Reboot(faultfs.Nothing), o); has(after, "msg=9999") != 1 {
				t.Errorf("cut at %d, seed %d: the next run's line is not there", at, seed)
			}
		}
	}
}

// checkLines wants the lines up to durable, of which at least size bytes less a
// line or two, each of them whole.
func checkLines(t *testing.T, what string, lines []string, durable, size int) {
	t.Helper()
	there := map[int]bool{}
	for _, l := range lines {
		var n int
		if _, err := fmt.Sscanf(l, "level=WARN msg=%d ", &n); err != nil || l+"\n" != line(n, 90+n%17*40) {
			t.Errorf("%s: %.40q is no line that was written", what, l)
			continue
		}
		if there[n] {
			t.Errorf("%s: line %d is there twice", what, n)
		}
		there[n] = true
	}
	for n, bytes := durable, 0; n >= 0; n-- {
		if bytes += 90 + n%17*40; bytes > size-3*770 {
			break
		}
		if !there[n] {
			t.Errorf("%s: line %d of %d is lost", what, n, durable)
		}
	}
}

func TestADiskThatFailsIsToldOnceAndTriedAgain(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Create, faultfs.Write, faultfs.Sync, faultfs.SyncDir} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := faultfs.New(faultfs.Options{})
				var out bytes.Buffer
				j := on(d, Options{Out: &out})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- j.Run(ctx) }()
				d.Inject(faultfs.Fault{Kinds: []faultfs.Kind{kind}, Err: syscall.EIO, Short: 10, Sticky: true})
				logger(j).Warn("first")
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := strings.Count(out.String(), "cannot be kept on disk"); n != 1 {
					t.Errorf("the disk's failing was told %d times, want once", n)
				}
				if n := d.Hits(); n < 50 || n > 62 {
					t.Errorf("tried %d times in an hour", n)
				}
				if lines, err := j.Previous(10, slog.LevelDebug); len(lines) > 0 || err != nil {
					t.Errorf("what could not be written counts as that of another run: %q, %v", lines, err)
				}
				d.Heal()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				lines := onDisk(t, d.Reboot(faultfs.Nothing), Options{})
				if has(lines, "first") != 1 || has(lines, "cannot be kept on disk") != 1 || len(lines) != 2 {
					t.Errorf("once it works again it has %q", lines)
				}
				cancel()
				<-done
			})
		})
	}
}

func TestADiskThatHangsHoldsNoLineUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := faultfs.New(faultfs.Options{})
		j := on(d, Options{})
		d.Inject(faultfs.Fault{Kinds: []faultfs.Kind{faultfs.Sync}, Delay: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		logger(j).Error("first")
		time.Sleep(time.Minute)
		began := time.Now()
		logger(j).Error("while it hangs")
		if n := len(j.Lines(10, slog.LevelDebug)); n != 2 || time.Since(began) > 0 {
			t.Errorf("%d lines after %v", n, time.Since(began))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if lines := onDisk(t, d.Reboot(faultfs.Nothing), Options{}); has(lines, "first") != 1 || has(lines, "while it hangs") != 1 {
			t.Errorf("%q", lines)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
