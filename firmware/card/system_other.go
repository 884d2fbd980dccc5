//go:build !linux

package card

import (
	"context"
	"errors"
)

// system is a machine without cards.
type system struct{}

func deviceOf(string) (major, minor uint32, err error) { return 0, 0, errors.ErrUnsupported }

func (system) Program(context.Context, string, ...string) (string, int, error) {
	return "", 0, errors.ErrUnsupported
}
func (system) WriteTable(string, table) error                  { return errors.ErrUnsupported }
func (system) AddPartition(string, int, int64, int64) error    { return errors.ErrUnsupported }
func (system) ResizePartition(string, int, int64, int64) error { return errors.ErrUnsupported }
func (system) Mount(mounting) error                            { return errors.ErrUnsupported }
func (system) Unmount(string) error                            { return errors.ErrUnsupported }
func (system) Probe(string) error                              { return errors.ErrUnsupported }
func (system) Trim(string) (int64, error)                      { return 0, errors.ErrUnsupported }
func (system) Discard(string, int64) error                     { return errors.ErrUnsupported }
