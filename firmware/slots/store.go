package slots

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Where the blocks lie in the partition. They are apart from each other by what a
// kernel writes at once.
const (
	offsetFirst    = 0
	offsetSecond   = 8 * BlockBytes
	offsetFallback = 16 * BlockBytes
)

// Device is what the state is kept on. *os.File is one.
type Device interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Store reads and writes the state. Its methods may be called concurrently, and a
// store of Open also keeps out those of other processes while it changes something.
type Store struct {
	mu   sync.Mutex
	dev  Device
	file *os.File // nil = not of Open
}

// NewStore returns a store on a device that nobody else writes.
func NewStore(dev Device) *Store { return &Store{dev: dev} }

// Open returns a store on a partition or file, which Close closes.
func Open(path string) (*Store, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the state of the slots: %w", err)
	}
	return &Store{dev: f, file: f}, nil
}

// Close ends the use of a store of Open.
func (s *Store) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// lock keeps others out until the function that it returns is called.
func (s *Store) lock() (unlock func(), err error) {
	s.mu.Lock()
	if s.file == nil {
		return s.mu.Unlock, nil
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(s.file.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("lock the state of the slots: %w", err)
	}
	return func() {
		_ = unix.Flock(int(s.file.Fd()), unix.LOCK_UN) // at the latest Close does it
		s.mu.Unlock()
	}, nil
}

// copies is what is on the device.
type copies struct {
	state State
	// first says that the first copy is valid, same that the second one is equal.
	first, same bool
}

func (s *Store) block(at int64) (State, error) {
	block := make([]byte, BlockBytes)
	if _, err := s.dev.ReadAt(block, at); err != nil {
		return State{}, err
	}
	return Parse(block)
}

func (s *Store) read() (copies, error) {
	first, firstErr := s.block(offsetFirst)
	second, secondErr := s.block(offsetSecond)
	switch {
	case firstErr == nil:
		return copies{first, true, secondErr == nil && first.Equal(second)}, nil
	case secondErr == nil:
		return copies{state: second}, nil
	case errors.Is(firstErr, ErrBlock) && errors.Is(secondErr, ErrBlock):
		return copies{state: Default()}, nil
	}
	return copies{}, fmt.Errorf("read the state of the slots: %w", errors.Join(firstErr, secondErr))
}

// Load returns the state: the first copy that is valid, else Default. The error is
// that of a device that cannot be read.
func (s *Store) Load() (State, error) {
	unlock, err := s.lock()
	if err != nil {
		return State{}, err
	}
	defer unlock()
	c, err := s.read()
	return c.state, err
}

// write makes one block durable.
func (s *Store) write(state State, at int64) error {
	block, err := state.Bytes()
	if err != nil {
		return err
	}
	if _, err := s.dev.WriteAt(block, at); err != nil {
		return fmt.Errorf("write the state of the slots: %w", err)
	}
	if err := s.dev.Sync(); err != nil {
		return fmt.Errorf("write the state of the slots: %w", err)
	}
	return nil
}

// Update has f make a new state of what there is, and makes it durable: the first
// copy, a flush, the second copy, a flush. A power cut leaves the state before or
// after, even if it ruins the block that is being written. An error of f is returned
// as it is, and nothing is written then, nor if nothing has changed. After any other
// error the state may be the one before or after.
func (s *Store) Update(f func(State) (State, error)) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := s.read()
	if err != nil {
		return err
	}
	state, err := f(c.state)
	if err != nil {
		return err
	}
	if c.same && state.Equal(c.state) {
		return nil
	}
	if c.first && !c.same {
		// A cut came between the copies: the second one is no help until it is whole.
		if err := s.write(c.state, offsetSecond); err != nil {
			return err
		}
	}
	if err := s.write(state, offsetFirst); err != nil {
		return err
	}
	return s.write(state, offsetSecond)
}

// Save makes a state durable, as Update does.
func (s *Store) Save(state State) error {
	return s.Update(func(State) (State, error) { return state, nil })
}

// SetFallback makes the state to fall back to durable. It must be there before a slot
// is activated.
func (s *Store) SetFallback(state State) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return s.write(state, offsetFallback)
}

// Fallback returns the state to fall back to. The error is ErrBlock if there is none.
func (s *Store) Fallback() (State, error) {
	unlock, err := s.lock()
	if err != nil {
		return State{}, err
	}
	defer unlock()
	return s.block(offsetFallback)
}
