//go:build !linux

package button

import (
	"context"
	"errors"
)

// Input is a button that the kernel shows as an input device.
type Input struct{ lost func(error) }

// NewInput returns the button of a device file.
func NewInput(_ string, _ Edges, lost func(error)) *Input { return &Input{lost} }

// Run waits until ctx is done.
func (i *Input) Run(ctx context.Context) error {
	i.lost(errors.ErrUnsupported)
	<-ctx.Done()
	return context.Cause(ctx)
}
