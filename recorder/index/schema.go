package index

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// The buckets of segments.db. Rows, held rows and garbage have the keys that
// makeKey makes; no key is ever in two of the three.
const (
	rowsBucket    = "rows"    // unlocked segments
	heldBucket    = "held"    // segments that are evidence
	garbageBucket = "garbage" // condemned segments whose files may still be there
	auditBucket   = "audit"   // what was deleted; key: uint64, ascending
	cameraBucket  = "cameras" // key: uint16 ordinal from 0 on; value: the name
)

const (
	pageSize    = 4096    // not the kernel's: 16 KiB pages would cost four times the bytes
	fillPercent = 0.9     // rows come in order, so pages need no room in the middle
	growBytes   = 1 << 20 // the file grows by this much
	lockTimeout = time.Second
)

// mapSize is how much address space is mapped from the start. Beyond it a
// growing file has to be mapped anew, which waits for readers.
const mapSize = 1 << (26 + 4*(bits.UintSize>>6)) // 64 MiB on 32 bits, 1 GiB on 64

func boltOptions() *bolt.Options {
	o := *bolt.DefaultOptions
	o.PageSize = pageSize
	o.NoFreelistSync = true // rewriting the list with every commit costs more than reading the file at start
	o.FreelistType = bolt.FreelistMapType
	o.InitialMmapSize = mapSize
	o.Timeout = lockTimeout
	return &o
}

// openStorm opens a verified or missing file. Bolt is opened first, because
// storm would let a new file grow by bolt's 16 MiB before it can be told.
func openStorm(path string) (*storm.DB, error) {
	b, err := bolt.Open(path, 0o600, boltOptions())
	if err != nil {
		return nil, openError(err)
	}
	b.AllocSize = growBytes
	db, err := storm.Open(path, storm.UseDB(b))
	if err != nil {
		return nil, errors.Join(openError(err), b.Close())
	}
	if err := createBuckets(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func createBuckets(db *storm.DB) error {
	missing := false
	err := db.Bolt.View(func(tx *bolt.Tx) error {
		for _, name := range [...]string{rowsBucket, heldBucket, garbageBucket, auditBucket, cameraBucket} {
			missing = missing || db.GetBucket(tx, name) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return db.Bolt.Update(func(tx *bolt.Tx) error {
		for _, name := range [...]string{rowsBucket, heldBucket, garbageBucket, auditBucket, cameraBucket} {
			if _, err := db.CreateBucketIfNotExists(tx, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func ordinalBytes(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func encodeCamera(ordinal uint16, name string) []byte {
	return seal(uint64(ordinal), append(make([]byte, 0, len(name)+crcSize), name...))
}

func decodeCamera(ordinal uint16, value []byte) (string, error) {
	b, ok := unseal(uint64(ordinal), value)
	if !ok || len(b) == 0 || len(b) > maxCamera {
		return "", errValue
	}
	return string(b), nil
}
