package card

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// Numbers of the UEFI Specification 2.10, 5.3, and where things are in a header and
// an entry. Whatever is not named here is kept as it was found.
const (
	gptSignature    = "EFI PART"
	leastHeader     = 92
	leastEntry      = 128
	mostEntryBytes  = 256 << 10 // 16 KiB are usual
	headerSize      = 12
	headerCRC       = 16
	headerAt        = 24
	headerOther     = 32
	headerFirst     = 40 // first sector that partitions may use
	headerLast      = 48
	headerEntries   = 72
	headerCount     = 80
	headerEntrySize = 84
	headerEntryCRC  = 88
	entryGUID       = 16
	entryFirst      = 32
	entryLast       = 40
	entryFlags      = 48
	entryName       = 56
	entryNameEnd    = 128
)

// kept is the flag of a vedette-spare that holds what was vedette-data: bit 48, the
// first of those that are the partition type's.
const kept = 1 << 48

var little = binary.LittleEndian

// linuxType is 0FC63DAF-8483-4772-8E79-3D69D8477DE4 as it stands on the disk.
func linuxType() []byte {
	return []byte{0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}
}

// table is a GPT as its first copy has it. Sectors are the disk's logical ones.
type table struct {
	sector  int64 // bytes
	sectors int64 // of the disk
	header  []byte
	entries []byte
	sound   bool // both copies are there and agree
	lost    bool // the first header is not there, so where it had its entries is not known
}

// entry is a partition in a table.
type entry struct {
	number      int // from 1
	name, guid  string
	first, last int64 // sectors, both in it
	flags       uint64
}

// readTable reads the GPT of a disk of that many sectors: the first copy, else the
// second.
func readTable(r io.ReaderAt, sectors, sector int64) (table, error) {
	t := table{sector: sector, sectors: sectors}
	header, entries, err := t.readCopy(r, 1)
	if err == nil {
		t.header, t.entries = header, entries
		_, second, failed := t.readCopy(r, t.u64(headerOther))
		t.sound = failed == nil && bytes.Equal(second, entries)
		return t, nil
	}
	// header is there if its entries alone are damaged: then it tells where the other is.
	places := []int64{sectors - 1}
	if header != nil {
		places = []int64{int64(little.Uint64(header[headerOther:])), sectors - 1}
	}
	for _, at := range places {
		second, entries, failed := t.readCopy(r, at)
		if failed != nil {
			continue
		}
		t.header, t.entries, t.lost = second, entries, header == nil
		t.put(headerAt, 1)
		t.put(headerOther, at)
		t.put(headerEntries, 2)
		if header != nil {
			t.put(headerEntries, int64(little.Uint64(header[headerEntries:])))
		}
		return t, nil
	}
	return table{}, fmt.Errorf("no GPT: %w", err)
}

// readCopy reads and checks the copy whose header is in the sector at. With an
// error it returns the header if that at least is good.
func (t table) readCopy(r io.ReaderAt, at int64) (header, entries []byte, err error) {
	if at < 1 || at >= t.sectors {
		return nil, nil, fmt.Errorf("no sector %d", at)
	}
	b := make([]byte, t.sector)
	if _, err := r.ReadAt(b, at*t.sector); err != nil {
		return nil, nil, err
	}
	size := int64(little.Uint32(b[headerSize:]))
	switch {
	case string(b[:8]) != gptSignature:
		return nil, nil, errors.New("no signature")
	case size < leastHeader || size > t.sector:
		return nil, nil, fmt.Errorf("a header of %d bytes", size)
	case headerSum(b[:size]) != little.Uint32(b[headerCRC:]):
		return nil, nil, errors.New("the header's checksum is wrong")
	case int64(little.Uint64(b[headerAt:])) != at:
		return nil, nil, errors.New("the header is another place's")
	}
	header = b[:size]
	count, each := int64(little.Uint32(b[headerCount:])), int64(little.Uint32(b[headerEntrySize:]))
	from := int64(little.Uint64(b[headerEntries:]))
	if each < leastEntry || each > 4096 || each%8 != 0 || count < 1 || count > mostEntryBytes/each || from < 2 || from >= t.sectors {
		return nil, nil, fmt.Errorf("%d entries of %d bytes at %d", count, each, from)
	}
	entries = make([]byte, count*each)
	if _, err := r.ReadAt(entries, from*t.sector); err != nil {
		return header, nil, err
	}
	if crc32.ChecksumIEEE(entries) != little.Uint32(b[headerEntryCRC:]) {
		return header, nil, errors.New("the checksum of the entries is wrong")
	}
	return header, entries, nil
}

// headerSum is the checksum of a header, whose own field counts as zero.
func headerSum(header []byte) uint32 {
	b := bytes.Clone(header)
	little.PutUint32(b[headerCRC:], 0)
	return crc32.ChecksumIEEE(b)
}

func (t table) u64(field int) int64       { return int64(little.Uint64(t.header[field:])) }
func (t table) put(field int, n int64)    { little.PutUint64(t.header[field:], uint64(n)) }
func (t table) entrySize() int            { return int(little.Uint32(t.header[headerEntrySize:])) }
func (t table) raw(n int) []byte          { return t.entries[(n-1)*t.entrySize() : n*t.entrySize()] }
func (t table) entrySectors() int64       { return (int64(len(t.entries)) + t.sector - 1) / t.sector }
func (t table) isUsed(n int) bool         { return !bytes.Equal(t.raw(n)[:16], make([]byte, 16)) }
func (t table) flags(n int) uint64        { return little.Uint64(t.raw(n)[entryFlags:]) }
func (t table) setFlags(n int, of uint64) { little.PutUint64(t.raw(n)[entryFlags:], of) }

// clone returns a table that can be changed without the other.
func (t table) clone() table {
	t.header, t.entries = bytes.Clone(t.header), bytes.Clone(t.entries)
	return t
}

// used returns the partitions, by number.
func (t table) used() []entry {
	var all []entry
	for n := 1; n <= len(t.entries)/t.entrySize(); n++ {
		if !t.isUsed(n) {
			continue
		}
		b := t.raw(n)
		all = append(all, entry{
			number: n, name: decodeName(b[entryName:entryNameEnd]), guid: formatGUID(b[entryGUID:]),
			first: int64(little.Uint64(b[entryFirst:])), last: int64(little.Uint64(b[entryLast:])), flags: t.flags(n),
		})
	}
	return all
}

// named returns the partitions of that name.
func (t table) named(name string) []entry {
	return slices.DeleteFunc(t.used(), func(e entry) bool { return e.name != name })
}

func decodeName(b []byte) string {
	var units []uint16
	for ; len(b) >= 2 && little.Uint16(b) != 0; b = b[2:] {
		units = append(units, little.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func encodeName(b []byte, name string) {
	clear(b)
	for i, c := range utf16.Encode([]rune(name)) {
		little.PutUint16(b[2*i:], c)
	}
}

// formatGUID returns the text of a GUID, whose first three groups are little-endian
// (UEFI 2.10, appendix A).
func formatGUID(b []byte) string {
	return strings.ToUpper(fmt.Sprintf("%08x-%04x-%04x-%x-%x", little.Uint32(b), little.Uint16(b[4:]), little.Uint16(b[6:]), b[8:10], b[10:16]))
}

// tableFile is a disk that a table is written to; *os.File is one.
type tableFile interface {
	io.WriterAt
	Sync() error
}

// write makes both copies durable, one after the other: the second first, so that a
// power cut at any moment leaves one of them whole, the old or the new one. It
// returns an error, and writes nothing, if a copy would lie outside the disk or
// where partitions may be. The protective MBR is left as it is.
func (t table) write(w tableFile) error {
	if err := t.room(); err != nil {
		return err
	}
	n, second := t.entrySectors(), t.u64(headerOther)
	other := t.clone()
	other.put(headerAt, second)
	other.put(headerOther, 1)
	other.put(headerEntries, second-n)
	for _, c := range []table{other, t.clone()} {
		little.PutUint32(c.header[headerEntryCRC:], crc32.ChecksumIEEE(c.entries))
		little.PutUint32(c.header[headerCRC:], headerSum(c.header))
		if _, err := w.WriteAt(padded(c.entries, n*t.sector), c.u64(headerEntries)*t.sector); err != nil {
			return err
		}
		if _, err := w.WriteAt(padded(c.header, t.sector), c.u64(headerAt)*t.sector); err != nil {
			return err
		}
		if err := w.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// room says why the table cannot be written where it belongs.
func (t table) room() error {
	n, second := t.entrySectors(), t.u64(headerOther)
	first, last, own := t.u64(headerFirst), t.u64(headerLast), t.u64(headerEntries)
	switch {
	case second >= t.sectors || second-n <= last || last < first:
		return fmt.Errorf("partition table: no room for the second copy: sector %d of %d, partitions up to %d", second, t.sectors, last)
	case own < 2 || own+n > first || t.lost && first != 2+n:
		return fmt.Errorf("partition table: no room for the first copy: entries at sector %d, partitions from %d", own, first)
	}
	for _, e := range t.used() {
		if e.first < first || e.last > last || e.last < e.first {
			return fmt.Errorf("partition table: partition %d is at sectors %d to %d, not in %d to %d", e.number, e.first, e.last, first, last)
		}
	}
	return nil
}

func padded(b []byte, size int64) []byte {
	return append(bytes.Clone(b), make([]byte, size-int64(len(b)))...)
}
