package index

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// slice returns b[from:from+n] if that lies behind the element table, which
// ends at table.
func slice(b []byte, table int, from, n uint64) ([]byte, bool) {
	if from < uint64(table) || from > uint64(len(b)) || n > uint64(len(b))-from {
		return nil, false
	}
	return b[from : from+n : from+n], true
}

// ordered checks that key lies in [low, high) and behind the one before.
func ordered(key, before, low, high []byte) error {
	switch {
	case len(key) == 0:
		return errors.New("empty key")
	case before != nil && bytes.Compare(before, key) >= 0:
		return errors.New("keys are out of order")
	case low != nil && bytes.Compare(key, low) < 0, high != nil && bytes.Compare(key, high) >= 0:
		return errors.New("key belongs to another page")
	}
	return nil
}

// leaf checks the elements of a leaf page and shows them to visit.
func leaf(b, low, high []byte, visit visitor) error {
	le := binary.LittleEndian
	table := pageHeader + int(le.Uint16(b[10:]))*elementSize
	if table > len(b) {
		return errors.New("more elements than fit")
	}
	if table == pageHeader && low != nil {
		return errors.New("an empty leaf below a branch") // bbolt never writes one, and frees it twice
	}
	var before []byte
	for at := pageHeader; at < table; at += elementSize {
		flags, pos := le.Uint32(b[at:]), uint64(le.Uint32(b[at+4:]))
		ksize, vsize := uint64(le.Uint32(b[at+8:])), uint64(le.Uint32(b[at+12:]))
		both, ok := slice(b, table, uint64(at)+pos, ksize+vsize)
		if !ok || flags > bucketEntry {
			return errors.New("element reaches out of the page")
		}
		key, value := both[:ksize], both[ksize:]
		if err := ordered(key, before, low, high); err != nil {
			return err
		}
		if err := visit(key, value, flags == bucketEntry); err != nil {
			return err
		}
		before = key
	}
	return nil
}

// branch checks the elements of a branch page and the pages below it.
func (w *walker) branch(b, low, high []byte, visit visitor) error {
	le := binary.LittleEndian
	count := int(le.Uint16(b[10:]))
	table := pageHeader + count*elementSize
	if count == 0 || table > len(b) {
		return errors.New("no elements, or more than fit")
	}
	keyAt := func(i int) ([]byte, bool) {
		at := pageHeader + i*elementSize
		return slice(b, table, uint64(at)+uint64(le.Uint32(b[at:])), uint64(le.Uint32(b[at+4:])))
	}
	var before []byte
	for i := range count {
		key, ok := keyAt(i)
		if !ok {
			return errors.New("element reaches out of the page")
		}
		if err := ordered(key, before, low, high); err != nil {
			return err
		}
		limit := high
		if i+1 < count {
			if limit, ok = keyAt(i + 1); !ok {
				return errors.New("element reaches out of the page")
			}
		}
		child := le.Uint64(b[pageHeader+i*elementSize+8:])
		if err := w.tree(child, key, limit, visit); err != nil {
			return err
		}
		before = key
	}
	return nil
}

// content checks what the buckets hold.
type content struct {
	cameras int      // names seen
	used    []uint64 // bit per camera that some key names
}

func newContent() *content { return &content{used: make([]uint64, 1<<16/64)} }

// of returns the visitor of a top-level bucket. Storm keeps a bucket of its
// own in each of ours, and one beside them; those are checked as pages only,
// but for the codec's name, which decides whether storm accepts the bucket.
func (c *content) of(name string) visitor {
	value := map[string]visitor{
		rowsBucket: c.row, heldBucket: c.row, garbageBucket: c.garbage,
		auditBucket: c.audit, cameraBucket: c.camera, stormBucket: c.version,
	}[name]
	return func(k, v []byte, isBucket bool) error {
		switch {
		case isBucket:
			return c.storm(k, v)
		case value == nil:
			return nil
		}
		if err := value(k, v, false); err != nil {
			return fmt.Errorf("bucket %s: %w", name, err)
		}
		return nil
	}
}

const (
	stormBucket    = "__storm_db"
	stormMetadata  = "__storm_metadata"
	stormCodecKey  = "codec"
	stormCodecName = "json"
)

func (c *content) storm(key, value []byte) error {
	if string(key) != stormMetadata || len(value) < bucketHeader || binary.LittleEndian.Uint64(value) != 0 {
		return fmt.Errorf("unknown bucket %q", key)
	}
	var w walker // an inline bucket refers to no page
	return w.bucket(value, func(k, v []byte, _ bool) error {
		if string(k) != stormCodecKey || string(v) != stormCodecName {
			return fmt.Errorf("storm metadata %q is %q", k, v)
		}
		return nil
	})
}

func (c *content) use(camera uint16) { c.used[camera/64] |= 1 << (camera % 64) }

func (c *content) row(k, v []byte, _ bool) error {
	if len(k) != keySize {
		return errValue
	}
	key := binary.BigEndian.Uint64(k)
	_, err := decodeRow(key, v)
	c.use(keyCamera(key))
	return err
}

func (c *content) garbage(k, v []byte, _ bool) error {
	if len(k) != keySize {
		return errValue
	}
	key := binary.BigEndian.Uint64(k)
	_, err := decodeGarbage(key, v)
	c.use(keyCamera(key))
	return err
}

func (c *content) audit(k, v []byte, _ bool) error {
	if len(k) != keySize {
		return errValue
	}
	_, _, err := decodeAudit(binary.BigEndian.Uint64(k), v)
	return err
}

// camera expects the ordinals without a hole.
func (c *content) camera(k, v []byte, _ bool) error {
	if len(k) != 2 || int(binary.BigEndian.Uint16(k)) != c.cameras {
		return fmt.Errorf("camera %x instead of %d", k, c.cameras)
	}
	_, err := decodeCamera(uint16(c.cameras), v)
	c.cameras++
	return err
}

// version expects what storm reads when it opens the file: JSON strings.
func (c *content) version(_, v []byte, _ bool) error {
	var s string
	return json.Unmarshal(v, &s)
}

// check is asked at the end: every camera that a key names must have a name.
func (c *content) check() error {
	for i := c.cameras; i <= 0xffff; i++ {
		if c.used[i/64]>>(i%64)&1 != 0 {
			return fmt.Errorf("rows of camera %d, which has no name", i)
		}
	}
	return nil
}
