package zones

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// firstDay is the first that a clock which was set can name. Older pictures
// have no known age: they go when there are too many, not by age.
const firstDay = "2020-01-01"

const listBatch = 256 // names read at once

// count finds what is in root; work is held. What Put was writing when the power
// went is removed; what it never wrote is left alone.
func (v *Evidence) count(ctx context.Context, root *os.Root) error {
	v.days, v.total, v.doomed = map[string]int64{}, 0, nil
	dirs, err := names(root, ".", func(e fs.DirEntry) bool { return e.IsDir() && dayName.MatchString(e.Name()) })
	if err != nil {
		return err
	}
	for _, day := range dirs {
		v.days[day] = 0
		_, err := names(root, day, func(e fs.DirEntry) bool {
			name, torn := strings.CutSuffix(e.Name(), unfinished)
			switch {
			case torn && pictureName.MatchString(name):
				_ = root.Remove(day + "/" + e.Name())
			case picture(e):
				if st, err := e.Info(); err == nil {
					v.days[day] += st.Size()
					v.total += st.Size()
				}
			}
			return false
		})
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// PruneBefore removes pictures of days that ended before that time, the oldest
// day first, limit at most, and returns how many. Away, it removes nothing.
func (v *Evidence) PruneBefore(ctx context.Context, before time.Time, limit int) (int, error) {
	v.work.Lock()
	defer v.work.Unlock()
	root, err := v.attached()
	if err != nil {
		return 0, nil
	}
	removed := 0
	last := before.UTC().Format(dayFormat)
	for _, day := range slices.Sorted(maps.Keys(v.days)) {
		if day < firstDay {
			continue
		}
		if day >= last {
			break
		}
		n, err := v.clear(ctx, root, day, limit-removed)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("prune evidence of %s: %w", day, err)
		}
		if removed >= limit {
			break
		}
	}
	return removed, nil
}

// clear removes pictures of a day, limit at most, and the day if none is left.
func (v *Evidence) clear(ctx context.Context, root *os.Root, day string, limit int) (int, error) {
	v.doomed = nil
	all, err := names(root, day, picture)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for n, name := range all {
		if n >= limit {
			return n, nil
		}
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		if err := v.drop(root, day, name); err != nil {
			return n, err
		}
	}
	v.forget(root, day)
	return len(all), nil
}

// dropOldest removes the oldest picture; work is held. It returns false if it
// cannot.
func (v *Evidence) dropOldest(root *os.Root) bool {
	for len(v.days) > 0 {
		day := slices.Min(slices.Collect(maps.Keys(v.days)))
		if len(v.doomed) == 0 || !strings.HasPrefix(v.doomed[0], strings.ReplaceAll(day, "-", "")) {
			all, err := names(root, day, picture)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false
			}
			v.doomed = slices.Sorted(slices.Values(all))
		}
		if len(v.doomed) == 0 {
			v.forget(root, day)
			continue
		}
		name := v.doomed[0]
		v.doomed = v.doomed[1:]
		return v.drop(root, day, name) == nil
	}
	return false
}

// drop removes a picture and takes it off the account.
func (v *Evidence) drop(root *os.Root, day, name string) error {
	path := day + "/" + name
	st, err := root.Lstat(path)
	if err == nil {
		err = root.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	v.days[day] -= st.Size()
	v.total -= st.Size()
	return nil
}

// forget takes a day without pictures off the account.
func (v *Evidence) forget(root *os.Root, day string) {
	v.total -= v.days[day]
	delete(v.days, day)
	// A directory that holds something else stays.
	_ = root.Remove(day)
}

func picture(e fs.DirEntry) bool {
	name, ok := strings.CutSuffix(e.Name(), suffix)
	return ok && e.Type().IsRegular() && pictureName.MatchString(name)
}

// names returns the names in a directory that keep agrees to.
func names(root *os.Root, dir string, keep func(fs.DirEntry) bool) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	var out []string
	for {
		entries, err := f.ReadDir(listBatch)
		for _, e := range entries {
			if keep(e) {
				out = append(out, e.Name())
			}
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
