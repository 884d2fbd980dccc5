package recorder

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Sealer makes secrets unreadable to whoever has the state database alone.
// What is sealed for one place opens for no other.
type Sealer interface {
	// SealText returns plain as it may lie on disk; "" stays "".
	SealText(table, id, field, plain string) (string, error)
	// OpenText undoes it. A text that was never sealed comes back as it is.
	OpenText(table, id, field, stored string) (string, error)
}

// camerasTable names the class of secrets that cameras have.
const camerasTable = "cameras"

// secrets are the fields of a camera that are sealed on disk: the addresses
// too, because some makers want the password in them.
func (c *Camera) secrets() map[string]*string {
	return map[string]*string{"password": &c.Password, "main_url": &c.MainURL, "sub_url": &c.SubURL}
}

// each replaces every secret of c by what change makes of it.
func (c *Camera) each(change func(table, id, field, text string) (string, error)) error {
	for field, text := range c.secrets() {
		changed, err := change(camerasTable, c.ID, field, *text)
		if err != nil {
			return fmt.Errorf("%s of camera %s: %w", field, c.ID, err)
		}
		*text = changed
	}
	return nil
}

// Reseal changes how the secrets of all cameras lie on disk, inside of tx: each
// is what change makes of what is stored. It returns how many there are. It is
// one with changes of cameras: those come before tx or after it.
func (r *Recorder) Reseal(tx *bolt.Tx, change func(table, id, field, stored string) (string, error)) (n int, err error) {
	node := r.store.node.WithTransaction(tx)
	all, err := stored(node)
	if err != nil {
		return 0, err
	}
	for i := range all {
		for _, text := range all[i].secrets() {
			if *text != "" {
				n++
			}
		}
		if err := all[i].each(change); err != nil {
			return 0, err
		}
		if err := node.Save(&all[i]); err != nil {
			return 0, fmt.Errorf("save camera %s: %w", all[i].ID, err)
		}
	}
	return n, nil
}

// unsealed is for recorders that nobody gave a Sealer.
type unsealed struct{}

func (unsealed) SealText(_, _, _, plain string) (string, error)  { return plain, nil }
func (unsealed) OpenText(_, _, _, stored string) (string, error) { return stored, nil }
