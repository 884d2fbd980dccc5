package recovery

import (
	"errors"
	"fmt"
	"io"
	"math"

	"vedette/recorder/fmp4"
	"vedette/recorder/index"
	"vedette/recorder/volume"
)

// predecessor returns the closed segment that n goes on from: the one before
// it in its run, as far as names tell.
func predecessor(fsys volume.FS, n volume.Name) (before volume.Name, found bool) {
	for _, start := range []int64{n.Start, n.Start - dayMillis} {
		d, err := list(fsys, n.Camera, dateOf(start))
		if err != nil {
			continue // no such day
		}
		for _, c := range d.closed {
			if continues(c, n) {
				return c, true
			}
		}
	}
	return volume.Name{}, false
}

// errNoHeader says why the header of a file cannot be told from its neighbour.
type errNoHeader string

func (e errNoHeader) Error() string { return string(e) }

// inferHeader returns the header that the file of n must have had, whose own
// cannot be read: that of the segment before it in the run, with what tells the
// place of this one. It proves it by the parts: the first of them lies where
// that header ends, begins where the segment before ends, and its samples fit
// the tracks. It returns an errNoHeader if that does not hold, and changes
// nothing.
func inferHeader(fsys volume.FS, r io.ReaderAt, n volume.Name, size int64) (head []byte, err error) {
	before, found := predecessor(fsys, n)
	if !found {
		return nil, errNoHeader("no segment before it is of the same run")
	}
	h, ends, err := lastOf(fsys, before)
	if err != nil {
		return nil, errNoHeader(fmt.Sprintf("nor can that of the segment before it: %v", err))
	}
	lead := &h.Tracks[fmp4.Lead(h.Tracks)]
	due := h.Start + lead.Duration(ends).Microseconds() // of the next segment
	h.Seq, h.Gap, h.FirstDTS = n.Seq, 0, h.FirstDTS+ends
	if head, err = fmp4.AppendInit(nil, h); err != nil {
		return nil, errNoHeader(err.Error())
	}
	var first *fmp4.PartInfo
	_, err = fmp4.Scan(r, int64(len(head)), size, true, func(p fmp4.PartInfo) bool { first = &p; return false })
	switch {
	case err != nil:
		return nil, err
	case first == nil:
		return nil, errNoHeader("no whole part lies where the header would end")
	case first.Wall < due-abutLimit*1000 || first.Wall > due+abutLimit*1000:
		return nil, errNoHeader("its first picture is not where the segment before it ends")
	}
	if _, err := fmp4.ReadSamples(r, *first, h, nil); err != nil {
		return nil, errNoHeader(fmt.Sprintf("its samples do not fit the segment before it: %v", err))
	}
	h.Mono += first.Wall - h.Start
	h.Start = first.Wall
	return fmp4.AppendInit(head[:0], h)
}

// lastOf returns the header of a closed segment, and where its last part ends,
// in ticks of the lead track.
func lastOf(fsys volume.FS, n volume.Name) (h *fmp4.Header, ends int64, err error) {
	f, err := fsys.Open(n.Path())
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	h, init, err := fmp4.ReadHeader(f, n.Bytes)
	if err != nil {
		return nil, 0, err
	}
	_, err = fmp4.Scan(f, init, n.Bytes, false, func(p fmp4.PartInfo) bool { ends = p.DTS + p.Duration; return true })
	if err == nil && ends == 0 {
		err = errors.New("it has no parts")
	}
	return h, ends, err
}

// unreadable reports whether err says that a header is damaged, and not that
// it is of another version or could not be read.
func unreadable(err error) bool {
	return errors.Is(err, fmp4.ErrTorn) || errors.Is(err, fmp4.ErrNotSegment)
}

// giveHeader writes the header that the file of n has lost. It returns an
// errNoHeader if nothing tells what it was. A power cut leaves it damaged
// still, or done.
func giveHeader(fsys volume.FS, h volume.Handle, n volume.Name) error {
	size, err := h.Size()
	if err != nil {
		return err
	}
	head, err := inferHeader(fsys, h, n, size)
	if err != nil {
		return err
	}
	if _, err := h.WriteVAt([][]byte{head}, 0); err != nil {
		return err
	}
	return h.Sync()
}

// complete adds to row what the header of its file says, as long as there are
// not too many to read.
func (s *starter) complete(row *index.Row, n volume.Name) {
	if s.headers == 0 {
		return
	}
	if s.headers > 0 {
		s.headers--
	}
	h, err := readHeader(s.fsys, n)
	if err != nil {
		s.report.problem("%s: %v", n.Path(), err)
		return
	}
	lead := &h.Tracks[fmp4.Lead(h.Tracks)]
	row.Codec, row.Width, row.Height = lead.Codec, clamp16(lead.Width), clamp16(lead.Height)
	row.Gap = h.Gap
	if h.Trusted || h.Start/1000 != n.Start { // else it was stamped again since
		row.Flags |= index.Trusted
	}
	for i := range h.Tracks {
		if !h.Tracks[i].Codec.IsVideo() {
			row.Flags |= index.Audio
		}
	}
}

func readHeader(fsys volume.FS, n volume.Name) (*fmp4.Header, error) {
	return headerAt(fsys, n.Path())
}

func headerAt(fsys volume.FS, path string) (*fmp4.Header, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	h, _, err := fmp4.ReadHeader(f, size)
	return h, errors.Join(err, f.Close())
}

func clamp16(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }
