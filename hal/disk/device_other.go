//go:build !linux

package disk

import "os"

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
