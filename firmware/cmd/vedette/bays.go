package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/asdine/storm/v3"

	"vedette/firmware/disks"
	"vedette/hal/disk"
	"vedette/perception/events"
	"vedette/recorder"
	"vedette/web/api"
)

// openBays mounts the disks that belong to volumes, before the recorder looks for
// them. A volume has a place for a disk if it is to be a mount point. On the
// simulated board no disk is touched.
func (p *process) openBays(db *storm.DB, volumes []recorder.VolumeOptions) (err error) {
	var places []disks.Place
	for _, v := range volumes {
		if v.MountPoint {
			places = append(places, disks.Place{Volume: v.Name, Dir: v.Dir})
		}
	}
	if len(places) == 0 || p.board.board.ID == "sim" {
		return nil
	}
	p.bays, err = disks.New(disks.Options{
		Kernel: disks.System{}, Places: places, State: db, Log: p.log,
		Rest: func(ctx context.Context, volume string) error { return p.recorder.RestVolume(ctx, volume) },
		Wake: func(volume string) error {
			if p.recorder == nil { // it is about to look by itself
				return nil
			}
			return p.recorder.WakeVolume(volume)
		},
		Emit: func(kind string, bad bool, payload map[string]any) {
			e := events.Event{Type: kind, Payload: payload}
			if bad {
				e.Severity = events.Critical
			}
			p.events.Emit(e)
		},
	})
	if err != nil {
		return err
	}
	p.bays.Begin()
	p.closers = append(p.closers, p.bays.Close) // after the recorder, which is opened later
	return nil
}

func (p *process) runBays(ctx context.Context) error {
	if p.bays == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return p.bays.Run(ctx)
}

// apiDisks shows the disks to the API, nil where none has a place.
func (p *process) apiDisks() api.Disks {
	if p.bays == nil {
		return nil
	}
	return apiDisks{p.bays, p.tellDisk}
}

// tellDisk makes an event of what somebody asked for.
func (p *process) tellDisk(what, name, volume, by string) {
	p.events.Emit(events.Event{Type: "disk_" + what + "_asked", Payload: map[string]any{"disk": name, "volume": volume, "by": by}})
}

type apiDisks struct {
	m    *disks.Manager
	tell func(what, disk, volume, by string)
}

// diskError maps errors to the API's.
func diskError(err error) error {
	switch {
	case errors.Is(err, disks.ErrNoDisk):
		return api.ErrNotFound
	case errors.Is(err, disks.ErrNoPlace):
		return &api.FieldError{Name: "volume", Message: err.Error()}
	case errors.Is(err, disk.ErrConfirm):
		return &api.FieldError{Name: "confirm", Message: "is not what the disk is called"}
	case errors.Is(err, disks.ErrBusy), errors.Is(err, disks.ErrTaken), errors.Is(err, disks.ErrContent):
		return fmt.Errorf("%s: %w", err.Error(), api.ErrConflict)
	}
	return err
}

func (a apiDisks) Disks(context.Context) (api.DiskList, error) {
	all, err := a.m.Disks()
	if err != nil {
		return api.DiskList{}, err
	}
	out := api.DiskList{Disks: []api.Disk{}, Volumes: []string{}}
	for _, p := range a.m.Places() {
		out.Volumes = append(out.Volumes, p.Volume)
	}
	for _, d := range all {
		v := api.Disk{
			Name: d.Name, Kind: d.Kind, Model: d.Model, Serial: d.Serial, Bytes: d.Bytes, Removable: d.Removable,
			Busy: d.Busy, Phrase: d.Phrase, Volume: d.Volume, Working: d.Working, Parts: []api.DiskPart{},
		}
		for _, p := range d.Parts {
			v.Parts = append(v.Parts, api.DiskPart{Name: p.Name, FS: p.FS, Label: p.Label, Bytes: p.Bytes, Mount: p.Mount})
		}
		out.Disks = append(out.Disks, v)
	}
	return out, nil
}

func (a apiDisks) PrepareDisk(_ context.Context, name, volume, confirm, by string) error {
	if err := a.m.Prepare(name, volume, confirm); err != nil {
		return diskError(err)
	}
	a.tell("prepare", name, volume, by)
	return nil
}

func (a apiDisks) UseDisk(ctx context.Context, name, volume, by string) error {
	if err := a.m.Use(ctx, name, volume); err != nil {
		return diskError(err)
	}
	a.tell("use", name, volume, by)
	return nil
}

func (a apiDisks) RemoveDisk(ctx context.Context, volume, by string) error {
	a.tell("remove", "", volume, by)
	err := a.m.Remove(ctx, volume)
	if errors.Is(err, disks.ErrNoPlace) {
		return api.ErrNotFound
	}
	return diskError(err)
}
