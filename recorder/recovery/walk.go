package recovery

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"vedette/recorder/volume"
)

// stray is something in footage/ that is not a segment.
type stray struct {
	path   string
	reason string
}

// day is what lies in one directory of footage.
type day struct {
	closed []volume.Name // by start
	open   []volume.Name // by start
	stray  []stray
}

// cameras lists the directories below footage that can be a camera's.
func cameras(fsys volume.FS) (names []string, strays []stray, err error) {
	entries, err := fsys.ReadDir(volume.FootageDir)
	if err != nil {
		return nil, nil, fmt.Errorf("list footage: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && volume.ValidCamera(e.Name()) {
			names = append(names, e.Name())
		} else {
			strays = append(strays, stray{path.Join(volume.FootageDir, e.Name()), "not the directory of a camera"})
		}
	}
	slices.Sort(names)
	return names, strays, nil
}

// days lists the directories of one camera, oldest first.
func days(fsys volume.FS, camera string) (names []string, strays []stray, err error) {
	dir := path.Join(volume.FootageDir, camera)
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", dir, err)
	}
	for _, e := range entries {
		if _, err := time.Parse(time.DateOnly, e.Name()); err == nil && e.IsDir() {
			names = append(names, e.Name())
		} else {
			strays = append(strays, stray{path.Join(dir, e.Name()), "not the directory of a day"})
		}
	}
	slices.Sort(names)
	return names, strays, nil
}

// dateOf names the day of a time in UTC ms, as directories do.
func dateOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

// list reads one directory of footage. It opens no file.
func list(fsys volume.FS, camera, date string) (d day, err error) {
	dir := path.Join(volume.FootageDir, camera, date)
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return day{}, fmt.Errorf("list %s: %w", dir, err)
	}
	d.closed = make([]volume.Name, 0, len(entries))
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		n, err := volume.ParseName(p)
		switch {
		case err != nil:
			d.stray = append(d.stray, stray{p, "not the name of a segment"})
		case e.Type() != 0 && e.Type() != fs.ModeIrregular:
			d.stray = append(d.stray, stray{p, "has the name of a segment, but is no file"})
		case n.Open:
			n.Camera = camera // the name must not keep the path alive
			d.open = append(d.open, n)
		default:
			n.Camera = camera
			d.closed = append(d.closed, n)
		}
	}
	slices.SortFunc(d.closed, byStart)
	slices.SortFunc(d.open, byStart)
	return d, nil
}

func byStart(a, b volume.Name) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Duration, b.Duration), cmp.Compare(a.Bytes, b.Bytes))
}
