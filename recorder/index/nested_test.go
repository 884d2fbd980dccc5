package index

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestVerifyPagesReadsOnBehindABucketOfItsOwnPages has buckets in buckets, each
// too large to be inline, with entries before and behind it: what storm's
// indexes become with 16 cameras.
func TestVerifyPagesReadsOnBehindABucketOfItsOwnPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("cameras"))
		for depth := 0; err == nil && depth < 4; depth++ {
			if err := put(b, 200); err != nil {
				return err
			}
			b, err = b.CreateBucket(binary.BigEndian.AppendUint32(nil, 100<<8|1)) // amid the others
		}
		if err != nil {
			return err
		}
		return put(b, 200)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := VerifyPages(path); err != nil {
		t.Errorf("a whole file: %v", err)
	}
}

func put(b *bolt.Bucket, n int) error {
	for i := range n {
		if err := b.Put(binary.BigEndian.AppendUint32(nil, uint32(i)<<8), make([]byte, 50)); err != nil {
			return err
		}
	}
	return nil
}
