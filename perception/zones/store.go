package zones

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/asdine/storm/v3"
	bolt "go.etcd.io/bbolt"
)

// Buckets in the state database. zonesBucket holds zones as JSON by id;
// placeBucket holds the checkpoint under placeKey.
const (
	zonesBucket = "zones"
	placeBucket = "zones_place"
	placeKey    = "checkpoint"
)

// Store keeps the zones in the state database, and a copy of them in memory.
// All methods may be called concurrently.
type Store struct {
	db *storm.DB

	mu      sync.Mutex
	zones   map[string]Zone
	changed chan struct{} // closed and replaced at every change
}

// Open returns the store in db, which stays the caller's to close. A zone that
// cannot be read is named in the log and left out; it stays on disk.
func Open(db *storm.DB, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{db: db, zones: map[string]Zone{}, changed: make(chan struct{})}
	err := db.Bolt.View(func(tx *bolt.Tx) error {
		b := db.GetBucket(tx, zonesBucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return nil // storm's own
			}
			z := Default()
			err := json.Unmarshal(v, &z)
			if err == nil {
				err = z.Validate()
			}
			if err != nil || z.ID != string(k) {
				log.Error("zone cannot be read", "zone", string(k), "err", err)
				return nil
			}
			s.zones[z.ID] = z
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("open zones: %w", err)
	}
	return s, nil
}

// Changed returns a channel that is closed at the next change.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// All returns all zones, by camera and name.
func (s *Store) All() []Zone { return s.list("") }

// Of returns the zones of a camera, by name; none is an empty list.
func (s *Store) Of(camera string) []Zone {
	if camera == "" {
		return []Zone{}
	}
	return s.list(camera)
}

func (s *Store) list(camera string) []Zone {
	s.mu.Lock()
	out := []Zone{}
	for _, z := range s.zones {
		if camera == "" || z.Camera == camera {
			out = append(out, z.clone())
		}
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b Zone) int {
		return cmp.Or(cmp.Compare(a.Camera, b.Camera), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Get returns a zone, or ErrNoZone.
func (s *Store) Get(id string) (Zone, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	z, ok := s.zones[id]
	if !ok {
		return Zone{}, ErrNoZone
	}
	return z.clone(), nil
}

// Add keeps a new zone and returns it with its id. What is wrong with it is a
// *FieldError; one too many is ErrTooMany. Whether there is such a camera is the
// caller's to know.
func (s *Store) Add(z Zone) (Zone, error) {
	z = z.clone()
	z.ID = "zone_" + strings.ToLower(rand.Text())
	if err := z.Validate(); err != nil {
		return Zone{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, other := range s.zones {
		if other.Camera == z.Camera {
			n++
		}
	}
	if n >= MostZones {
		return Zone{}, ErrTooMany
	}
	if err := s.save(z); err != nil {
		return Zone{}, err
	}
	return z.clone(), nil
}

// Change lets change alter a zone and keeps what comes of it; its id and camera
// stay. It returns ErrNoZone, what change returned, or a *FieldError.
func (s *Store) Change(id string, change func(*Zone) error) (Zone, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.zones[id]
	if !ok {
		return Zone{}, ErrNoZone
	}
	z := was.clone()
	if err := change(&z); err != nil {
		return Zone{}, err
	}
	z = z.clone()
	z.ID, z.Camera = was.ID, was.Camera
	if err := z.Validate(); err != nil {
		return Zone{}, err
	}
	if err := s.save(z); err != nil {
		return Zone{}, err
	}
	return z.clone(), nil
}

// save writes z and tells; mu is held.
func (s *Store) save(z Zone) error {
	data, err := json.Marshal(z)
	if err == nil {
		err = s.db.SetBytes(zonesBucket, []byte(z.ID), data)
	}
	if err != nil {
		return fmt.Errorf("save zone %s: %w", z.ID, err)
	}
	s.zones[z.ID] = z
	s.tell()
	return nil
}

func (s *Store) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Remove forgets a zone; one that is not there is ErrNoZone.
func (s *Store) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.zones[id]; !ok {
		return ErrNoZone
	}
	return s.remove(id)
}

// RemoveCamera forgets all zones of a camera; none is not an error.
func (s *Store) RemoveCamera(camera string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, z := range s.zones {
		if z.Camera == camera {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return s.remove(ids...)
}

// remove deletes zones in one transaction and tells; mu is held.
func (s *Store) remove(ids ...string) error {
	err := s.db.Bolt.Update(func(tx *bolt.Tx) error {
		node := s.db.WithTransaction(tx)
		for _, id := range ids {
			if err := node.Delete(zonesBucket, []byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove zones %s: %w", strings.Join(ids, ", "), err)
	}
	for _, id := range ids {
		delete(s.zones, id)
	}
	s.tell()
	return nil
}

// PutCheckpoint keeps cp inside of tx, which writes the events that belong to
// it: that both are one transaction makes each event come once.
func (s *Store) PutCheckpoint(tx *bolt.Tx, cp Checkpoint) error {
	if err := s.db.WithTransaction(tx).SetBytes(placeBucket, []byte(placeKey), cp.Encode()); err != nil {
		return fmt.Errorf("save checkpoint of zones: %w", err)
	}
	return nil
}

// SaveCheckpoint keeps cp in a transaction of its own.
func (s *Store) SaveCheckpoint(cp Checkpoint) error {
	return s.db.Bolt.Update(func(tx *bolt.Tx) error { return s.PutCheckpoint(tx, cp) })
}

// Checkpoint returns what was kept last; false if nothing ever was. One that is
// not whole is ErrCheckpoint.
func (s *Store) Checkpoint() (Checkpoint, bool, error) {
	data, err := s.db.GetBytes(placeBucket, []byte(placeKey))
	switch {
	case errors.Is(err, storm.ErrNotFound):
		return Checkpoint{}, false, nil
	case err != nil:
		return Checkpoint{}, false, fmt.Errorf("read checkpoint of zones: %w", err)
	}
	cp, err := DecodeCheckpoint(data)
	return cp, err == nil, err
}

func (z Zone) clone() Zone {
	z.Points = slices.Clone(z.Points)
	if z.Points == nil {
		z.Points = []Point{}
	}
	z.Labels = append([]string{}, z.Labels...)
	return z
}
