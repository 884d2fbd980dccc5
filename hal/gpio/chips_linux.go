package gpio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	pgpio "periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// Chips are the lines of the kernel's GPIO character devices (kernel document
// userspace-api/gpio/chardev), through periph's gpioioctl and no other of its
// drivers: those would map the registers of the chips. They are those that the
// kernel has when the first line is asked for.
type Chips struct{}

// claim asks the kernel for one line.
func (Chips) claim(s Spec, dir gpioioctl.LineDir, edge pgpio.Edge, pull pgpio.Pull) (*gpioioctl.LineSet, error) {
	if _, err := driverreg.Init(); err != nil { // the first time alone it does something
		return nil, fmt.Errorf("look for gpio controllers: %w", err)
	}
	var have []string
	for _, c := range gpioioctl.Chips {
		line := c.ByName(s.Line)
		if line == nil || s.Line == "" {
			for _, l := range c.Lines() {
				have = append(have, l.Name())
			}
			continue
		}
		set, err := c.LineSet(dir, edge, pull, s.Line)
		if err != nil && strings.Contains(err.Error(), unix.EBUSY.Error()) { // the driver keeps the words alone
			return nil, claimed(s.Line, line.Consumer())
		}
		if err != nil {
			return nil, fmt.Errorf("claim line %q: %w", s.Line, err)
		}
		return set, nil
	}
	return nil, noLine(s.Line, have)
}

// Output implements Lines.
func (c Chips) Output(s Spec) (Output, error) {
	set, err := c.claim(s, gpioioctl.LineOutput, pgpio.NoEdge, pgpio.PullNoChange)
	if err != nil {
		return nil, err
	}
	o := &output{set, s.Low}
	if err := o.Set(false); err != nil {
		return nil, errors.Join(fmt.Errorf("drive line %q: %w", s.Line, err), set.Close())
	}
	return o, nil
}

type output struct {
	set *gpioioctl.LineSet
	low bool
}

func (o *output) Set(on bool) error {
	var bits pgpio.GPIOValue
	if on != o.low {
		bits = 1
	}
	return o.set.Out(bits, 1)
}

func (o *output) Close() error { return o.set.Close() }

// notice is how long after ctx is done Watch may go on: the driver has no wait
// that ends for certain.
const notice = 250 * time.Millisecond

// Watch implements Lines. A line is pulled to where it is off, where its
// controller can.
func (c Chips) Watch(ctx context.Context, s Spec, edge func(on bool)) error {
	pull := pgpio.PullDown
	if s.Low {
		pull = pgpio.PullUp
	}
	set, err := c.claim(s, gpioioctl.LineInput, pgpio.BothEdges, pull)
	if err != nil {
		return err
	}
	defer set.Close()
	read := func() (bool, error) {
		bits, err := set.Read(1)
		return (bits&1 != 0) != s.Low, err
	}
	was, err := read()
	for err == nil && ctx.Err() == nil {
		if _, _, err = set.WaitForEdge(notice); errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
			continue // nothing happened
		}
		for err == nil { // until nothing happens for a while
			_, _, err = set.WaitForEdge(Bounce)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		var is bool
		if is, err = read(); err == nil && is != was {
			was = is
			edge(is)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("watch line %q: %w", s.Line, err)
}
