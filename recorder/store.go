package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/asdine/storm/v3"
)

// store keeps the cameras in the state database. There are few of them, so
// ordinary storm records serve; every call is one transaction.
type store struct {
	node, bays storm.Node
	seal       Sealer
}

// newStore makes the store. What was kept unsealed before there was a Sealer
// is sealed at once.
func newStore(db storm.Node, seal Sealer) (*store, error) {
	if seal == nil {
		seal = unsealed{}
	}
	s := &store{node: db.From("cameras"), bays: db.From("volumes"), seal: seal}
	if err := s.node.Init(&Camera{}); err != nil {
		return nil, fmt.Errorf("prepare camera store: %w", err)
	}
	return s, nil
}

// all returns the cameras by id. One whose secrets cannot be opened is an
// error: to go on without them would lose them at the next change.
func (s *store) all() ([]Camera, error) {
	out, err := stored(s.node)
	if err != nil {
		return nil, err
	}
	for i := range out {
		kept := out[i]
		if err := out[i].each(s.seal.OpenText); err != nil {
			return nil, fmt.Errorf("open secrets: %w", err)
		}
		if _, none := s.seal.(unsealed); !none && (kept.Password == out[i].Password && kept.Password != "" ||
			kept.MainURL == out[i].MainURL && kept.MainURL != "" || kept.SubURL == out[i].SubURL && kept.SubURL != "") {
			if err := s.save(&out[i]); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b Camera) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// stored returns the cameras as they lie on disk.
func stored(node storm.Node) ([]Camera, error) {
	var out []Camera
	if err := node.All(&out); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return nil, fmt.Errorf("list cameras: %w", err)
	}
	return out, nil
}

// save keeps c. Its secrets are sealed inside of the transaction: a change of
// the key comes before it or after it, never between.
func (s *store) save(c *Camera) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("save camera %s: %w", c.ID, err)
		}
	}()
	tx, err := s.node.Begin(true)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	sealed := *c
	if err := sealed.each(s.seal.SealText); err != nil {
		return err
	}
	if err := tx.Save(&sealed); err != nil {
		return err
	}
	return tx.Commit()
}

// remove forgets the camera; one that is not there is not an error.
func (s *store) remove(id string) error {
	if err := s.node.DeleteStruct(&Camera{ID: id}); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return fmt.Errorf("remove camera %s: %w", id, err)
	}
	return nil
}

// saveHolds keeps the holds that wait for segments to close.
func (s *store) saveHolds(pending []interval) error {
	if err := s.node.Set("holds", "pending", pending); err != nil {
		return fmt.Errorf("save holds: %w", err)
	}
	return nil
}

// holds returns what saveHolds kept; nil if there is nothing.
func (s *store) holds() (pending []interval, err error) {
	if err := s.node.Get("holds", "pending", &pending); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return pending, nil
}

// saveEvidence keeps who holds what.
func (s *store) saveEvidence(book evidenceBook) error {
	if err := s.bays.Set("evidence", "book", book); err != nil {
		return fmt.Errorf("save holds: %w", err)
	}
	return nil
}

// evidence returns what saveEvidence kept, or nothing.
func (s *store) evidence() (book evidenceBook, err error) {
	if err := s.bays.Get("evidence", "book", &book); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return book, fmt.Errorf("read holds: %w", err)
	}
	return book, nil
}

// saveRetention keeps how much footage is kept.
func (s *store) saveRetention(set Retention) error {
	if err := s.bays.Set("retention", "set", set); err != nil {
		return fmt.Errorf("save retention: %w", err)
	}
	return nil
}

// retention returns what saveRetention kept, or nothing.
func (s *store) retention() (set Retention, err error) {
	if err := s.bays.Get("retention", "set", &set); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return set, fmt.Errorf("read retention: %w", err)
	}
	return set, nil
}

// saveVolume keeps which volume is in a bay.
func (s *store) saveVolume(name string, v knownVolume) error {
	if err := s.bays.Set("known", name, v); err != nil {
		return fmt.Errorf("save volume %s: %w", name, err)
	}
	return nil
}

// volume returns what saveVolume kept of a bay, or nothing.
func (s *store) volume(name string) (v knownVolume, err error) {
	if err := s.bays.Get("known", name, &v); err != nil && !errors.Is(err, storm.ErrNotFound) {
		return v, fmt.Errorf("read volume %s: %w", name, err)
	}
	return v, nil
}
