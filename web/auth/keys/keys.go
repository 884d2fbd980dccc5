// Package keys owns the API keys of machines: workers, scrapers of metrics,
// relays and integrations. It keeps their SHA-256 hashes in state.db, never the
// secrets, and ends what runs under a key with the key. It knows nothing of
// routes, and what a role may do is not decided here.
package keys

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	"golang.org/x/time/rate"
)

// What a caller may branch on.
var (
	ErrNotFound = errors.New("there is no API key with this id")
	ErrFull     = errors.New("there are 256 API keys already; remove one first")
)

const (
	maxKeys    = 256
	checkEvery = time.Second // how often Run looks for keys that have expired
	perSecond  = 100         // requests a second of one key …
	burst      = 200         // … and how many may come at once
	// A worker asks for every picture and reports on it: 16 cameras at 30 a second.
	workerShare = 10
)

// Key is what is known of an API key; the secret is not.
type Key struct {
	ID, Name, Role string
	Cameras        []string // nil = all, empty = none; not to be changed
	Created        time.Time
	CreatedBy      string
	Expires        time.Time // zero = never
	LastUsed       time.Time // zero = never
	Expired        bool      // and it stays so, should the wall clock step back
}

// New is what a new key is made of.
type New struct {
	Name, Role string
	Cameras    []string // nil = all, empty = none
	Expires    time.Time
	CreatedBy  string
}

// Options sets what may differ. Every zero value means the default.
type Options struct {
	Log *slog.Logger
	// FlushEvery is how far the time of last use on disk may lag behind;
	// default 1 h.
	FlushEvery time.Duration
}

// Store is the set of keys. All methods may be called concurrently.
type Store struct {
	o     Options
	db    *storm.DB
	ended context.Context // for those that Check refuses

	disk sync.Mutex // held over every write to db, so that none brings back what another removed; taken before mu

	mu     sync.Mutex // never held over a write: Check must not wait for a slow card
	byHash map[[sha256.Size]byte]*entry
	byID   map[string]*entry
}

// entry is a key in memory. Its fields change under Store.mu.
type entry struct {
	hash    [sha256.Size]byte
	key     Key
	onDisk  Key  // as it was stored last
	removed bool // in force at once, even if it cannot be written
	noted   bool // Run has tried to store that it has expired
	limit   *rate.Limiter
	ctx     context.Context
	end     context.CancelFunc
}

func newEntry(hash [sha256.Size]byte, k Key) *entry {
	ctx, end := context.WithCancel(context.Background())
	return &entry{hash: hash, key: k, onDisk: k, limit: rate.NewLimiter(shareOf(k.Role)), ctx: ctx, end: end}
}

// over reports whether the key may not be used at now, and ends what runs
// under it if so. The caller holds mu.
func (e *entry) over(now time.Time) bool {
	if !e.key.Expires.IsZero() && !now.Before(e.key.Expires) {
		e.key.Expired = true
	}
	if e.removed || e.key.Expired {
		e.end()
		return true
	}
	return false
}

// Open reads the keys from db, which stays the caller's to close. A row that
// cannot be read is logged and opens nothing: a damaged key must not keep the
// box from starting.
func Open(db *storm.DB, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.FlushEvery = cmp.Or(max(o.FlushEvery, 0), time.Hour)
	ended, end := context.WithCancel(context.Background())
	end()
	s := &Store{o: o, db: db, ended: ended, byHash: map[[sha256.Size]byte]*entry{}, byID: map[string]*entry{}}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open API keys: %w", err)
	}
	return s, nil
}

// Add makes a key and returns it with its secret, which is kept nowhere. It
// returns a *FieldError for what will not do, and ErrFull.
func (s *Store) Add(n New) (Key, string, error) {
	now := time.Now().UTC().Round(0)
	if err := n.check(now); err != nil {
		return Key{}, "", err
	}
	id, secret := newSecret()
	k := Key{ID: id, Name: n.Name, Role: n.Role, Cameras: slices.Clone(n.Cameras), Created: now, CreatedBy: n.CreatedBy}
	if !n.Expires.IsZero() {
		k.Expires = n.Expires.UTC().Round(0)
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	full := len(s.byID) >= maxKeys
	s.mu.Unlock()
	if full {
		return Key{}, "", ErrFull
	}
	e := newEntry(sha256.Sum256([]byte(secret)), k)
	if err := s.put(e.hash, k); err != nil {
		return Key{}, "", fmt.Errorf("store API key %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byHash[e.hash], s.byID[id] = e, e
	return k, secret, nil
}

// Remove ends a key and all that runs under it. It returns ErrNotFound. Any
// other error means that the key is over for this process and not yet on disk:
// it stays in the list, and Remove may be called again.
func (s *Store) Remove(id string) error {
	s.mu.Lock()
	e := s.byID[id]
	if e != nil {
		e.removed = true
		e.end()
	}
	s.mu.Unlock()
	if e == nil {
		return ErrNotFound
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	if err := s.drop(e.hash); err != nil {
		return fmt.Errorf("remove API key %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byHash, e.hash)
	delete(s.byID, id)
	return nil
}

// List returns the keys, the oldest first.
func (s *Store) List() []Key {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Key, 0, len(s.byID))
	for _, e := range s.byID {
		e.over(now)
		list = append(list, e.key)
	}
	slices.SortFunc(list, func(a, b Key) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Check returns the key that secret opens, and a context that ends when the
// key does; whatever outlives one request watches it. It counts as use and
// writes nothing. Not ok comes with the zero Key and an ended context.
//
// The time it takes says nothing of the secrets: what is looked up is a hash,
// of which who asks cannot choose a single byte.
func (s *Store) Check(secret string) (k Key, ctx context.Context, ok bool) {
	if !WellFormed(secret) {
		return Key{}, s.ended, false
	}
	hash, now := sha256.Sum256([]byte(secret)), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[hash]
	if e == nil || e.over(now) {
		return Key{}, s.ended, false
	}
	e.key.LastUsed = now.UTC().Round(0)
	return e.key, e.ctx, true
}

// shareOf returns how many requests a second a key of that role has, and how many
// at once.
func shareOf(role string) (rate.Limit, int) {
	if role == "worker" {
		return workerShare * perSecond, workerShare * burst
	}
	return perSecond, burst
}

// Admit takes one request out of the key's share of 100 a second, of which 200
// may come at once; ten times as many for a worker. A wait above zero means that there is none left before
// that, and that none was taken. A key that is gone has no limit: Check
// refuses it.
func (s *Store) Admit(id string) (wait time.Duration) {
	s.mu.Lock()
	e := s.byID[id]
	s.mu.Unlock()
	if e == nil {
		return 0
	}
	r := e.limit.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

// Run ends what runs under a key within a second of its expiry, and stores now
// and then when keys were last used, until ctx is done; then it stores that
// once more and returns ctx's error.
func (s *Store) Run(ctx context.Context) error {
	check, flush := time.NewTicker(checkEvery), time.NewTicker(s.o.FlushEvery)
	defer check.Stop()
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := s.flush(); err != nil {
				return err
			}
			return context.Cause(ctx)
		case <-check.C:
			if err := s.expire(); err != nil {
				s.o.Log.Error("store that API keys have expired", "err", err) // tried again with the next flush
			}
		case <-flush.C:
			if err := s.flush(); err != nil {
				s.o.Log.Error("store when API keys were used", "err", err)
			}
		}
	}
}
