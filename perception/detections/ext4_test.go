package detections

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vedette/internal/testkit"
)

// written returns how many bytes the block layer gave to the disk mounted at dir.
func written(t *testing.T, dir string) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		t.Fatal(err)
	}
	major, minor := st.Dev>>8&0xfff, st.Dev&0xff|st.Dev>>12&0xfff00
	raw, err := os.ReadFile("/sys/dev/block/" + strconv.FormatUint(uint64(major), 10) + ":" + strconv.FormatUint(uint64(minor), 10) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	sectors, err := strconv.ParseInt(strings.Fields(string(raw))[6], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return sectors * 512
}

// attachDir serves l from a directory of a real file system.
func attachDir(t *testing.T, l *Log, dir string) *running {
	t.Helper()
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := attach(t, l, f)
	t.Cleanup(func() {
		_ = r.stop() // before the folder goes
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestACommitWritesItsPagesAndNothingElse: a commit between two steps costs the
// pages that it touches, and no block of the journal.
func TestACommitWritesItsPagesAndNothingElse(t *testing.T) {
	_, mount := testkit.Ext4(t, 64<<20, "-E", "lazy_itable_init=0,lazy_journal_init=0")
	o := small()
	o.ChunkBytes, o.MaxBytes, o.CommitEvery = 4<<20, 1<<30, time.Microsecond
	l := attachDir(t, New(o), filepath.Join(mount, "detections"))
	add(t, l.Log, batch(0))
	syscall.Sync()
	before := written(t, mount)
	const commits = 200 // 30 KiB: less than a step
	for i := range commits {
		add(t, l.Log, batch(1+i))
	}
	// Two pages at most each; the times of files go to the journal every few
	// seconds.
	if each := (written(t, mount) - before) / commits; each > 6<<10 {
		t.Errorf("%d bytes of the disk for each commit", each)
	}
}

func TestARealDiskThatIsFull(t *testing.T) {
	_, mount := testkit.Ext4(t, 8<<20)
	o := small()
	var ahead atomic.Int64
	o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	o.ChunkBytes, o.MaxBytes = 512<<10, 1<<30
	dir := filepath.Join(mount, "detections")
	l := attachDir(t, New(o), dir)
	big := strings.Repeat("x", 60<<10)
	numbers := map[int]uint64{}
	fullAt := -1
	for i := 0; i < 1000 && fullAt < 0; i++ {
		b := batch(i)
		b.Received = time.Now()
		b.TaskID = big
		seq, _, err := l.Append(t.Context(), b)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			fullAt = i
		case err != nil:
			t.Fatal(err)
		default:
			numbers[i] = seq
		}
	}
	if fullAt < 10 {
		t.Fatalf("full at %d", fullAt)
	}
	if got := all(t, l.Log); len(got) != len(numbers) {
		t.Errorf("%d batches, want %d", len(got), len(numbers))
	}
	// Attached again, full as it is, everything is there.
	if err := l.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Attach = %v", err)
	}
	l = attachDir(t, l.Log, dir)
	for i, seq := range numbers {
		b := batch(i)
		if again, duplicate := add(t, l.Log, b); !duplicate || again != seq {
			t.Fatalf("batch %d = %d, %v; want %d", i, again, duplicate, seq)
		}
	}
	// Room is made of what is old, and it goes on.
	if n, err := l.PruneBefore(t.Context(), time.Now().Add(time.Hour), 1); n == 0 || err != nil {
		t.Fatalf("PruneBefore = %d, %v", n, err)
	}
	ahead.Store(int64(2 * fullPause)) // the disk is left alone for that long
	add(t, l.Log, batch(5001))
}
