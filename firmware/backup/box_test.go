package backup_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"vedette/firmware/backup"
	"vedette/firmware/seal"
)

// box is a data directory with a database and a key.
type box struct {
	dir   string
	db    *bolt.DB
	vault *seal.Vault
}

func openBox(t *testing.T, dir string) *box {
	t.Helper()
	vault, err := seal.Open(dir, seal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "state.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &box{dir, db, vault}
}

// put keeps a value in a bucket.
func (b *box) put(t *testing.T, bucket, key string, value []byte) {
	t.Helper()
	err := b.db.Update(func(tx *bolt.Tx) error {
		in, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		return in.Put([]byte(key), value)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// get returns what put kept, nil if it is not there.
func (b *box) get(bucket, key string) (value []byte) {
	_ = b.db.View(func(tx *bolt.Tx) error {
		if in := tx.Bucket([]byte(bucket)); in != nil {
			value = bytes.Clone(in.Get([]byte(key)))
		}
		return nil
	})
	return value
}

// TestAnotherBoxTakesOver: a fresh box with a key of its own has, after a restore, the
// secrets of the one that was backed up and can open them, and none of its sessions.
func TestAnotherBoxTakesOver(t *testing.T) {
	const passphrase = "correct horse battery staple"
	old := openBox(t, t.TempDir())
	defer old.db.Close()
	sealed, err := old.vault.Seal("cameras", "gate", "password", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	old.put(t, "cameras", "gate", sealed)
	old.put(t, "auth_sessions", "token", []byte("anna"))
	old.put(t, "seal", "proof", old.vault.Proof())
	var archive bytes.Buffer
	err = backup.Write(t.Context(), &archive, passphrase, backup.Source{
		Dir: old.dir,
		State: func(w io.Writer) (n int64, err error) {
			err = old.db.View(func(tx *bolt.Tx) error { n, err = tx.WriteTo(w); return err })
			return n, err
		},
		Files: []string{backup.KeyFile, "tls"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(archive.Bytes(), []byte("canary")) || bytes.Contains(archive.Bytes(), []byte("gate")) {
		t.Error("the archive shows what it holds")
	}

	fresh := openBox(t, t.TempDir())
	fresh.put(t, "cameras", "yard", []byte("of the fresh box"))
	prepare := func(path string) error {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("auth_sessions")) })
		return errors.Join(err, db.Close())
	}
	if _, err := backup.Receive(t.Context(), &archive, passphrase, fresh.dir, prepare); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fresh.db.Close(), backup.Apply(fresh.dir)); err != nil {
		t.Fatal(err)
	}
	restored := openBox(t, fresh.dir)
	defer restored.db.Close()
	if err := restored.vault.Verify(restored.get("seal", "proof")); err != nil {
		t.Error(err)
	}
	got, err := restored.vault.Open("cameras", "gate", "password", restored.get("cameras", "gate"))
	if err != nil || string(got) != "canary" {
		t.Errorf("%q, %v", got, err)
	}
	if restored.get("auth_sessions", "token") != nil {
		t.Error("a session of the old box works on the other one")
	}
	if restored.get("cameras", "yard") != nil {
		t.Error("what the fresh box had is mixed in")
	}
	if aside, err := bolt.Open(filepath.Join(fresh.dir, backup.Before, "state.db"), 0o600, nil); err != nil {
		t.Error(err)
	} else {
		aside.Close()
	}
}
