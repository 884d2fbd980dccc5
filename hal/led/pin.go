package led

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pin is a light that the kernel knows nothing of: on a line of a GPIO
// controller. Patterns are ours, so it blinks while Run runs, and stays as it was
// when this process hangs. Where there is a choice, Kernel is better.
type Pin struct {
	drive func(on bool) error
	woken chan struct{}

	mu      sync.Mutex
	set     bool // pattern is shown
	pattern Pattern
	err     error // of the last change while it blinked, told by the next Set
}

// NewPin returns a light that is switched by drive, one call at a time. It is
// dark until it is set.
func NewPin(drive func(on bool) error) *Pin {
	return &Pin{drive: drive, woken: make(chan struct{}, 1)}
}

// Set implements Light. A pattern with a period begins with on; without Run it
// stays so. It returns what went wrong while the last pattern blinked, too.
func (p *Pin) Set(to Pattern) error {
	if err := to.check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set && p.pattern == to && p.err == nil {
		return nil
	}
	p.pattern, p.err = to, nil
	if err := p.drive(to != Off); err != nil {
		p.set = false
		return fmt.Errorf("set light to %v: %w", to, err)
	}
	p.set = true
	select {
	case p.woken <- struct{}{}:
	default:
	}
	return nil
}

// Pattern returns what was set last.
func (p *Pin) Pattern() Pattern {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pattern
}

// Run makes patterns blink until ctx is done, and returns its cause.
func (p *Pin) Run(ctx context.Context) error {
	on := true // as Set leaves it
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		lit, dark := p.Pattern().Times()
		if on {
			dark = lit
		}
		if dark > 0 {
			timer.Reset(dark)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.woken: // Set has switched it on
			on = true
		case <-timer.C:
			on = !on
			p.blink(on)
		}
	}
}

// blink switches the light, if its pattern still has a period.
func (p *Pin) blink(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lit, _ := p.pattern.Times(); lit == 0 {
		return
	}
	if err := p.drive(on); err != nil {
		p.err = err
	}
}
