package volume

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestACardGrowsFewFilesAtOnce: parts of many cameras that come in turns are
// written file by file, once a cycle, and written back four files at a time.
func TestACardGrowsFewFilesAtOnce(t *testing.T) {
	for _, medium := range []string{SD, EMMC, SSD} {
		t.Run(medium, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Cycle: 4 * time.Second, Medium: medium})
				var files []*File
				for _, c := range "abcdef" {
					files = append(files, r.create(t, string(c), 1000))
				}
				for n := range 3 {
					for _, f := range files {
						if err := f.Append(chunk("AA", int64(2000+1000*n))); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				card := medium != SSD
				if n, _ := files[0].Written(); (n == 0) != card {
					t.Errorf("%d bytes are written before the cycle", n)
				}
				r.next()
				var order, back []string
				for _, call := range r.disk.log() {
					op, path, _ := strings.Cut(call, " ")
					parts := strings.Split(path, "/")
					if len(parts) < 3 {
						continue
					}
					switch op {
					case "write":
						order = append(order, parts[1])
					case "start", "wait":
						back = append(back, op[:1]+parts[1])
					}
				}
				if turns := len(slices.Compact(slices.Clone(order))); (turns == len(files)) != card {
					t.Errorf("%d files were written in %d turns: %v", len(files), turns, order)
				}
				want := "sa sb sc sd wa wb wc wd se sf we wf"
				if !card {
					want = "sa sb sc sd se sf wa wb wc wd we wf"
				}
				if got := strings.Join(back, " "); got != want {
					t.Errorf("written back as %q, want %q", got, want)
				}
				for _, f := range files {
					if n, end := f.Durable(); n != 4+3*2 || end != 4000 {
						t.Errorf("durable %d bytes up to %d", n, end)
					}
				}
			})
		})
	}
}

// TestACardThatGetsMoreThanItKeepsForACycleWritesEarlier and so loses nothing.
func TestACardThatGetsMoreThanItKeepsForACycleWritesEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Cycle: time.Minute, Medium: SD, QueueBytes: 1000})
		f := r.create(t, "a", 1000)
		for n := range 100 {
			if err := f.Append(chunk(strings.Repeat("A", 100), int64(2000+n))); err != nil {
				t.Fatalf("part %d: %v", n, err)
			}
			synctest.Wait()
		}
		r.next()
	})
}
