package recovery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// Finding is one thing that is wrong with a volume.
type Finding struct {
	Path    string // relative to the volume
	Problem string
	Fixed   bool // by Repair
}

// String is the finding as one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%q: %s", f.Path, f.Problem)
	if f.Fixed {
		s += " (repaired)"
	}
	return s
}

// Check reads every byte of a volume and calls emit for everything that is
// wrong: the identity, names that nobody can explain, open segments left
// behind, files that are not what their name says, damaged parts, a damaged
// index, rows and files that do not match. It changes nothing. indexPath is
// the file of the index. An error means that the check could not be
// finished; index.ErrInUse that a recorder is running.
func Check(fsys volume.FS, indexPath string, emit func(Finding)) error {
	c := &checker{fsys: fsys, emit: emit}
	if err := c.run(indexPath); err != nil {
		return fmt.Errorf("check volume: %w", err)
	}
	return nil
}

type checker struct {
	fsys  volume.FS
	emit  func(Finding)
	visit func(n volume.Name, f fault) // of a closed segment that has one, if not nil
}

func (c *checker) found(path, format string, args ...any) {
	c.emit(Finding{Path: path, Problem: fmt.Sprintf(format, args...)})
}

func (c *checker) run(indexPath string) error {
	if _, err := volume.ReadIdentity(c.fsys); err != nil {
		c.found(".", "%v", err)
	}
	c.unfinished()
	held, err := c.evidence()
	if err != nil {
		return err
	}
	rows, err := c.openIndex(indexPath)
	if err != nil {
		return err
	}
	defer rows.close()
	if err := c.holds(rows.index, held); err != nil {
		return err
	}
	s := &starter{fsys: c.fsys}
	strays, err := s.collect()
	if err != nil {
		return err
	}
	c.strays(strays)
	dates := slices.Collect(maps.Keys(s.days))
	if rows.index != nil {
		if dates, err = s.allDates(rows.index); err != nil {
			return err
		}
	}
	slices.Sort(dates)
	for _, date := range dates {
		if err := c.day(s, date, rows); err != nil {
			return err
		}
	}
	return nil
}

// unfinished finds what a start has begun and not ended.
func (c *checker) unfinished() {
	for name, problem := range map[string]string{
		intentName:     "segments are being stamped again: the next start finishes it",
		unfinishedName: "the index is being built anew: the next start finishes it",
	} {
		if _, err := c.fsys.Stat(name); err == nil {
			c.found(name, "%s", problem)
		}
	}
}

// evidence looks at the second names: each is the same file as the first.
func (c *checker) evidence() (held map[volume.Name]bool, err error) {
	held, err = evidence(c.fsys)
	for n := range held {
		first, err := c.fsys.Stat(n.Path())
		if errors.Is(err, fs.ErrNotExist) {
			c.found(n.EvidencePath(), "evidence that is gone from footage")
			continue
		}
		second, serr := c.fsys.Stat(n.EvidencePath())
		if err = errors.Join(err, serr); err != nil {
			c.found(n.EvidencePath(), "%v", err)
		} else if first.Size() != second.Size() {
			c.found(n.EvidencePath(), "evidence of %d bytes whose footage has %d", second.Size(), first.Size())
		}
	}
	return held, err
}

// holds compares second names with held rows.
func (c *checker) holds(x *index.Index, held map[volume.Name]bool) error {
	if x == nil {
		return nil
	}
	without, loose, err := diffHolds(x, held)
	for _, n := range without {
		c.found(n.Path(), "held in the index, but without its second name in evidence")
	}
	for _, n := range loose {
		c.found(n.EvidencePath(), "evidence that the index does not hold")
	}
	return err
}

func (c *checker) strays(list []stray) {
	for _, f := range list {
		c.found(f.path, "%s", f.reason)
	}
}

func (c *checker) day(s *starter, date string, rows *rowSource) error {
	var names []volume.Name
	for _, camera := range s.days[date] {
		d, err := list(c.fsys, camera, date)
		if err != nil {
			return err
		}
		c.strays(d.stray)
		for _, n := range d.open {
			c.found(n.Path(), "an open segment that nobody writes")
		}
		for _, n := range d.closed {
			if f := inspect(c.fsys, n); f.problem != "" {
				c.found(n.Path(), "%s", f.problem)
				if c.visit != nil {
					c.visit(n, f)
				}
			}
		}
		names = append(names, d.closed...)
	}
	if rows.index == nil {
		return nil
	}
	without, dangling, err := diff(rows.index, date, names, rows.condemned)
	if err != nil {
		return err
	}
	for _, n := range without {
		c.found(n.Path(), "not in the index")
	}
	for _, d := range dangling {
		what := "in the index, but not on the disk"
		if d.held {
			what = "evidence " + what
		}
		c.found(d.row.File().Path(), "%s", what)
	}
	return nil
}

// rowSource is the index, opened on a copy: bbolt writes to what it opens.
type rowSource struct {
	index     *index.Index // nil if there is none that can be read
	condemned map[volume.Name]bool
	dir       string
}

func (r *rowSource) close() {
	if r.index != nil {
		_ = r.index.Close() // of a copy
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir) // below the directory for temporary files
	}
}

func (c *checker) openIndex(path string) (*rowSource, error) {
	switch err := index.Verify(path); {
	case errors.Is(err, fs.ErrNotExist):
		c.found(IndexName, "there is no index")
		return &rowSource{}, nil
	case errors.Is(err, index.ErrDamaged):
		c.found(IndexName, "%v", err)
		return &rowSource{}, nil
	case err != nil:
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vedette-fsck-")
	if err != nil {
		return nil, err
	}
	r := &rowSource{dir: dir}
	temp := filepath.Join(dir, IndexName)
	if err := copyFile(temp, path); err != nil {
		r.close()
		return nil, err
	}
	if r.index, err = index.Open(temp, index.Options{}); err != nil {
		r.close()
		return nil, err
	}
	if r.condemned, err = condemned(r.index); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// remedy is what Repair can do about a closed segment.
type remedy uint8

const (
	nothing remedy = iota // what is whole in it still plays
	shorten               // cut to the size in the name
	rename                // cut to its whole parts, and name it so
	rehead                // give it the header it lost
	isolate               // quarantine
)

// fault is what is wrong with a closed segment; problem is "" if nothing is.
type fault struct {
	problem string
	remedy  remedy
}

// looseEnd is how far, in ms, the end of a segment by its name may lie from
// the end of its last part: its neighbour decides, not its last picture.
const looseEnd = 10_000

// inspect reads a whole closed segment.
func inspect(fsys volume.FS, n volume.Name) fault {
	h, err := fsys.Open(n.Path())
	if err != nil {
		return fault{problem: err.Error()}
	}
	defer func() { _ = h.Close() }() // only read
	size, err := h.Size()
	if err != nil {
		return fault{problem: err.Error()}
	}
	header, init, err := fmp4.ReadHeader(h, size)
	switch {
	case unreadable(err):
		problem := "its header cannot be read: " + err.Error()
		if _, err := inferHeader(fsys, h, n, size); err == nil {
			return fault{problem + "; the segment before it tells what it was", rehead}
		}
		return fault{problem, isolate}
	case errors.Is(err, fmp4.ErrVersion):
		return fault{"its header cannot be read: " + err.Error(), isolate}
	case err != nil:
		return fault{problem: err.Error()}
	case header.Camera != n.Camera:
		return fault{fmt.Sprintf("its header names camera %q", header.Camera), isolate}
	case header.Trusted && header.Start/1000 != n.Start:
		return fault{problem: fmt.Sprintf("its header says that it starts at %d ms, its name %d", header.Start/1000, n.Start)}
	}
	var last fmp4.PartInfo
	good, err := fmp4.Scan(h, init, size, true, func(p fmp4.PartInfo) bool { last = p; return true })
	switch {
	case err != nil:
		return fault{problem: err.Error()}
	case good == init:
		return fault{"no part of it is whole", isolate}
	case size > n.Bytes:
		return longer(h, n, init, size)
	case size < n.Bytes:
		return fault{fmt.Sprintf("has %d bytes, its name says %d", size, n.Bytes), rename}
	case good < size:
		return fault{problem: fmt.Sprintf("damaged from byte %d of %d on", good, size)}
	}
	if d := partEnd(header, last, n) - n.End(); d < -looseEnd || d > looseEnd {
		return fault{problem: fmt.Sprintf("its footage ends %d ms away from where its name says", d)}
	}
	return fault{}
}

// longer judges a file with more bytes than its name says: it can be cut if
// what the name promises is whole.
func longer(h volume.Handle, n volume.Name, init, size int64) fault {
	f := fault{problem: fmt.Sprintf("has %d bytes, its name says %d", size, n.Bytes)}
	if good, err := fmp4.Scan(h, init, n.Bytes, true, func(fmp4.PartInfo) bool { return true }); err == nil && good == n.Bytes {
		f.remedy = shorten
	}
	return f
}
