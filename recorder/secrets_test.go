package recorder

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"

	"vedette/firmware/seal"
)

// sealedStore returns a store in a file, sealed by the vault in dir.
func sealedStore(t *testing.T, dir string, sealer Sealer) (*store, *storm.DB) {
	t.Helper()
	db, err := storm.Open(filepath.Join(dir, "state.db"), storm.BoltOptions(0o600, &bolt.Options{NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := newStore(db, sealer)
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

func vault(t *testing.T, dir string) *seal.Vault {
	t.Helper()
	v, err := seal.Open(dir, seal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func secretCamera() Camera {
	return Camera{ID: "yard", Name: "Yard", MainURL: "rtsp://10.0.0.5/main?password=canary-main", SubURL: "rtsp://10.0.0.5/sub?password=canary-sub", Username: "me", Password: "canary-password"}
}

func TestSecretsOfCamerasAreNotOnDisk(t *testing.T) {
	dir := t.TempDir()
	v := vault(t, dir)
	s, db := sealedStore(t, dir, v)
	c := secretCamera()
	if err := s.save(&c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, secretCamera()) {
		t.Errorf("saving changed the caller's camera: %+v", c)
	}
	got, err := s.all()
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], c) {
		t.Errorf("read %+v, %v; want %+v", got, err, c)
	}
	db.Close()
	file, err := os.ReadFile(filepath.Join(dir, "state.db"))
	if err != nil || bytes.Contains(file, []byte("canary")) {
		t.Errorf("a secret is on disk (%v)", err)
	}
	other := vault(t, t.TempDir())
	s, _ = sealedStore(t, dir, other)
	if _, err := s.all(); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("with another key: %v, want ErrWrongKey", err)
	}
}

func TestSecretsKeptPlainAreSealedWhenTheyAreRead(t *testing.T) {
	dir := t.TempDir()
	s, db := sealedStore(t, dir, nil)
	c := secretCamera()
	if err := s.save(&c); err != nil {
		t.Fatal(err)
	}
	s.seal = vault(t, dir)
	if got, err := s.all(); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], c) {
		t.Fatalf("read %+v, %v", got, err)
	}
	raw, err := stored(db.From("cameras"))
	if err != nil || len(raw) != 1 || !seal.IsSealed(raw[0].Password) || !seal.IsSealed(raw[0].MainURL) || !seal.IsSealed(raw[0].SubURL) || raw[0].Name != "Yard" {
		t.Errorf("on disk: %+v, %v", raw, err)
	}
}

func TestResealingIsOneTransaction(t *testing.T) {
	dir := t.TempDir()
	v := vault(t, dir)
	s, db := sealedStore(t, dir, v)
	r := &Recorder{store: s}
	c := secretCamera()
	if err := s.save(&c); err != nil {
		t.Fatal(err)
	}
	before, err := stored(s.node)
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	err = db.Bolt.Update(func(tx *bolt.Tx) error {
		n, err := r.Reseal(tx, func(table, id, field, text string) (string, error) {
			plain, err := v.OpenText(table, id, field, text)
			if err != nil {
				return "", err
			}
			return v.SealText(table, id, field, plain)
		})
		if n != 3 || err != nil {
			t.Errorf("resealed %d, %v; want 3", n, err)
		}
		return refused
	})
	if after, _ := stored(s.node); !errors.Is(err, refused) || !reflect.DeepEqual(after[0], before[0]) {
		t.Errorf("a transaction that was given up changed the cameras (%v)", err)
	}
}
