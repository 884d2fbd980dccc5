package disk

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// parseEMMC reads life_time and pre_eol_info of a card's device directory:
// steps of ten percent for two kinds of cells, the worse of which counts, and
// how far the reserve is used (JEDEC JESD84-B51, 7.4.35 and 7.4.36; kernel
// document driver-api/mmc/mmc-dev-attrs).
func parseEMMC(lifeTime, preEOL string) Health {
	step := 0
	for _, f := range strings.Fields(lifeTime) {
		n, err := strconv.ParseUint(f, 0, 8)
		if err != nil {
			return unknown("life_time is %q", lifeTime)
		}
		step = max(step, int(n))
	}
	if step == 0 || step > 0x0b {
		return unknown("the card does not tell its wear")
	}
	used := step * 10 // 0x01: up to 10 %; 0x0b: its rated life is over
	h := Health{UsedPercent: &used}
	switch eol, err := strconv.ParseUint(strings.TrimSpace(preEOL), 0, 8); {
	case err == nil && eol >= 3:
		h.Status, h.Reason = Failing, "the card's reserve is used up"
	case err == nil && eol == 2:
		h.Status, h.Reason = Worn, "the card has used four fifths of its reserve"
		return h
	}
	h.judge()
	return h
}

// nvmeLogBytes is the size of the SMART / Health Information log.
const nvmeLogBytes = 512

// parseNVMe reads a SMART / Health Information log page (NVM Express Base
// Specification 2.0, 5.16.1.3).
func parseNVMe(page []byte) Health {
	if len(page) < nvmeLogBytes {
		return unknown("the disk's health log is %d bytes short", nvmeLogBytes-len(page))
	}
	warning, spare, used := page[0], int(page[3]), int(page[5])
	h := Health{UsedPercent: &used}
	if page[4] > 0 { // a disk without a limit for its spare blocks counts none
		h.SparePercent = &spare
	}
	if k := int(binary.LittleEndian.Uint16(page[1:])); k > 0 {
		t := k - 273
		h.Temperature = &t
	}
	// Units of 1000 blocks of 512 bytes; what does not fit is more than any disk
	// has written.
	if units := binary.LittleEndian.Uint64(page[48:]); binary.LittleEndian.Uint64(page[56:]) == 0 && units < 1<<44 {
		n := int64(units) * 512_000
		h.Written = &n
	}
	for bit, reason := range map[byte]string{
		0x01: "spare blocks are below the disk's own limit", 0x04: "the disk says that it is not reliable any more",
		0x08: "the disk went read-only", 0x10: "the disk's own power-loss protection failed",
	} {
		if warning&bit != 0 && (h.Status == "" || bit < 0x10) {
			h.Status, h.Reason = Failing, reason
		}
	}
	h.judge()
	return h
}

// The SMART attributes that say something of wear, by number. SATA has no
// standard for them; these are what most makers mean.
const (
	attrReallocated = 5
	attrTemperature = 194
	attrPending     = 197
	attrWritten     = 241 // sectors of 512 bytes with most makers
)

// parseATA reads the attributes of SMART READ DATA (512 bytes, whose sum is 0),
// and what SMART RETURN STATUS said. Only media wear that is in the standard is
// used: the percentage of device statistics page 7 (ATA8-ACS-4, 9.5.9), negative where
// the disk has none.
func parseATA(data []byte, failing bool, usedPercent int) Health {
	h := Health{}
	if usedPercent >= 0 {
		h.UsedPercent = &usedPercent
	}
	if failing {
		h.Status, h.Reason = Failing, "the disk says that it will fail"
	}
	sum := byte(0)
	for _, b := range data {
		sum += b
	}
	if len(data) == 512 && sum == 0 {
		h.attributes(data)
	}
	h.judge()
	return h
}

// attributes takes what the table of 30 entries of 12 bytes says.
func (h *Health) attributes(data []byte) {
	for i := range 30 {
		a := data[2+12*i : 14+12*i]
		raw := int64(binary.LittleEndian.Uint32(a[5:])) | int64(binary.LittleEndian.Uint16(a[9:]))<<32
		switch a[0] {
		case attrTemperature:
			t := int(int8(a[5]))
			h.Temperature = &t
		case attrWritten:
			if raw < 1<<46 {
				n := raw * 512
				h.Written = &n
			}
		case attrPending:
			if raw > 0 && h.Status == "" {
				h.Status, h.Reason = Failing, fmt.Sprintf("%d sectors cannot be read", raw)
			}
		case attrReallocated:
			if raw > 100 && h.Status == "" {
				h.Status, h.Reason = Failing, fmt.Sprintf("%d sectors had to be replaced", raw)
			}
		}
	}
}

// parseEndurance reads the percentage used of device statistics page 7, the
// solid state device statistics; -1 where the page does not have it.
func parseEndurance(page []byte) int {
	// Header: revision, page number in byte 2. Byte 15 of the first statistic,
	// its flags: supported and valid.
	if len(page) < 16 || page[2] != 7 || page[15]&0xc0 != 0xc0 {
		return -1
	}
	return int(page[8])
}
