//go:build !linux

package gpio

import (
	"context"
	"errors"
)

// Chips are the lines of the kernel's GPIO controllers, on Linux.
type Chips struct{}

// Output implements Lines.
func (Chips) Output(Spec) (Output, error) { return nil, errors.ErrUnsupported }

// Watch implements Lines.
func (Chips) Watch(context.Context, Spec, func(bool)) error { return errors.ErrUnsupported }
