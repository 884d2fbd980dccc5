package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// The place in state.db: one bucket, with values in JSON.
const (
	bucketRelay = "relay"
	keyConfig   = "config" // config, secrets sealed
	keyPlace    = "place"  // place
)

const (
	mostStores   = 8               // whose marks are kept
	flushSpacing = 5 * time.Second // least time between two writes of the place
)

// place is how far the relay is in each store that it knows.
type place struct {
	Marks   []storeMark `json:"marks"` // the one used last is last
	Dropped uint64      `json:"dropped"`
}

type storeMark struct {
	Store string `json:"store"`
	Seq   uint64 `json:"seq"` // the stream has everything up to here
	known bool
}

// book keeps the configuration and the place. The place is written by run and
// flush alone. All methods may be called concurrently.
type book struct {
	bolt  *bolt.DB
	after int // messages that may wait for the disk
	kick  chan struct{}
	write sync.Mutex // one flush at a time

	mu      sync.Mutex
	place   place
	waiting int // messages that are not on disk yet
	version int // of place
	durable int // the version on disk
}

func openBook(db *storm.DB, after int) (*book, error) {
	b := &book{bolt: db.Bolt, after: after, kick: make(chan struct{}, 1)}
	return b, b.bolt.View(func(tx *bolt.Tx) error {
		data := get(tx, keyPlace)
		if data == nil {
			return nil
		}
		if err := json.Unmarshal(data, &b.place); err != nil {
			return fmt.Errorf("the place of the relay cannot be read: %w", err)
		}
		return nil
	})
}

func get(tx *bolt.Tx, key string) []byte {
	if in := tx.Bucket([]byte(bucketRelay)); in != nil {
		return in.Get([]byte(key))
	}
	return nil
}

func put(tx *bolt.Tx, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	in, err := tx.CreateBucketIfNotExists([]byte(bucketRelay))
	if err != nil {
		return err
	}
	return in.Put([]byte(key), data)
}

func readConfig(tx *bolt.Tx) (cfg config, err error) {
	if data := get(tx, keyConfig); data != nil {
		if err := json.Unmarshal(data, &cfg); err != nil {
			return config{}, fmt.Errorf("the configuration of the relay cannot be read: %w", err)
		}
	}
	return cfg, nil
}

// config returns what is stored, secrets as they lie on disk; the zero config if
// nothing is.
func (b *book) config() (cfg config, err error) {
	err = b.bolt.View(func(tx *bolt.Tx) error {
		cfg, err = readConfig(tx)
		return err
	})
	return cfg, err
}

// save keeps cfg. Those of its secrets that are fresh are sealed inside of the
// transaction; the others are what lies there: they may have been sealed anew.
func (b *book) save(cfg config, fresh map[string]bool, seal Sealer) error {
	err := b.bolt.Update(func(tx *bolt.Tx) error {
		stored, err := readConfig(tx)
		if err != nil {
			return err
		}
		old := stored.secrets()
		for field, text := range cfg.secrets() {
			switch {
			case *text == "":
			case !fresh[field]:
				*text = *old[field]
			default:
				if *text, err = seal.SealText(table, tableID, field, *text); err != nil {
					return fmt.Errorf("%s: %w", field, err)
				}
			}
		}
		return put(tx, keyConfig, cfg)
	})
	if err != nil {
		return fmt.Errorf("save the relay: %w", err)
	}
	return nil
}

// begun reports whether the relay ever was anywhere.
func (b *book) begun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.place.Marks) > 0
}

// mark returns how far the relay is in a store; false if it was never there.
func (b *book) mark(store string) (storeMark, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.place.Marks {
		if m.Store == store {
			m.known = true
			return m, true
		}
	}
	return storeMark{Store: store}, false
}

// newest returns how far the relay is in the store that it used last.
func (b *book) newest() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.place.Marks); n > 0 {
		return b.place.Marks[n-1].Seq
	}
	return 0
}

func (b *book) lost() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.place.Dropped
}

// advance notes that the stream has everything of store up to seq, messages more
// than before.
func (b *book) advance(store string, seq uint64, messages int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	marks := b.place.Marks
	if n := len(marks); n == 0 || marks[n-1].Store != store {
		rest := make([]storeMark, 0, n+1)
		for _, m := range marks {
			if m.Store != store {
				rest = append(rest, m)
			}
		}
		marks = append(rest, storeMark{Store: store})
		marks = marks[max(0, len(marks)-mostStores):]
	}
	marks[len(marks)-1].Seq = seq
	b.place.Marks = marks
	b.version++
	if b.waiting += messages; b.waiting >= b.after {
		select {
		case b.kick <- struct{}{}:
		default:
		}
	}
}

// drop counts n batches that are not relayed any more.
func (b *book) drop(n uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place.Dropped += n
	b.version++
}

// run writes the place every so often, and when enough has come, until ctx is done.
func (b *book) run(ctx context.Context, every time.Duration, log *slog.Logger) {
	for {
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-b.kick:
			timer.Stop()
		}
		if err := b.flush(); err != nil {
			log.Error("place of the relay", "err", err) // and again the next time
		}
		select { // a backlog that goes fast is not to wear out the flash
		case <-ctx.Done():
			return
		case <-time.After(min(flushSpacing, every)):
		}
	}
}

// flush makes the place durable, if it is not.
func (b *book) flush() error {
	b.write.Lock()
	defer b.write.Unlock()
	b.mu.Lock()
	version, messages, durable := b.version, b.waiting, b.durable
	data, err := json.Marshal(b.place)
	b.mu.Unlock()
	if err != nil || version == durable {
		return err
	}
	if err := b.bolt.Update(func(tx *bolt.Tx) error { return put(tx, keyPlace, json.RawMessage(data)) }); err != nil {
		return fmt.Errorf("write the place of the relay: %w", err)
	}
	b.mu.Lock()
	b.durable, b.waiting = version, b.waiting-messages
	b.mu.Unlock()
	return nil
}
