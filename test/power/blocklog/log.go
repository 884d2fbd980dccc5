// Package blocklog reads the log that QEMU's blklogwrites filter keeps of a
// disk (the format of the kernel's dm-log-writes), and makes of it the disks
// that a power cut could have left: everything up to a flush, and of what came
// after it any part, in any order, torn at any sector. It knows nothing about
// what is on the disk.
package blocklog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sector is the unit that a disk writes whole, in bytes.
const Sector = 512

// ErrFormat is returned for a file that is not such a log.
var ErrFormat = errors.New("not a log of writes")

const (
	superMagic   = 0x6a736677736872
	superVersion = 1
	superSize    = 28
	entrySize    = 32
)

// Flags of an entry on disk.
const (
	flagFlush = 1 << iota
	flagFUA
	flagDiscard
	flagMark
	flagMetadata
	flagsKnown = 1<<iota - 1
)

// Entry is one request that the disk had completed when it was logged.
type Entry struct {
	Flush   bool  // everything before it is durable
	Durable bool  // a write that was durable itself when it completed (FUA)
	Discard bool  // Length bytes from Offset on hold nothing any more
	Offset  int64 // in the disk, bytes
	Length  int64 // bytes; 0 for a flush alone
	Data    int64 // where in the log the bytes of a write are
}

// Write reports whether e carries data.
func (e Entry) Write() bool { return e.Length > 0 && !e.Discard }

// Read returns the entries of the log r of size bytes, for a disk of disk
// bytes. The count in the header is not believed, because it is stale after
// the machine was killed: the log is walked to its end, and an entry that is
// not whole there ends it. An entry that cannot be is ErrFormat.
func Read(r io.ReaderAt, size, disk int64) ([]Entry, error) {
	unit, err := readSuper(r)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	head := make([]byte, entrySize)
	for at := unit; at+entrySize <= size; {
		if _, err := r.ReadAt(head, at); err != nil {
			return nil, fmt.Errorf("read log at %d: %w", at, err)
		}
		e, end, err := parseEntry(head, unit, disk)
		if err != nil {
			return nil, fmt.Errorf("entry %d at byte %d: %w", len(entries), at, err)
		}
		if end {
			break
		}
		e.Data = at + unit
		at += unit
		if e.Write() {
			at += (e.Length + unit - 1) / unit * unit
			if e.Data+e.Length > size {
				break
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// readSuper returns the unit of the log in bytes.
func readSuper(r io.ReaderAt) (int64, error) {
	b := make([]byte, superSize)
	if _, err := r.ReadAt(b, 0); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	magic, version := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	unit := int64(binary.LittleEndian.Uint32(b[24:]))
	switch {
	case magic != superMagic:
		return 0, ErrFormat
	case version != superVersion:
		return 0, fmt.Errorf("%w: version %d", ErrFormat, version)
	case unit < Sector || unit > 1<<20 || unit&(unit-1) != 0:
		return 0, fmt.Errorf("%w: sectors of %d bytes", ErrFormat, unit)
	}
	return unit, nil
}

// parseEntry reads the head of an entry. end is true for the zeros behind the
// last one.
func parseEntry(b []byte, unit, disk int64) (e Entry, end bool, err error) {
	sector, count := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	flags := binary.LittleEndian.Uint64(b[16:])
	switch {
	case sector|count|flags == 0:
		return e, true, nil
	case flags&^flagsKnown != 0:
		return e, false, fmt.Errorf("%w: flags %#x", ErrFormat, flags)
	case sector > uint64(disk/unit) || count > uint64(disk/unit)-sector:
		return e, false, fmt.Errorf("%w: sectors %d+%d lie beyond the disk", ErrFormat, sector, count)
	}
	return Entry{
		Flush: flags&flagFlush != 0, Durable: flags&flagFUA != 0, Discard: flags&flagDiscard != 0,
		Offset: int64(sector) * unit, Length: int64(count) * unit,
	}, false, nil
}
