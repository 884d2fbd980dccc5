package sweep

import (
	"time"

	"vedette/recorder/volume"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// Limits are the marks of free space, in bytes. In Options and SetLimits a
// zero means the default.
type Limits struct {
	Floor   int64 // sweep when less is free
	High    int64 // sweep until this much is free; above Floor
	Reserve int64 // stop recording when less is free; below Floor
}

// Figures are what the default limits are made of.
type Figures struct {
	Total      int64  // size of the file system in bytes
	Medium     string // volume.SSD, HDD, SD, EMMC or Unknown
	EraseBlock int64  // bytes; 0 if not known, then 4 MiB
	Rate       int64  // bytes written in a second, measured; 0 if not known
}

// Defaults returns the limits for a disk.
//
// The floor is the largest of 2 GiB, 5 % of the disk (10 % on SD and eMMC,
// which need free blocks to last), and 15 minutes of writing. So that a small
// disk is not all floor, 2 GiB are capped at an eighth of the disk, and the
// 15 minutes at a quarter. The high mark is above the floor by the larger of
// 4 erase blocks and 2 minutes of writing, at most a sixteenth of the disk.
// The reserve is the larger of 64 MiB and 0.5 %, at most a 32nd of the disk.
// So Reserve < Floor < High < a third of the disk holds for every disk of
// 1 KiB or more.
func Defaults(f Figures) Limits {
	share := f.Total / 20
	if f.Medium == volume.SD || f.Medium == volume.EMMC {
		share = f.Total / 10
	}
	floor := max(
		min(2*gib, f.Total/8),
		share,
		min(bytesIn(f.Rate, 15*time.Minute), f.Total/4),
	)
	return Limits{
		Floor:   floor,
		High:    floor + f.margin(),
		Reserve: min(max(64*mib, f.Total/200), f.Total/32),
	}
}

// margin is how far the high mark lies above the floor.
func (f Figures) margin() int64 {
	block := f.EraseBlock
	if block <= 0 {
		block = 4 * mib
	}
	return min(max(4*block, bytesIn(f.Rate, 2*time.Minute)), f.Total/16)
}

// bytesIn returns what rate amounts to in d, without overflow for any rate a
// disk can have.
func bytesIn(rate int64, d time.Duration) int64 {
	return min(max(rate, 0), 1<<40) * int64(d/time.Second)
}

// effective fills the zeros of set with defaults and keeps the marks in
// order: a high mark that is not above the floor is moved up by the usual
// margin, one beyond the disk would cost all footage and comes down to the
// middle between floor and disk, a reserve above the floor comes down to it.
func effective(set Limits, f Figures) Limits {
	def := Defaults(f)
	l := def
	if set.Floor > 0 {
		l.Floor, l.High = set.Floor, set.Floor+f.margin()
	}
	if set.High > l.Floor {
		l.High = set.High
	}
	if set.Reserve > 0 {
		l.Reserve = set.Reserve
	}
	if l.Floor < f.Total {
		l.High = min(l.High, l.Floor+(f.Total-l.Floor)/2)
	}
	l.Reserve = min(l.Reserve, l.Floor)
	return l
}
