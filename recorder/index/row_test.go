package index

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestTheFormatDoesNotDrift pins the bytes that docs/format/index.md shows.
func TestTheFormatDoesNotDrift(t *testing.T) {
	r := row("a", 1)
	r.shift = 2
	key := r.key(3)
	if got, want := hex.EncodeToString(keyBytes(key)), "01a209ff5c620003"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(encodeRow(key, r)), "01030101020000ea60000001c9c38100000001078004386d69bce8"; got != want {
		t.Errorf("row %s, want %s", got, want)
	}
	g := Garbage{Row: r, Condemned: 0x0102030405060708, Reason: "age"}
	if got, want := hex.EncodeToString(encodeGarbage(key, g)[:13]), "01010203040506070803616765"; got != want {
		t.Errorf("garbage begins with %s, want %s", got, want)
	}
	a := Audit{Time: 1, Reason: "age", Count: 2, Bytes: 3, Oldest: 4, Newest: 5}
	want := "01" + "0000000000000001" + "00000002" + "0000000000000003" + "0000000000000004" + "0000000000000005" + "03616765" + "0007"
	if got := encodeAudit(1, a, []uint16{7}); hex.EncodeToString(got[:len(got)-crcSize]) != want {
		t.Errorf("audit %x, want %s", got, want)
	}
}

func TestAValueUnderAnotherKeyIsDamaged(t *testing.T) {
	r := row("a", 1)
	if _, err := decodeRow(r.key(1), encodeRow(r.key(0), r)); err == nil {
		t.Error("a row moved to another camera passes")
	}
}

func FuzzRow(f *testing.F) {
	r := row("a", 1)
	f.Add(r.key(0), encodeRow(r.key(0), r))
	f.Add(uint64(0), []byte{})
	f.Add(uint64(1<<63), bytes.Repeat([]byte{0xff}, rowSize))
	f.Fuzz(func(t *testing.T, key uint64, value []byte) {
		if r, err := decodeRow(key, value); err == nil && !bytes.Equal(encodeRow(key, r), value) {
			t.Errorf("%x decodes to %+v and encodes to %x", value, r, encodeRow(key, r))
		}
		// With a right checksum the content alone decides.
		value = seal(key, bytes.Clone(value))
		if r, err := decodeRow(key, value); err == nil {
			if !bytes.Equal(encodeRow(key, r), value) {
				t.Errorf("%x decodes to %+v and encodes to %x", value, r, encodeRow(key, r))
			}
			if r.Start < 0 || r.Bytes < 0 || r.key(keyCamera(key)) != key {
				t.Errorf("%016x decodes to %+v", key, r)
			}
		}
	})
}

func FuzzRecords(f *testing.F) {
	g := Garbage{Row: row("a", 1), Reason: "age"}
	f.Add(uint64(5), encodeGarbage(5, g))
	f.Add(uint64(5), encodeAudit(5, Audit{Reason: "age"}, []uint16{1, 2}))
	f.Add(uint64(5), encodeCamera(5, "front"))
	f.Fuzz(func(t *testing.T, key uint64, value []byte) {
		for _, v := range [][]byte{value, seal(key, bytes.Clone(value))} {
			if g, err := decodeGarbage(key, v); err == nil && len(g.Reason) <= maxReason && !bytes.Equal(encodeGarbage(key, g), v) {
				t.Errorf("garbage %x becomes %x", v, encodeGarbage(key, g))
			}
			if a, c, err := decodeAudit(key, v); err == nil && len(a.Reason) <= maxReason && !bytes.Equal(encodeAudit(key, a, c), v) {
				t.Errorf("audit %x becomes %x", v, encodeAudit(key, a, c))
			}
			if n, err := decodeCamera(uint16(key), v); err == nil && !bytes.Equal(encodeCamera(uint16(key), n), v) {
				t.Errorf("camera %x becomes %q", v, n)
			}
		}
	})
}

func TestAFlagsByteHoldsWhyARowWasRecorded(t *testing.T) {
	for why := range byte(8) {
		r := Row{Start: 1, Camera: "door", Flags: Trusted | Audio | ForWhy(why)}
		key := r.key(3)
		got, err := decodeRow(key, encodeRow(key, r))
		if err != nil || got.Why() != why || got.Flags&(Trusted|Audio) != Trusted|Audio {
			t.Errorf("%d came back as %d, flags %08b, %v", why, got.Why(), got.Flags, err)
		}
	}
	if old := (Row{Flags: Trusted | Audio}); old.Why() != 0 {
		t.Errorf("a row from before was recorded for %d", old.Why())
	}
	if got := ForWhy(255); got != whyMask {
		t.Errorf("a reason that is too large has the flags %08b", got)
	}
}
