package keys

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// box is a store with its database.
type box struct {
	*Store
	db   *storm.DB
	path string

	mu  sync.Mutex
	log bytes.Buffer
}

func (b *box) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *box) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func newBox(t testing.TB) *box {
	t.Helper()
	return openBox(t, filepath.Join(t.TempDir(), "state.db"))
}

func openBox(t testing.TB, path string) *box {
	t.Helper()
	b := &box{path: path}
	b.open(t)
	return b
}

func (b *box) open(t testing.TB) {
	t.Helper()
	db, err := storm.Open(b.path, storm.BoltOptions(0o600, &bolt.Options{Timeout: time.Second, NoSync: true}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := Open(db, Options{Log: slog.New(slog.NewTextHandler(b, nil))})
	if err != nil {
		t.Fatal(err)
	}
	b.Store, b.db = s, db
}

// reopen is a restart of the process.
func (b *box) reopen(t testing.TB) {
	t.Helper()
	b.db.Close()
	b.open(t)
}

func (b *box) add(t testing.TB, n New) (Key, string) {
	t.Helper()
	k, secret, err := b.Add(n)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

// commits returns how many transactions have been written.
func (b *box) commits(t testing.TB) (n int) {
	t.Helper()
	err := b.db.Bolt.View(func(tx *bolt.Tx) error { n = tx.ID(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// running starts Run; stop ends it and returns its error.
func (b *box) running(t testing.TB) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	return func() error { cancel(); return <-done }
}

// worker is a key as most are.
func worker() New { return New{Name: "shed", Role: "worker", CreatedBy: "owner"} }

func lines(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }) }
