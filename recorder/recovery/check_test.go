package recovery

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/recorder/index"
	"vedette/recorder/volume"
)

func (d *disk) check(t *testing.T) (lines []string) {
	t.Helper()
	if err := Check(d.FS, d.index(), func(f Finding) { lines = append(lines, f.String()) }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestCheckFindsAndRepairFixes(t *testing.T) {
	flip := func(at func(ends []int) int) func(*testing.T, *disk, volume.Name, []byte, []int) {
		return func(t *testing.T, d *disk, n volume.Name, data []byte, ends []int) {
			data = bytes.Clone(data)
			data[at(ends)] ^= 1
			d.put(t, n.Path(), data)
		}
	}
	tests := []struct {
		name  string
		harm  func(t *testing.T, d *disk, n volume.Name, data []byte, ends []int)
		want  []string // parts of the findings
		stays bool     // cannot be repaired
	}{
		{"nothing", func(*testing.T, *disk, volume.Name, []byte, []int) {}, nil, false},
		{"a flipped bit in a picture", flip(func(e []int) int { return e[2] - 1 }), []string{"damaged from byte"}, true},
		{"a flipped bit in the header", flip(func([]int) int { return 60 }), []string{"header cannot be read"}, false},
		{"a flipped bit in the first part", flip(func(e []int) int { return e[1] - 1 }), []string{"no part of it is whole"}, false},
		{"a file cut short", func(t *testing.T, d *disk, n volume.Name, data []byte, ends []int) {
			d.put(t, n.Path(), data[:ends[2]+5])
		}, []string{"its name says"}, false},
		{"a file with a tail", func(t *testing.T, d *disk, n volume.Name, data []byte, _ []int) {
			d.put(t, n.Path(), append(bytes.Clone(data), "tail"...))
		}, []string{"its name says"}, false},
		{"an open segment", func(t *testing.T, d *disk, n volume.Name, _ []byte, _ []int) {
			n.Start += 100_000
			n.Open = true
			data, _ := footage(t, n, 0, 2)
			d.put(t, n.Path(), data)
		}, []string{"that nobody writes"}, false},
		{"a stray", func(t *testing.T, d *disk, n volume.Name, _ []byte, _ []int) {
			d.put(t, path.Join(n.Dir(), "a\nb"), nil)
		}, []string{`a\nb": not the name of a segment`}, false},
		{"a file of another camera", func(t *testing.T, d *disk, n volume.Name, data []byte, _ []int) {
			n.Camera = "yard"
			d.put(t, n.Path(), data)
		}, []string{`names camera "door"`, "not in the index"}, false},
		{"a file that is gone", func(t *testing.T, d *disk, n volume.Name, _ []byte, _ []int) {
			if err := os.Remove(filepath.Join(d.dir, n.Path())); err != nil {
				t.Fatal(err)
			}
		}, []string{"in the index, but not on the disk"}, false},
		{"evidence that is gone from footage", func(t *testing.T, d *disk, n volume.Name, data []byte, _ []int) {
			d.put(t, n.EvidencePath(), data)
			if err := os.Remove(filepath.Join(d.dir, n.Path())); err != nil {
				t.Fatal(err)
			}
		}, []string{"evidence that is gone from footage", "in the index, but not on the disk"}, false},
		{"no index", func(t *testing.T, d *disk, _ volume.Name, _ []byte, _ []int) {
			if err := os.Remove(d.index()); err != nil {
				t.Fatal(err)
			}
		}, []string{"there is no index"}, false},
		{"a torn index", func(t *testing.T, d *disk, _ volume.Name, _ []byte, _ []int) {
			if err := os.Truncate(d.index(), 8192); err != nil {
				t.Fatal(err)
			}
		}, []string{"index is damaged"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t)
			d.closed(t, "door", t0, 0, 2)
			n := d.closed(t, "door", t0+2000, 1, 4)
			d.recover(t)
			data, ends := footage(t, volume.Name{Camera: "door", Start: t0 + 2000, Seq: 1}, 5, 4)
			tt.harm(t, d, n, data, ends)
			before := d.files(t)
			got := d.check(t)
			if len(got) < len(tt.want) || len(tt.want) == 0 && len(got) > 0 {
				t.Fatalf("findings %q, want %q", got, tt.want)
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, want) }) {
					t.Errorf("findings %q, want %q", got, want)
				}
			}
			for _, line := range got {
				if strings.Contains(line, "\n") {
					t.Errorf("%q is more than a line", line)
				}
			}
			if after := d.files(t); !slices.Equal(before, after) {
				t.Errorf("looking changed %v to %v", before, after)
			}
			var fixed []string
			if _, err := Repair(d.FS, d.index(), index.Options{}, quiet, func(f Finding) {
				if f.Fixed == tt.stays {
					t.Errorf("after the repair: %s", f)
				}
				fixed = append(fixed, f.Path)
			}); err != nil {
				t.Fatal(err)
			}
			if len(fixed) != len(got) {
				t.Errorf("found %q, repaired %q", got, fixed)
			}
			if left := d.check(t); len(left) > 0 != tt.stays {
				t.Errorf("left after the repair: %q", left)
			}
			before = d.files(t)
			if _, err := Repair(d.FS, d.index(), index.Options{}, quiet, func(Finding) {}); err != nil {
				t.Fatal(err)
			}
			if after := d.files(t); !slices.Equal(before, after) {
				t.Errorf("a second repair changed %v to %v", before, after)
			}
		})
	}
}

func TestCheckOfAVolumeInUseCouldNot(t *testing.T) {
	d := newDisk(t)
	x, _, err := Recover(d.FS, d.index(), index.Options{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(d.FS, d.index(), func(Finding) {}); !errors.Is(err, index.ErrInUse) {
		t.Errorf("Check = %v, want ErrInUse", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}
