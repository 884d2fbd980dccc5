package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// Numbers of the UEFI Specification 2.10, 5.3.
const (
	gptEntries    = 128 // at least 16 KiB of entries must be kept free
	gptEntryBytes = 128
	gptHeader     = 92 // bytes, without the rest of its sector
	gptName       = "vedette footage"
	leastAlign    = 4 << 20
	mostAlign     = 64 << 20 // more is no erase block, but a driver's mistake
)

// guid is in the order of the bytes on the disk: the first three groups of the
// text are little-endian (UEFI 2.10, appendix A).
type guid [16]byte

// table is a GPT of one partition. Sectors are the disk's logical ones.
type table struct {
	sector      int64 // bytes
	sectors     int64 // of the disk
	first, last int64 // sectors of the partition, both in it
	disk, part  guid
}

// alignment returns on what the partition begins, in bytes: whole erase blocks
// of the disk, at least 4 MiB of them.
func alignment(eraseBlock, sector int64) int64 {
	if eraseBlock <= 0 || eraseBlock > mostAlign || eraseBlock%sector != 0 {
		return leastAlign
	}
	return (leastAlign + eraseBlock - 1) / eraseBlock * eraseBlock
}

// newTable lays out a disk of that many bytes. It returns an error where no
// whole aligned block is left for the partition, or the sectors are odd.
func newTable(bytes, sector, align int64, disk, part guid) (table, error) {
	if sector < 512 || sector > leastAlign || sector&(sector-1) != 0 {
		return table{}, fmt.Errorf("sectors of %d bytes", sector)
	}
	t := table{sector: sector, sectors: bytes / sector, disk: disk, part: part}
	a := align / sector
	t.first = (t.firstUsable() + a - 1) / a * a
	t.last = (t.lastUsable()+1)/a*a - 1
	if t.last < t.first {
		return table{}, fmt.Errorf("%d bytes are too few for a partition", bytes)
	}
	return t, nil
}

// entrySectors is how many sectors the entries take.
func (t table) entrySectors() int64 {
	return (gptEntries*gptEntryBytes + t.sector - 1) / t.sector
}

func (t table) firstUsable() int64 { return 2 + t.entrySectors() }
func (t table) lastUsable() int64  { return t.sectors - 2 - t.entrySectors() }

// head returns what stands at the begin of the disk: the protective MBR, the
// header, the entries.
func (t table) head() []byte {
	b := make([]byte, t.firstUsable()*t.sector)
	copy(b, t.protectiveMBR())
	copy(b[t.sector:], t.header(1, t.sectors-1, 2))
	copy(b[2*t.sector:], t.entries())
	return b
}

// tail returns what stands at the end of the disk, and the byte it begins at: the
// entries, the other header.
func (t table) tail() ([]byte, int64) {
	b := make([]byte, (t.entrySectors()+1)*t.sector)
	copy(b, t.entries())
	copy(b[t.entrySectors()*t.sector:], t.header(t.sectors-1, 1, t.lastUsable()+1))
	return b, (t.lastUsable() + 1) * t.sector
}

// protectiveMBR tells what knows no GPT that the disk is not empty (5.2.3).
func (t table) protectiveMBR() []byte {
	b := make([]byte, 512)
	p := b[446:]
	copy(p[1:], []byte{0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(p[8:], 1)
	binary.LittleEndian.PutUint32(p[12:], uint32(min(t.sectors-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// header returns the header in the sector at, which names the one in the sector
// other (5.3.2).
func (t table) header(at, other, entries int64) []byte {
	b := make([]byte, gptHeader)
	copy(b, "EFI PART")
	binary.LittleEndian.PutUint32(b[8:], 0x00010000)
	binary.LittleEndian.PutUint32(b[12:], gptHeader)
	binary.LittleEndian.PutUint64(b[24:], uint64(at))
	binary.LittleEndian.PutUint64(b[32:], uint64(other))
	binary.LittleEndian.PutUint64(b[40:], uint64(t.firstUsable()))
	binary.LittleEndian.PutUint64(b[48:], uint64(t.lastUsable()))
	copy(b[56:], t.disk[:])
	binary.LittleEndian.PutUint64(b[72:], uint64(entries))
	binary.LittleEndian.PutUint32(b[80:], gptEntries)
	binary.LittleEndian.PutUint32(b[84:], gptEntryBytes)
	binary.LittleEndian.PutUint32(b[88:], crc32.ChecksumIEEE(t.entries()))
	binary.LittleEndian.PutUint32(b[16:], crc32.ChecksumIEEE(b)) // with zeros for itself
	return b
}

// entries returns the array of entries, of which the first is used (5.3.3).
func (t table) entries() []byte {
	b := make([]byte, gptEntries*gptEntryBytes)
	// The type 0FC63DAF-8483-4772-8E79-3D69D8477DE4: a Linux file system.
	copy(b, []byte{0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4})
	copy(b[16:], t.part[:])
	binary.LittleEndian.PutUint64(b[32:], uint64(t.first))
	binary.LittleEndian.PutUint64(b[40:], uint64(t.last))
	for i, c := range utf16.Encode([]rune(gptName)) {
		binary.LittleEndian.PutUint16(b[56+2*i:], c)
	}
	return b
}
