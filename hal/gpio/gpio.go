// Package gpio owns the lines of a board's GPIO controllers: it finds them by the
// names the kernel gives them, and drives and reads them. It has no policy; a
// light or a button on a line is what led and button make of it.
package gpio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors a caller may test for.
var (
	// ErrNoLine says that no controller has a line of that name.
	ErrNoLine = errors.New("no such line")
	// ErrClaimed says that the kernel, or another process, has the line.
	ErrClaimed = errors.New("the line is in use")
)

// Spec names a line.
type Spec struct {
	Line string // as in gpio-line-names of the device tree: GPIO17
	Low  bool   // low voltage is on, or pressed
}

// prefix is how a line is told from other names in a configuration.
const prefix = "gpio:"

// Is reports whether a configured name is meant to be a line.
func Is(s string) bool { return strings.HasPrefix(s, prefix) }

// Parse reads "gpio:GPIO17", or "gpio:GPIO17:low" where low voltage is on. The
// name may have colons itself.
func Parse(s string) (Spec, error) {
	name, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return Spec{}, fmt.Errorf("%q is no line: write gpio:NAME or gpio:NAME:low", s)
	}
	name, low := strings.CutSuffix(name, ":low")
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Spec{}, fmt.Errorf("%q names no line: write gpio:NAME or gpio:NAME:low", s)
	}
	return Spec{name, low}, nil
}

// Output is a line that is driven. Set may be called concurrently.
type Output interface {
	Set(on bool) error
	Close() error
}

// Lines are the lines of a machine. Implementations are safe for concurrent use.
type Lines interface {
	// Output claims a line and drives it off. It returns ErrNoLine, with the names
	// there are, or ErrClaimed, with the name of who has it.
	Output(Spec) (Output, error)
	// Watch claims a line and calls edge with whether it is on, for each change
	// that lasts for Bounce, until ctx is done; then it returns its cause. It
	// returns ErrNoLine and ErrClaimed as Output does.
	Watch(ctx context.Context, s Spec, edge func(on bool)) error
}

// Bounce is how long a level must last to count.
const Bounce = 20 * time.Millisecond

// noLine is the error of a name that no controller has.
func noLine(name string, have []string) error {
	have = slices.DeleteFunc(slices.Clone(have), func(s string) bool { return s == "" })
	if len(have) == 0 {
		return fmt.Errorf("line %q: %w: this machine names none", name, ErrNoLine)
	}
	slices.Sort(have)
	return fmt.Errorf("line %q: %w; there are %s", name, ErrNoLine, strings.Join(have, ", "))
}

// claimed is the error of a line that somebody has.
func claimed(name, by string) error {
	if by == "" {
		return fmt.Errorf("line %q: %w", name, ErrClaimed)
	}
	return fmt.Errorf("line %q: %w by %q", name, ErrClaimed, by)
}

// Fake are lines in memory. Make it with NewFake.
type Fake struct {
	mu     sync.Mutex
	levels map[string]bool   // voltage, by line
	owners map[string]string // "" = free
	edges  map[string]func(high bool)
}

// NewFake returns lines of these names, all low and free.
func NewFake(names ...string) *Fake {
	f := &Fake{levels: map[string]bool{}, owners: map[string]string{}, edges: map[string]func(bool){}}
	for _, n := range names {
		f.levels[n] = false
	}
	return f
}

// Claim gives a line to somebody else, as the kernel does with its own lights.
func (f *Fake) Claim(name, by string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owners[name] = by
}

// High reports the voltage of a line.
func (f *Fake) High(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.levels[name]
}

// Drive sets the voltage of a line from outside: a button is pressed.
func (f *Fake) Drive(name string, high bool) {
	f.mu.Lock()
	edge := f.edges[name]
	changed := f.levels[name] != high
	f.levels[name] = high
	f.mu.Unlock()
	if changed && edge != nil {
		edge(high)
	}
}

func (f *Fake) take(name string) error {
	if _, ok := f.levels[name]; !ok {
		var have []string
		for n := range f.levels {
			have = append(have, n)
		}
		return noLine(name, have)
	}
	if by := f.owners[name]; by != "" {
		return claimed(name, by)
	}
	f.owners[name] = "us"
	return nil
}

// Output implements Lines.
func (f *Fake) Output(s Spec) (Output, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.take(s.Line); err != nil {
		return nil, err
	}
	f.levels[s.Line] = s.Low
	return &fakeOutput{f, s}, nil
}

type fakeOutput struct {
	f *Fake
	s Spec
}

func (o *fakeOutput) Set(on bool) error {
	o.f.mu.Lock()
	defer o.f.mu.Unlock()
	o.f.levels[o.s.Line] = on != o.s.Low
	return nil
}

func (o *fakeOutput) Close() error {
	o.f.mu.Lock()
	defer o.f.mu.Unlock()
	delete(o.f.owners, o.s.Line)
	return nil
}

// Watch implements Lines. Drive decides what lasts.
func (f *Fake) Watch(ctx context.Context, s Spec, edge func(on bool)) error {
	f.mu.Lock()
	if err := f.take(s.Line); err != nil {
		f.mu.Unlock()
		return err
	}
	f.edges[s.Line] = func(high bool) { edge(high != s.Low) }
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.edges, s.Line)
	delete(f.owners, s.Line)
	return context.Cause(ctx)
}
