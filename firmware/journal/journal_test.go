package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/faultfs"
)

func TestLinesGoOutAndStayInMemory(t *testing.T) {
	var out bytes.Buffer
	j := New(Options{Out: &out})
	log := slog.New(j.Handler(slog.LevelInfo)).With("part", "index")
	log.Debug("unheard")
	log.Info("begun")
	log.Warn("odd \"one\"\nand two")
	log.Error("broken", "err", "level=INFO no")
	if _, err := fmt.Fprintf(j, "raw line\nlevel=ERROR+4 msg=worse"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		n     int
		least slog.Level
		want  []string // words of the lines
	}{
		{100, slog.LevelDebug, []string{"begun", "odd", "broken", "raw line", "worse"}},
		{100, slog.LevelInfo, []string{"begun", "odd", "broken", "raw line", "worse"}},
		{100, slog.LevelWarn, []string{"odd", "broken", "worse"}},
		{100, slog.LevelError, []string{"broken", "worse"}},
		{100, slog.LevelError + 1, []string{"worse"}},
		{2, slog.LevelDebug, []string{"raw line", "worse"}},
		{1, slog.LevelWarn, []string{"worse"}},
		{0, slog.LevelDebug, nil},
		{-1, slog.LevelDebug, nil},
	} {
		got := j.Lines(tt.n, tt.least)
		if !slices.EqualFunc(got, tt.want, strings.Contains) {
			t.Errorf("Lines(%d, %v) = %q, want %q", tt.n, tt.least, got, tt.want)
		}
	}
	if text := out.String(); strings.Count(text, "\n") != 4 || !strings.Contains(text, "part=index") || strings.Contains(text, "unheard") {
		t.Errorf("out has %q", text)
	}
	if lines, err := j.Previous(9, slog.LevelDebug); len(lines) > 0 || err != nil {
		t.Errorf("Previous without a directory = %q, %v", lines, err)
	}
}

func TestMemoryKeepsTheNewestWholeLines(t *testing.T) {
	j := New(Options{Ring: 1000})
	for n := range 500 {
		fmt.Fprint(j, line(n, 37+n%5))
		got := j.Lines(1e6, slog.LevelDebug)
		size := 0
		for i, l := range got {
			size += len(l) + 1
			if want := strings.TrimSuffix(line(n-len(got)+1+i, 37+(n-len(got)+1+i)%5), "\n"); l != want {
				t.Fatalf("after line %d, line %d of %d is %q, want %q", n, i, len(got), l, want)
			}
		}
		if n > 30 && (size > 1000 || size < 1000-2*41) {
			t.Fatalf("after line %d, %d bytes are kept, want nearly 1000", n, size)
		}
	}
	fmt.Fprint(j, strings.Repeat("ä", 900)+"\n")
	got := j.Lines(1, slog.LevelDebug)[0]
	if want := strings.Repeat("ä", 123) + "…"; got != want {
		t.Errorf("a line that is too long is kept as %d bytes %.20q, want %d", len(got), got, len(want))
	}
}

func TestWarningsAreWrittenInBatchesAndTheRestAtACleanStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := faultfs.New(faultfs.Options{})
		j := on(d, Options{})
		log := logger(j)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		log.Info("quiet")
		time.Sleep(time.Hour)
		if n := syncs(d); n != 0 {
			t.Errorf("%d syncs while there was no warning", n)
		}
		for range 3600 {
			log.Info("chatter")
			log.Warn("careful")
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if n := syncs(d); n < 59 || n > 61 {
			t.Errorf("%d syncs in an hour with a warning a second, want 60", n)
		}
		if n := has(onDisk(t, d.Reboot(faultfs.Nothing), Options{}), "careful"); n != 3600 {
			t.Errorf("%d warnings on disk, want 3600", n)
		}
		if n := has(onDisk(t, d, Options{}), "chatter"); n != 0 {
			t.Errorf("%d lines on disk that warn of nothing", n)
		}
		log.Info("the end")
		log.Warn("late")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		lines := onDisk(t, d.Reboot(faultfs.Nothing), Options{})
		if n := has(lines, "chatter"); n < 100 || n > stopBytes/40 {
			t.Errorf("%d lines of chatter after a clean stop, want the last 16 KiB", n)
		}
		if has(lines, "late") != 1 || has(lines, "the end") != 1 || has(lines, "careful") != 3600 {
			t.Errorf("after a clean stop: late %d, the end %d, careful %d", has(lines, "late"), has(lines, "the end"), has(lines, "careful"))
		}
		before := len(lines)
		if err := j.Flush(); err != nil || len(onDisk(t, d, Options{})) != before {
			t.Errorf("a second flush: %v, %d lines, want still %d", err, len(onDisk(t, d, Options{})), before)
		}
	})
}

func TestErrorsAreOnDiskSoonButDoNotWearFlashOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := faultfs.New(faultfs.Options{})
		j := on(d, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.Run(ctx) }()
		log := logger(j)
		log.Warn("first")
		time.Sleep(50 * time.Second)
		log.Error("broken")
		time.Sleep(urgent + time.Millisecond)
		synctest.Wait()
		if n := has(onDisk(t, d.Reboot(faultfs.Nothing), Options{}), "broken"); n != 1 {
			t.Errorf("an error is on disk %d times after 5 s", n)
		}
		time.Sleep(time.Hour)
		before := syncs(d)
		if before != 1 {
			t.Errorf("%d syncs, want one for both lines", before)
		}
		for range 3600 {
			log.Error("still broken")
			time.Sleep(time.Second)
		}
		if n := syncs(d) - before; n < 60 || n > 2*60+burst {
			t.Errorf("%d syncs in an hour of errors, want at most two a minute and %d more", n, burst)
		}
		cancel()
		<-done
	})
}

func TestOfAStormTheNewestIsKeptAndTheRestCounted(t *testing.T) {
	d := faultfs.New(faultfs.Options{})
	o := Options{Ring: 64 << 10, Tail: 64 << 10}
	j := on(d, o)
	for n := range 9000 {
		fmt.Fprint(j, line(n, 100))
	}
	if err := j.flush(false); err != nil {
		t.Fatal(err)
	}
	lines := onDisk(t, d, o)
	if size := len(strings.Join(lines, "\n")); size > 16<<10+200 || size < 15<<10 {
		t.Errorf("%d bytes in one write, want a quarter of the tail", size)
	}
	if has(lines, "msg=8999") != 1 || !strings.Contains(lines[0], fmt.Sprint("bytes=", 900000-100*(len(lines)-1))) {
		t.Errorf("the first line is %q, the last %.20q", lines[0], lines[len(lines)-1])
	}
	// What is no warning and dropped by the ring is not missed.
	for n := range 9000 {
		fmt.Fprintf(j, "level=INFO msg=%d and some more text\n", n)
	}
	fmt.Fprintln(j, "level=WARN msg=once")
	if err := j.flush(false); err != nil {
		t.Fatal(err)
	}
	if lines := onDisk(t, d, o); has(lines, "more was logged") != 1 || has(lines, "msg=once") != 1 {
		t.Errorf("%q", lines[max(0, len(lines)-3):])
	}
}

func TestTheTailIsBoundedAndPreviousIsOfOtherRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := Options{Dir: dir, Ring: 32 << 10, Tail: 8 << 10}
	for run := range 4 {
		j := New(o)
		before, err := j.Previous(1e6, slog.LevelInfo)
		if err != nil || len(before) > 0 && has(before, fmt.Sprintf("run=%d ", run-1)) == 0 {
			t.Fatalf("run %d finds %d lines of others, none of the last: %v", run, len(before), err)
		}
		if run == 0 && len(before) > 0 {
			t.Fatalf("the first run finds %q", before)
		}
		for n := range 20 + 40*run {
			fmt.Fprintf(j, "level=WARN run=%d n=%d xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", run, n)
			if err := j.flush(false); err != nil {
				t.Fatal(err)
			}
			again, err := j.Previous(1e6, slog.LevelInfo)
			if err != nil || has(again, fmt.Sprintf("run=%d ", run)) > 0 {
				t.Fatalf("run %d finds its own lines among those of others: %v", run, err)
			}
			if n == 0 && len(again) != len(before) {
				t.Fatalf("run %d: %d lines of others after its first, want %d", run, len(again), len(before))
			}
			size := 0
			for _, name := range []string{fileNow, fileOld} {
				if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
					size += int(info.Size())
				}
			}
			if size > o.Tail {
				t.Fatalf("the tail takes %d bytes, want at most %d", size, o.Tail)
			}
		}
	}
	if info, err := os.Stat(filepath.Join(dir, fileNow)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWhatIsTornIsDropped(t *testing.T) {
	for _, tt := range []struct {
		name, old, now string
		want           []string
	}{
		{"nothing there", "", "", nil},
		{"whole lines", "level=WARN msg=a\n", "level=WARN msg=b\n", []string{"msg=a", "msg=b"}},
		{"half a line", "level=WARN msg=a\n", "level=WARN msg=b\nlevel=WA", []string{"msg=a", "msg=b"}},
		{"half of a long line", "", "level=WARN msg=b\n" + strings.Repeat("x", 500), []string{"msg=b"}},
		{"half a line alone", "", "level=WA", nil},
		{"a page of zeros in the middle", "", "level=WARN msg=a\n\x00\x00\x00 half\nlevel=WARN msg=b\n", []string{"msg=a", "msg=b"}},
		{"zeros at the end", "", "level=WARN msg=a\n\x00\x00\x00", []string{"msg=a"}},
		{"zeros alone", "", "\x00\x00\x00\x00", nil},
		{"more than there should be", "", strings.Repeat("level=WARN msg=z\n", 2000), slices.Repeat([]string{"msg=z"}, 963)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{fileOld: tt.old, fileNow: tt.now} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := Options{Dir: dir, Tail: 16 << 10}
			j := New(o)
			check := func(when string, extra int) {
				got, err := New(o).Previous(1e6, slog.LevelInfo)
				if len(got) < extra || err != nil {
					t.Fatalf("%s: %q, %v", when, got, err)
				}
				if tail := got[len(got)-extra:]; extra == 1 && tail[0] != "level=ERROR msg=ours" {
					t.Errorf("%s the last line is %q", when, tail)
				}
				if got = got[:len(got)-extra]; !slices.EqualFunc(got, tt.want, strings.Contains) {
					t.Errorf("%s: %d lines %.3q, want %d", when, len(got), got, len(tt.want))
				}
			}
			check("before", 0)
			fmt.Fprintln(j, "level=ERROR msg=ours")
			if err := j.Flush(); err != nil {
				t.Fatal(err)
			}
			check("after a line of ours", 1)
			if data, err := os.ReadFile(filepath.Join(dir, fileNow)); err != nil || !bytes.HasSuffix(data, []byte("\nlevel=ERROR msg=ours\n")) && len(data) > 21 {
				t.Errorf("the file ends with %q, %v", data[max(0, len(data)-40):], err)
			}
		})
	}
}

func FuzzNewest(f *testing.F) {
	f.Add([]byte("time=1 level=WARN msg=a\nlevel=\n\x00\nx"), 3)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		got := newest(data, n, slog.LevelDebug)
		if len(got) > max(n, 0) {
			t.Errorf("%d lines, asked for %d", len(got), n)
		}
		for _, l := range got {
			if strings.ContainsAny(l, "\n\x00") {
				t.Errorf("%q is no line", l)
			}
		}
	})
}
