package blocklog

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// Disk is what a disk holds durably at one moment of its log. It only moves
// forward. It is not for concurrent use; several may share a log.
type Disk struct {
	log     io.ReaderAt
	entries []Entry
	at      int // entries before it are in image
	image   []byte
	used    []bool // by chunk: whether it may hold anything but zeros
}

// chunk is the granularity in bytes at which Disk knows of zeros.
const chunk = 64 << 10

// NewDisk returns the disk before the first entry. image is its content then,
// and belongs to the Disk.
func NewDisk(log io.ReaderAt, entries []Entry, image []byte) *Disk {
	d := &Disk{log: log, entries: entries, image: image, used: make([]bool, (len(image)+chunk-1)/chunk)}
	for i := range d.used {
		for _, b := range image[i*chunk : min((i+1)*chunk, len(image))] {
			if b != 0 {
				d.used[i] = true
				break
			}
		}
	}
	return d
}

// Advance applies every entry before n; n must not be smaller than before.
func (d *Disk) Advance(n int) error {
	for ; d.at < n; d.at++ {
		e := d.entries[d.at]
		if e.Length == 0 || e.Offset >= int64(len(d.image)) {
			continue
		}
		part := d.image[e.Offset:min(e.Offset+e.Length, int64(len(d.image)))]
		if e.Discard {
			continue // what was discarded may read as before
		}
		if _, err := d.log.ReadAt(part, e.Data); err != nil {
			return fmt.Errorf("read data of entry %d: %w", d.at, err)
		}
		for c := e.Offset / chunk; c*chunk < e.Offset+int64(len(part)); c++ {
			d.used[c] = true
		}
	}
	return nil
}

// WriteTo writes the disk, without its zeros, to f, which must be empty.
func (d *Disk) WriteTo(f io.WriterAt) error {
	for i, used := range d.used {
		if !used {
			continue
		}
		if _, err := f.WriteAt(d.image[i*chunk:min((i+1)*chunk, len(d.image))], int64(i*chunk)); err != nil {
			return fmt.Errorf("write image: %w", err)
		}
	}
	return nil
}

// Chance says what of the writes that were not durable a disk keeps.
type Chance struct {
	Keep float64 // probability that a write reached the medium
	Tear float64 // probability that of one that did only some sectors are there
}

// Scatter writes to f, on top of the disk, a random choice of the writes from
// entry on to entry end, each of which may be torn. Every sector ends up with
// what some write since the disk's moment put there, or with what it had
// before: that is also all that reordering can do. Writes beyond size are left
// out. It returns how many were kept and torn.
func (d *Disk) Scatter(f io.WriterAt, end int, size int64, c Chance, rng *rand.Rand) (kept, torn int, err error) {
	for i := d.at; i < end; i++ {
		e := d.entries[i]
		if !e.Write() || e.Offset+e.Length > size || !e.Durable && rng.Float64() >= c.Keep {
			continue
		}
		data := make([]byte, e.Length)
		if _, err := d.log.ReadAt(data, e.Data); err != nil {
			return kept, torn, fmt.Errorf("read data of entry %d: %w", i, err)
		}
		kept++
		runs := [][2]int64{{0, e.Length}}
		if !e.Durable && e.Length > Sector && rng.Float64() < c.Tear {
			runs = tear(e.Length/Sector, rng)
			torn++
		}
		for _, r := range runs {
			if _, err := f.WriteAt(data[r[0]:r[1]], e.Offset+r[0]); err != nil {
				return kept, torn, fmt.Errorf("write image: %w", err)
			}
		}
	}
	return kept, torn, nil
}

// tear chooses which of n sectors are there: the first ones, the last ones, or
// any. It returns them as ranges of bytes.
func tear(n int64, rng *rand.Rand) [][2]int64 {
	cut := 1 + rng.Int64N(n-1)
	switch rng.IntN(3) {
	case 0:
		return [][2]int64{{0, cut * Sector}}
	case 1:
		return [][2]int64{{cut * Sector, n * Sector}}
	}
	var runs [][2]int64
	for i := range n {
		if rng.IntN(2) == 0 {
			runs = append(runs, [2]int64{i * Sector, (i + 1) * Sector})
		}
	}
	return runs
}
