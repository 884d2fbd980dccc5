// Package disk says what a disk is, how it is, and how long it will last: by
// what the kernel knows of it, and by what the disk itself answers. It has no
// policy; "unknown" is an answer, and "healthy" is none that is guessed.
//
// Linux alone is supported; elsewhere everything is unknown.
package disk

import (
	"errors"
	"fmt"
)

// Kinds of disks.
const (
	SD      = "sd"   // a plain card: tells nothing about its wear
	EMMC    = "emmc" // soldered flash
	NVMe    = "nvme"
	SCSI    = "scsi" // SATA, SAS and USB, which the kernel speaks to alike
	Virtual = "virtual"
	Unknown = "unknown"
)

// Info is what the kernel says of a whole disk. What it does not say is empty.
type Info struct {
	Name       string // of the kernel: nvme0n1
	Kind       string // SD and so on
	Model      string
	Serial     string
	Bytes      int64 // size
	Rotational bool
	Removable  bool
	ReadOnly   bool
	Discard    int64 // bytes: granularity of discards, 0 = it has none
	EraseBlock int64 // bytes: preferred erase size of a card, 0 = not said
}

// Status says how a disk is.
type Status string

// The states of a disk, by what it says itself.
const (
	StatusUnknown Status = "unknown"
	Good          Status = "good"
	Worn          Status = "worn"    // past nine tenths of its rated life, or few spare blocks are left
	Failing       Status = "failing" // it says that it will fail, or did
)

// Health is what a disk says of itself. Pointers are nil where it does not.
type Health struct {
	Status       Status
	Reason       string // why it is not good, in words for people
	UsedPercent  *int   // of the rated life, 0 to 255: more than 100 is borrowed time
	SparePercent *int   // spare blocks that are left
	Written      *int64 // bytes, in all its life
	Temperature  *int   // °C
}

// ErrNoTrim is returned where file system or disk cannot be told what is free.
var ErrNoTrim = fmt.Errorf("the disk takes no discards: %w", errors.ErrUnsupported)

// unknown is a Health that says why nothing is known.
func unknown(format string, a ...any) Health {
	return Health{Status: StatusUnknown, Reason: fmt.Sprintf(format, a...)}
}

// worn is from how much of the rated life on a disk is called worn, in percent.
const worn = 90

// judge sets the status by use and spare, where nothing worse is known.
func (h *Health) judge() {
	switch {
	case h.Status == Failing:
	case h.UsedPercent != nil && *h.UsedPercent >= worn:
		h.Status, h.Reason = Worn, fmt.Sprintf("%d %% of its rated life is used", *h.UsedPercent)
	case h.SparePercent != nil && *h.SparePercent <= 10:
		h.Status, h.Reason = Worn, fmt.Sprintf("%d %% of its spare blocks are left", *h.SparePercent)
	default:
		h.Status = Good
	}
}

// Life is how long a disk will last.
type Life struct {
	Years float64
	// Estimated says that the endurance is what disks of that kind usually have:
	// this one does not tell its own.
	Estimated bool
}

// rated returns how often the whole disk may be written, as usual for its kind where the disk itself
// does not tell: 113 TB of a high-endurance card of 128 GB, 360 TB of a SATA SSD of 1 TB.
// eMMC of boards is mostly rated like good cards.
func rated(kind string) float64 {
	switch kind {
	case SD, EMMC:
		return 880
	case NVMe, SCSI:
		return 360
	}
	return 0
}

const year = 365.25 * 24 * 3600 // seconds

// LifeLeft returns how long the disk lasts at that many bytes a second, false
// where writing does not wear it (a hard disk), it is no disk, or nothing is
// written. It needs no more than a kind and a size.
func LifeLeft(i Info, h Health, bytesPerSecond float64) (Life, bool) {
	drives := rated(i.Kind)
	if bytesPerSecond <= 0 || i.Rotational || drives == 0 || i.Bytes <= 0 {
		return Life{}, false
	}
	used := 0.0
	if h.UsedPercent != nil {
		used = float64(*h.UsedPercent) / 100
		// Below a few percent the steps are too coarse to go by.
		if h.Written != nil && *h.UsedPercent >= 3 {
			left := float64(*h.Written)/used - float64(*h.Written)
			return Life{Years: max(left, 0) / bytesPerSecond / year}, true
		}
	}
	left := float64(i.Bytes) * drives * max(1-used, 0)
	return Life{Years: left / bytesPerSecond / year, Estimated: true}, true
}
