package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"vedette/recorder/fmp4"
	"vedette/recorder/volume"
)

// salvaged is what became of an open segment.
type salvaged struct {
	name   volume.Name  // the closed segment, if header is not nil
	header *fmp4.Header // nil if there is no closed segment
	lost   int64        // bytes of the torn tail
	empty  bool         // held no footage, and was removed
	where  string       // in quarantine

	reheaded bool // its header was told from the segment before it
}

// abutLimit is how far the end of a salvaged segment may lie from the start
// of its successor to be taken for the same moment.
const abutLimit = 1000 // ms

// salvage turns an open segment into a closed one that holds every whole
// part. A damaged header is told from the segment before it, where that can be
// proved. next is the segment after it by start, if there is one: where it goes
// on with the same run, the salvaged one ends where it begins.
//
// Order on disk: the torn tail is cut and the file synced; it is renamed to
// what it holds, or removed if that is nothing; the directory is synced. After
// a power cut before the rename the file is an open segment still, and
// salvaging it again comes to the same end.
func salvage(fsys volume.FS, n volume.Name, next *volume.Name, now time.Time) (salvaged, error) {
	h, err := fsys.Modify(n.Path())
	if err != nil {
		return salvaged{}, fmt.Errorf("salvage %s: %w", n.Path(), err)
	}
	s, verdict, err := examine(h, n, next)
	if err == nil && verdict == headless {
		s, verdict, err = reheaded(fsys, h, n, next)
	}
	if err == nil && verdict == whole {
		err = cutTail(h, s.name.Bytes)
	}
	if err = errors.Join(err, h.Close()); err != nil {
		return salvaged{}, fmt.Errorf("salvage %s: %w", n.Path(), err)
	}
	switch verdict {
	case whole:
		err = move(fsys, n.Path(), s.name.Path())
		if errors.Is(err, fs.ErrExist) {
			s = salvaged{}
			s.where, err = quarantine(fsys, n.Path(), "a closed segment of the same name exists already", now)
		}
	case empty:
		s = salvaged{empty: true}
		if err = fsys.Remove(n.Path()); err == nil {
			err = fsys.SyncDir(path.Dir(n.Path()))
		}
	default:
		s = salvaged{}
		s.where, err = quarantine(fsys, n.Path(), string(verdict), now)
	}
	if err != nil {
		return salvaged{}, fmt.Errorf("salvage %s: %w", n.Path(), err)
	}
	return s, nil
}

// verdict is what is to be done with a file: whole or empty, else the reason
// why nobody can tell.
type verdict string

const (
	whole    verdict = "whole"
	empty    verdict = "empty"
	headless verdict = "its header cannot be read" // by itself
)

// reheaded examines an open segment without a header after giving it one, if
// anything tells what that was.
func reheaded(fsys volume.FS, h volume.Handle, n volume.Name, next *volume.Name) (s salvaged, v verdict, err error) {
	var why errNoHeader
	err = giveHeader(fsys, h, n)
	if errors.As(err, &why) {
		return s, headless + verdict(": "+why), nil
	}
	if err != nil {
		return s, "", err
	}
	s, v, err = examine(h, n, next)
	s.reheaded = true
	return s, v, err
}

// examine reads an open segment. It changes nothing.
func examine(h volume.Handle, n volume.Name, next *volume.Name) (s salvaged, v verdict, err error) {
	size, err := h.Size()
	if err != nil {
		return s, "", err
	}
	header, init, err := fmp4.ReadHeader(h, size)
	switch {
	case errors.Is(err, fmp4.ErrTorn) && tooShort(h, size):
		return s, empty, nil
	case unreadable(err):
		return s, headless, nil
	case errors.Is(err, fmp4.ErrVersion):
		return s, headless + verdict(": "+err.Error()), nil
	case err != nil:
		return s, "", err
	case header.Camera != n.Camera:
		return s, "its header names another camera", nil
	}
	var last fmp4.PartInfo
	good, err := fmp4.Scan(h, init, size, true, func(p fmp4.PartInfo) bool { last = p; return true })
	switch {
	case err != nil:
		return s, "", err
	case good == init && size == init:
		return s, empty, nil
	case good == init:
		return s, "no part of it is whole", nil
	}
	n.Open, n.Bytes, n.Duration = false, good, max(partEnd(header, last, n)-n.Start, 1)
	if next != nil && continues(n, *next) {
		n.Duration = next.Start - n.Start
	}
	if err := n.Check(); err != nil {
		return s, "its last part ends at no possible time", nil
	}
	return salvaged{name: n, header: header, lost: size - good}, whole, nil
}

// shortest is less than any header takes, in bytes.
const shortest = 64

// tooShort reports whether a file with a torn header can hold no footage: it
// ends before the header does, or is nothing but zeros that the file system
// allocated, and there is no trace of a part in it, in case it is the size in
// the header that is torn.
func tooShort(h volume.Handle, size int64) bool {
	if size > maxZeros {
		return false
	}
	buf := make([]byte, size)
	if n, err := h.ReadAt(buf, 0); int64(n) < size || err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if bytes.Contains(buf, []byte("moof")) {
		return false
	}
	return size < shortest || announced(buf) > size || len(bytes.Trim(buf, "\x00")) == 0
}

// maxZeros bounds what is read to prove a file empty, in bytes.
const maxZeros = 1 << 20

// announced returns where ftyp and moov at the beginning of buf say that they
// end, 0 if they are not there.
func announced(buf []byte) (end int64) {
	for _, want := range [...]string{"ftyp", "moov"} {
		if end+8 > int64(len(buf)) || string(buf[end+4:end+8]) != want {
			return 0
		}
		b := buf[end:]
		end += int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
	}
	return end
}

// partEnd returns the UTC ms at which a part ends of the segment n. The name
// says when the segment begins, and may have been stamped again since.
func partEnd(h *fmp4.Header, p fmp4.PartInfo, n volume.Name) int64 {
	lead := h.Tracks[fmp4.Lead(h.Tracks)]
	return (p.Wall+lead.Duration(p.Duration).Microseconds())/1000 + n.Start - h.Start/1000
}

// continues reports whether next goes on where n ends, in the same run.
func continues(n, next volume.Name) bool {
	d := next.Start - n.End()
	return next.Seq == n.Seq+1 && next.Start > n.Start && d > -abutLimit && d < abutLimit
}

// cutTail makes size the durable end of the file.
func cutTail(h volume.Handle, size int64) error {
	if err := h.Truncate(size); err != nil {
		return fmt.Errorf("truncate: %w", err)
	}
	return h.Sync()
}

// move renames a file within its directory and makes that last.
func move(fsys volume.FS, from, to string) error {
	if err := fsys.Rename(from, to); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(to))
}
