package led

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Kernel is a light of the kernel's LED class (kernel document leds/leds-class).
// Patterns are its timer trigger's: they go on while this process hangs.
type Kernel struct {
	dir string
	max string // brightness that is on

	mu      sync.Mutex
	set     bool // pattern is shown
	pattern Pattern
}

// Open returns the light called name below dir, which is /sys/class/leds. It
// changes nothing yet. The error is fs.ErrNotExist if there is no such light, and
// says which there are.
func Open(dir, name string) (*Kernel, error) {
	k := &Kernel{dir: filepath.Join(dir, name)}
	if name == "" || name != filepath.Base(name) {
		return nil, fmt.Errorf("light %q: %w", name, fs.ErrInvalid)
	}
	raw, err := os.ReadFile(filepath.Join(k.dir, "max_brightness"))
	if err != nil {
		return nil, fmt.Errorf("light %q, of those there are (%s): %w", name, strings.Join(names(dir), ", "), err)
	}
	k.max = strings.TrimSpace(string(raw))
	if n, err := strconv.Atoi(k.max); err != nil || n < 1 {
		return nil, fmt.Errorf("light %q has a brightness of up to %q", name, k.max)
	}
	return k, nil
}

// names lists the lights below dir.
func names(dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// Set implements Light. After an error it is not known what is shown, and the
// same pattern is tried again next time.
func (k *Kernel) Set(p Pattern) error {
	if err := p.check(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set && k.pattern == p {
		return nil
	}
	k.set, k.pattern = false, p
	if err := k.show(p); err != nil {
		return fmt.Errorf("set light to %v: %w", p, err)
	}
	k.set = true
	return nil
}

func (k *Kernel) show(p Pattern) error {
	switch p {
	case Off:
		return errors.Join(k.write("trigger", "none"), k.write("brightness", "0"))
	case Solid:
		return errors.Join(k.write("trigger", "none"), k.write("brightness", k.max))
	}
	on, off := p.Times()
	if err := k.write("trigger", "timer"); err != nil {
		return fmt.Errorf("%w; is the kernel's ledtrig-timer there?", err)
	}
	// The files are there once the trigger is.
	return errors.Join(k.write("delay_on", strconv.FormatInt(on.Milliseconds(), 10)), k.write("delay_off", strconv.FormatInt(off.Milliseconds(), 10)))
}

// write does not make files: in /sys the kernel does.
func (k *Kernel) write(name, value string) error {
	f, err := os.OpenFile(filepath.Join(k.dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Pattern returns what was set last.
func (k *Kernel) Pattern() Pattern {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pattern
}
