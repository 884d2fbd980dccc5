package button

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/input-event-codes.h.
const (
	evKey    = 1
	released = 0
	pressed  = 1 // 2 is the kernel's own repetition
)

// event is the size of struct input_event: two words of time, type, code, value.
const eventBytes = int(2*unsafe.Sizeof(unix.Timeval{}.Sec)) + 8

// Input is a button that the kernel shows as an input device (kernel document
// input/input), such as one of its gpio-keys, which it has freed of bounce. Any key
// of the device is the button.
type Input struct {
	path string
	e    Edges
	lost func(error)
}

// NewInput returns the button of the device file path, such as /dev/input/event0.
// lost is told why the device cannot be read, once until it can.
func NewInput(path string, e Edges, lost func(error)) *Input {
	return &Input{path, e, lost}
}

// Run reads the button until ctx is done, and returns its cause. A device that is
// not there, or goes, is tried again.
func (i *Input) Run(ctx context.Context) error {
	return keepReading(ctx, i.e, i.lost, func(well func()) error {
		f, err := os.OpenFile(i.path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		well()
		return i.read(ctx, f)
	})
}

// read passes on the edges of f until it ends, or ctx does, and closes it.
func (i *Input) read(ctx context.Context, f *os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = f.Close() }) // ends the read
	defer func() {
		if stop() {
			_ = f.Close()
		}
	}()
	b := make([]byte, 64*eventBytes)
	for {
		n, err := f.Read(b)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("it is no input device")
			}
			return err
		}
		for e := b[:n]; len(e) >= eventBytes; e = e[eventBytes:] {
			i.edge(e[eventBytes-8:])
		}
	}
}

// edge takes type, code and value of one event.
func (i *Input) edge(e []byte) {
	if binary.NativeEndian.Uint16(e) != evKey {
		return
	}
	switch binary.NativeEndian.Uint32(e[4:]) {
	case pressed:
		i.e.Press()
	case released:
		i.e.Release()
	}
}
