package button

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// edges are told by name.
type edges chan string

func (e edges) Press()   { e <- "press" }
func (e edges) Release() { e <- "release" }
func (e edges) Lost()    { e <- "lost" }

// A pipe stands in for the device; a real one is in test/board.
func TestInputEventsBecomeEdges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	got := make(edges, 4)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	in := NewInput(path, got, func(err error) { t.Error(err) })
	go func() { done <- in.Run(ctx) }()
	send := func(kind uint16, value uint32) {
		e := make([]byte, eventBytes)
		binary.NativeEndian.PutUint16(e[eventBytes-8:], kind)
		binary.NativeEndian.PutUint32(e[eventBytes-4:], value)
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	send(4, 30) // a scan code
	send(evKey, pressed)
	send(evKey, 2)
	send(evKey, released)
	for _, want := range []string{"press", "release"} {
		if g := <-got; g != want {
			t.Errorf("a %s, want a %s", g, want)
		}
	}
	cancel()
	if g := <-got; g != "lost" {
		t.Errorf("in the end a %s, want it lost", g)
	}
	if err := <-done; err != context.Canceled {
		t.Errorf("Run = %v", err)
	}
}

func TestAnInputDeviceThatIsNotThereIsToldOnce(t *testing.T) {
	lost := make(chan error, 9)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	in := NewInput(filepath.Join(t.TempDir(), "event9"), make(edges, 9), func(err error) { lost <- err })
	go func() { done <- in.Run(ctx) }()
	if err := <-lost; !strings.Contains(err.Error(), "no such file") {
		t.Errorf("told %v", err)
	}
	cancel()
	if err := <-done; err != context.Canceled || len(lost) != 0 {
		t.Errorf("Run = %v, told %d times more", err, len(lost))
	}
}
