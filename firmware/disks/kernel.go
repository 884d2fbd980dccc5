package disks

import (
	"context"

	"vedette/hal/disk"
)

// System is the machine this runs on.
type System struct{}

type device struct{ *disk.Device }

func (d device) About() disk.Info { return d.Info }

// List implements Kernel.
func (System) List() ([]Device, error) {
	all, err := disk.List()
	out := make([]Device, len(all))
	for i, d := range all {
		out[i] = device{d}
	}
	return out, err
}

// Mount implements Kernel.
func (System) Mount(dev, dir string) error { return disk.Mount(dev, dir) }

// Unmount implements Kernel.
func (System) Unmount(dir string) error { return disk.Unmount(dir) }

// Watch implements Kernel.
func (System) Watch(ctx context.Context, f func(disk.Change)) error { return disk.Watch(ctx, f) }
