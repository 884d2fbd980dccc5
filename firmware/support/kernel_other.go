//go:build !linux

package support

import "errors"

// KernelLog is for Linux alone.
func KernelLog() ([]byte, error) { return nil, errors.ErrUnsupported }
