package auth

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

const goodPassword = "correct horse 7 battery"

// box is a service with its database, as cheap as tests need it.
type box struct {
	*Service
	db   *storm.DB
	path string

	mu     sync.Mutex
	log    bytes.Buffer
	events []string
}

func (b *box) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *box) notify(what, user, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, fmt.Sprintf("%s %s %s", what, user, address))
}

func newBox(t testing.TB, o Options) *box {
	t.Helper()
	b := &box{path: filepath.Join(t.TempDir(), "state.db")}
	b.open(t, o)
	return b
}

func (b *box) open(t testing.TB, o Options) {
	t.Helper()
	db, err := storm.Open(b.path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o.HashMemoryKiB, o.Notify, o.Log = 8, b.notify, slog.New(slog.NewTextHandler(b, nil))
	s, err := Open(db, o)
	if err != nil {
		t.Fatal(err)
	}
	b.Service, b.db = s, db
}

// reopen is a restart of the process.
func (b *box) reopen(t testing.TB, o Options) {
	t.Helper()
	b.db.Close()
	b.open(t, o)
}

func (b *box) claimed(t testing.TB) (token string) {
	t.Helper()
	token, err := b.Claim(t.Context(), "10.0.0.1:1000", b.ClaimCode(), "owner", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
