package volume

import (
	"cmp"
	"context"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Usage is what lies below a directory.
type Usage struct {
	Path  string // absolute
	Bytes int64  // of the disk that its files take
}

// Bounds of Largest.
const (
	mostLooked = 50_000 // files and directories
	mostTold   = 5
	deepest    = 2 // levels below the root of the file system that are told apart
)

// Largest returns what takes the most room of the file system that dir is on,
// beside the footage and evidence of the volume in dir: at most five
// directories, or files, the largest first. It looks at 50,000 names at most, or
// until ctx is done, does not leave the file system, and passes over what it may
// not read; complete says whether it saw all. It returns nothing where there is
// nothing else.
func Largest(ctx context.Context, dir string) (largest []Usage, complete bool) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, false
	}
	here, err := deviceOf(dir)
	if err != nil {
		return nil, false
	}
	root := dir
	for above := filepath.Dir(root); above != root; above = filepath.Dir(above) {
		if p, err := deviceOf(above); err != nil || p.dev != here.dev {
			break
		}
		root = above
	}
	return largestBelow(ctx, root, dir, here.dev)
}

// largestBelow is Largest where the file system of device dev begins at root.
func largestBelow(ctx context.Context, root, dir string, dev uint64) (largest []Usage, complete bool) {
	sums, seen, looked := map[string]int64{}, map[uint64]bool{}, 0
	complete = true
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if looked++; looked > mostLooked || ctx.Err() != nil {
			complete = false
			return fs.SkipAll
		}
		if err != nil || d.IsDir() && (p == filepath.Join(dir, FootageDir) || p == filepath.Join(dir, EvidenceDir)) {
			complete = complete && err == nil
			return skip(d)
		}
		fi, err := d.Info()
		if err != nil {
			return nil // it went
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		switch {
		case !ok || uint64(st.Dev) != dev:
			return skip(d)
		case st.Nlink > 1 && !d.IsDir():
			if seen[uint64(st.Ino)] {
				return nil
			}
			seen[uint64(st.Ino)] = true
		}
		sums[topOf(root, p)] += int64(st.Blocks) * 512
		return nil
	})
	delete(sums, root)
	for _, p := range slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	}) {
		if len(largest) < mostTold && sums[p] >= 1<<20 {
			largest = append(largest, Usage{p, sums[p]})
		}
	}
	return largest, complete
}

// skip goes on after what cannot be looked at.
func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// topOf returns the directory, at most deepest levels below root, that p counts
// for.
func topOf(root, p string) string {
	rel, err := filepath.Rel(root, p)
	if err != nil || rel == "." {
		return root
	}
	parts := strings.Split(rel, string(filepath.Separator))
	return filepath.Join(root, filepath.Join(parts[:min(len(parts), deepest)]...))
}
