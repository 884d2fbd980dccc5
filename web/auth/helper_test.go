package auth

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asdine/storm/v3"
	"github.com/pquerna/otp/totp"
	bolt "go.etcd.io/bbolt"
)

const goodPassword = "correct horse 7 battery"

// box is a service with its database, as cheap as tests need it.
type box struct {
	*Service
	db   *storm.DB
	path string

	mu      sync.Mutex
	log     bytes.Buffer
	notices []Notice
	windows []Window
	ended   []string
}

func (b *box) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// told returns the notices so far, each as "what user by target detail" with
// what is empty left out, and forgets them.
func (b *box) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, n := range b.notices {
		list = append(list, strings.Join(strings.Fields(fmt.Sprint(n.What, " ", n.User, " ", n.By, " ", n.Target, " ", n.Detail)), " "))
	}
	b.notices = nil
	return list
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
	o.HashMemoryKiB, o.Log = 8, slog.New(slog.NewTextHandler(b, nil))
	o.Notify = func(n Notice) { b.mu.Lock(); b.notices = append(b.notices, n); b.mu.Unlock() }
	o.Window = func(w Window) { b.mu.Lock(); b.windows = append(b.windows, w); b.mu.Unlock() }
	o.Ended = func(via string) { b.mu.Lock(); b.ended = append(b.ended, via); b.mu.Unlock() }
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

func from(address string) Caller { return Caller{Address: address, Agent: "a test"} }

func (b *box) claimed(t testing.TB) (token string) {
	t.Helper()
	token, err := b.Claim(t.Context(), from("10.0.0.1:1000"), b.ClaimCode(), "owner", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// person adds a user and signs in as that user.
func (b *box) person(t testing.TB, name string, role Role) *Principal {
	t.Helper()
	if _, err := b.AddUser(t.Context(), name, role, goodPassword, nil); err != nil {
		t.Fatal(err)
	}
	return b.principal(t, b.login(t, name, ""))
}

func (b *box) login(t testing.TB, name, code string) (token string) {
	t.Helper()
	token, err := b.Login(t.Context(), from("10.0.0.2:1000"), name, goodPassword, code)
	if err != nil {
		t.Fatalf("log in as %s: %v", name, err)
	}
	return token
}

func (b *box) principal(t testing.TB, token string) *Principal {
	t.Helper()
	p, err := b.Authenticate(token)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// enrolled gives p's user a second factor.
func (b *box) enrolled(t testing.TB, p *Principal) (secret string, recovery []string) {
	t.Helper()
	secret, _, err := b.BeginTOTP(t.Context(), p, "10.0.0.2:1000", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if recovery, err = b.ConfirmTOTP(t.Context(), p, codeAt(t, secret, time.Now())); err != nil {
		t.Fatal(err)
	}
	return secret, recovery
}

func codeAt(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// fakeSealer opens what it sealed for the same place with the same key, and
// nothing else. It hides nothing from anybody who wants to know.
type fakeSealer string

func (k fakeSealer) pad(table, id, field string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s", string(k), table, id, field))
	return sum[:]
}

func (k fakeSealer) Seal(table, id, field string, plain []byte) ([]byte, error) {
	pad := k.pad(table, id, field)
	out := append([]byte(nil), pad[:8]...)
	for i, c := range plain {
		out = append(out, c^pad[i%len(pad)])
	}
	return out, nil
}

func (k fakeSealer) Open(table, id, field string, sealed []byte) ([]byte, error) {
	pad := k.pad(table, id, field)
	if !bytes.HasPrefix(sealed, pad[:8]) {
		return nil, errors.New("sealed by another key")
	}
	var out []byte
	for i, c := range sealed[8:] {
		out = append(out, c^pad[i%len(pad)])
	}
	return out, nil
}
