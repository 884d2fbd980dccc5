package button

import "context"

// Pin is a button that the kernel knows nothing of: on a line of a GPIO
// controller.
type Pin struct {
	watch func(ctx context.Context, edge func(down bool)) error
	e     Edges
	lost  func(error)
}

// NewPin returns the button on a line that watch reads, without bounce, until its
// context is done. lost is told why it cannot be read, once until it can.
func NewPin(watch func(ctx context.Context, edge func(down bool)) error, e Edges, lost func(error)) *Pin {
	return &Pin{watch, e, lost}
}

// Run reads the button until ctx is done, and returns its cause. A line that
// cannot be read is tried again.
func (p *Pin) Run(ctx context.Context) error {
	return keepReading(ctx, p.e, p.lost, func(well func()) error {
		return p.watch(ctx, func(down bool) {
			well()
			if down {
				p.e.Press()
			} else {
				p.e.Release()
			}
		})
	})
}
