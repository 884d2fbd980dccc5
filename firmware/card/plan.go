package card

import "fmt"

// Sizes of docs/format/card.md, in bytes.
const (
	spareBytes = 256 << 20
	leastSlack = 64 << 20 // less free room behind vedette-data is not worth a change
	alignBytes = 4 << 20  // what partitions begin on: erase blocks of cards
)

// growth is what happens to vedette-data; the zero value is nothing.
type growth struct {
	from, to int64 // bytes
	spare    int64 // bytes of the new vedette-spare; 0 = none
}

// plan returns the table with vedette-data grown to the end of the disk, and a
// vedette-spare behind it if that leaves vedette-data at least as large; the second
// copy of the table then lies at the end of the disk. guid is the new partition's.
//
// With a spare, or less than 64 MiB to be had, it returns t and the zero growth. An
// error says why vedette-data cannot grow; then nothing should be touched.
func plan(t table, guid [16]byte) (table, growth, error) {
	all := t.named(Data)
	if len(all) != 1 {
		return t, growth{}, fmt.Errorf("%d partitions are named %s", len(all), Data)
	}
	if len(t.named(Spare)) > 0 {
		return t, growth{}, nil
	}
	data, align := all[0], max(alignBytes/t.sector, 1)
	if data.first < 0 || data.last < data.first {
		return t, growth{}, fmt.Errorf("%s is at sectors %d to %d", Data, data.first, data.last)
	}
	end := t.sectors - 1 - t.entrySectors() // the first sector that is the second copy's
	if (end-data.last-1)*t.sector < leastSlack {
		return t, growth{}, nil
	}
	for _, e := range t.used() {
		if e.number != data.number && e.last >= data.first {
			return t, growth{}, fmt.Errorf("%s cannot grow: partition %d lies behind it", Data, e.number)
		}
	}
	end = end / align * align
	grown, free := t.clone(), t.free()
	g := growth{from: (data.last - data.first + 1) * t.sector}
	if from := (end - spareBytes/t.sector) / align * align; free > 0 && (from-data.first)*t.sector >= spareBytes {
		grown.add(free, guid, Spare, from, from+spareBytes/t.sector-1)
		g.spare, end = spareBytes, from
	}
	g.to = (end - data.first) * t.sector
	little.PutUint64(grown.raw(data.number)[entryLast:], uint64(end-1))
	grown.put(headerOther, t.sectors-1)
	grown.put(headerLast, t.sectors-2-t.entrySectors())
	if err := grown.room(); err != nil {
		return t, growth{}, err
	}
	return grown, g, nil
}

// free returns the number of the first entry behind all that are used, 0 if there is
// none.
func (t table) free() int {
	n := 1
	for _, e := range t.used() {
		n = e.number + 1
	}
	if n > len(t.entries)/t.entrySize() {
		return 0
	}
	return n
}

// add makes a partition.
func (t table) add(n int, guid [16]byte, name string, first, last int64) {
	b := t.raw(n)
	clear(b)
	copy(b, linuxType())
	copy(b[entryGUID:], guid[:])
	little.PutUint64(b[entryFirst:], uint64(first))
	little.PutUint64(b[entryLast:], uint64(last))
	encodeName(b[entryName:entryNameEnd], name)
}

// swapped returns the table with vedette-data and vedette-spare having changed
// names, the spare marked as one that holds something. Both must be there.
func (t table) swapped() table {
	data, spare := t.named(Data)[0].number, t.named(Spare)[0].number
	s := t.clone()
	encodeName(s.raw(data)[entryName:entryNameEnd], Spare)
	encodeName(s.raw(spare)[entryName:entryNameEnd], Data)
	s.setFlags(data, t.flags(data)|kept)
	s.setFlags(spare, t.flags(spare)&^kept)
	return s
}

// emptied returns the table with vedette-spare, which must be there, marked as one
// that holds nothing.
func (t table) emptied() table {
	n, s := t.named(Spare)[0].number, t.clone()
	s.setFlags(n, t.flags(n)&^kept)
	return s
}
