package card

import (
	"errors"
	"fmt"
)

// WithSetup mounts vedette-setup at dir, which is /setup, calls f, and unmounts it: when it
// returns nil, what f wrote is on the card. f gets nil, or why it can only read:
// a worn card, or a file system that a PC left damaged. It returns f's error, and an
// error without calling f where there is no such partition or it cannot be mounted.
func (c *Card) WithSetup(dir string, f func(readOnly error) error) (err error) {
	part, ok := c.Part(Setup)
	if !ok || part.Node == "" {
		return fmt.Errorf("the card has no %s", Setup)
	}
	switch _, is, err := c.at.mountedAt(dir); {
	case err != nil:
		return err
	case is: // left by a process that was killed
		if err := c.machine.Unmount(dir); err != nil {
			return err
		}
	}
	// Names of 8.3 and plain ASCII are all that is asked of it; only root reads secrets.
	m := mounting{source: part.Node, dir: dir, fs: "vfat", data: "umask=0077"}
	readOnly := c.machine.Mount(m)
	if readOnly != nil {
		m.readOnly = true
		if err := c.machine.Mount(m); err != nil {
			return errors.Join(readOnly, err)
		}
	}
	defer func() { err = errors.Join(err, c.machine.Unmount(dir)) }()
	return f(readOnly)
}
