//go:build !linux

package disk

import (
	"context"
	"errors"
	"os"
)

// Device is a disk.
type Device struct{ Info Info }

// Of returns the disk that holds dir.
func Of(string) (*Device, error) { return &Device{Info: Info{Kind: Unknown}}, nil }

// Health asks the disk.
func (d *Device) Health() Health { return unknown("this system has no way to ask") }

// Written returns the bytes sent to the disk since it came.
func (d *Device) Written() (int64, bool) { return 0, false }

// Trim tells the disk what is free.
func Trim(*os.File, uint64, uint64, uint64) (uint64, error) { return 0, ErrNoTrim }

// List returns the disks that the kernel has.
func List() ([]*Device, error) { return nil, nil }

// Watch tells what comes and goes: here nothing, and it returns at once.
func Watch(context.Context, func(Change)) error { return errors.ErrUnsupported }

// Parts returns what is on the disk.
func (d *Device) Parts() ([]Part, error) { return nil, errors.ErrUnsupported }

// Busy returns why the disk must not be touched.
func (d *Device) Busy() (string, error) { return "", errors.ErrUnsupported }

// Prepare makes the disk ready for footage.
func (d *Device) Prepare(context.Context, PrepareOptions) (Part, error) {
	return Part{}, errors.ErrUnsupported
}

// Eject makes the disk ready to be unplugged.
func (d *Device) Eject() error { return errors.ErrUnsupported }

// Mount mounts a file system.
func Mount(dev, dir string) error { return errors.ErrUnsupported }

// Unmount unmounts it.
func Unmount(dir string) error { return errors.ErrUnsupported }
