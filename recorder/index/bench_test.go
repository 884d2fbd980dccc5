package index

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const benchCameras = 16

// cameraNames are the cameras of a benchmark; row i belongs to i modulo 16.
func cameraNames() (names [benchCameras]string) {
	for i := range names {
		names[i] = fmt.Sprintf("camera-%02d", i)
	}
	return names
}

// minutes yields n rows, one per camera and minute.
func minutes(n int) iter.Seq2[Row, error] {
	names := cameraNames()
	return func(yield func(Row, error) bool) {
		for i := range n {
			r := row(names[i%benchCameras], i/benchCameras)
			r.Start += int64(i % benchCameras * 3000)
			if !yield(r, nil) {
				return
			}
		}
	}
}

// BenchmarkIndex measures what the layout was chosen for, at 10 thousand and
// at a million rows. KiB/commit is what bbolt hands to the kernel: pages
// allocated and the meta page.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		path := filepath.Join(b.TempDir(), "segments.db")
		begun := time.Now()
		if err := Rebuild(path, minutes(n), Options{}); err != nil {
			b.Fatal(err)
		}
		rebuilt := time.Since(begun)
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rebuild/%d", n), func(b *testing.B) {
			b.ReportMetric(float64(rebuilt.Microseconds())/float64(n), "µs/row")
			b.ReportMetric(float64(info.Size())/float64(n), "B/row")
			b.ReportMetric(0, "ns/op") // it was done once, above
		})
		b.Run(fmt.Sprintf("open/%d", n), func(b *testing.B) { benchOpen(b, path) })
		x := open(b, path)
		b.Run(fmt.Sprintf("oldest20/%d", n), func(b *testing.B) {
			for b.Loop() {
				if rows, err := x.Oldest(20, nil); err != nil || len(rows) != 20 {
					b.Fatal(len(rows), err)
				}
			}
		})
		b.Run(fmt.Sprintf("day/%d", n), func(b *testing.B) { benchDay(b, x, n) })
		b.Run(fmt.Sprintf("insert16/%d", n), func(b *testing.B) { benchInsert(b, x, n) })
		b.Run(fmt.Sprintf("delete256/%d", n), func(b *testing.B) { benchDelete(b, x) })
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchOpen is verify, open and totals together.
func benchOpen(b *testing.B, path string) {
	for b.Loop() {
		x, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchDay reads one day of one camera from the middle of what there is.
func benchDay(b *testing.B, x *Index, n int) {
	day := int64(24 * time.Hour / time.Millisecond)
	from := t0
	if span := int64(n/benchCameras) * minute; span > 2*day {
		from += span / 2
	}
	want := min(n/benchCameras, 1440)
	for b.Loop() {
		got := 0
		err := x.Range(cameraNames()[5], from, from+day, func(Row, bool) bool { got++; return true })
		if err != nil || got < want || got > want+1 {
			b.Fatalf("%d rows, want %d, %v", got, want, err)
		}
	}
}

func benchInsert(b *testing.B, x *Index, n int) {
	names := cameraNames()
	before := x.db.Bolt.Stats()
	at := n/benchCameras + 10
	commits := 0
	for b.Loop() {
		for c := range benchCameras {
			r := row(names[c], at)
			r.Start += int64(c * 3000)
			if err := x.Add(r); err != nil {
				b.Fatal(err)
			}
		}
		if err := x.Flush(); err != nil {
			b.Fatal(err)
		}
		at++
		commits++
	}
	perCommit(b, x, before.TxStats.GetPageAlloc(), commits)
}

// benchDelete takes a batch through both transactions of a sweep, and puts as
// many rows back, not timed, so that it never runs dry.
func benchDelete(b *testing.B, x *Index) {
	before := x.db.Bolt.Stats()
	var refill int64
	commits, later := 0, 0
	names := cameraNames()
	for b.Loop() {
		rows, err := x.Oldest(256, nil)
		if err != nil || len(rows) != 256 {
			b.Fatal(len(rows), err)
		}
		g, err := x.Condemn(rows, "free_floor")
		if err := errors.Join(err, x.Forget(g, Audit{Reason: "free_floor", Count: 256, Cameras: names[:]})); err != nil {
			b.Fatal(err)
		}
		commits += 2
		b.StopTimer()
		full := x.db.Bolt.Stats()
		for i := range 256 {
			r := row(names[i%benchCameras], 10_000_000+later)
			r.Start += int64(i)
			if err := x.Add(r); err != nil {
				b.Fatal(err)
			}
			later++
		}
		if err := x.Flush(); err != nil {
			b.Fatal(err)
		}
		again := x.db.Bolt.Stats()
		refill += again.TxStats.GetPageAlloc() - full.TxStats.GetPageAlloc()
		b.StartTimer()
	}
	perCommit(b, x, before.TxStats.GetPageAlloc()+refill, commits)
}

func perCommit(b *testing.B, x *Index, before int64, commits int) {
	after := x.db.Bolt.Stats()
	bytes := after.TxStats.GetPageAlloc() - before + int64(commits)*pageSize
	b.ReportMetric(float64(bytes)/1024/float64(commits), "KiB/commit")
}
