package relay

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Get returns the configuration and how far the relay is.
func (r *Relay) Get() Info {
	b := r.o.Source.Bounds() // before r.mu: it has a lock of its own
	m, _ := r.book.mark(b.StoreID)
	r.mu.Lock()
	defer r.mu.Unlock()
	info := r.shown
	info.State = State{Cursor: m.Seq, LastAck: r.lastAck, LastError: r.failure, Dropped: r.book.lost()}
	if m.known && b.Last > m.Seq {
		info.State.Pending = b.Last - max(m.Seq, b.First-min(b.First, 1))
	}
	return info
}

// Cursor returns the number up to which the stream has everything, and whether the
// relay is enabled: what is behind it is still wanted. It does not call the Source.
func (r *Relay) Cursor() (seq uint64, enabled bool) {
	r.mu.Lock()
	enabled = r.shown.Enabled
	r.mu.Unlock()
	return r.book.newest(), enabled
}

// Set changes the configuration and returns it; Run follows at once. What is wrong
// is a *FieldError. A relay that was never enabled begins with what is reported
// from then on; one that is enabled again goes on where it was.
func (r *Relay) Set(_ context.Context, in Input) (Info, error) {
	r.change.Lock()
	defer r.change.Unlock()
	old, err := r.book.config()
	if err != nil {
		return Info{}, err
	}
	next, fresh, err := merge(old, in)
	if err != nil {
		return Info{}, err
	}
	if err := next.check(fresh, r.o.Check); err != nil {
		return Info{}, err
	}
	if b := r.o.Source.Bounds(); next.Enabled && b.StoreID != "" && !r.book.begun() {
		r.book.advance(b.StoreID, b.Last, 0)
		if err := r.book.flush(); err != nil {
			return Info{}, err
		}
	}
	if err := r.book.save(next, fresh, r.o.Seal); err != nil {
		return Info{}, err
	}
	r.mu.Lock()
	r.shown, r.failure = next.info(), ""
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	return r.Get(), nil
}

// Reseal changes how the secrets of the configuration lie on disk, inside of tx:
// each is what change makes of what is stored. It returns how many there are.
func (r *Relay) Reseal(tx *bolt.Tx, change func(table, id, field, stored string) (string, error)) (int, error) {
	cfg, err := readConfig(tx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, text := range cfg.secrets() {
		if *text != "" {
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	if err := cfg.each(change); err != nil {
		return 0, err
	}
	if err := put(tx, keyConfig, cfg); err != nil {
		return 0, fmt.Errorf("save the relay: %w", err)
	}
	return n, nil
}
